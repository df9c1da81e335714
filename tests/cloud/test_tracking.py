"""Resource tracking: what was made is in the ledger at its price, and the money survives a restart."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runctl_tui.domain.cost import TrackedResource
from runctl_tui.domain.resource import ResourceState
from tests.cloud.place import PROJECT, Cloud, begun, until

pytestmark = pytest.mark.cloud

MOMENT = Decimal("0.000005")
"""Dollars of about a second: a live figure counts to now, a closed one to the last sighting."""


async def tracked(cloud: Cloud, instance_id: str) -> TrackedResource | None:
    """Return an instance's entry in the ledger once it runs and has cost something."""
    await cloud.services.fleet.now()
    entries = {each.id: each for each in await cloud.services.costs.resources()}
    found = entries.get(instance_id) or entries.get(f"aws/{instance_id}")
    costs = found is not None and found.state is ResourceState.RUNNING and found.accumulated > 0
    return found if costs else None


async def test_a_machine_is_tracked_at_its_price_and_across_a_restart(cloud: Cloud) -> None:
    view = await cloud.launch(cloud.machine("tracked"))
    entry = await until(lambda: tracked(cloud, view.instance_id), "money in the ledger")
    assert (entry.kind, entry.state, entry.project) == ("instance", ResourceState.RUNNING, PROJECT)
    assert entry.usd_per_hour is not None
    assert Decimal("0.0104") <= entry.usd_per_hour < Decimal("0.03"), "the machine and its disk"
    assert dict(entry.tags)["runctl:test"] == cloud.mark
    assert PROJECT in dict(await cloud.services.costs.by("project"))
    assert (await cloud.services.costs.now()).burn_per_hour >= Decimal("0.0104")
    await cloud.assembly.aclose()
    cloud.assembly = await begun(cloud.account, cloud.folder)
    again = await until(lambda: tracked(cloud, view.instance_id), "the ledger after a restart")
    assert again.accumulated >= entry.accumulated - MOMENT
    assert again.first_seen_at == entry.first_seen_at
    await cloud.terminate(view.instance_id)
    await cloud.services.fleet.now()
    gone = {each.name: each for each in await cloud.services.costs.resources()}[f"tracked-{cloud.mark}"]
    assert gone.accumulated >= again.accumulated - MOMENT
    assert not gone.usd_per_hour
