"""Makes screenshots/ from the real program against the real sandbox: `make screenshots`.

Ids, ages and dollars differ from one run to the next; which screens there are does not.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from unittest import mock

from textual.pilot import Pilot

from runctl_tui import wiring
from runctl_tui.app import RunctlApp
from runctl_tui.messages import Navigate
from runctl_tui.modals.base import DEAF_SECONDS
from runctl_tui.options import Options
from runctl_tui.sandbox import client
from runctl_tui.widgets.table import ResourceTable
from tests.hygiene.source import ROOT

FOLDER: Final = ROOT / "screenshots"
WIDE: Final = (120, 36)
NARROW: Final = (80, 24)
PATIENCE: Final = 90.0
"""Seconds until a screen must show what is waited for."""
SUBJECT: Final = "llama-eval"
"""The seeded machine on which a training runs."""
BUCKET: Final = "runctl-sandbox-checkpoints"
NOWHERE: Final = ("AWS_", "RUNPOD_", "RUNCTL_", "XDG_")
"""Beginnings of variables that lead to somebody's accounts."""


class Photographer:
    """Goes through one running application and keeps what it shows."""

    def __init__(self, pilot: Pilot[None], app: RunctlApp, title: str) -> None:
        self._pilot = pilot
        self._app = app
        self._title = title

    async def press(self, *keys: str) -> None:
        """Press keys, each after a dialog has ceased to be deaf to what was meant for the screen before it."""
        for key in keys:
            await self._pilot.pause(DEAF_SECONDS * 1.5)
            await self._pilot.press(key)

    async def until(self, what: str, condition: Callable[[], object]) -> None:
        """Wait until something is so; TimeoutError with the screen when it never is."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"never came true: {what}\n{self.text()}")
            await self._pilot.pause(0.05)

    async def sees(self, *words: str) -> None:
        """Wait until all these words are on the screen."""
        await self.until(f"{words} on the screen", lambda: all(word in self.text() for word in words))

    async def leave_dialog(self) -> None:
        """Close the dialog in front."""
        await self.press("escape")
        await self.until("no dialog", lambda: len(self._app.screen_stack) == 1)

    async def choose(self, name: str) -> None:
        """Put the cursor on the first row that mentions a name."""
        table = self._app.screen_stack[0].query_one("#list", ResourceTable)
        await self.until(f"a row {name}", lambda: self._rows(table, name))
        await self._pilot.press("down")  # a cursor that nobody has moved stays on the first row
        table.move_to(self._rows(table, name)[0])

    def go(self, mode: str, reference: str) -> None:
        """Go to what somebody could have typed after the colon."""
        self._app.post_message(Navigate(mode, reference))

    async def newest_object(self) -> tuple[str, str]:
        """Return folder and name of the object that was written last into the bucket of checkpoints."""
        pages = self._app.services.objects.pages(BUCKET, "", recursive=True)
        rows = [row async for page in pages for row in page]
        newest = max(rows, key=lambda row: row.modified_at.timestamp() if row.modified_at else 0)
        folder, _, name = newest.address.rpartition("/")
        return f"{folder}/", name

    def text(self) -> str:
        """Return what the screen in front shows."""
        strips = self._app.screen._compositor.render_strips(self._app.size)
        return "\n".join(strip.text.rstrip() for strip in strips)

    async def keep(self, name: str) -> None:
        """Write the screen as an SVG."""
        await self._pilot.pause()
        path = FOLDER / f"{name}.svg"
        path.write_text(self._app.export_screenshot(title=self._title) + "\n", "utf-8")
        print(path.relative_to(ROOT), file=sys.stderr)

    @staticmethod
    def _rows(table: ResourceTable[str, Any], name: str) -> list[str]:
        return [key for key in table.model.view if name in str(table.model.row(key))]


async def tour(person: Photographer) -> None:
    """Go through the screens on a large terminal."""
    await person.sees("SANDBOX", SUBJECT, "1.01")
    await person.until("money spent", lambda: "today $0.00" not in person.text())
    await person.choose(SUBJECT)
    await person.keep("instances")
    await person.press("question_mark")
    await person.sees("One line per machine")
    await person.keep("help")
    await person.leave_dialog()
    await person.press("ctrl+d")
    await person.sees("TERMINATE", "training is running")
    await person.keep("terminate")
    await person.leave_dialog()
    await person.press("x")
    await person.sees("Launch…")
    await person.press("enter")
    await person.sees("LAUNCH", "g5.xlarge", "$/DAY")
    await person.keep("launch")
    await person.leave_dialog()
    await person.press("5")
    await person.sees("Monitor", "Saved checkpoint")
    await person.keep("monitor")
    await person.press("4")
    await person.sees("Checkpoints", "verified")
    await person.keep("checkpoints")
    await rooms(person)
    await machine(person)


async def rooms(person: Photographer) -> None:
    """Go through the screens of what a machine leaves and costs, of what is being done, and of what is set."""
    await person.press("2")
    await person.sees("sdxl-datasets", "$/MO")
    await person.keep("volumes")
    await person.press("3")
    await person.sees(BUCKET)
    await person.keep("s3")
    await objects(person)
    await person.press("6")
    await person.sees("forecast", "FINDING")
    await person.keep("costs")
    await snapshots(person)
    await person.press("7")
    await person.sees("Tasks", "✓ done", "scratch-2025")
    await person.keep("tasks")
    person.go("audit", "")
    await person.sees("Audit", "volume snapshot", "cancelled")
    await person.keep("audit")
    person.go("uploads", "")
    await person.sees("Unfinished uploads", "80", "12d")
    await person.keep("uploads")
    await person.press("exclamation_mark")
    await person.press("8")
    await person.sees("Cleanup", "forgotten", "unattached")
    await person.keep("cleanup")
    await person.press("9")
    await person.sees("aws.region")
    await person.keep("settings")


async def snapshots(person: Photographer) -> None:
    """Make a snapshot, so that there is one to see and a task that was done."""
    await person.press("2")
    await person.choose("scratch-2025")
    await person.press("x", *"snap", "enter")
    await person.sees("SNAPSHOT")
    await person.press("y")
    await person.sees("see 7 Tasks")
    await person.press("tab")
    await person.sees("Snapshots", "scratch-2025 ")
    await person.keep("snapshots")


async def objects(person: Photographer) -> None:
    """Look into a checkpoint in its bucket."""
    folder, name = await person.newest_object()
    person.go("s3", folder)
    await person.sees(name)
    await person.press("G")
    await person.sees("etag", "1-")
    await person.keep("objects")


async def machine(person: Photographer) -> None:
    """Go from the list to the page of a machine, to what its host does, and to its tunnels."""
    await person.press("1")
    await person.choose(SUBJECT)
    await person.press("enter")
    await person.sees("States and prices", "Checkpoints")
    await person.keep("machine")
    await person.press("h")
    await person.sees("Host llama-eval", "train.py")
    await person.keep("host")
    await person.press("T")
    await person.sees("Port there")
    await person.keep("tunnel")
    await person.press("ctrl+r")
    await person.sees("Tunnels", "http://127.0.0.1")
    await person.keep("tunnels")


async def small(person: Photographer) -> None:
    """Look at the first screen on a small terminal."""
    await person.sees("SANDBOX", SUBJECT, "1.01")
    await person.choose(SUBJECT)
    await person.keep("instances-80x24")


async def alone(person: Photographer) -> None:
    """Look at the first screen as somebody sees it who has no account anywhere."""
    await person.sees("No cloud answers", "What doctor found")
    await person.keep("start")


async def visit(
    state: Path, size: tuple[int, int], way: Callable[[Photographer], Awaitable[None]], sandbox: bool = True
) -> None:
    """Run the application once."""
    services = wiring.build(Options(sandbox=sandbox, state_dir=str(state)))
    app = RunctlApp(services)
    async with app.run_test(size=size) as pilot:
        await way(Photographer(pilot, app, "runctl-tui --sandbox" if sandbox else "runctl-tui"))
    services.close()


async def visit_without_accounts(folder: Path) -> None:
    """Run the application once where nobody has ever connected a cloud."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOWHERE)}
    bare = kept | {"HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"}
    with mock.patch.dict(os.environ, bare, clear=True):
        await visit(folder, WIDE, alone, sandbox=False)


async def take() -> None:
    """Take all screenshots in one world, then end its sandbox."""
    with tempfile.TemporaryDirectory(prefix="runctl-") as folder:
        try:
            await visit(Path(folder), WIDE, tour)
            await visit(Path(folder), NARROW, small)
            await visit_without_accounts(Path(folder) / "nobody")
        finally:
            await client.stop(Path(folder) / "sandbox" / "world")


def main() -> None:
    """Remake the screenshots as a person called alice, whoever makes them."""
    os.environ.update(LOGNAME="alice", USER="alice", TEXTUAL_ANIMATIONS="none", COLORTERM="truecolor")
    FOLDER.mkdir(exist_ok=True)
    with mock.patch.object(os, "geteuid", return_value=1000):
        asyncio.run(take())


if __name__ == "__main__":
    main()
