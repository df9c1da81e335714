"""A disk that is kept by its own tags is kept from the termination of its machine too, as EC2 tells them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.plan import Operation
from runctl_tui.services.errors import PlanChanged
from tests.fakes import acknowledging
from tests.services.actions_rig import codes
from tests.services.aws.acting import Acting
from tests.services.aws.world import World

O = Operation  # noqa: E741 - short, because most lines of this file name one


@pytest.fixture
def acting(world: World, tmp_path: Path) -> Iterator[Acting]:
    made = Acting(tmp_path / "state", world)
    yield made
    made.close()


def root_of(acting: Acting, box: str) -> str:
    raw: Any = acting.world.raw()
    (told,) = raw.describe_instances(InstanceIds=[box])["Reservations"][0]["Instances"]
    return str(told["BlockDeviceMappings"][0]["Ebs"]["VolumeId"])


def tag(acting: Acting, volume: str, key: str, value: str) -> None:
    raw: Any = acting.world.raw()
    raw.create_tags(Resources=[volume], Tags=[{"Key": key, "Value": value}])


@pytest.mark.parametrize(
    ("key", "value", "code", "forbidden"),
    [
        ("runctl:protected", "1", "tag_protected", True),
        ("runctl:protect-until", "2999-01-01", "protect_until", True),
        ("runctl:owner", "somebody-else", "other_owner", False),
    ],
)
async def test_what_keeps_a_volume_keeps_it_from_its_machines_end(
    acting: Acting, key: str, value: str, code: str, forbidden: bool
) -> None:
    box = (await acting.launch(acting.world.options())).instance_id
    volume = root_of(acting, box)
    assert code not in codes(await acting.actions.plan(O.TERMINATE, [box]))
    tag(acting, volume, key, value)
    plan = await acting.actions.plan(O.TERMINATE, [box])
    (reason,) = [one for one in plan.verdict.reasons if one.code == code]
    assert volume in reason.text
    assert plan.verdict.forbidden is forbidden
    assert plan.verdict.blocked
    assert code not in codes(await acting.actions.plan(O.STOP, [box])), "a stop keeps it"


async def test_a_protection_that_comes_after_the_plan_is_seen_before_the_call(acting: Acting) -> None:
    box = (await acting.launch(acting.world.options())).instance_id
    plan = await acting.actions.plan(O.TERMINATE, [box])
    tag(acting, root_of(acting, box), "runctl:protected", "1")
    with pytest.raises(PlanChanged, match="protected"):
        await acting.actions.commit(plan, acknowledging(plan))
    raw: Any = acting.world.raw()
    (told,) = raw.describe_instances(InstanceIds=[box])["Reservations"][0]["Instances"]
    assert told["State"]["Name"] in ("pending", "running")
