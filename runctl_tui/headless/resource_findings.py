"""What deserves a look, gathered once for the verbs `resources insights` and `resources cleanup`."""

from __future__ import annotations

import asyncio

from runctl_tui.domain.insights import Insight, insights
from runctl_tui.domain.problem import Problem
from runctl_tui.headless.reply import require_sight
from runctl_tui.services.ports_services import Services


async def findings(services: Services) -> tuple[tuple[Insight, ...], tuple[Problem, ...]]:
    """Return what deserves a look among machines, volumes and sums, and what could not be read.

    The hosts are asked about runs and load first: what they do not tell makes no machine idle.
    """
    runs, storage = await asyncio.gather(services.runs.now(), services.volumes.now())
    fleet = await services.fleet.now()
    require_sight(fleet, fleet.value)
    found = insights(fleet.value, await services.costs.now(), services.clock.now(), storage.value.volumes)
    return found, tuple(dict.fromkeys((*fleet.missing, *runs.missing, *storage.missing)))
