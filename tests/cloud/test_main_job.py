"""Launch, train, keep, terminate: the main job on the library's own services."""

from __future__ import annotations

import pytest

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingSession, TrainingStatus
from tests.cloud.place import Cloud, until

pytestmark = [pytest.mark.cloud, pytest.mark.apart]


async def ended(cloud: Cloud, run_id: str) -> TrainingSession:
    """Wait for a run's end."""

    async def look() -> TrainingSession | None:
        session = await cloud.services.runs.find(run_id)
        return session if session.status.ended else None

    return await until(look, f"the end of {run_id}")


async def kept(cloud: Cloud, run_id: str, step: int) -> tuple[Checkpoint, ...]:
    """Wait until every checkpoint up to this step and beyond is verified in S3; newest first."""

    async def look() -> tuple[Checkpoint, ...] | None:
        found = (await cloud.services.checkpoints.now(run_id)).value
        newest = max((each.step or 0 for each in found), default=0)
        return found if newest >= step and all(each.safe_in_s3 for each in found) else None

    found = await until(look, f"step {step} of {run_id} in S3")
    return tuple(sorted(found, key=lambda each: each.step or 0, reverse=True))


async def test_the_main_job(cloud: Cloud) -> None:
    view = await cloud.launch(cloud.machine("main"), cloud.training(steps=40))
    assert [step.id for step in view.steps] == ["create", "running", "ssh", "code", "deps", "training", "detached"]
    session = await ended(cloud, view.run_id)
    assert (session.status, session.exit_code) == (TrainingStatus.COMPLETED, 0)
    assert (session.progress.step, session.progress.total_steps) == (40, 40)
    checkpoints = await kept(cloud, view.run_id, 40)
    assert [each.step for each in checkpoints] == [40, 20]
    assert all(each.s3.location.startswith(f"s3://{cloud.account.bucket}/runctl-test/") for each in checkpoints)
    log = (await cloud.services.runs.log(view.run_id)).decode()
    assert log.index("step 20/40") < log.index("step 40/40")
    await cloud.terminate(view.instance_id)
    assert await cloud.state(view.instance_id) in (ResourceState.TERMINATING, ResourceState.TERMINATED)


async def test_a_run_is_stopped_and_goes_on_from_its_last_checkpoint(cloud: Cloud) -> None:
    view = await cloud.launch(cloud.machine("resume"), cloud.training(steps=4000, sleep=0.05))

    async def beyond_twenty() -> bool:
        return ((await cloud.services.runs.find(view.run_id)).progress.step or 0) > 20

    await until(beyond_twenty, "step 20")
    await cloud.commit(await cloud.services.actions.plan(Operation.RUN_STOP, [view.run_id]))
    stopped = await ended(cloud, view.run_id)
    assert (stopped.status, stopped.exit_code) == (TrainingStatus.CANCELLED, 143)
    assert stopped.progress.step is not None
    (newest, *_) = await kept(cloud, view.run_id, stopped.progress.step)
    last = newest.step or 0
    other = await cloud.launch(
        cloud.machine("resumed"),
        cloud.continuing(stopped, newest, steps=last + 20),
    )
    resumed = await ended(cloud, other.run_id)
    assert (resumed.status, resumed.parent) == (TrainingStatus.COMPLETED, view.run_id)
    log = (await cloud.services.runs.log(other.run_id)).decode()
    assert f"step {last + 20}/{last + 20}" in log
    assert "step 5/" not in log
