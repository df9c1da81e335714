"""A host's own words about itself as frozen values; `agent_client` uses it."""

from __future__ import annotations

from runctl_tui.domain.host import (
    FileSystem,
    Guard,
    HostProcess,
    HostReading,
    InterfaceRate,
    ProcessLook,
    without_secrets,
)
from runctl_tui.services.training.agent_values import Json, host_vitals


def host_reading(row: Json) -> HostReading:
    """Return a reading from the agent's JSON; whose machine it is, the caller knows."""
    vitals = host_vitals(row["vitals"])
    return HostReading(
        key="",
        usage=vitals.usage,
        hostname=vitals.hostname,
        cpus=vitals.cpus,
        uptime=vitals.uptime,
        load=tuple(row["vitals"]["load"]),
        cores=tuple(row["cores"]),
        disks=tuple(FileSystem(each["path"], each["used"], each["total"]) for each in row["disks"]),
        disk_read_per_s=row["disk_read_per_s"],
        disk_written_per_s=row["disk_written_per_s"],
        interfaces=tuple(
            InterfaceRate(each["name"], each["received_per_s"], each["sent_per_s"]) for each in row["interfaces"]
        ),
        gpu_problem="" if vitals.usage.gpus else row["vitals"]["gpu_problem"],
        processes=tuple(_process(each, row["uid"]) for each in row["processes"]),
        total=row["processes_total"],
    )


def process_look(row: Json, uid: int) -> ProcessLook:
    """Return a close look at a process from the agent's JSON; whose machine it is, the caller knows."""
    return ProcessLook(
        pid=row["pid"],
        host="",
        process=_process(row["process"], uid) if row["process"] else None,
        instead=row["instead"],
        guard=Guard(row["guard"]),
        children=tuple(row["children"]),
        children_total=row["children_total"],
    )


def _process(row: Json, uid: int) -> HostProcess:
    return HostProcess(
        pid=row["pid"],
        start=row["start"],
        user=row["user"],
        command=without_secrets(row["command"]),
        name=row["name"],
        cpu_percent=row["cpu_percent"],
        cpu_seconds=row["cpu_seconds"],
        memory_bytes=row["memory"],
        seconds=row["seconds"],
        state=row["state"],
        threads=row["threads"],
        parent=row["parent"],
        gpus=tuple(row["gpus"]),
        gpu_memory_mib=row["gpu_memory_mib"],
        run_id=row["run_id"],
        own=row["uid"] == uid,
    )
