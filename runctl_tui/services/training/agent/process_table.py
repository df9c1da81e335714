"""The processes of the host: whose they are, what they use, and which run they belong to."""

import os
import pwd
import time
from typing import Dict, List, Optional, Tuple

from .basics import Json
from .files import read_text

MOST = 300
LONGEST = 400
KERNEL_THREAD = 0x00200000
"""The flag of threads that are the kernel's own."""
Who = Tuple[int, int, str]
"""Process number, start and name, so that no other, and no other program in it, is taken for it."""


class Seen:
    """One process as /proc/PID/stat tells it; times in ticks, memory in bytes."""

    def __init__(self, pid: int, text: str) -> None:
        head, _, tail = text.rpartition(")")
        fields = tail.split()
        self.pid, self.name = pid, head.partition("(")[2]
        self.state, self.parent, self.kernel = fields[0], int(fields[1]), bool(int(fields[6]) & KERNEL_THREAD)
        self.ticks = int(fields[11]) + int(fields[12])
        self.threads, self.start = int(fields[17]), int(fields[19])
        self.memory = max(0, int(fields[21])) * PAGE
        self.cpu = 0.0

    @property
    def who(self) -> Who:
        """Return what this process is known by."""
        return self.pid, self.start, self.name


RUN = "RUNCTL_RUN_ID"
"""The variable that says which run a process belongs to."""
MARK = "RUNCTL_SANDBOX_INSTANCE"
"""In the sandbox, where hosts share one system, the variable that says which of them a process belongs to."""
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def all_processes() -> List[Seen]:
    """Return every process but the kernel's own and those that have ended; what cannot be read is left out."""
    found = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        seen = process(int(name)) if name.isdigit() else None
        if seen is not None and not seen.kernel:
            found.append(seen)
    return found


def process(pid: int) -> Optional[Seen]:
    """Return the process with this number, None where there is none, or where it has ended."""
    try:
        seen = Seen(pid, read_text("/proc/%d/stat" % pid))
    except (IndexError, ValueError):
        return None
    return None if seen.state in ("Z", "X") else seen


def command_line(seen: Seen) -> str:
    """Return a process's command line, its name in brackets where it has none."""
    text = " ".join(arguments(seen.pid)).strip()
    return text[:LONGEST] if text else "[%s]" % seen.name


def arguments(pid: int) -> List[str]:
    """Return the words of a process's command line."""
    return read_text("/proc/%d/cmdline" % pid).rstrip("\0").split("\0")


def owner(pid: int) -> Optional[int]:
    """Return the number of a process's user, None where the system does not say."""
    try:
        return os.stat("/proc/%d" % pid).st_uid
    except OSError:
        return None


def variable(pid: int, name: str) -> str:
    """Return a variable of a process's environment, which only processes of our own user show."""
    return value_of(name, environment(pid) or "")


def environment(pid: int) -> Optional[str]:
    """Return a process's environment as it is kept, None where it may not be read."""
    try:
        with open("/proc/%d/environ" % pid, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def value_of(name: str, variables: str) -> str:
    """Return a variable's value of an environment, empty where it is not there."""
    for each in variables.split("\0"):
        if each.startswith(name + "="):
            return each.partition("=")[2][:100]
    return ""


class ProcessTable:
    """Measures processes; processor time is that since the last sample, 100 percent is one core."""

    def __init__(self) -> None:
        self.users: Dict[int, str] = {}
        self.known: Dict[Who, Json] = {}
        self.ours: Dict[Who, bool] = {}
        self.ticks, self.at = ticks_of(all_processes()), time.time()

    def sample(self, on_gpu: Dict[int, Json]) -> Tuple[List[Json], int]:
        """Return the processes that use most, and how many there are."""
        everyone = self.measured()
        chosen = self.chosen(everyone, on_gpu)
        return self.rows(chosen, on_gpu), len(everyone)

    def measured(self) -> List[Seen]:
        """Return the processes of this host, each with its share of a processor since the last time."""
        now, everyone = time.time(), self.on_this_host(all_processes())
        seconds = max(0.01, now - self.at)
        for seen in everyone:  # one that began since the last sample has used all its time since then
            seen.cpu = 100.0 * max(0, seen.ticks - self.ticks.get((seen.pid, seen.start), 0)) / TICKS / seconds
        self.ticks, self.at = ticks_of(everyone), now
        return everyone

    def rows(self, chosen: List[Seen], on_gpu: Dict[int, Json]) -> List[Json]:
        """Return processes as they are answered; what is known of others is forgotten."""
        self.known = {seen.who: self.known.get(seen.who) or self.described(seen) for seen in chosen}
        uptime = boot_seconds()
        return [self.row(seen, uptime, on_gpu) for seen in chosen]

    def on_this_host(self, everyone: List[Seen]) -> List[Seen]:
        """Return the processes that belong to this host, where hosts share one system."""
        mine = os.environ.get(MARK, "")
        if not mine:
            return everyone
        self.ours = {
            seen.who: self.ours[seen.who] if seen.who in self.ours else variable(seen.pid, MARK) == mine
            for seen in everyone
        }
        return [seen for seen in everyone if self.ours[seen.who]]

    def chosen(self, everyone: List[Seen], on_gpu: Dict[int, Json]) -> List[Seen]:
        """Return those that use a GPU, then those that use most processor and most memory."""
        by_use = sorted(everyone, key=lambda seen: (seen.pid in on_gpu, seen.cpu), reverse=True)[: 2 * MOST // 3]
        taken = {seen.pid for seen in by_use}
        rest = sorted((seen for seen in everyone if seen.pid not in taken), key=lambda seen: -seen.memory)
        return by_use + rest[: MOST - len(by_use)]

    def described(self, seen: Seen) -> Json:
        """Return what does not change about a process."""
        uid = owner(seen.pid)
        return {"user": self.user(uid), "uid": uid, "command": command_line(seen), "run_id": variable(seen.pid, RUN)}

    def row(self, seen: Seen, uptime: Optional[float], on_gpu: Dict[int, Json]) -> Json:
        """Return one process as it is answered."""
        elapsed = None if uptime is None else max(0.0, uptime - seen.start / TICKS)
        row = dict(self.known[seen.who], pid=seen.pid, start=seen.start, name=seen.name, state=seen.state)
        row.update(parent=seen.parent, threads=seen.threads, memory=seen.memory, seconds=elapsed)
        row.update(cpu_percent=round(seen.cpu, 1), cpu_seconds=seen.ticks / TICKS)
        row.update(on_gpu.get(seen.pid, {"gpus": [], "gpu_memory_mib": None}))
        return row

    def user(self, uid: Optional[int]) -> str:
        """Return a user's name, its number where it has none."""
        if uid is None:
            return ""
        if uid not in self.users:
            try:
                self.users[uid] = pwd.getpwuid(uid).pw_name
            except (KeyError, OSError):
                self.users[uid] = str(uid)
        return self.users[uid]


def ticks_of(processes: List[Seen]) -> Dict[Tuple[int, int], int]:
    """Return the processor time of each process in ticks, by its number and start."""
    return {(seen.pid, seen.start): seen.ticks for seen in processes}


def boot_seconds() -> Optional[float]:
    """Return the seconds since the host was booted, None where the system does not say."""
    try:
        return float(read_text("/proc/uptime").split()[0])
    except (IndexError, ValueError):
        return None
