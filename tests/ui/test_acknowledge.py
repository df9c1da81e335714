"""What stands against a plan is ticked line by line and explained, before anything can be done all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from runctl_tui.modals import confirm
from runctl_tui.screens.labelling import ORDINARY
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, WIDE, Person, at_keyboard
from tests.ui.fakes import World

TRAINING = Reason(
    "training_running", Severity.BLOCK, "training is running: llama-7b", Level.REASON, (), "stop the run first",
    Operation.RUN_STOP, (data.LLAMA_RUN.id,),
)  # fmt: skip
ONLY_COPY = Reason("ckpt_only_copy", Severity.BLOCK, "step_4000 is not verified in S3", Level.REASON)
NAME = "llama-7b"


async def open_plan(person: Person) -> None:
    await person.press("ctrl+d")
    await person.sees("[ ] I know: training is running: llama-7b (better: stop the run first)", "Why all the same")


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_it_is_done_when_all_is_ticked_explained_named_and_the_moment_has_passed(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "ARM_SECONDS", 1000.0)
    async with at_keyboard(World(reasons=(TRAINING, ONLY_COPY)), size=size) as person:
        await open_plan(person)
        act = person.app.screen.query_one("#act")
        assert person.app.focused is not None
        assert person.app.focused.id == "cancel"
        await person.press("shift+tab", "shift+tab", "shift+tab", "shift+tab", "space")
        await person.sees("[x] I know: training is running")
        await person.press("tab", "space", "tab")
        await person.type("preempt")
        await person.press("space")
        await person.type("it")
        await person.press("tab")
        await person.type(NAME)
        assert act.disabled, "it has only just been shown"
        person.world.clock.advance(1000)
        await person.until(lambda: not act.disabled, "the button wakes")
        await person.press("enter", "enter")
        await person.until(lambda: person.world.committed, "the plan is committed")
        ((plan, said),) = person.world.committed
        assert said.acknowledges(plan.verdict)
        assert (said.name, said.reason) == (NAME, "preempt it")


@pytest.mark.parametrize("missing", ["tick", "reason", "name"])
async def test_anything_missing_keeps_the_button_asleep(missing: str) -> None:
    async with at_keyboard(World(reasons=(TRAINING,))) as person:
        await open_plan(person)
        person.world.clock.advance(confirm.ARM_SECONDS)
        await person.press("shift+tab", "shift+tab", "shift+tab", *([] if missing == "tick" else ["space"]), "tab")
        await person.type("too short" if missing == "reason" else "long enough")
        await person.press("tab")
        await person.type("llama" if missing == "name" else NAME)
        await person.press("enter", "y", "enter", "escape")
        await person.until(lambda: not person.dialog, "the dialog is closed")
        assert not person.world.committed


async def test_what_nobody_may_acknowledge_has_no_ticks() -> None:
    final = replace(TRAINING, level=Level.NEVER)
    async with at_keyboard(World(reasons=(final, ONLY_COPY))) as person:
        await person.press("ctrl+d")
        await person.sees("✗ blocked", "training is running: llama-7b", "[ Close ]")
        assert "I know" not in person.text()


async def test_an_account_is_labelled_once_by_typing_its_number() -> None:
    unlisted = Reason(
        "account_unlisted", Severity.BLOCK, "nobody has said yet", Level.NEVER, offer_references=("111122223333",)
    )
    world = World(reasons=(unlisted,))
    async with at_keyboard(world) as person:
        await person.press("ctrl+d")
        await person.sees("WHOSE ACCOUNT", "Nothing was destroyed in account 111122223333 before")
        await person.type("111122223334")
        await person.press("enter")
        await person.sees("type exactly: 111122223333")
        await person.press("backspace")
        await person.type("3")
        world.reasons = ()
        await person.press("enter")
        await person.until(lambda: person.dialog == "ConfirmDestroy", "the plan is made again and shown")
        assert person.app.services.settings.value(ORDINARY) == ("111122223333",)
        assert len(world.planned) == 2


async def test_an_account_that_nobody_labels_shows_why_nothing_is_done() -> None:
    unlisted = Reason(
        "account_unlisted", Severity.BLOCK, "nobody has said yet", Level.NEVER, offer_references=("111122223333",)
    )
    async with at_keyboard(World(reasons=(unlisted,))) as person:
        await person.press("ctrl+d")
        await person.sees("WHOSE ACCOUNT")
        await person.press("escape")
        await person.sees("✗ blocked", "nobody has said yet", "[ Close ]")
        assert person.app.services.settings.value(ORDINARY) == ()
