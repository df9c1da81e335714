"""What changes pods: the official SDK against the emulator, lost answers, empty markets, hostile texts."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.facts import Known
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.secret import Secret
from runctl_tui.services.errors import (
    CloudProviderError,
    CredentialsError,
    NoCapacity,
    Refused,
    ResourceNotFound,
    Unsupported,
    ValidationError,
)
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.provider import RunpodProvider
from runctl_tui.services.runpod.sdk import check_texts
from runctl_tui.services.runpod.settings import RunpodSettings
from tests.services.runpod.conftest import KEY, OWNER, Rig, needs_sdk, wanted

GPU = "NVIDIA GeForce RTX 4090"


@needs_sdk
async def test_a_create_that_answers_500_may_have_created(rig: Rig) -> None:
    rig.front.faults += ["create-then-500"]
    made = await rig.provider.create_resource(wanted(), "token")
    assert made.name == "box"
    assert rig.front.faults == [], "the fault was met"
    assert len([one for one in rig.pods.records.values() if one["name"] == "box"]) == 1


async def test_a_create_that_made_nothing_is_looked_for_before_it_is_said_to_have_failed(rig: Rig) -> None:
    class Lost:
        async def create(self, what: str, order: Any) -> str:
            raise faults.unclear(what, "the answer was lost")

    rig.provider.launches._sdk = Lost()  # type: ignore[assignment]  # stands in for the SDK
    with pytest.raises(CloudProviderError, match="lost"):
        await rig.provider.create_resource(wanted(), "token")
    assert rig.clock.passed >= 30


@needs_sdk
async def test_a_create_refused_in_words_fails_at_once(rig: Rig) -> None:
    await rig.provider.offers("secure")
    rig.pods.sold_out.add(GPU)
    with pytest.raises(NoCapacity) as caught:
        await rig.provider.create_resource(wanted(), "token")
    assert caught.value.todo
    assert rig.clock.passed == 0


async def test_a_launch_tells_runpod_s_own_truths(rig: Rig) -> None:
    bare, container = await rig.provider.check_create(wanted())
    assert "only S3 keeps it" in bare
    assert "(30 GB) is lost when the pod stops or ends; $3.00 per month" in container
    dies, tied, _ = await rig.provider.check_create(wanted(data_gib=20))
    assert "deleted with the pod" in dies
    assert "twice" in dies
    assert "if a GPU is free" in tied
    rig.pods.account["balance"] = 0.0
    rig.clock.passed += 61
    *_, poor = await rig.provider.check_create(wanted())
    assert "0 h at" in poor


async def test_no_stock_is_known_before_a_launch(rig: Rig) -> None:
    with pytest.raises(NoCapacity):
        await rig.provider.check_create(wanted(kind="RTX 3090"))
    with pytest.raises(ValidationError, match="at most 8"):
        await rig.provider.check_create(wanted(kind="9x RTX 4090"))
    with pytest.raises(Unsupported):
        await rig.provider.check_create(wanted(market=Market.SPOT))


@needs_sdk
async def test_a_stopped_pod_may_find_no_gpu_when_it_starts(rig: Rig) -> None:
    pod_id = rig.seeded["id"]
    await rig.provider.stop(pod_id)
    rig.pods.sold_out.add(GPU)
    with pytest.raises(NoCapacity, match="not enough free GPUs"):
        await rig.provider.start(pod_id)
    pod = await rig.provider.get_resource_status(pod_id)
    assert pod.state is ResourceState.STOPPED
    (volume,) = pod.disks
    assert volume.usd_per_month == "10.00", "the container disk is gone, the volume disk costs twice"


@needs_sdk
async def test_a_terminated_pod_is_remembered_here_although_runpod_forgets_it(rig: Rig) -> None:
    pod_id = rig.seeded["id"]
    await rig.provider.terminate(pod_id)
    assert (await rig.provider.get_resource_status(pod_id)).state is ResourceState.TERMINATED
    (gone,) = (await rig.provider.list_resources()).value
    assert (gone.id, gone.state, gone.disks) == (pod_id, ResourceState.TERMINATED, ())
    await rig.provider.terminate(pod_id)
    rig.clock.passed += 3601
    assert (await rig.provider.list_resources()).value == ()


@needs_sdk
async def test_a_network_volume_outlives_the_pod_and_decides_where_it_is(rig: Rig) -> None:
    options = wanted(volume="vision-datasets")
    (warning, *_) = await rig.provider.check_create(options)
    assert "stays when the pod ends" in warning
    made = await rig.provider.create_resource(options, "token")
    assert made.region == "EU-RO-1"
    _, network = made.disks
    assert (network.type, network.delete_on_termination, network.usd_per_month) == ("network", False, "14.00")
    assert network.apart, "it is counted by itself"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"volume": "nothing"}, "vision-datasets"),
        ({"volume": "vision-datasets", "region": "US-TX-3"}, "EU-RO-1"),
        ({"volume": "vision-datasets", "region": "community"}, "secure cloud"),
    ],
)
async def test_a_network_volume_that_cannot_be_mounted(rig: Rig, more: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        await rig.provider.check_create(wanted(**more))
    assert words in f"{caught.value} {caught.value.todo}"


@needs_sdk
async def test_the_sdk_s_own_errors_are_ours(rig: Rig) -> None:
    await rig.provider.get_resource_status(rig.seeded["id"])
    sdk = rig.provider._sdk
    rig.front.faults += ["expired"]
    with pytest.raises(CredentialsError):
        await sdk.stop("stop", rig.seeded["id"])
    rig.front.faults += ["html"]
    with pytest.raises(CloudProviderError) as caught:
        await sdk.stop("stop", rig.seeded["id"])
    assert caught.value.retryable, "nobody knows whether it took effect"
    with pytest.raises(ResourceNotFound):
        await sdk.stop("stop", "gone")


@needs_sdk
@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\\", 'x", gpuCount: 8, imageName: "evil'])
async def test_no_text_leaves_the_string_that_the_sdk_pastes_it_into(rig: Rig, text: str) -> None:
    made = await rig.provider.create_resource(wanted(environment=(("KEY", Secret(text)),)), "token")
    record = rig.pods.records[made.id]
    assert (record["env"]["KEY"], record["count"], record["image"]) == (text, 1, made.image)


async def test_control_characters_are_sent_to_nobody(rig: Rig) -> None:
    for order in ({"name": "a\x1b[0m"}, {"env": {"KEY": "a\x00"}}, {"env": {"\x07": "value"}}):
        with pytest.raises(ValidationError):
            check_texts(order)
    with pytest.raises(ValidationError):
        await rig.provider.create_resource(wanted(environment=(("KEY", Secret("a\x1b[0m")),)), "token")
    assert len(rig.pods.records) == 1


@needs_sdk
async def test_what_runs_is_taken_from_the_balance(rig: Rig) -> None:
    await rig.provider.create_resource(wanted(kind="2x A40"), "token")
    found = await rig.provider.balance()
    assert isinstance(found, Known)
    assert str(found.value.per_hour) == "1.57"


async def test_nothing_is_changed_while_changes_are_forbidden(rig: Rig, tmp_path: Path) -> None:
    forbidden = RunpodSettings(tmp_path, OWNER, Secret(KEY), url=rig.url, forbids=lambda: "safety.read_only is set")
    provider = RunpodProvider(forbidden, rig.clock)
    pod, before = (await provider.list_resources()).value[0], deepcopy(rig.pods.records)
    for change in (provider.stop, provider.terminate, provider.start):
        with pytest.raises(Refused, match="read-only"):
            await change(pod.id, pod.region)
    with pytest.raises(Refused, match="read-only"):
        await provider._web.send("x", "DELETE", "networkvolumes/none")
    assert rig.pods.records == before
    provider.close()
