"""Uploads of runs on real hosts to moto's S3: the whole way from the plan to copies that are verified there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.instance import Instance
from runctl_tui.domain.plan import Level, Operation, StepState
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run_uploads import RunUpload
from runctl_tui.services.errors import HostUnreachable, ValidationError
from runctl_tui.services.journal_rows import JournalState
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.safe_cleanup import last_view
from tests.fakes import acknowledging
from tests.services.aws.world import World
from tests.services.rig import until_true
from tests.services.run_upload_rig import BUCKET, RUN, WRITES, UploadRig, upload_rig

Made = tuple[UploadRig, Instance]
PLACE = f"s3://{BUCKET}/team"
KEYS = {f"team/{RUN}/checkpoints/step_00000{step}.bin" for step in (1, 2, 3)}


@pytest.fixture
async def made(tmp_path: Path, world: World) -> AsyncIterator[Made]:
    async with upload_rig(tmp_path, world) as pair:
        yield pair


async def test_an_ended_run_without_a_place_is_brought_to_the_configured_one(made: Made) -> None:
    rig, machine = made
    await rig.ended(machine)
    rig.usual = PLACE
    plan = await rig.plan()
    lines = {line.label: line.text for line in plan.lines}
    assert plan.effect == f'upload the checkpoints of {RUN} "train.py" to {PLACE}'
    assert lines["SENDS"].startswith("3 checkpoints not verified in S3, 3.0 kB · step_000003.bin, 1.0 kB, ")
    assert lines["TO"] == f"{PLACE}/{RUN}/, and there what it writes from now on"
    assert (lines["STAYS"], lines["FROM"].split(",")[0]) == (
        "everything on its host: nothing is deleted",
        machine.key,
    )
    assert plan.verdict.level is Level.ENTER
    view = await rig.commit(plan)
    assert (view.ok, view.result) == (True, f"3 checkpoints of {RUN} verified in S3")
    assert {step.state for step in view.steps} == {StepState.DONE}
    assert rig.stored() >= KEYS
    assert RunFiles(rig.folder / "runs").load()[RUN].output_dest == PLACE, "it is known where it went"
    (row,) = await rig.journal.history()
    assert (row.entry.operation, row.entry.resource, row.state) == (Operation.RUN_UPLOAD, RUN, JournalState.VERIFIED)
    again = await rig.plan()
    assert again.effect == f'nothing on {RUN} "train.py": its checkpoints are verified in S3 already'


async def test_a_host_without_credentials_gets_urls_from_the_relay(made: Made) -> None:
    rig, _ = made
    machine = rig.machine(2)
    await rig.ended(machine)
    view = await rig.commit(await rig.plan(PLACE))
    assert view.ok, view.result
    assert rig.stored() >= KEYS
    assert rig.relays


async def test_copies_that_were_deleted_in_s3_are_sent_again(made: Made) -> None:
    rig, machine = made
    rig.usual = PLACE
    await rig.ended(machine)
    assert (await rig.commit(await rig.plan())).ok
    lost = f"team/{RUN}/checkpoints/step_000002.bin"
    rig.s3.delete_object(Bucket=BUCKET, Key=lost)
    plan = await rig.plan()
    sends = next(line.text for line in plan.lines if line.label == "SENDS")
    assert sends.startswith("1 checkpoint not verified in S3, 1.0 kB · step_000002.bin, ")
    assert (await rig.commit(plan)).ok
    assert lost in rig.stored()


async def test_a_run_that_works_on_is_sent_too_and_goes_on_being_sent(made: Made) -> None:
    rig, machine = made
    more = "import time\ntime.sleep(2)\nopen(folder + '/step_000009.bin', 'wb').write(b'x' * 9)\ntime.sleep(60)\n"
    await rig.start(machine, WRITES + more, RUN)
    await until_true(lambda: _written(rig, 3), "three checkpoints")
    assert (await rig.commit(await rig.plan(PLACE))).ok
    assert (await rig.register.find(RUN)).status.live

    async def later() -> bool:
        return f"team/{RUN}/checkpoints/step_000009.bin" in rig.stored()

    assert await until_true(later, "what it writes afterwards", 30)


async def _written(rig: UploadRig, number: int) -> bool:
    return (await rig.register.find(RUN)).checkpoints >= number


async def test_where_it_goes_must_be_said_and_be_there(made: Made) -> None:
    rig, machine = made
    await rig.ended(machine)
    plan = await rig.plan()
    assert [(reason.code, reason.level) for reason in plan.verdict.blocking] == [("no_place", Level.NEVER)]
    assert "--to s3://bucket/prefix" in plan.verdict.way_out
    gone = await rig.plan("s3://nobody-has-this-bucket/x")
    assert [reason.code for reason in gone.verdict.blocking] == ["place_unknown"]
    with pytest.raises(ValidationError, match="no place for checkpoints"):
        await rig.plan("/tmp/here")
    with pytest.raises(ValidationError, match="nothing to upload"):
        await rig.actions.plan_upload(RunUpload(()))


async def test_a_run_has_one_place(made: Made) -> None:
    rig, machine = made
    await rig.ended(machine)
    assert (await rig.commit(await rig.plan(PLACE))).ok
    with pytest.raises(ValidationError, match=f"uploaded to {PLACE}/r-000001aaaaa/ already"):
        await rig.plan("s3://elsewhere/x")
    assert not (await rig.plan(f"{PLACE}/")).verdict.blocked, "the same, written otherwise"


async def test_a_machine_that_is_off_is_started_first(made: Made) -> None:
    rig, machine = made
    await rig.ended(machine)
    rig.provider.add(replace(machine, state=ResourceState.STOPPED))
    plan = await rig.plan(PLACE)
    (reason,) = [one for one in plan.verdict.reasons if one.code == "not_running"]
    assert (reason.offer_operation, reason.offer_references) == (Operation.START, (machine.key,))


async def test_who_gives_up_is_told_that_the_host_goes_on(made: Made) -> None:
    rig, _ = made
    rig.relay_works = False
    await rig.ended(rig.machine(2))
    plan = await rig.plan(PLACE)
    job_id = await rig.actions.commit(plan, acknowledging(plan))
    async for view in rig.jobs.watch(job_id):
        if "waiting for credentials or relay" in view.steps[1].detail:
            break
    rig.jobs.cancel(job_id)
    view = await last_view(rig.jobs, job_id)
    assert (view.ok, view.code) == (False, "cancelled")
    assert "its host goes on with it" in view.result
    rig.relay_works = True
    rig._relay()

    async def there() -> bool:
        return rig.stored() >= KEYS

    assert await until_true(there, "what was asked for all the same")


async def test_a_lost_look_is_no_failure(made: Made) -> None:
    rig, machine = made
    await rig.ended(machine)
    plan = await rig.plan(PLACE)
    looks = 0
    session = rig.hosts.session

    async def sometimes(instance: Instance):  # type: ignore[no-untyped-def]  # the method that it stands for
        nonlocal looks
        looks += 1
        if looks in (6, 7):
            raise HostUnreachable("no way there")
        return await session(instance)

    vars(rig.hosts)["session"] = sometimes
    assert (await rig.commit(plan)).ok
