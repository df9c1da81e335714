"""A host and its processes as flat rows: the shapes that scripts read, with runctl's own names where it had any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runctl_tui.domain.host import FileSystem, HostProcess, HostReading
from runctl_tui.domain.run import GpuReading, ResourceUsage
from runctl_tui.headless.output import Row, duration, facts, size, table

MIB = 1024**2
GIB = 1024**3
_COLUMNS = {
    "PID": "pid",
    "USER": "user",
    "CPU %": "cpu_percent",
    "MEM MB": "memory_mb",
    "GPU MB": "gpu_memory_mb",
    "RUN": "run_id",
    "AGE": "age",
    "COMMAND": "command",
}


def host_data(reading: HostReading, processes: Sequence[HostProcess], taken_at: datetime) -> Row:
    """Return everything about a host, with only these of its processes; sizes in MiB and GiB under runctl's names."""
    usage = reading.usage
    return {
        "instance_id": reading.key.partition("/")[2],
        "key": reading.key,
        "name": reading.name,
        "hostname": reading.hostname,
        "timestamp": taken_at,
        "uptime_seconds": reading.uptime,
        "resource_usage": None if usage is None else _usage(reading, usage),
        "processes": [_process(one, usage) for one in processes],
        "processes_total": reading.total,
    }


def host_text(reading: HostReading, processes: Sequence[HostProcess]) -> str:
    """Return the same for people: facts over a table."""
    usage = reading.usage
    if usage is None:
        return f"{reading.name or reading.key}: nothing is known"
    rows = [{**_process(one, usage), "age": duration(one.seconds), "user": one.user or None} for one in processes]
    load = " ".join(f"{one:.2f}" for one in reading.load)
    pairs = [
        ("host", f"{reading.name} ({reading.hostname}), up {duration(reading.uptime)}"),
        ("cpu", f"{_percent(usage.cpu_percent)} of {reading.cpus or '?'} cores, load {load or '?'}"),
        ("memory", _of(_bytes(usage.memory_used_mib), _bytes(usage.memory_total_mib))),
        *((f"disk {one.path}", _of(one.used_bytes, one.total_bytes)) for one in reading.disks),
        ("network", f"{_rate(usage.network_in_bytes)} in, {_rate(usage.network_out_bytes)} out"),
        ("disk i/o", f"{_rate(reading.disk_read_per_s)} read, {_rate(reading.disk_written_per_s)} written"),
        *((f"gpu {gpu.index}", _gpu_words(gpu)) for gpu in usage.gpus),
        *((("gpu", reading.gpu_problem or "none"),) if not usage.gpus else ()),
        ("processes", f"{len(processes)} of {reading.total}"),
    ]
    return f"{facts(pairs)}\n\n{table(rows, _COLUMNS, 'no processes are told')}"


def _usage(reading: HostReading, usage: ResourceUsage) -> Row:
    used, total = usage.memory_used_mib, usage.memory_total_mib
    return {
        "cpu_percent": usage.cpu_percent,
        "cpu_cores_percent": reading.cores,
        "cpus": reading.cpus,
        "load": reading.load,
        "memory_used_gb": _divided(used, 1024),
        "memory_total_gb": _divided(total, 1024),
        "memory_percent": _share(used, total),
        "disk_usage": [_disk(one) for one in reading.disks],
        "disk_read_bytes_per_second": reading.disk_read_per_s,
        "disk_written_bytes_per_second": reading.disk_written_per_s,
        "network": [
            {
                "interface": one.name,
                "received_bytes_per_second": one.received_per_s,
                "sent_bytes_per_second": one.sent_per_s,
            }
            for one in reading.interfaces
        ],
        "gpu_info": {"gpus": [_gpu(gpu) for gpu in usage.gpus], "problem": reading.gpu_problem},
    }


def _disk(one: FileSystem) -> Row:
    used, total = one.used_bytes, one.total_bytes
    return {
        "mount_point": one.path,
        "used_gb": _divided(used, GIB),
        "total_gb": _divided(total, GIB),
        "percent": _share(used, total),
    }


def _gpu(gpu: GpuReading) -> Row:
    return {
        "index": gpu.index,
        "name": gpu.name,
        "memory_used_mb": gpu.memory_used_mib,
        "memory_total_mb": gpu.memory_total_mib,
        "memory_percent": _share(gpu.memory_used_mib, gpu.memory_total_mib),
        "utilization_percent": gpu.utilization,
        "temperature_c": gpu.temperature_c,
        "power_draw_w": gpu.power_w,
    }


def _process(one: HostProcess, usage: ResourceUsage | None) -> Row:
    memory = one.memory_bytes / MIB
    return {
        "pid": one.pid,
        "user": one.user,
        "command": one.command,
        "cpu_percent": one.cpu_percent,
        "memory_mb": round(memory, 1),
        "memory_percent": _share(memory, usage.memory_total_mib if usage else None),
        "gpus": one.gpus,
        "gpu_memory_mb": one.gpu_memory_mib if one.gpus or one.gpu_memory_mib is not None else 0,
        "runtime": one.seconds,
        "state": one.state,
        "threads": one.threads,
        "run_id": one.run_id,
        "own": one.own,
    }


def _gpu_words(gpu: GpuReading) -> str:
    memory = _of(_bytes(gpu.memory_used_mib), _bytes(gpu.memory_total_mib))
    heat = "" if gpu.temperature_c is None else f", {gpu.temperature_c:.0f} °C"
    power = "" if gpu.power_w is None else f", {gpu.power_w:.0f} W"
    return f"{gpu.name}: {_percent(gpu.utilization)}, {memory}{heat}{power}"


def _of(used: float | None, total: float | None) -> str:
    if used is None or total is None:
        return "does not answer"
    return f"{size(int(used))} of {size(int(total))} ({_percent(_share(used, total))})"


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f} %"


def _rate(per_second: float | None) -> str:
    return "?" if per_second is None else f"{size(int(per_second))}/s"


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else round(100 * part / whole, 1)


def _divided(value: float | None, unit: int) -> float | None:
    return None if value is None else round(value / unit, 2)


def _bytes(mib: float | None) -> float | None:
    return None if mib is None else mib * MIB
