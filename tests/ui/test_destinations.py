"""What words after the colon name: found by one look, completed in order, read again only when something is new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from runctl_tui.screens import destinations
from runctl_tui.screens.destinations import MOST, Destinations
from tests.ui import fake_data as data
from tests.ui.fakes import World


def test_many_machines_are_offered_in_part_and_the_last_shows_how_far_they_agree() -> None:
    world = World()
    row = data.fleet()[0]
    names = [f"box-{number:04}" for number in range(MOST * 2)]
    world.fleet.push(tuple(replace(row, instance=replace(row.instance, id=name, name=name)) for name in names))
    places = Destinations(world.services())
    assert places.machines("box-") == [*names[:MOST], names[-1]]
    assert places.machines("box-003") == names[30:40]
    assert places.machines("nobody") == []


def test_the_rows_are_gone_through_when_they_change_not_at_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    world, looks = World(), 0

    def counted(words: Iterable[str]) -> list[str]:
        nonlocal looks
        looks += 1
        return sorted(words)

    monkeypatch.setattr(destinations, "_typed", counted)
    places = Destinations(world.services())
    for head in ("l", "ll", "lla"):
        assert places.machines(head)
    assert looks == 1
    world.fleet.push(())
    assert places.machines("l") == []
    assert looks == 2
