"""Death at every step of a launch that ends what it began, and of taking it up: it is ended, once."""

from __future__ import annotations

from pathlib import Path

from runctl_tui.domain.plan import JobView
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.safe_cleanup import last_view
from tests.services.crash_endings import ENDING, EndingRig
from tests.services.crash_truth import finds_one_truth
from tests.services.dying import Mortal, World, close, live, live_through, make_mortal


def begun(folder: Path, world: World | None = None) -> EndingRig:
    rig = ENDING.make(folder, world)
    assert isinstance(rig, EndingRig)
    return rig


async def died(folder: Path, moment: int) -> tuple[EndingRig, bool]:
    """A program that launched, and whether it died at that moment."""
    rig, mortal = begun(folder), Mortal(moment)
    make_mortal(ENDING, rig, mortal)
    await live(ENDING, rig)
    close(rig)
    return rig, mortal.dead


async def waiting(rig: EndingRig) -> JobView | None:
    """What the next program offers to take up."""
    await rig.journal.reconcile(rig.registry)
    await rig.jobs.load()
    latest = rig.jobs.feed.latest
    found = [view for view in latest.value if view.can_be_taken_up] if latest else []
    assert len(found) <= 1, "two would wait for the same run"
    return found[0] if found else None


async def is_taken_up(folder: Path, world: World) -> bool:
    """The next program goes on with what waits for a run: the machine ends, by one call in all."""
    rig = begun(folder, world)
    try:
        view = await waiting(rig)
        if view is not None:
            end = await last_view(rig.jobs, await rig.actions.take_up(view.id))
            assert end.ok, end.result
            assert rig.machine.state is ResourceState.TERMINATED
        assert [call[0] for call in rig.provider.calls].count("terminate") <= 1
        assert [call[0] for call in rig.host.calls].count("run") <= 1
        return view is not None
    finally:
        close(rig)


async def test_death_at_any_moment_of_a_launch_that_ends_what_it_began(tmp_path: Path) -> None:
    points, taken_up = 0, 0
    while True:
        folder = tmp_path / str(points)
        rig, dead = await died(folder, points + 1)
        if not dead:
            assert ENDING.done(rig), "it does not even work where nobody dies"
            break
        await finds_one_truth(ENDING, folder, ENDING.world(rig), f"moment {points + 1}")
        taken_up += await is_taken_up(folder, ENDING.world(rig))
        points += 1
    print(f"launch that ends what it began: {points} moments, taken up after {taken_up}")
    assert points >= 20
    assert taken_up >= 5


async def _first_to_take_up(folder: Path) -> int:
    """The first moment after whose death there is something to take up."""
    moment = 1
    while True:
        rig, dead = await died(folder / str(moment), moment)
        assert dead, "nothing is ever to be taken up"
        after = begun(folder / str(moment), ENDING.world(rig))
        found = await waiting(after)
        close(after)
        if found is not None:
            return moment
        moment += 1


async def test_death_at_any_moment_of_taking_it_up(tmp_path: Path) -> None:
    first, points = await _first_to_take_up(tmp_path / "looking"), 0
    while True:
        folder = tmp_path / str(points)
        gone, _ = await died(folder, first)
        rig, mortal = begun(folder, ENDING.world(gone)), Mortal(points + 1)
        view = await waiting(rig)
        assert view is not None
        make_mortal(ENDING, rig, mortal)
        await live_through(rig.actions.take_up(view.id))
        close(rig)
        if not mortal.dead:
            assert ENDING.done(rig), "it does not even work where nobody dies"
            break
        again = await is_taken_up(folder, ENDING.world(rig))
        assert again or ENDING.done(rig), f"moment {points + 1}: nobody ends it any more"
        points += 1
    print(f"taking it up: {points} moments")
    assert points >= 10
