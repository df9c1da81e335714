"""Tags and locks on moto: one call each, asked first by a dry run, and read again."""

from __future__ import annotations

import pytest

from runctl_tui.domain.facts import Known
from runctl_tui.domain.marks import Mark
from runctl_tui.services.errors import AwsError
from tests.services.aws.world import World, ec2_error

EAST = "us-east-1"


async def test_tags_are_set_and_removed(world: World) -> None:
    box = (await world.provider.create_resource(world.options(), "t-1")).id
    marks = world.provider.marks
    mark = Mark((("runctl:protected", "true"),))
    await marks.change(box, EAST, mark, dry=True)
    assert not mark.holds(await marks.tags(box, EAST), None)
    await marks.change(box, EAST, mark)
    await marks.change(box, EAST, mark)
    tags = await marks.tags(box, EAST)
    assert mark.holds(tags, None)
    assert tags["runctl:owner"] == "tester"
    gone = Mark(remove=("runctl:protected",))
    await marks.change(box, EAST, gone)
    assert gone.holds(await marks.tags(box, EAST), None)


@pytest.mark.parametrize("mark", [Mark(termination=True), Mark(stop=True)])
async def test_locks_are_switched(world: World, mark: Mark) -> None:
    box = (await world.provider.create_resource(world.options(), "t-1")).id
    await world.provider.marks.change(box, EAST, mark)
    lock = await world.provider.protections(box, EAST)
    assert isinstance(lock, Known)
    assert mark.holds({}, lock.value)
    off = Mark(termination=mark.termination and False, stop=mark.stop and False)
    await world.provider.marks.change(box, EAST, off)
    lock = await world.provider.protections(box, EAST)
    assert isinstance(lock, Known)
    assert off.holds({}, lock.value)


async def test_what_is_denied_is_said(world: World) -> None:
    world.hook("CreateTags", lambda _: ec2_error("UnauthorizedOperation", "not you", 403))
    with pytest.raises(AwsError, match="could not be marked"):
        await world.provider.marks.change("i-1", EAST, Mark((("a", "b"),)), dry=True)
