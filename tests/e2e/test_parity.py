"""docs/parity.md is true: each command that it names works on one sandbox, each screen, key and menu entry exists."""

from __future__ import annotations

import json
import re
import shlex
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from runctl_tui.app import SCREENS, RunctlApp, screen_class
from runctl_tui.commands.line import COMMANDS
from runctl_tui.widgets.log_view import LogView
from runctl_tui.widgets.table import ResourceTable
from tests.e2e.world import World, until
from tests.hygiene.source import PACKAGE, ROOT, modules, texts

pytestmark = pytest.mark.e2e
NOT_YET = "not yet"
WAITING = ("docker", "spot cockpit", "pre-warm", "lyceum")
"""What has no place here; everything else has one."""


@dataclass(frozen=True)
class Row:
    """One verb of runctl and its place here."""

    what: str
    screen: str
    key: str
    command: str

    @property
    def waits(self) -> bool:
        return NOT_YET in (self.screen, self.key, self.command)

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command.strip("`"))[1:]


def rows() -> Iterator[Row]:
    for line in (ROOT / "docs" / "parity.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and cells[0] != "runctl" and not line.startswith("|--"):
            yield Row(*cells)


ROWS = list(rows())
PLACED = [row for row in ROWS if not row.waits]


def keys_on(screen: str) -> set[str]:
    """Every key that acts on a screen, as the papers write it."""
    (shown,) = [found for found in map(screen_class, SCREENS) if screen == found.NAME]
    found: set[str] = set()
    for cls in (*shown.__mro__, RunctlApp, ResourceTable, LogView):
        for binding in vars(cls).get("BINDINGS", ()):
            found |= {binding.key_display, *binding.key.split(",")}
    return found


def test_every_row_has_a_place_except_what_has_none_yet() -> None:
    assert len(ROWS) > 50
    for row in ROWS:
        assert all((row.what, row.screen, row.key, row.command)), row
        known = any(word in row.what.lower() for word in WAITING)
        assert row.waits == known, row
        if row.waits:
            assert row.screen == row.key == row.command == NOT_YET


@pytest.mark.parametrize("row", PLACED, ids=lambda row: row.what)
def test_screen_key_and_menu_entry_exist(row: Row) -> None:
    assert row.screen in {screen_class(mode).NAME for mode in SCREENS}
    keys, entries = re.findall(r"`([^`]+)`", row.key), re.findall(r"\*([^*]+)\*", row.key)
    assert keys
    for key in keys:
        assert key.removeprefix(":") in COMMANDS if len(key) > 1 and key[0] == ":" else key in keys_on(row.screen)
    labels = {text for path in modules(PACKAGE / "screens") for text in texts(path)}
    for entry in entries:
        assert keys == ["x"]
        assert entry in labels


def test_the_places_of_keys_are_looked_up_for_real() -> None:
    assert "s" in keys_on("Instances")
    assert "s" not in keys_on("Costs")
    assert "enter" in keys_on("S3")


@pytest.fixture(scope="module")
def ready(world: World) -> World:
    """The shared sandbox once its training has written the checkpoints that the page names."""
    (world.folder / "model.json").write_text("{}")
    steps = until(
        lambda: [one["step"] for one in world.ask("checkpoints", "list", "--run", "llama-eval") if one["step"] == 100],
        "the checkpoint of step 100",
    )
    assert steps
    return world


@pytest.mark.parametrize("row", PLACED, ids=lambda row: row.command.strip("`"))
def test_the_command_works(ready: World, row: Row) -> None:
    if "--watch" in row.words:
        watch_once(ready, row.words)
        return
    words, rest = (row.words, []) if "--" not in row.words else split(row.words)
    answer = ready.call(*words, *rest)
    assert answer.data is not None
    planned = answer.data if isinstance(answer.data, dict) else {}
    if "plan" in planned:
        assert planned["plan"]["effect"]


def split(words: list[str]) -> tuple[list[str], list[str]]:
    at = words.index("--")
    return words[:at], words[at:]


def watch_once(world: World, words: list[str]) -> None:
    """Read the first line of a watch, then interrupt it, which is its ordinary end."""
    child = world.begin(*words)
    assert child.stdout is not None
    first = json.loads(child.stdout.readline())
    child.send_signal(signal.SIGINT)
    assert world.finish(child).code == 0
    assert first["success"] is True
    assert first["data"]
