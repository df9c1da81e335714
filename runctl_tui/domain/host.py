"""What a host is doing at one moment: processors, memory, disks, network, GPUs, and its processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runctl_tui.domain.run import ResourceUsage

_SECRET_WORD: Final = re.compile(
    r"(?i)(\b[\w-]*(?:token|passw(?:or)?d|secret|api[-_]?key|access[-_]?key)(?:=|\s+))(?!-)(\S+)"
)
_SECRET_SHAPE: Final = re.compile(r"\b(?:hf_|sk-|rpa_|ghp_|AKIA|ASIA)[A-Za-z0-9_-]{12,}")
HIDDEN: Final = "•••"


def without_secrets(command: str) -> str:
    """Return a command line in which values of tokens, passwords and keys cannot be read."""
    return _SECRET_SHAPE.sub(HIDDEN, _SECRET_WORD.sub(rf"\1{HIDDEN}", command))


@dataclass(frozen=True, slots=True)
class HostProcess:
    """One process."""

    pid: int
    start: int
    """When it began, in the host's own ticks: with the number it names this process and no later one."""
    user: str
    """Empty where the host does not say."""
    command: str
    """Without secrets."""
    name: str
    cpu_percent: float
    """Since the reading before; 100 is one core."""
    cpu_seconds: float
    memory_bytes: int
    """Resident."""
    seconds: float | None
    """Since it began."""
    state: str
    """The letter that ps shows: R, S, D, T."""
    threads: int
    parent: int
    gpus: tuple[int, ...] = ()
    """Indexes of those that it computes on."""
    gpu_memory_mib: float | None = None
    """None also where the driver does not say."""
    run_id: str = ""
    """The training run that it belongs to, as far as its environment may be read."""
    own: bool = False
    """Whether it is of the user that we log in as."""

    @property
    def key(self) -> str:
        """What tables and actions know it by."""
        return f"{self.pid}:{self.start}"

    @property
    def brief(self) -> str:
        """The command line without the folder of its program."""
        program, space, rest = self.command.partition(" ")
        return f"{program.rpartition('/')[2] or program}{space}{rest}"

    @property
    def gpu_use(self) -> float:
        """Memory on GPUs; a process on one whose memory is not told counts more than one on none."""
        return self.gpu_memory_mib if self.gpu_memory_mib is not None else 0.5 if self.gpus else 0.0


class Guard(StrEnum):
    """Why the agent on a host ends no such process."""

    NONE = ""
    KERNEL = "kernel"
    FIRST = "first"
    """The one that all others hang on."""
    CARRIER = "carrier"
    """This call came through it: an SSH server, a shell, this program."""
    PROGRAM = "program"
    """Of this product: agent, uploader, relay, tunnel, sandbox, interface."""
    OWNER_UNKNOWN = "owner_unknown"
    OTHER_USER = "other_user"
    RUN = "run"
    """Of a training run that has not ended."""
    RUN_UNKNOWN = "run_unknown"
    """Whether it is of one could not be told."""


@dataclass(frozen=True, slots=True)
class ProcessLook:
    """A close look at one process, before anything is done to it."""

    pid: int
    host: str
    """Of its machine: the name, or the id."""
    process: HostProcess | None = None
    """None: it has ended."""
    instead: str = ""
    """The name of another process that has its number now."""
    guard: Guard = Guard.NONE
    children: tuple[str, ...] = ()
    """Number and name of the first few."""
    children_total: int = 0


@dataclass(frozen=True, slots=True)
class FileSystem:
    """One mounted file system."""

    path: str
    used_bytes: int | None
    total_bytes: int | None
    """None: it does not answer, as a lost network disk does not."""


@dataclass(frozen=True, slots=True)
class InterfaceRate:
    """What one network interface moves."""

    name: str
    received_per_s: float
    """Bytes."""
    sent_per_s: float


@dataclass(frozen=True, slots=True)
class HostReading:
    """Everything about one host; `usage` is None before it was heard of."""

    key: str
    """Of its machine: provider and id."""
    name: str = ""
    """Of its machine."""
    usage: ResourceUsage | None = None
    hostname: str = ""
    cpus: int | None = None
    uptime: float | None = None
    """Seconds."""
    load: tuple[float, ...] = ()
    """Over 1, 5 and 15 minutes."""
    cores: tuple[float | None, ...] = ()
    """Percent of each."""
    disks: tuple[FileSystem, ...] = ()
    disk_read_per_s: float | None = None
    """Bytes, of all disks."""
    disk_written_per_s: float | None = None
    interfaces: tuple[InterfaceRate, ...] = ()
    gpu_problem: str = ""
    """Why there are no GPUs, in words."""
    processes: tuple[HostProcess, ...] = ()
    """Those that use most."""
    total: int = 0
    """How many processes there are."""


ORDERS: Final[dict[str, Callable[[HostProcess], float]]] = {
    "cpu": lambda one: one.cpu_percent,
    "mem": lambda one: one.memory_bytes,
    "gpu": lambda one: one.gpu_use,
}
"""What processes may be ordered by, those that use most first."""


def most(processes: Iterable[HostProcess], order: str) -> list[HostProcess]:
    """Return processes ordered by what they use; those that use the same by their memory."""
    return sorted(processes, key=lambda one: (ORDERS[order](one), one.memory_bytes), reverse=True)


def process_reference(machine: str, pid: int, start: int | None) -> str:
    """Return what a plan knows a process by; without a start it is whichever has the number."""
    return f"{machine}/{pid}" if start is None else f"{machine}/{pid}:{start}"


def split_reference(reference: str) -> tuple[str, int, int | None]:
    """Return machine, number and start of such a reference; ValueError for anything else."""
    machine, _, process = reference.rpartition("/")
    pid, colon, start = process.partition(":")
    return machine, int(pid), int(start) if colon else None
