"""The sandbox as the interface and the command line speak to it. Implements `ports.SandboxControl`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from runctl_tui.sandbox.client import find, stop
from runctl_tui.sandbox.errors import SandboxError, SandboxRefusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.sandbox.client import SandboxSession

LOOK_S: Final = 1.0
"""Seconds between two looks whether the sandbox is still there; they ask nobody."""
USAGE: Final = "cut NAME SECONDS, interrupt NAME [SECONDS], start, status, stop"


class SandboxRemote:
    """Turns words into commands for the attached sandbox, and its answers into words."""

    def __init__(
        self,
        session: Callable[[], SandboxSession | None],
        folder: Path,
        runs: Callable[[], Sequence[TrainingSession]] = tuple,
    ) -> None:
        self._session = session
        self._folder = folder
        self._runs = runs

    @property
    def ended(self) -> bool:
        """Whether the attached sandbox has gone."""
        session = self._session()
        return session is not None and session.ended

    async def until_ended(self) -> Problem:
        """Wait until the attached sandbox has gone, and return that in words."""
        while not self.ended:  # noqa: ASYNC110 - a stream whose answers others read tells its end to nobody
            await asyncio.sleep(LOOK_S)
        return _gone().to_problem()

    async def command(self, words: Sequence[str]) -> str:
        """Carry one command out and return what to tell the person; SandboxError for what it does not know."""
        match list(words):
            case ["cut", name, seconds]:
                answer = await self._attached().command("cut", name, _seconds(seconds))
                return f"the link to {name} is cut for {answer['seconds']:g} s"
            case ["interrupt", name, *rest] if len(rest) < 2:
                answer = await self._attached().command("interrupt", name, _seconds(rest[0] if rest else "120"))
                return f"{name} has its spot notice and goes in {answer['seconds']:g} s"
            case ["start"]:
                await self._attached().command("keep")
                return "the sandbox runs, for 30 minutes without anybody at most; end it: runctl-tui sandbox stop"
            case ["status"]:
                return await self._status()
            case ["stop"]:
                return "the sandbox has ended" if await stop(self._folder) else "no sandbox was running"
        raise SandboxRefusal(f"The sandbox does not know {' '.join(words) or 'nothing'!r}", todo=f"Say one of: {USAGE}")

    def leaving(self) -> str:
        """Return what happens to the sandbox when this client leaves, by what is known of the runs begun from here."""
        if self._session() is None or self.ended:
            return ""
        ours = [run for run in self._runs() if run.job is not None]
        live = [run.name or run.id for run in ours if run.status.live]
        sending = [run.name or run.id for run in ours if run.uploads.pending and not run.uploads.waiting]
        if not live and not sending:
            return ""
        why = f"{live[0]} is training" if live else f"checkpoints of {sending[0]} are on their way to S3"
        return f"The sandbox stays, for {why}, and ends with it (30 minutes at most); now: runctl-tui sandbox stop"

    async def _status(self) -> str:
        session = self._session()
        if session is None:
            info = await asyncio.to_thread(find, self._folder)
            return f"running since {info.started_at}, process {info.pid}" if info else "not running"
        answer = await session.command("status")
        return f"running, {answer['clients']} clients, {len(answer['instances'])} instances"

    def _attached(self) -> SandboxSession:
        session = self._session()
        if session is None:
            raise SandboxError("The sandbox is not attached yet", todo="Wait a moment")
        if session.ended:
            raise _gone()
        return session


def _gone() -> SandboxError:
    return SandboxError("The sandbox has ended", why="stopped elsewhere, or killed", todo="go on: :sandbox start")


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SandboxRefusal(f"{text!r} is no number of seconds") from error
