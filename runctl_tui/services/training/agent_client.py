"""The agent as its caller sees it: one async method per verb, over any `HostSession`.

Runs, checkpoints, the launcher and the code sync use it; it packs the agent and brings it to the host by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import cache, partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.services.errors import AgentError, HostLinkLost, HostUnreachable, TrainctlError
from runctl_tui.services.hosts.session import CommandResult, HostSession, why_it_ended
from runctl_tui.services.retrying import Retrying
from runctl_tui.services.training.agent_answers import (
    FrameReader,
    answered,
    count_of,
    flag_of,
    soon,
    text_of,
    understood,
)
from runctl_tui.services.training.agent_values import (
    CheckpointEntry,
    HostVitals,
    Json,
    LinkFrame,
    LogFrame,
    LogPage,
    PendingFile,
    PresignedUrl,
    RunStatus,
    S3Place,
    Started,
    StartRequest,
    StatusFrame,
    checkpoint_entry,
    host_vitals,
    run_status,
)
from runctl_tui.services.training.host_values import host_reading, process_look

if TYPE_CHECKING:
    from runctl_tui.domain.host import HostReading, ProcessLook
    from runctl_tui.domain.run import ResourceUsage

T = TypeVar("T")
Frame = LogFrame | StatusFrame | LinkFrame
Sleep = Callable[[float], Awaitable[None]]

FIRST_RETRY: Final = 0.5
LAST_RETRY: Final = 5.0
"""A person watches: what is back must not be called lost for long."""
INSTALL: Final = """
command -v python3 >/dev/null || { echo 'python3 is not installed' >&2; exit 127; }
umask 077; f="$HOME/.runctl/agent-$1.pyz"
if [ "$(wc -c < "$f" 2>/dev/null | tr -d ' ')" = "$2" ]; then cat >/dev/null; exit 0; fi
mkdir -p "$HOME/.runctl" && cat > "$f.$$" && [ "$(wc -c < "$f.$$" | tr -d ' ')" = "$2" ] && mv "$f.$$" "$f"
"""
READS: Final = frozenset({"status", "sweep", "checkpoints", "pending", "vitals", "host"})
"""Verbs that change nothing, so that they may be asked twice."""
NOT_THERE: Final = 97
"""What a call exits with on a host that lacks the agent's file, whole."""
CALL: Final = f"""
f="$HOME/.runctl/agent-$1.pyz"; [ -f "$f" ] && [ $(wc -c < "$f") -eq "$2" ] || exit {NOT_THERE}
exec python3 "$f" "$3"
"""


START: Final = "archive_main.py"
"""The module that Python runs when it is given the archive."""
ARCHIVE_TIME: Final = (1980, 1, 1, 0, 0, 0)
REGULAR_FILE: Final = 0o100644 << 16


@cache
def agent_source() -> tuple[bytes, str]:
    """Return the agent as one archive that Python runs, and the name of its version: same code, same bytes."""
    modules = sorted(Path(__file__).with_name("agent").glob("*.py"))
    content = {f"agent/{module.name}": module.read_bytes() for module in modules}
    content = {"__main__.py": content.pop(f"agent/{START}"), **content}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, ARCHIVE_TIME)
            entry.create_system, entry.external_attr = 3, REGULAR_FILE
            archive.writestr(entry, data)
    source = packed.getvalue()
    return source, hashlib.sha256(source).hexdigest()[:8]


class AgentClient:
    """Asks the agent of one host."""

    def __init__(
        self,
        host: HostSession,
        *,
        sleep: Sleep = asyncio.sleep,
        retry: ExponentialBackoffPolicy = ExponentialBackoffPolicy(),  # noqa: B008 - frozen
    ) -> None:
        self.host = host
        self._sleep = sleep
        self._reads = Retrying(retry, retry.max_attempts, sleep)
        self._installed = False
        self._installing = asyncio.Lock()

    async def start(self, request: StartRequest) -> Started:
        """Start a run; AgentError with code run_exists, project_busy, no_script… where it cannot start."""
        return await self._asked(partial(_started, request.run_id), "start", request.to_json())

    async def status(self, run_ids: Sequence[str] | None = None) -> tuple[RunStatus, ...]:
        """Return the status of these runs, those that the host does not know left out; of all for None."""
        return await self._asked(_runs, "status", {"run_ids": None if run_ids is None else list(run_ids)})

    async def sweep(self) -> tuple[RunStatus, ...]:
        """Return every run on the host with the request that it came from."""
        return await self._asked(_runs, "sweep")

    async def measured_sweep(self) -> tuple[tuple[RunStatus, ...], ResourceUsage]:
        """Return what `sweep` does, and what the host is doing meanwhile, for 200 ms more."""
        return await self._asked(_measured_runs, "sweep", {"measure": True})

    async def stop(self, run_id: str, grace: float = 30) -> RunStatus:
        """Stop a run, TERM before KILL, and return its end; `grace` in seconds."""
        return await self._asked(run_status, "stop", {"run_id": run_id, "grace": grace}, timeout=grace + 60)

    async def checkpoints(self, run_id: str, *, sha256: bool = False) -> tuple[CheckpointEntry, ...]:
        """Return the checkpoints that a run has written, how far each is in S3 included."""
        return await self._checkpoints({"run_id": run_id, "sha256": sha256})

    async def checkpoints_in(self, folder: str, *, sha256: bool = False) -> tuple[CheckpointEntry, ...]:
        """Return the checkpoints in a folder of the host."""
        return await self._checkpoints({"dir": folder, "sha256": sha256})

    async def _checkpoints(self, request: Json) -> tuple[CheckpointEntry, ...]:
        return await self._asked(_entries, "checkpoints", request, timeout=600 if request["sha256"] else 60)

    async def pending(self, run_id: str) -> tuple[PendingFile, ...]:
        """Return the files that wait for presigned URLs, the newest checkpoint first."""
        return await self._asked(_waiting, "pending", {"run_id": run_id})

    async def urls(self, run_id: str, urls: Sequence[PresignedUrl]) -> int:
        """Hand presigned URLs over; returns how many were taken."""
        rows = [
            {"path": url.path, "put_url": url.put_url, "head_url": url.head_url or None, "headers": dict(url.headers)}
            for url in urls
        ]
        return await self._asked(lambda told: count_of(told["accepted"]), "urls", {"run_id": run_id, "urls": rows})

    async def restart_uploader(self, run_id: str) -> None:
        """Start a run's uploader again, after a reboot say, with the environment that the host gives now."""
        await self.call("uploader", {"run_id": run_id, "restart": True})

    async def send(self, run_id: str, place: S3Place, there: Mapping[str, tuple[int, str]]) -> None:
        """Have a run's files brought to a place in S3, also those that were sent once and are not `there` any more.

        `there` names what lies below the run's folder in S3, with size and SHA-256.
        """
        held = {name: list(told) for name, told in there.items()}
        await self.call("send", {"run_id": run_id, "s3": place.to_json(), "there": held})

    async def vitals(self) -> HostVitals:
        """Measure the host, for 200 ms."""
        return await self._asked(lambda told: host_vitals(told["vitals"]), "vitals")

    async def host_now(self) -> HostReading:
        """Measure the host and its processes, for half a second."""
        return await self._asked(lambda told: host_reading(told["host"]), "host")

    async def look_at(self, processes: Sequence[tuple[int, int | None]]) -> tuple[ProcessLook, ...]:
        """Look closely at processes by number and start, or by number alone; for a third of a second."""
        rows = [{"pid": pid, "start": start} for pid, start in processes]
        return await self._asked(_looks, "process", {"processes": rows})

    async def process_state(self, pid: int, start: int) -> str:
        """Return the letter of a process's state as ps shows it; empty: it has ended."""
        request = {"do": "state", "pid": pid, "start": start}
        return await self._asked(lambda told: text_of(told["state"]), "process", request)

    async def signal(self, pid: int, start: int, name: str) -> bool:
        """Send TERM or KILL to exactly this process; False where it had ended already, AgentError where it may not."""
        request = {"do": name, "pid": pid, "start": start}
        return await self._asked(lambda told: flag_of(told["sent"]), "process", request)

    async def watch(self) -> AsyncGenerator[HostReading, None]:
        """Yield everything about the host every two seconds until the link ends, which raises HostLinkLost.

        Leave it early through `contextlib.aclosing`, as `follow`.
        """
        await self._install()
        told = False
        async with self.host.stream(self._argv("watch"), stdin=_encoded({})) as stream:
            frames = FrameReader(stream)
            while (frame := await soon(frames.next())) is not None:
                with understood():
                    reading = host_reading(frame[0]["host"])
                told = True
                yield reading
            why = frames.last_words
        self._installed = told
        raise HostLinkLost("The link to the host was lost", why or "the host ended it", "it is tried again")

    async def forget(self, run_id: str) -> None:
        """Delete what the host keeps about a run that has ended; its checkpoints stay."""
        await self.call("forget", {"run_id": run_id})

    async def read(self, run_id: str, offset: int = 0, limit: int = 1024 * 1024, inode: int = 0) -> LogPage:
        """Read a piece of a run's log; a negative offset counts from the end."""
        request = {"run_id": run_id, "offset": offset, "limit": limit, "inode": inode}
        result = await self._reads.read(lambda: self._run("read", request), _is_cut)
        header, _, body = result.stdout.partition(b"\n")
        answer = answered(header, result.stderr)
        with understood():
            return _log_page(answer, body)

    async def follow(self, run_id: str, offset: int = 0) -> AsyncGenerator[Frame, None]:
        """Yield log, state and vitals until the run has ended and its log is read out.

        A lost link is made again for as long as the caller listens, from the byte that comes next.
        Leave it early through `contextlib.aclosing`, so that the command on the host ends at once.
        """
        inode, tries = 0, 0
        while True:
            try:
                async with aclosing(self._frames(run_id, offset, inode)) as frames:
                    async for frame in frames:
                        if tries:
                            tries = 0
                            yield LinkFrame("")
                        if isinstance(frame, LogFrame):
                            offset, inode = frame.offset + len(frame.data), frame.inode
                        yield frame
                return
            except (HostLinkLost, HostUnreachable):
                wait = min(LAST_RETRY, FIRST_RETRY * 2**tries)
                tries += 1
                yield LinkFrame(f"next try in {ceil(wait)} s")
            await self._sleep(wait)

    async def call(
        self,
        verb: str,
        request: Json | None = None,
        *,
        timeout: float = 60,  # noqa: ASYNC109 - its end is a lost link
    ) -> Json:
        """Ask any verb that answers with one JSON object; AgentError for a refusal, one that only reads is repeated."""
        work = partial(self._run, verb, request or {}, timeout)
        result = await (self._reads.read(work, _is_cut) if verb in READS else work())
        return answered(result.stdout, result.stderr)

    async def _asked(
        self,
        read: Callable[[Json], T],
        verb: str,
        request: Json | None = None,
        *,
        timeout: float = 60,  # noqa: ASYNC109 - as `call`
    ) -> T:
        """Ask a verb and read its answer; AgentError where the answer is of another shape."""
        answer = await self.call(verb, request, timeout=timeout)
        with understood():
            return read(answer)

    async def _run(self, verb: str, request: Json, seconds: float = 60) -> CommandResult:
        """Run one verb; the agent's file is brought to a host that turns out to lack it."""
        result = await self.host.run(self._argv(verb), stdin=_encoded(request), timeout=seconds)
        if result.exit_status == NOT_THERE:
            self._installed = False
            await self._install()
            result = await self.host.run(self._argv(verb), stdin=_encoded(request), timeout=seconds)
        else:
            self._installed = True
        return result

    async def _frames(self, run_id: str, offset: int, inode: int) -> AsyncGenerator[LogFrame | StatusFrame, None]:
        """Yield the frames of one stream; HostLinkLost when it ends before the run's end was told."""
        await self._install()
        request = _encoded({"run_id": run_id, "offset": offset, "inode": inode})
        async with self.host.stream(self._argv("follow"), stdin=request) as stream:
            frames = FrameReader(stream)
            while (frame := await soon(frames.next())) is not None:
                header, body = frame
                if header.get("frame") == "end":
                    return
                with understood():
                    told = _frame(header, body, offset)
                if told is not None:
                    yield told
        raise HostLinkLost("The link to the host was lost", "the log ended in the middle", "it is tried again")

    def _argv(self, verb: str) -> tuple[str, ...]:
        source, version = agent_source()
        return ("sh", "-c", CALL, "sh", version, str(len(source)), verb)

    async def _install(self) -> None:
        """Bring the agent's file to the host, once; a file that was cut off on its way is never used."""
        async with self._installing:
            if self._installed:
                return
            source, version = agent_source()
            argv = ("sh", "-c", INSTALL, "sh", version, str(len(source)))
            result = await self.host.run(argv, stdin=source)
            if result.exit_status:
                what, why = "The agent could not be installed on the host", why_it_ended(result)
                raise AgentError(what, why, "it needs python3 and space", code="agent.install")
            self._installed = True


def _is_cut(error: TrainctlError) -> bool:
    """Tell whether a link ended in the middle; who waits for a host that boots, or is slow, does that himself."""
    return isinstance(error, HostLinkLost) and error.code == HostLinkLost.default_code


def _encoded(request: Json) -> bytes:
    return json.dumps(request).encode("utf-8")


def _started(run_id: str, answer: Json) -> Started:
    if answer["run_id"] != run_id:
        raise ValueError(answer["run_id"])
    return Started(run_id, text_of(answer["run_dir"]), answer["supervisor"])


def _runs(answer: Json) -> tuple[RunStatus, ...]:
    return tuple(run_status(row) for row in answer["runs"])


def _measured_runs(answer: Json) -> tuple[tuple[RunStatus, ...], ResourceUsage]:
    return _runs(answer), host_vitals(answer["vitals"]).usage


def _entries(answer: Json) -> tuple[CheckpointEntry, ...]:
    return tuple(checkpoint_entry(row) for row in answer["checkpoints"])


def _waiting(answer: Json) -> tuple[PendingFile, ...]:
    rows = answer["pending"]
    return tuple(PendingFile(row["path"], row["key"], row["size"], row["sha256"], row["state"]) for row in rows)


def _looks(answer: Json) -> tuple[ProcessLook, ...]:
    return tuple(process_look(row, answer["uid"]) for row in answer["processes"])


def _log_page(header: Json, body: bytes) -> LogPage:
    if header["bytes"] != len(body):
        raise ValueError(header["bytes"])
    start, size, inode = (count_of(header[name]) for name in ("offset", "size", "inode"))
    return LogPage(start, body, size, inode, flag_of(header["truncated"]))


def _frame(header: Json, body: bytes, offset: int) -> LogFrame | StatusFrame | None:
    """Return a frame of a followed log that says something new; None for one that does not."""
    match header.get("frame"):
        case "open" if header["truncated"] or header["offset"] != offset:
            return LogFrame(count_of(header["offset"]), b"", header["inode"], restarted=header["truncated"])
        case "log":
            return LogFrame(count_of(header["offset"]), body, header["inode"])
        case "status":
            return StatusFrame(run_status(header["status"]), host_vitals(header["vitals"]))
        case _:
            return None
