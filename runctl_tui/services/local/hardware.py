"""What this machine is made of; every function blocks and belongs into a pool thread."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from runctl_tui.domain.instance import Gpu

SMI: Final = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
PATIENCE: Final = 5.0
"""Seconds; a driver in trouble lets nvidia-smi hang."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """The lasting facts of this machine."""

    architecture: str
    hostname: str
    system: str
    vcpus: int | None
    memory_gib: float | None
    gpu: Gpu | None
    booted_at: datetime | None


def look() -> Hardware:
    """Return everything that can be told; what cannot is None."""
    return Hardware(
        architecture=platform.machine() or "unknown",
        hostname=platform.node(),
        system=f"{platform.system()} {platform.release()}",
        vcpus=cpus(),
        memory_gib=memory_gib(),
        gpu=gpus(),
        booted_at=booted_at(),
    )


def cpus() -> int | None:
    """Return the processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count()


def memory_gib() -> float | None:
    """Return the physical memory."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (ValueError, OSError, AttributeError):
        return None


def gpus(command: tuple[str, ...] = SMI) -> Gpu | None:
    """Return the NVIDIA accelerators, or None where there are none or the driver does not answer."""
    try:
        told = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_gpus(told.stdout)


def parse_gpus(text: str) -> Gpu | None:
    """Return what nvidia-smi's table says; the first accelerator's name stands for all."""
    rows = [line.rpartition(",") for line in text.splitlines() if "," in line]
    if not rows:
        return None
    name, _, mib = rows[0]
    memory = float(mib) / 1024 if re.fullmatch(r"\s*\d+(\.\d+)?\s*", mib) else None
    return Gpu(name.strip().removeprefix("NVIDIA "), len(rows), memory)


def booted_at(stat: Path = Path("/proc/stat")) -> datetime | None:
    """Return when the machine was started."""
    try:
        text = stat.read_text("ascii", "replace")
    except OSError:
        text = _sysctl()
    found = re.search(r"^btime (\d+)$", text, re.MULTILINE) or re.search(r"\bsec = (\d+)", text)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _sysctl() -> str:
    try:
        told = subprocess.run(
            ("sysctl", "-n", "kern.boottime"), capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout
