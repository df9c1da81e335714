"""Which columns of the real tables are shown at which width, and what counts as a change in one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runctl_tui.domain.clock import Clock
from runctl_tui.screens.columns.instances import instance_columns
from runctl_tui.screens.columns.tasks import task_columns
from runctl_tui.screens.columns.volumes import volume_columns
from runctl_tui.widgets.columns import Placed, place
from runctl_tui.widgets.table_changes import FreshCells
from runctl_tui.widgets.table_model import TableModel
from tests.fakes import FakeClock
from tests.ui import fake_data as data
from tests.ui.volume_data import storage

CLOCK: Clock = FakeClock()


def widths(placed: tuple[Placed[object], ...]) -> dict[str, int]:
    return {each.column.id: each.width for each in placed}


@pytest.mark.parametrize("width", [26, 30, 37, 40, 50, 77])
def test_a_machine_keeps_its_name_and_state_however_narrow(width: int) -> None:
    assert {"name", "state"} <= widths(place(instance_columns(CLOCK.now), width)).keys()  # type: ignore[arg-type]  # any row


def test_of_a_machine_the_name_is_the_last_to_go() -> None:
    assert widths(place(instance_columns(CLOCK.now), 20)) == {"name": 20}  # type: ignore[arg-type]  # any row


def test_a_task_keeps_what_it_is_and_how_it_stands_however_narrow() -> None:
    assert widths(place(task_columns(CLOCK.now), 36)).keys() == {"state", "title"}  # type: ignore[arg-type]  # any row


def test_columns_of_many_words_share_the_room_of_a_wide_terminal() -> None:
    found = widths(place(task_columns(CLOCK.now), 197))  # type: ignore[arg-type]  # any row
    assert found["title"] > 70
    assert found["step"] > 60
    assert sum(found.values()) + 2 * (len(found) - 1) == 197


def test_a_name_that_is_told_later_is_no_change_and_another_machine_is_one() -> None:
    held = next(volume for volume in storage().volumes if volume.attachment is not None)
    (first, *_) = held.attachments
    model = TableModel(volume_columns(CLOCK.now), lambda row: row.key)
    fresh = FreshCells(model)
    at = [column.id for column in model.columns].index("attached")
    unnamed = replace(held, attachments=(replace(first, instance_name=""),))
    named = replace(held, attachments=(replace(first, instance_name="llama-7b"),))
    moved = replace(held, attachments=(replace(first, instance_id="i-0other", instance_name="other"),))

    def marked(*rows: object) -> set[int]:
        for row in rows:
            before = fresh.told([held.key])
            fresh.mark(before, model.set_rows([row]).rows)  # type: ignore[list-item]  # volumes, all of them
            model.cells(held.key)
        return set(fresh.of(held.key))

    assert marked(unnamed, named) == set()
    assert marked(moved) == {at}


def test_peoples_own_tags_come_before_those_of_this_program() -> None:
    row = data.fleet()[0]
    tags = (("Name", "a"), ("runctl:owner", "alice"), ("team", "vision"))
    (column,) = (each for each in instance_columns(CLOCK.now) if each.id == "tags")
    text = column.cell(replace(row, instance=replace(row.instance, tags=tags))).text
    assert text == "team=vision  runctl:owner=alice"
