"""Every operation on a host, by SSH and through the agent, crossed with every fault that it can meet.

Each ends with an error that says what failed, why and what to do: what a fault says is never the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from runctl_tui.services.errors import HostLinkLost
from runctl_tui.services.hosts.session import PipedHost
from runctl_tui.services.sync.execute import execute
from runctl_tui.services.sync.values import SyncFile, SyncPlan
from runctl_tui.services.training import agent_answers
from runctl_tui.services.training import fetch as fetching
from runctl_tui.services.training.agent_client import INSTALL, AgentClient
from runctl_tui.services.training.agent_values import LinkFrame, PresignedUrl, S3Place, StartRequest
from runctl_tui.services.training.fetch import RemoteFile, fetch
from tests.faults.ends import check_error, end_of
from tests.faults.host_wire import BRIEF, CASES, WATCHFUL, Answer, Case, wired
from tests.faults.shares import is_tried

RUN: Final = "r-20261123090022-f5f774"
CODE: Final = Path(__file__)
SIZE: Final = CODE.stat().st_size
REQUEST: Final = StartRequest(RUN, "~/project", "train.py")


class Hurried(AgentClient):
    """An agent's caller that waits only briefly, and between tries not at all."""

    def __init__(self, host: Any) -> None:
        super().__init__(host, sleep=self._at_once)

    @staticmethod
    async def _at_once(_: float) -> None: ...


Work = Callable[[Hurried], Awaitable[Any]]


@dataclass(frozen=True)
class Operation:
    """One thing that is done on a host."""

    name: str
    work: Work
    once: str = ""
    """The verb that must never be sent twice."""
    believes: Callable[[Case], bool] = lambda _: False
    """Which faults say what may be true."""
    installs: bool = False
    """Whether it is about bringing the agent there."""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def meets(self, case: Case) -> bool:
        """Whether a fault is a fault to it."""
        return not self.believes(case)


async def _first(agent: Hurried, frames: Callable[[Hurried], Any]) -> Any:
    """Return the first frame; a lost link that is told counts as the error that it is."""
    async with aclosing(frames(agent)) as told:
        async for frame in told:
            if isinstance(frame, LinkFrame):
                assert frame.text.startswith("next try in ")
                raise HostLinkLost("The link was lost", "as the frame says", "it is tried again")
            return frame
    return None


async def _tunnel(agent: Hurried) -> object:
    reader, writer = await agent.host.dial(9)  # type: ignore[attr-defined]  # of a host behind SSH
    writer.close()
    return reader


async def _pushed(agent: Hurried) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"\0" * 1024

    await agent.host.push_tar(chunks(), "/nowhere")


def _succeeds(case: Case) -> bool:
    """Whether the command ends as one does that did its work and has nothing to say."""
    return case.answer is not None and case.answer.ends and case.answer.status == 0


async def _synced(agent: Hurried) -> object:
    return await execute(SyncPlan(CODE.parent, (SyncFile(CODE.name, SIZE, 0o644, "0" * 64),), SIZE), agent.host, "~/x")


async def _fetched(agent: Hurried) -> object:
    return [done async for done in fetch(agent, "/data", [RemoteFile("https://x", "a", 3)])]


def _says_ok(case: Case) -> bool:
    """Whether the fault says that it went well, which is all that some questions want to know."""
    return _succeeds(case) and case.answer is not None and case.answer.stdout.startswith(b'{"ok": true') and case.whole


def _says_text(case: Case) -> bool:
    return case.name == "wrong-text"


OPERATIONS: Final = (
    Operation("start a run", lambda agent: agent.start(REQUEST), once="start"),
    Operation("status of runs", lambda agent: agent.status([RUN])),
    Operation("sweep", lambda agent: agent.sweep()),
    Operation("sweep and measure", lambda agent: agent.measured_sweep()),
    Operation("stop a run", lambda agent: agent.stop(RUN), once="stop"),
    Operation("checkpoints of a run", lambda agent: agent.checkpoints(RUN)),
    Operation("checkpoints in a folder", lambda agent: agent.checkpoints_in("/data")),
    Operation("files that wait", lambda agent: agent.pending(RUN)),
    Operation("hand URLs over", lambda agent: agent.urls(RUN, [PresignedUrl("a", "https://x", "", {})]), once="urls"),
    Operation("vitals", lambda agent: agent.vitals()),
    Operation("measure the host", lambda agent: agent.host_now()),
    Operation("look at processes", lambda agent: agent.look_at([(4711, None)])),
    Operation("state of a process", lambda agent: agent.process_state(4711, 1), believes=_says_text),
    Operation("end a process", lambda agent: agent.signal(4711, 1, "TERM"), once="process"),
    Operation(
        "send to S3", lambda agent: agent.send(RUN, S3Place("b", "p", "us-east-1"), {}), once="send", believes=_says_ok
    ),
    Operation("restart the uploader", lambda agent: agent.restart_uploader(RUN), once="uploader", believes=_says_ok),
    Operation("forget a run", lambda agent: agent.forget(RUN), once="forget", believes=_says_ok),
    Operation("read a log", lambda agent: agent.read(RUN)),
    Operation("follow a log", lambda agent: _first(agent, lambda one: one.follow(RUN))),
    Operation("watch a host", lambda agent: _first(agent, lambda one: one.watch())),
    Operation("bring the agent", lambda agent: agent._install(), believes=_succeeds, installs=True),
    Operation("home folder", lambda agent: agent.host.home()),
    Operation("push files", _pushed, believes=_succeeds),
    Operation("sync code", _synced),
    Operation("have it download", _fetched),
    Operation("open a tunnel", _tunnel, believes=lambda case: case.answer is not None),
)


def _pairs() -> list[object]:
    named = {f"{one}--{case}": (one, case) for one in OPERATIONS for case in CASES if one.meets(case)}
    return [pytest.param(*pair, id=name) for name, pair in named.items() if is_tried(name)]


def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait only a moment for what never comes."""
    whole = PipedHost._collect

    async def collect(host: PipedHost, argv: Any, stdin: Any, _: float | None) -> Any:
        return await whole(host, argv, stdin, BRIEF)

    monkeypatch.setattr(PipedHost, "_collect", collect)
    monkeypatch.setattr(agent_answers, "SILENCE", BRIEF)
    monkeypatch.setattr(fetching, "STALLED", BRIEF)


@pytest.mark.parametrize(("operation", "case"), _pairs())
async def test_it_ends_in_an_error_that_a_person_can_act_on(
    operation: Operation, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.hasty:
        _hurry(monkeypatch)
    async with wired(tmp_path) as wire:
        wire.arm(case, spared="" if operation.installs else INSTALL.splitlines()[2])
        pool = wire.pool()
        try:
            end = await end_of(operation.work(Hurried(pool.host(wire.target()))))
        finally:
            await pool.close()
    assert wire.met, "the fault was not met"
    assert end.error is not None, f"believed: {end.value!r}"
    check_error(end.error)
    ran = [command for command in wire.commands if operation.once and command.endswith(f" {operation.once}")]
    assert len(ran) <= (2 if str(case) == "F27-loses-its-agent" else 1), "it was sent twice"


async def test_a_link_that_falls_silent_in_a_command_is_noticed(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        wire.arm(Case("F17", "stalled", Answer(ends=False)))
        pool = wire.pool(WATCHFUL)
        command = asyncio.create_task(end_of(pool.host(wire.target()).run(("sleep", "60"))))
        await wire.busy.wait()
        wire.stalled = True
        end = await command
        await pool.close()
    assert isinstance(end.error, HostLinkLost)
    check_error(end.error)
    assert len(wire.commands) == 1, "it was sent twice"


async def test_a_greeting_that_is_no_text_stops_nobody(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        wire.arm(Case("F28", "greeting", link="greeting"))
        pool = wire.pool()
        result = await pool.host(wire.target()).run(("true",))
        await pool.close()
    assert (wire.met, result.exit_status) == (True, 0)
