"""Network volumes against the emulator: listed with the pods that mount them, made, grown, deleted, found again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.states import Capability, Operation
from runctl_tui.domain.volume import NewVolume, VolumeShape, VolumeState
from runctl_tui.services import standing
from runctl_tui.services.errors import (
    CloudProviderError,
    ResourceNotFound,
    TrainctlError,
    Unsupported,
    ValidationError,
)
from runctl_tui.services.machines import MachineList
from runctl_tui.services.registry import Registry
from runctl_tui.services.runpod.parse import network_volume, split_name, tagged_name
from runctl_tui.services.runpod.volumes import NetworkVolumes
from runctl_tui.services.volume_store import StorageCall
from runctl_tui.services.volumes import VolumeBook
from tests.services.runpod.conftest import OWNER, Rig, needs_sdk, wanted

NEW = NewVolume("runpod", "US-TX-3", "weights", VolumeShape("network", 100), "vision")


def asked(operation: Operation, **more: object) -> StorageCall:
    return replace(StorageCall(operation, "US-TX-3"), **more)  # type: ignore[arg-type]  # fields by name


async def made(store: NetworkVolumes, token: str = "op-1") -> str:
    return await store.change(asked(Operation.VOLUME_CREATE, token=token, new=NEW, name="weights"))


async def test_a_network_volume_is_a_row_with_data_centre_price_and_age(rig: Rig) -> None:
    listed = await rig.provider.volumes.list_storage()
    (volume,) = listed.value.volumes
    assert (volume.name, volume.region, volume.zone) == ("vision-datasets", "EU-RO-1", "EU-RO-1")
    assert (volume.shape, volume.state) == (VolumeShape("network", 200), VolumeState.AVAILABLE)
    assert isinstance(volume.usd_per_month, Known)
    assert volume.usd_per_month.value == Decimal(14)
    assert volume.ownership is Ownership.OURS
    assert volume.project == "vision"
    assert volume.created_at is not None
    assert (rig.clock.now() - volume.created_at).days == 21
    assert listed.scope == ("runpod",)
    assert (await rig.provider.volumes.describe(volume.id))["dataCenter"] == "EU-RO-1"


@needs_sdk
async def test_it_names_every_pod_that_mounts_it_also_a_stopped_one(rig: Rig) -> None:
    pods = [await rig.provider.create_resource(wanted(name, volume="vision-datasets"), name) for name in ("one", "two")]
    await rig.provider.stop(pods[0].id)
    (volume,) = (await rig.provider.volumes.list_storage()).value.volumes
    assert volume.state is VolumeState.IN_USE
    assert [each.host for each in volume.attachments] == ["one", "two"]
    assert {each.delete_on_termination for each in volume.attachments} == {False}
    with pytest.raises(CloudProviderError, match="could not be deleted") as caught:
        await rig.provider.volumes.change(asked(Operation.VOLUME_DELETE, id=volume.id))
    assert "in use" in caught.value.why


@needs_sdk
async def test_the_fleet_reads_them_without_asking_each_time(rig: Rig) -> None:
    seen = await rig.provider.volumes.standing()
    assert [(one.name, one.usd_per_month) for one in seen.value] == [("vision-datasets", seen.value[0].usd_per_month)]
    assert isinstance(seen.value[0].usd_per_month, Known)
    rig.front.faults += ["expired"]
    assert (await rig.provider.volumes.standing()).complete, "they are kept for two minutes"
    rig.clock.passed += 121
    silent = await rig.provider.volumes.standing()
    assert not silent.complete
    assert silent.missing[0].scope == "runpod"
    assert not (await rig.provider.volumes.standing()).complete, "who was silent is left alone, and not called empty"
    rig.clock.passed += standing.REST
    assert (await rig.provider.volumes.standing()).complete


async def test_it_is_made_grown_and_deleted(rig: Rig) -> None:
    store = rig.provider.volumes
    volume_id = await made(store)
    volume = await store.volume(volume_id)
    assert (volume.name, volume.zone, volume.shape.size_gib) == ("weights", "US-TX-3", 100)
    assert (volume.ownership, volume.project, volume.created_at) == (Ownership.OURS, "vision", rig.clock.now())
    assert await store.modification(volume_id, "") is None
    await store.change(asked(Operation.VOLUME_MODIFY, id=volume_id, shape=VolumeShape("network", 1500)))
    grown = await store.volume(volume_id)
    assert isinstance(grown.usd_per_month, Known)
    assert (grown.shape.size_gib, grown.usd_per_month.value) == (1500, Decimal(95)), "cheaper beyond a terabyte"
    change = await store.modification(volume_id, "")
    assert change is not None
    assert change.usable
    await store.change(asked(Operation.VOLUME_DELETE, id=volume_id))
    with pytest.raises(ResourceNotFound):
        await store.volume(volume_id)


async def test_a_data_centre_that_there_is_none_of_is_refused_with_those_that_there_are(rig: Rig) -> None:
    with pytest.raises(ValidationError) as refused:
        await rig.provider.volumes.check_zone("EU-XX-9")
    assert "EU-RO-1" in refused.value.todo
    await rig.provider.volumes.check_zone("EU-RO-1")


async def test_a_dry_run_changes_nothing(rig: Rig) -> None:
    await rig.provider.volumes.change(asked(Operation.VOLUME_CREATE, token="op-1", new=NEW), dry=True)
    assert len((await rig.provider.volumes.list_storage()).value.volumes) == 1


async def test_what_a_create_made_that_answered_500_is_found_by_its_token(rig: Rig) -> None:
    rig.front.faults.append("create-then-500")
    with pytest.raises(CloudProviderError) as caught:
        await made(rig.provider.volumes, "op-lost")
    assert caught.value.retryable
    found = await rig.provider.volumes.find_by_token("op-lost", "")
    assert (await rig.provider.volumes.volume(found)).name == "weights"
    assert await rig.provider.volumes.find_by_token("op-other", "") == ""
    assert await rig.provider.volumes.find_by_token("", "") == ""


@pytest.mark.parametrize(
    ("operation", "capability"),
    [
        (Operation.VOLUME_ATTACH, Capability.ATTACH),
        (Operation.VOLUME_DETACH, Capability.ATTACH),
        (Operation.VOLUME_SNAPSHOT, Capability.SNAPSHOTS),
    ],
)
async def test_what_runpod_cannot_do_is_refused_with_its_reason(
    rig: Rig, operation: Operation, capability: Capability
) -> None:
    why = rig.provider.capabilities.why_not(capability)
    assert why
    with pytest.raises(Unsupported) as caught:
        await rig.provider.volumes.change(asked(operation, id="x"), dry=True)
    assert caught.value.why == why


async def test_a_list_that_fails_is_missing_and_not_empty(rig: Rig) -> None:
    rig.front.faults.append("html")
    listed = await rig.provider.volumes.list_storage()
    assert [problem.scope for problem in listed.missing] == ["runpod"]


async def test_a_volume_is_claimed_as_its_refusal_says(rig: Rig) -> None:
    (record,) = rig.pods.account["volumes"].values()
    record["name"] = "old"
    (foreign,) = (await rig.provider.volumes.list_storage()).value.volumes
    assert foreign.ownership is Ownership.FOREIGN
    claim = f"[runctl:owner={OWNER}]"
    assert claim in rig.provider.capabilities.why_not(Capability.TAGS)
    record["name"] = f"old {claim}"
    (own,) = (await rig.provider.volumes.list_storage()).value.volumes
    assert (own.name, own.ownership) == ("old", Ownership.OURS)


async def test_what_was_listed_last_stays_while_runpod_is_silent(rig: Rig) -> None:
    registry = Registry()
    registry.register(rig.provider)
    book = VolumeBook(registry, MachineList(registry, rig.clock), rig.clock)
    assert [one.name for one in (await book.now()).value.volumes] == ["vision-datasets"]
    rig.front.faults += ["html"] * 4
    stale = await book.now()
    assert [one.name for one in stale.value.volumes] == ["vision-datasets"]
    assert [problem.scope for problem in stale.missing] == ["runpod"]


async def test_runpod_says_no_to_a_size_and_to_shrinking(rig: Rig) -> None:
    (volume,) = (await rig.provider.volumes.list_storage()).value.volumes
    for size, words in ((100, "only increase"), (5000, "between")):
        call = asked(Operation.VOLUME_MODIFY, id=volume.id, shape=VolumeShape("network", size))
        with pytest.raises(TrainctlError) as caught:
            await rig.provider.volumes.change(call)
        assert words in caught.value.why


def test_the_fast_tier_has_no_price_that_is_known() -> None:
    raw = {"id": "v", "name": "fast", "size": 50, "dataCenter": "EU-RO-1", "type": "HIGH_PERFORMANCE"}
    assert network_volume(raw).type == "network-fast"


async def test_an_unknown_price_is_unknown(rig: Rig) -> None:
    assert isinstance(rig.provider.volumes.month("EU-RO-1", VolumeShape("network-fast", 50)), Unknown)


@pytest.mark.parametrize("name", ["data", "my data [old]", "a [runctl:x", "[runctl:owner=me]", ""])
def test_a_name_without_our_tags_stays_as_it_is(name: str) -> None:
    assert split_name(name) == (name, ())


def test_tags_behind_a_name_come_back() -> None:
    tags = {"runctl:owner": "a b&c", "runctl:project": "x=y]"}
    assert split_name(tagged_name("my [data]", tags)) == ("my [data]", tuple(sorted(tags.items())))
