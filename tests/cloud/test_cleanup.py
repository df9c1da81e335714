"""Safe cleanup: what may go goes, what may not is skipped with the reason, and nothing is forced."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runctl_tui import safe_cleanup
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from tests.cloud.place import Cloud, Purse, account
from tests.cloud.test_main_job import ended, kept

pytestmark = pytest.mark.cloud


async def test_cleanup_takes_what_is_safe_and_leaves_the_rest(cloud: Cloud) -> None:
    busy = await cloud.launch(cloud.machine("busy"), cloud.training(steps=4000, sleep=0.05))
    idle = await cloud.launch(cloud.machine("idle"))
    kept_back = await cloud.launch(cloud.machine("kept", tags=(("runctl:protected", "true"),)))
    keys = [f"aws/{view.instance_id}" for view in (busy, idle, kept_back)]
    actions, jobs = cloud.services.actions, cloud.services.jobs
    rehearsed = await safe_cleanup(keys, actions, jobs, dry_run=True)
    assert (rehearsed.deleted, len(rehearsed.skipped)) == ((), 3)
    result = await safe_cleanup([*keys, "local/local"], actions, jobs)
    why = dict(result.skipped)
    assert result.deleted == (keys[1],)
    assert result.errors == ()
    assert "training" in why[keys[0]]
    assert "protect" in why[keys[2]]
    assert "this machine" in why["local/local"]
    assert await cloud.state(busy.instance_id) is await cloud.state(kept_back.instance_id) is ResourceState.RUNNING
    await cloud.commit(await actions.plan(Operation.RUN_STOP, [busy.run_id]))
    last = (await ended(cloud, busy.run_id)).progress.step
    assert last is not None
    await kept(cloud, busy.run_id, last)
    assert (await safe_cleanup([keys[0]], actions, jobs)).deleted == (keys[0],)


def test_nothing_is_bought_beyond_the_cap() -> None:
    purse = Purse(Decimal("0.02"))
    purse.take(Decimal("0.0104"))
    with pytest.raises(AssertionError, match="RUNCTL_E2E_CAP"):
        purse.take(Decimal("0.0104"))
    with pytest.raises(AssertionError, match="unknown"):
        purse.take(None)


@pytest.mark.parametrize("given", [{}, {"AWS_PROFILE": "prod"}, {"RUNCTL_E2E_PROFILE": "test"}])
def test_a_real_account_is_never_guessed(given: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="must name"):
        account("aws", given)
