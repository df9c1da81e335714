"""The main job as a newcomer does it: by keyboard alone, in a real terminal, on real parts."""

from __future__ import annotations

import pytest

from tests.e2e.driving import choose, fleet_is_there, launch
from tests.e2e.world import World

pytestmark = pytest.mark.e2e


def test_launching_training_and_watching_it(world: World) -> None:
    with world.screen() as screen:
        fleet_is_there(screen)
        choose(screen, "Launch")
        screen.wait("LAUNCH", "g5.xlarge", "$/DAY")
        instance, run = launch(screen, Name="newcomer", Arguments="--steps 60 --sleep 0.05 --save-every 20")
        assert world.host_log(instance, run).exists()
        screen.press("m")
        screen.wait("Monitor", "newcomer", "step 60/60", "cpu")
