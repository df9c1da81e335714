"""What menus offer and refuse, without a screen around them."""

from __future__ import annotations

import pytest

from runctl_tui import modals
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.screens.instance_verbs import instance_menu
from runctl_tui.screens.run_verbs import run_menu
from tests.fakes import a_run, an_instance

LOCK = "read-only: :arm 10m first"
BOX = an_instance()
MENUS = {
    "machine": lambda lock: instance_menu(
        [FleetRow(BOX, Unknown("not asked"), None, None)], lambda provider, capability: "", lock
    ),
    "run": lambda lock: run_menu(a_run(BOX), lock),
}


def shells(items: tuple[modals.PickItem, ...]) -> list[str]:
    return [str(item.disabled_because) for item in items if item.id == "shell"]


@pytest.mark.parametrize("menu", MENUS)
def test_a_shell_can_change_anything_and_so_read_only_offers_none(menu: str) -> None:
    assert shells(MENUS[menu]("")) == [""]
    assert shells(MENUS[menu](LOCK)) == [LOCK]
    reading = [item.id for item in MENUS[menu](LOCK) if not item.disabled_because]
    assert {"host", "tunnel"} <= set(reading)
