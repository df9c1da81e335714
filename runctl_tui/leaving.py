"""How the application ends: asked first where tasks are at work, with its tables remembered and a few last words."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Final

from rich.text import Text
from textual.app import App

from runctl_tui.domain.text import safe
from runctl_tui.screens import quitting
from runctl_tui.screens.base import BaseScreen
from runctl_tui.screens.kept import Stance
from runctl_tui.screens.shared import Shared
from runctl_tui.services.errors import TrainctlError
from runctl_tui.widgets.driver import driver_class

if TYPE_CHECKING:
    from runctl_tui.domain.plan import JobView
    from runctl_tui.services.ports_services import Services

KEEPING_S: Final = 0.1
"""How long quitting waits at most for how the tables are left to be written."""


class LeavingApp(App[None]):
    """An application on the services that can be left at any moment."""

    def __init__(self, services: Services) -> None:
        super().__init__(driver_class=driver_class())
        self.services = services
        self.shared = Shared()
        self._asked_to_quit = False

    async def action_quit(self) -> None:
        """Quit at once, whatever hangs; where that interrupts our own tasks, ask first, and the next time go."""
        working = self._own_work()
        if not working or self._asked_to_quit:
            await self._leave(0)
            return
        from runctl_tui.modals import AskFirst

        self._asked_to_quit = True
        words = safe(quitting.question(working))
        ask = AskFirst(self.services.clock, safe("QUIT"), words, safe("Quit all the same"))
        self.push_screen(ask, self._quit_or_stay)

    async def _quit_or_stay(self, quits: bool | None) -> None:
        self._asked_to_quit = False
        if quits:
            await self._leave(0)

    def left_behind(self) -> dict[str, Stance]:
        """Return how every screen that was opened stands."""
        screens = [stack[0] for stack in self._screen_stacks.values() if stack]
        found = {screen.MODE: screen.stance() for screen in screens if isinstance(screen, BaseScreen)}
        return {mode: stance for mode, stance in found.items() if stance is not None}

    def heed_signals(self) -> None:
        """Leave in order when the terminal or the session ends."""
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_IGN:  # as nohup has it
                continue
            loop.add_signal_handler(number, self._leave_on_signal, 128 + number)

    def _leave_on_signal(self, code: int) -> None:
        self._leaving = asyncio.ensure_future(self._leave(code))

    async def _leave(self, code: int) -> None:
        words = self._last_words()
        try:
            with contextlib.suppress(TrainctlError, TimeoutError):
                await asyncio.wait_for(self._keep_stances(), KEEPING_S)
        finally:
            self.services.close()
            self.exit(return_code=code, message=Text(words) if words else None)

    async def _keep_stances(self) -> None:
        """Let the next session find the tables as they are left; nothing is known before the services are ready."""
        if self.shared.ready.is_set():
            await self.services.memory.keep(*self.shared.kept.leave(place_of(self.services), self.left_behind()))

    def _last_words(self) -> str:
        """Return what stays behind; nothing is asked, and nothing is known before the services are ready."""
        sandbox = self.services.sandbox if self.shared.ready.is_set() else None
        words = [quitting.farewell(job) for job in self._own_work()] + [sandbox.leaving() if sandbox else ""]
        return "\n".join(safe(each) for each in words if each)

    def _own_work(self) -> list[JobView]:
        """Return the jobs of this session that are at work; asks nobody."""
        latest = self.services.jobs.feed.latest if self.shared.ready.is_set() else None
        own = self.shared.own_jobs
        return [job for job in (latest.value if latest else ()) if job.ended_at is None and job.id in own]


def place_of(services: Services) -> str:
    """Return what a profile and its regions are known by."""
    facts = services.session.cached()
    return f"{facts.profile} {' '.join(facts.regions)}"
