"""Claiming, protecting and scheduling from the action menu."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runctl_tui.domain.marks import MarkRequest, Way
from runctl_tui.domain.plan import Operation
from tests.ui.driving import Person, at_keyboard

LLAMA = "aws/i-0abc12de34f567890"


async def choose(person: Person, words: str) -> None:
    await person.press("x")
    await person.type("claim, sch")
    await person.press("enter")
    await person.sees("Protect, claim, schedule", "Protect until a day")
    await person.type(words)
    await person.press("enter")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("for good", MarkRequest(Operation.PROTECT, "instance", (LLAMA,))),
        ("termination protection on", MarkRequest(Operation.PROTECT, "instance", (LLAMA,), Way.TERMINATION)),
        ("stop protection off", MarkRequest(Operation.UNPROTECT, "instance", (LLAMA,), Way.STOP)),
    ],
)
async def test_a_choice_opens_its_plan(words: str, wanted: MarkRequest) -> None:
    async with at_keyboard() as person:
        await choose(person, words)
        await person.until(lambda: person.world.marks, "the plan is made")
        assert person.world.marks == [wanted]
        await person.until(lambda: person.dialog.startswith("Confirm"), "the plan is shown")
        assert person.dialog == ("ConfirmStop" if wanted.operation is Operation.UNPROTECT else "ConfirmStart")


async def test_a_day_is_asked_for_and_must_be_one_that_comes() -> None:
    async with at_keyboard() as person:
        await choose(person, "schedule its")
        today = person.world.clock.now().date()
        await person.sees("SCHEDULE ITS DELETION", "Nothing is deleted then by itself", str(today + timedelta(days=7)))
        await person.press("ctrl+u")
        await person.type("2020-01-01")
        await person.sees("2020-01-01 has passed")
        await person.press("ctrl+u")
        await person.type("soon")
        await person.sees("is no day such as 2026-11-30")
        await person.press("ctrl+u")
        await person.type(str(today))
        await person.press("enter")
        await person.until(lambda: person.world.marks, "the plan is made")
        assert person.world.marks == [MarkRequest(Operation.SCHEDULE, "instance", (LLAMA,), day=today)]


async def test_what_makes_no_sense_says_why_and_escape_marks_nothing() -> None:
    async with at_keyboard() as person:
        await person.press("x")
        await person.type("claim, sch")
        await person.press("enter")
        await person.sees("yours already", "no tag of it protects it", "it has no such day")
        await person.press("escape")
        await person.until(lambda: not person.dialog, "the choice is closed")
        assert person.world.marks == []
