"""Death at every step of every operation: whatever was written or sent then, the next program finds one truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runctl_tui.domain.plan import Operation
from tests.services.crash_acts import ACTS, MORE
from tests.services.crash_truth import finds_one_truth
from tests.services.dying import Act, Mortal, close, live, make_mortal

FEWEST = 10
"""Moments that any operation has: each row of the journal, each line of the audit log, and the call."""


def test_every_operation_is_tried() -> None:
    assert set(ACTS) == set(Operation)


@pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in (*ACTS.items(), *MORE.items())])
async def test_death_at_any_moment_leaves_one_truth(
    act: Act, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    points = 0
    while True:
        folder = tmp_path / str(points)
        rig, mortal = act.make(folder), Mortal(points + 1)
        make_mortal(act, rig, mortal)
        await live(act, rig)
        close(rig)
        if not mortal.dead:
            assert act.done(rig), "it does not even work where nobody dies"
            break
        await finds_one_truth(act, folder, act.world(rig), f"moment {points + 1}")
        points += 1
    record_property("moments", points)
    print(f"{act.operation.value}: {points} moments")
    assert points >= FEWEST, "the moments were not met"
