"""Drives the application as a person would: keys one by one, then waits for what must become true."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from runctl_tui.app import RunctlApp
from runctl_tui.widgets.table import ResourceTable
from tests.ui.fakes import World

WIDE, NARROW = (120, 36), (80, 24)


class Person:
    """Somebody at the keyboard."""

    def __init__(self, pilot: Pilot[None], app: RunctlApp, world: World) -> None:
        self.pilot = pilot
        self.app = app
        self.world = world

    async def until(self, condition: Callable[[], object], what: str = "", seconds: float = 8) -> None:
        """Wait until something is true; fails with the screen when it never is."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"never came true: {what or condition}\n{self.text()}")
            await self.pilot.pause(0.01)

    async def sees(self, *words: str) -> None:
        """Wait until all these words are on the screen."""
        await self.until(lambda: all(word in self.text() for word in words), f"{words} on the screen")

    async def press(self, *keys: str) -> None:
        """Press keys as a person does: at what is there to take them, with time between them."""
        for key in keys:
            await self.until(self._takes_keys, "the screen takes keys")
            self.world.clock.advance(1)
            await self.pilot.press(key)
            await self.pilot.pause(0.04)

    def _takes_keys(self) -> bool:
        """Tell whether the screen in front has come up as far as the focus."""
        front = self.app.screen
        return front.is_mounted and (front.focused is not None or front.AUTO_FOCUS == "" or not front.focus_chain)

    async def type(self, text: str) -> None:
        """Type text into the field that has the focus."""
        await self.press(*("space" if letter == " " else letter for letter in text))

    def text(self) -> str:
        """Return what the screen in front shows."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def table(self) -> ResourceTable[str, Any]:
        """The table of the screen under all dialogs."""
        return self.app.screen_stack[0].query_one("#list", ResourceTable)

    @property
    def dialog(self) -> str:
        """The name of the dialog in front, or nothing."""
        return type(self.app.screen).__name__ if len(self.app.screen_stack) > 1 else ""


@asynccontextmanager
async def at_keyboard(world: World | None = None, size: tuple[int, int] = WIDE) -> AsyncIterator[Person]:
    """Start the application on a fake world and wait for its first rows, where there are any."""
    world = world or World()
    app = RunctlApp(world.services())
    async with app.run_test(size=size) as pilot:
        person = Person(pilot, app, world)
        if world.fleet.latest is not None and world.mode != "hang":
            await person.until(lambda: person.table.model.total == len(world.fleet.latest.value))  # type: ignore[union-attr] # checked above
        yield person
