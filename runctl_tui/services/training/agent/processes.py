"""Processes that outlive the call: recorded so that no other is taken for them, started apart from any terminal."""

import os
import sys
from typing import List

from .basics import ROOT
from .files import read_text, write_file


def boot_id() -> str:
    """Return what identifies the time since the last boot, empty where the system does not say."""
    return read_text("/proc/sys/kernel/random/boot_id").strip()


def process_start(pid: int) -> str:
    """Return when a process started, in the system's own terms; empty when it is gone or a zombie."""
    if os.path.isdir("/proc/self"):
        fields = read_text("/proc/%d/stat" % pid).rpartition(")")[2].split()
        return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""
    import subprocess

    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return " ".join(done.stdout.decode("ascii", "replace").split())


def record_process(path: str, pid: int) -> None:
    """Record a process in a file so that a later process with the same number is not taken for it."""
    write_file(path, "%d\n%s\n%s\n" % (pid, process_start(pid), boot_id()))


def recorded_alive(path: str) -> int:
    """Return the number of the recorded process when that very process still lives, else 0."""
    lines = read_text(path).split("\n")
    if len(lines) < 3 or not lines[0].isdigit() or not lines[1] or lines[2] != boot_id():
        return 0
    return int(lines[0]) if process_start(int(lines[0])) == lines[1] else 0


def group_alive(pgid: int) -> bool:
    """Tell whether a process group has members."""
    try:
        os.killpg(pgid, 0)
    except OSError:
        return False
    return True


def signal_group(pgid: int, number: int) -> None:
    """Send a signal to a process group that may be gone."""
    try:
        os.killpg(pgid, number)
    except OSError:
        pass


def program() -> List[str]:
    """Return what Python needs to start the agent again: its archive on a host, its name in an installation."""
    above = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    archive = above if os.path.isfile(above) else above + ".pyz"
    return [archive] if os.path.isfile(archive) else ["-m", str(__package__)]


def detach(verb: str, run_id: str) -> int:
    """Start the agent again in a session of its own, tied to no terminal, and return its process number."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        status = 1
        try:
            import subprocess

            os.setsid()
            argv = [sys.executable] + program() + [verb, run_id]
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                close_fds=True, start_new_session=True, cwd=ROOT, env=dict(os.environ, RUNCTL_RUN_ID=run_id),
            )  # fmt: skip
            os.write(writer, str(child.pid).encode("ascii"))
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as reply:
        pid = reply.read()
    os.waitpid(middle, 0)
    if not pid:
        raise OSError("no process could be started on this host")
    return int(pid)
