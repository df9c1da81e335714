"""The upload of a run: the better way that a dialog offers, the verbs in the menus, and the question where to."""

from __future__ import annotations

from dataclasses import replace

from runctl_tui.domain.checkpoint import CheckpointCopy, CopyState
from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from runctl_tui.domain.run_uploads import NO_PLACE, RunUpload
from tests.ui import fake_data as data
from tests.ui.driving import Person, at_keyboard
from tests.ui.fakes import World

RUN = data.LLAMA_RUN.id
ONLY_COPY = Reason(
    "ckpt_only_copy", Severity.BLOCK, "the newest checkpoint step_4000 is not verified in S3", Level.REASON, (),
    "upload it first, or let its upload finish", Operation.RUN_UPLOAD, (RUN,),
)  # fmt: skip
NOWHERE = Reason(NO_PLACE, Severity.BLOCK, "nobody has said where in S3 it shall go", Level.NEVER, (), "say where to")


async def test_the_only_copy_is_uploaded_first_by_a_button_of_the_dialog() -> None:
    world = World(reasons=(ONLY_COPY,))
    async with at_keyboard(world) as person:
        await person.press("ctrl+d")
        await person.sees("[ Cancel ]", "[ Upload it first ]", "step_4000 is not verified in S3")
        world.reasons = ()
        await person.press("tab", "enter")
        await person.until(lambda: world.planned[-1] == (Operation.RUN_UPLOAD, (RUN,)), "the upload's plan")
        await person.until(lambda: person.dialog == "ConfirmStart", "its own dialog")
        await person.press("y")
        await person.until(lambda: world.committed, "the upload is begun")
        ((plan, _),) = world.committed
        assert plan.operation is Operation.RUN_UPLOAD


async def upload_from(person: Person, key: str) -> None:
    await person.press(key, "x")
    await person.sees("to S3")
    await person.type("upload")
    await person.press("enter")
    await person.until(lambda: person.world.planned, "planned")
    assert person.world.planned == [(Operation.RUN_UPLOAD, (RUN,))]


async def test_the_menus_of_runs_and_checkpoints_begin_it() -> None:
    async with at_keyboard() as person:
        await upload_from(person, "5")
    missing = [replace(one, s3=CheckpointCopy(CopyState.ABSENT)) for one in data.checkpoints() if one.run_id == RUN]
    world = World()
    world.checkpoints.push(tuple(missing))
    async with at_keyboard(world) as person:
        await upload_from(person, "4")


async def test_a_checkpoint_that_is_verified_in_s3_is_not_uploaded() -> None:
    world = World()
    kept = [one for one in data.checkpoints() if one.safe_in_s3][:1]
    world.checkpoints.push(tuple(kept))
    async with at_keyboard(world) as person:
        await person.press("4", "x")
        await person.sees("Upload to S3", "it is verified in S3")


async def test_who_has_no_place_is_asked_where_to() -> None:
    world = World(refused={RUN: NOWHERE})
    async with at_keyboard(world) as person:
        await upload_from(person, "5")
        await person.sees("Where in S3 shall the checkpoints go?")
        await person.type("Bad_Bucket")
        await person.press("enter")
        assert not world.uploading
        await person.press(*["backspace"] * 10)
        await person.type("my-runs/team")
        await person.press("enter")
        await person.until(
            lambda: world.uploading == [RunUpload((RUN,), "s3://my-runs/team")], "planned with the place"
        )
        await person.until(lambda: person.dialog == "ConfirmStart", "its plan")


async def test_who_says_no_place_sees_why_nothing_can_be_done() -> None:
    async with at_keyboard(World(refused={RUN: NOWHERE})) as person:
        await upload_from(person, "5")
        await person.sees("Where in S3 shall the checkpoints go?")
        await person.press("escape")
        await person.sees("nobody has said where in S3 it shall go", "[ Close ]")
        assert not person.world.uploading


async def test_a_lock_that_cannot_be_lifted_is_not_said_to_be_armed_away() -> None:
    lock = "read-only: a production account, and safety.arming is off: policy (/etc/x)"
    async with at_keyboard(World(facts=replace(data.FACTS, lock=lock))) as person:
        await person.press("5", "x")
        await person.sees("Stop run…", "read-only: a production account")
        assert ":arm" not in person.text()
