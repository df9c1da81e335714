"""What the Host screen says about a host and a process: bars, details; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runctl_tui import modals
from runctl_tui.domain.host import HostProcess, HostReading
from runctl_tui.domain.run import GpuReading, ResourceUsage
from runctl_tui.domain.text import safe
from runctl_tui.modals.words import UNKNOWN, duration, size
from runctl_tui.screens.columns.processes import gpu_memory
from runctl_tui.widgets.meters import Meter

MIB: Final = 1024**2
MOST_CORES: Final = 16
"""Cores that are drawn one by one."""
LEVELS: Final = "▁▂▃▄▅▆▇█"
UNITS: Final = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6))
_STATES: Final = {
    "R": "running",
    "S": "sleeping",
    "D": "waiting for a disk",
    "T": "stopped",
    "t": "traced",
    "I": "idle",
}


def meters(reading: HostReading, most_disks: int) -> tuple[Meter, ...]:
    """Return the bars of a host that was heard of, nothing before."""
    usage = reading.usage
    if usage is None:
        return ()
    return (
        Meter(
            safe("CPU"),
            safe(_cpu_words(reading, usage)),
            safe(_cpu_words(reading, usage, brief=True)),
            _share(usage.cpu_percent, 100.0),
        ),
        _amounts("MEM", usage.memory_used_mib, usage.memory_total_mib),
        Meter(safe("NET"), safe(f"↓ {_rate(usage.network_in_bytes)}  ↑ {_rate(usage.network_out_bytes)}")),
        Meter(safe("DISK I/O"), safe(f"↓ {_rate(reading.disk_read_per_s)}  ↑ {_rate(reading.disk_written_per_s)}")),
        *_gpus(reading, usage),
        *(
            _amounts(one.path, _mib(one.used_bytes), _mib(one.total_bytes), "does not answer")
            for one in reading.disks[:most_disks]
        ),
    )


def title_words(reading: HostReading) -> str:
    """Return what the title says besides counts."""
    load = " ".join(f"{one:.1f}" for one in reading.load)
    words = (f"load {load}" if load else "", f"up {duration(reading.uptime)}" if reading.uptime is not None else "")
    return "   ".join(word for word in words if word)


def host_sections(reading: HostReading) -> tuple[modals.Section, ...]:
    """Return everything known about a host."""
    fact, usage = modals.fact, reading.usage
    cores = "  ".join(UNKNOWN if one is None else f"{one:.0f} %" for one in reading.cores)
    host = (
        fact("name", reading.hostname),
        fact("cores", f"{reading.cpus or UNKNOWN}: {cores}"),
        fact("load", "  ".join(f"{one:.2f}" for one in reading.load) or UNKNOWN),
        fact("up", duration(reading.uptime)),
        fact("processes", reading.total),
    )
    disks = tuple(fact(one.path, _of(one.used_bytes, one.total_bytes)) for one in reading.disks)
    nets = tuple(
        fact(one.name, f"received {_rate(one.received_per_s)}  sent {_rate(one.sent_per_s)}")
        for one in reading.interfaces
    )
    gpus = tuple(fact(f"GPU {gpu.index}", f"{gpu.name}  {_gpu_words(gpu)}") for gpu in (usage.gpus if usage else ()))
    return (
        modals.Section(safe("Host"), host),
        modals.Section(safe("GPUs"), gpus or (fact("", reading.gpu_problem or "none"),)),
        modals.Section(safe("File systems"), disks or (fact("", "none known"),)),
        modals.Section(safe("Network"), nets or (fact("", "none known"),)),
    )


def process_sections(row: HostProcess, run_name: str) -> tuple[modals.Section, ...]:
    """Return everything known about a process."""
    fact = modals.fact
    gpus = f"{gpu_memory(row).text} on GPU {', '.join(map(str, row.gpus)) or UNKNOWN}"
    return (
        modals.Section(safe("Process"), (
            fact("number", row.pid), fact("name", row.name), fact("user", row.user or UNKNOWN),
            fact("state", _STATES.get(row.state, row.state)), fact("parent", row.parent),
            fact("run", run_name or row.run_id or "none known"), fact("begun", f"{duration(row.seconds)} ago"),
        )),
        modals.Section(safe("Uses"), (
            fact("processor", f"{row.cpu_percent:.1f} % of a core, {duration(row.cpu_seconds)} so far"),
            fact("threads", row.threads), fact("memory", size(row.memory_bytes)),
            fact("GPU", gpus if row.gpu_use else "none"),
        )),
        modals.Section(safe("Command"), (fact("", row.command),)),
    )  # fmt: skip


def _cpu_words(reading: HostReading, usage: ResourceUsage, brief: bool = False) -> str:
    percent = UNKNOWN if usage.cpu_percent is None else f"{usage.cpu_percent:.0f} %"
    if len(reading.cores) > MOST_CORES or not reading.cores:
        return f"{percent:>5} of {reading.cpus or UNKNOWN}{'' if brief else ' cores'}"
    drawn = "".join(UNKNOWN if one is None else LEVELS[min(7, int(one / 12.5))] for one in reading.cores)
    return f"{percent:>5} {drawn}"


def _gpus(reading: HostReading, usage: ResourceUsage) -> Iterator[Meter]:
    for gpu in usage.gpus:
        words, short = safe(_gpu_words(gpu)), safe(_gpu_words(gpu, brief=True))
        yield Meter(safe(f"GPU {gpu.index}"), words, short, _share(gpu.utilization, 100.0))
    if not usage.gpus:
        yield Meter(safe("GPU"), safe(reading.gpu_problem or "none"), style="$muted")


def _gpu_words(gpu: GpuReading, brief: bool = False) -> str:
    busy = UNKNOWN if gpu.utilization is None else f"{gpu.utilization:.0f} %"
    heat = "" if gpu.temperature_c is None else f" {gpu.temperature_c:.0f}°"
    power = "" if gpu.power_w is None else f" {gpu.power_w:.0f}W"
    memory = _pair(_bytes(gpu.memory_used_mib), _bytes(gpu.memory_total_mib), brief)
    return f"{busy:>5} {memory}" if brief else f"{busy:>5} {memory}{heat}{power}"


def _amounts(label: str, used_mib: float | None, total_mib: float | None, unknown: str = UNKNOWN) -> Meter:
    if used_mib is None or total_mib is None:
        return Meter(safe(label), safe(unknown), style="$warn")
    percent = f"{100 * used_mib / total_mib if total_mib else 0:3.0f} %"
    words, short = (f"{percent} {_pair(_bytes(used_mib), _bytes(total_mib), brief)}" for brief in (False, True))
    return Meter(safe(label), safe(words), safe(short), _share(used_mib, total_mib), fills_up=True)


def _of(used: int | None, total: int | None) -> str:
    return "does not answer" if used is None or total is None else f"{size(used)} of {size(total)}"


def _pair(used: float | None, total: float | None, brief: bool) -> str:
    """Return two sizes in one unit: '71.3/81.9 GB' and '189/1208 GB', brief '71/82 GB' and '0.2/1.2 TB'."""
    if used is None or total is None:
        return f"{size(used)}/{size(total)}"
    unit, scale = next((pair for pair in UNITS if total >= (1 if brief else 10) * pair[1]), UNITS[-1])
    digits = 0 if total >= (10 if brief else 1000) * scale else 1
    return f"{used / scale:.{digits}f}/{total / scale:.{digits}f} {unit}"


def _rate(per_second: float | None) -> str:
    return UNKNOWN if per_second is None else f"{size(per_second)}/s"


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _mib(count: int | None) -> float | None:
    return None if count is None else count / MIB


def _bytes(mib: float | None) -> float | None:
    return None if mib is None else mib * MIB
