"""What every provider promises, whatever it is: each method works, or its capability says why it does not."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.instance import TAG_OWNER, TAG_PROJECT, TAG_RUN, Instance
from runctl_tui.domain.money import PriceKind
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.states import Capability
from runctl_tui.services.errors import HostUnreachable, ResourceNotFound, TrainctlError, Unsupported
from runctl_tui.services.ports import TrainingProvider

BOUND = 15.0
"""Seconds within which a state must be reached."""
STRANGE_IDS = ("i-0123456789abcdef0", "i-zzz", "none", "x' y", "../..", "ü")


@dataclass(frozen=True, slots=True)
class Case:
    """A provider with what can be launched on it."""

    provider: TrainingProvider
    options: CreateResourceOptions

    def can(self, capability: Capability) -> bool:
        return not self.provider.capabilities.why_not(capability)

    async def created(self, token: str) -> Instance:
        return await self.provider.create_resource(self.options, token)

    async def state_of(self, instance: Instance) -> ResourceState:
        return (await self.provider.get_resource_status(instance.id, instance.region)).state

    async def reaches(self, instance: Instance, state: ResourceState) -> None:
        deadline = time.monotonic() + BOUND
        while (found := await self.state_of(instance)) is not state:
            assert time.monotonic() < deadline, f"{instance.id} is {found}, not {state}"
            await asyncio.sleep(0.05)


async def refused(case: Case, capability: Capability, call: Callable[[], Awaitable[object]]) -> None:
    """A thing that a provider cannot do fails with the reason that its capability gives."""
    with pytest.raises(Unsupported) as caught:
        await call()
    assert caught.value.why == case.provider.capabilities.why_not(capability)


class ProviderContract:
    """Run by `test_contract.py` against every provider, unchanged."""

    def test_it_says_who_it_is_and_why_it_cannot(self, case: Case) -> None:
        provider = case.provider
        assert re.fullmatch(r"[a-z][a-z0-9-]*", provider.name)
        assert provider.label
        assert provider.regions()
        for capability, why in provider.capabilities.refused.items():
            assert isinstance(capability, Capability)
            assert len(why.split()) >= 3, "a reason is a sentence"

    async def test_identity_is_told(self, case: Case) -> None:
        found = await case.provider.identity()
        assert isinstance(found, Known)
        assert found.value.account
        assert found.value.caller

    async def test_the_list_is_whole_and_its_rows_can_be_read_one_by_one(self, case: Case) -> None:
        snapshot = await case.provider.list_resources()
        assert snapshot.complete
        assert snapshot.scope
        assert len({one.id for one in snapshot.value}) == len(snapshot.value)
        for one in snapshot.value[:3]:
            assert one.provider == case.provider.name
            assert one.region in case.provider.regions()
            again = await case.provider.get_resource_status(one.id, one.region)
            assert (again.id, again.type, again.name) == (one.id, one.type, one.name)
            assert (await case.provider.get_resource_status(one.id)).region == one.region
            json.dumps(await case.provider.describe(one.id, one.region), allow_nan=False)

    @pytest.mark.parametrize("strange", STRANGE_IDS)
    async def test_a_machine_that_is_not_there_is_not_found(self, case: Case, strange: str) -> None:
        region = case.provider.regions()[0]
        for call in (case.provider.get_resource_status, case.provider.describe):
            with pytest.raises(ResourceNotFound) as caught:
                await call(strange, region)
            assert strange in str(caught.value)
        if case.can(Capability.TERMINATE):
            with pytest.raises(ResourceNotFound):
                await case.provider.terminate(strange, region)

    async def test_offers_have_prices_or_say_why_not(self, case: Case) -> None:
        offers = await case.provider.offers(case.options.region)
        if not case.can(Capability.CREATE):
            assert offers == ()
            return
        assert case.options.type in {offer.type for offer in offers}
        accelerated = [offer.gpu is not None for offer in offers]
        assert accelerated == sorted(accelerated, reverse=True), "machines with GPUs come first"
        for offer in offers:
            for price in (offer.on_demand, offer.spot):
                known = isinstance(price, Known) and price.value.usd_per_hour > 0
                assert known or (isinstance(price, Unknown) and price.reason)
        assert any(isinstance(offer.on_demand, Known) for offer in offers)

    async def test_a_price_is_known_or_unknown_and_never_zero_by_mistake(self, case: Case) -> None:
        for market in (Market.ON_DEMAND, Market.SPOT):
            price = await case.provider.estimate_cost(case.options.region, case.options.type, market)
            assert isinstance(price, Known)
            assert price.value.source
            free = price.value.kind is PriceKind.FREE
            assert (price.value.usd_per_hour == Decimal(0)) is free
            strange = await case.provider.estimate_cost(case.options.region, "x9.nonsense", market)
            assert free or isinstance(strange, Unknown)

    async def test_looking_at_a_launch_changes_nothing(self, case: Case) -> None:
        if not case.can(Capability.CREATE):
            await refused(case, Capability.CREATE, lambda: case.provider.check_create(case.options))
            return
        before = await case.provider.list_resources()
        warnings = await case.provider.check_create(case.options)
        assert all(isinstance(line, str) and line for line in warnings)
        after = await case.provider.list_resources()
        assert {one.id for one in before.value} == {one.id for one in after.value}

    async def test_an_impossible_launch_is_refused_with_a_way_out(self, case: Case) -> None:
        bad = replace(case.options, type="x9.nonsense")
        with pytest.raises(TrainctlError) as caught:
            await case.provider.check_create(bad)
        assert caught.value.what
        assert caught.value.todo or caught.value.why

    async def test_a_token_creates_one_machine_however_often_it_is_used(self, case: Case) -> None:
        if not case.can(Capability.CREATE):
            await refused(case, Capability.CREATE, lambda: case.created("token-1"))
            assert await case.provider.find_by_token("token-1") is None
            return
        assert await case.provider.find_by_token("token-1") is None
        made = await case.created("token-1")
        assert (await case.created("token-1")).id == made.id
        found = await case.provider.find_by_token("token-1")
        assert found is not None
        assert found.id == made.id
        assert await case.provider.find_by_token("token-2") is None
        same = [one for one in (await case.provider.list_resources()).value if one.name == case.options.name]
        assert [one.id for one in same] == [made.id]
        await case.provider.terminate(made.id, made.region)

    async def test_a_new_machine_carries_its_tags_from_the_first_moment(self, case: Case) -> None:
        if not case.can(Capability.CREATE):
            return
        made = await case.created("token-tags")
        assert made.ownership is Ownership.OURS
        assert made.tag(TAG_OWNER) == made.owner_label
        assert made.tag(TAG_PROJECT) == case.options.project
        assert made.tag(TAG_RUN) == case.options.run
        assert made.tag("mood") == "calm"
        assert made.created_at is not None
        await case.provider.terminate(made.id, made.region)

    async def test_the_life_of_a_machine(self, case: Case) -> None:
        provider = case.provider
        if not case.can(Capability.STOP):
            mine = (await provider.list_resources()).value[0]
            await refused(case, Capability.START, lambda: provider.start(mine.id, mine.region))
            await refused(case, Capability.STOP, lambda: provider.stop(mine.id, mine.region))
            await refused(case, Capability.TERMINATE, lambda: provider.terminate(mine.id, mine.region))
            assert await case.state_of(mine) is ResourceState.RUNNING
            return
        made = await case.created("token-life")
        await case.reaches(made, ResourceState.RUNNING)
        await provider.stop(made.id, made.region)
        assert await case.state_of(made) in (ResourceState.STOPPING, ResourceState.STOPPED)
        await case.reaches(made, ResourceState.STOPPED)
        stopped = await provider.get_resource_status(made.id, made.region)
        with pytest.raises(HostUnreachable, match="stopped"):
            await provider.ssh_target(stopped)
        await provider.start(made.id)
        await case.reaches(made, ResourceState.RUNNING)
        await provider.terminate(made.id, made.region)
        await case.reaches(made, ResourceState.TERMINATED)

    async def test_a_dry_run_changes_nothing(self, case: Case) -> None:
        made = await case.created("token-dry") if case.can(Capability.CREATE) else None
        one = made or (await case.provider.list_resources()).value[0]
        await case.reaches(one, ResourceState.RUNNING)
        for operation in (Operation.STOP, Operation.TERMINATE):
            await case.provider.dry_run(operation, one.id, one.region)
        assert await case.state_of(one) is ResourceState.RUNNING
        if made:
            await case.provider.terminate(made.id, made.region)

    async def test_protections_are_told(self, case: Case) -> None:
        made = await case.created("token-locks") if case.can(Capability.CREATE) else None
        one = made or (await case.provider.list_resources()).value[0]
        found = await case.provider.protections(one.id, one.region)
        assert isinstance(found, Known)
        assert found.value.termination is not case.can(Capability.TERMINATE)
        if made:
            await case.provider.terminate(made.id, made.region)

    async def test_what_a_machine_prints(self, case: Case) -> None:
        made = await case.created("token-logs") if case.can(Capability.CREATE) else None
        one = made or (await case.provider.list_resources()).value[0]
        if not case.can(Capability.LOGS):
            await refused(case, Capability.LOGS, lambda: anext(case.provider.logs(one.id)))
        else:
            await case.reaches(one, ResourceState.RUNNING)
            async with asyncio.timeout(BOUND):
                assert await anext(case.provider.logs(one.id))
        if made:
            await case.provider.terminate(made.id, made.region)

    async def test_the_way_to_a_host(self, case: Case) -> None:
        made = await case.created("token-way") if case.can(Capability.CREATE) else None
        one = made or (await case.provider.list_resources()).value[0]
        await case.reaches(one, ResourceState.RUNNING)
        one = await case.provider.get_resource_status(one.id, one.region)
        target = await case.provider.ssh_target(one)
        if one.market is Market.LOCAL:
            assert target is None
        else:
            assert target is not None
            assert target.resource_id == one.id
            assert target.host
            assert target.user
            assert target.key_files, "the key that the launch arranged lies on this machine"
        for key in await case.provider.host_keys(one):
            assert re.fullmatch(r"\S+ [A-Za-z0-9+/=]+", key)
        if made:
            await case.provider.terminate(made.id, made.region)

    async def test_giving_up_is_possible_at_once_and_harmless(self, case: Case) -> None:
        task = asyncio.create_task(case.provider.list_resources())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await case.provider.list_resources()).scope
