"""EC2 as it is: what a token made is not made twice, a lag is no absence, and each refusal says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.volume import NewVolume, VolumeChange, VolumeShape
from runctl_tui.services.journal_rows import JournalState
from tests.services.aws.acting import Acting
from tests.services.aws.fake_ec2 import REFUSALS, FakeEc2
from tests.services.aws.world import World

O = Operation  # noqa: E741 - short, because most lines of this file name one
SHAPE = VolumeShape("gp3", 10, 3000, 125)


@pytest.fixture
def fake(world: World, monkeypatch: pytest.MonkeyPatch) -> FakeEc2:
    made = FakeEc2(URLLib3Session.send)
    monkeypatch.setattr(URLLib3Session, "send", lambda session, request: made.send(session, request))
    return made


@pytest.fixture
def acting(world: World, fake: FakeEc2, tmp_path: Path) -> Iterator[Acting]:
    made = Acting(tmp_path / "state", world)
    yield made
    made.close()


def machines(world: World) -> list[str]:
    """What really is there, hidden or not."""
    told: Any = world.raw().describe_instances()
    return [box["InstanceId"] for group in told["Reservations"] for box in group["Instances"]]


def run(world: World, token: str, kind: str = "t3.micro") -> str:
    image = world.raw().describe_images()["Images"][0]["ImageId"]
    asked = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "InstanceType": kind, "ClientToken": token}
    return str(world.raw().run_instances(**asked)["Instances"][0]["InstanceId"])


async def test_the_fake_makes_one_machine_for_a_token(world: World, fake: FakeEc2) -> None:
    first = run(world, "t-1")
    assert run(world, "t-1") == first
    assert run(world, "t-2") != first
    assert len(machines(world)) == 2
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        run(world, "t-1", "t3.small")


async def test_the_fake_shows_a_machine_after_some_looks_and_the_others_at_once(world: World, fake: FakeEc2) -> None:
    old = run(world, "t-1")
    fake.lag = 2
    new = run(world, "t-2")
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        world.raw().describe_instances(InstanceIds=[new])
    assert machines(world) == [old]
    assert sorted(machines(world)) == sorted([old, new])


async def test_the_same_launch_sent_twice_makes_one_machine(world: World, fake: FakeEc2) -> None:
    fake.lag = 1
    made = await world.provider.create_resource(world.options(), "t-1")
    again = await world.provider.create_resource(world.options(), "t-1")
    assert (again.id, machines(world)) == (made.id, [made.id])


async def test_a_lost_launch_is_found_by_its_token_once_it_is_shown(acting: Acting, fake: FakeEc2) -> None:
    fake.lag, fake.lost = 2, {"RunInstances"}
    view = await acting.launch(acting.world.options())
    assert (view.ok, fake.count("RunInstances")) == (False, 1)
    (row,) = await acting.rows()
    assert row.state is JournalState.AMBIGUOUS
    assert len(await acting.journal.reconcile(acting.registry)) == 1, "not shown is not 'never arrived' so early"
    assert await acting.journal.reconcile(acting.registry) == ()
    (row,) = await acting.rows()
    (box,) = machines(acting.world)
    assert (row.state, row.detail) == (JournalState.VERIFIED, f"it created {box}")


async def test_not_shown_right_after_its_creation_is_not_gone(acting: Acting, fake: FakeEc2) -> None:
    fake.lag = 3
    view = await acting.launch(acting.world.options())
    assert view.ok, view.result
    box = await acting.world.provider.get_resource_status(view.instance_id, "us-east-1")
    assert box.state in (ResourceState.STARTING, ResourceState.RUNNING)
    while box.state is ResourceState.STARTING:
        box = await acting.world.provider.get_resource_status(box.id, "us-east-1")
    view = await acting.do(O.TERMINATE, box.id)
    assert view.ok, view.result
    raw: Any = acting.world.raw()
    (told,) = raw.describe_instances(InstanceIds=[box.id])["Reservations"][0]["Instances"]
    assert told["State"]["Name"] in ("shutting-down", "terminated")
    ended = [form for action, form in fake.sent if action == "TerminateInstances"]
    assert ["InstanceId.2" in form for form in ended] == [False], "one instance per call: a zone's batch fails as one"


async def test_a_snapshot_counts_once_it_is_complete(acting: Acting, fake: FakeEc2) -> None:
    change = VolumeChange(O.VOLUME_CREATE, new=NewVolume("aws", "us-east-1a", "data", SHAPE))
    assert (await acting.commit(await acting.actions.plan_volume(change))).ok
    fake.pending_looks = 6
    view = await acting.commit(await acting.actions.plan_volume(VolumeChange(O.VOLUME_SNAPSHOT, ("data",), name="s")))
    assert view.ok, view.result
    looks = fake.count("DescribeSnapshots")
    assert looks >= 6, "it was waited for"
    assert [row.state for row in await acting.rows()] == [JournalState.VERIFIED] * 2


@pytest.mark.parametrize("lost", ["StopInstances", "TerminateInstances"])
async def test_a_lost_answer_of_a_change_is_settled_by_looking(acting: Acting, fake: FakeEc2, lost: str) -> None:
    box = (await acting.launch(acting.world.options())).instance_id
    fake.lost = {lost}
    view = await acting.do(O.STOP if lost == "StopInstances" else O.TERMINATE, box)
    assert (view.ok, fake.count(lost)) == (True, 1), view.result
    assert (await acting.rows())[-1].state is JournalState.VERIFIED


WANTED = {
    "InsufficientInstanceCapacity": "try another zone, type or region",
    "VcpuLimitExceeded": "ask for more at Service Quotas",
    "MaxSpotInstanceCountExceeded": "ask for more at Service Quotas",
    "SpotMaxPriceTooLow": "raise the maximum price",
    "RequestLimitExceeded": "tried again",
}


@pytest.mark.parametrize("code", WANTED)
async def test_a_refused_launch_says_what_why_and_what_next_and_made_nothing(
    acting: Acting, fake: FakeEc2, code: str
) -> None:
    fake.refused = {"RunInstances": code}
    view = await acting.launch(acting.world.options())
    assert (view.ok, view.code) == (False, code)
    assert "t3.micro could not be launched" in view.result
    assert REFUSALS[code][1].rstrip(".") in view.result
    assert WANTED[code] in view.result
    assert (fake.count("RunInstances"), machines(acting.world)) == (1, [])
    assert [row.state for row in await acting.rows()] == [JournalState.FAILED]


@pytest.mark.parametrize(
    ("code", "state"), [("RequestLimitExceeded", JournalState.FAILED), ("InternalError", JournalState.AMBIGUOUS)]
)
async def test_a_change_that_is_throttled_was_not_begun_and_after_an_internal_error_nobody_knows(
    acting: Acting, fake: FakeEc2, code: str, state: JournalState
) -> None:
    box = (await acting.launch(acting.world.options())).instance_id
    fake.refused = {"StopInstances": code}
    view = await acting.do(O.STOP, box)
    assert (view.ok, view.code, fake.count("StopInstances")) == (False, code, 1)
    assert (await acting.rows())[-1].state is state
