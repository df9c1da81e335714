"""What RunPod says, as the provider tells it; and what it does with answers that are none."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.domain.secret import Secret
from runctl_tui.services.errors import (
    CloudProviderError,
    ConfigError,
    CredentialsError,
    HostUnreachable,
    ResourceNotFound,
)
from runctl_tui.services.retrying import Onlooker, watched
from runctl_tui.services.runpod import web
from runctl_tui.services.runpod.parse import COMMUNITY, instance, model, split_type, type_name
from runctl_tui.services.runpod.provider import RunpodProvider
from runctl_tui.services.runpod.settings import RunpodSettings
from runctl_tui.services.threads import BackendPool
from tests.services.runpod.conftest import KEY, OWNER, Rig, StepClock


async def test_a_pod_is_a_machine_with_its_disks_and_what_they_cost(rig: Rig) -> None:
    (pod,) = (await rig.provider.list_resources()).value
    assert (pod.name, pod.type, pod.region, pod.state) == ("vision-lora", "RTX 4090", "EU-RO-1", ResourceState.RUNNING)
    assert pod.ownership is Ownership.OURS
    assert pod.gpu is not None
    assert (pod.gpu.name, pod.gpu.count, pod.gpu.memory_gib) == ("4090", 1, 24.0)
    container, volume = pod.disks
    assert (container.usd_per_month, container.lost_on_stop) == ("3.00", True)
    assert (volume.usd_per_month, volume.usd_per_month_stopped) == ("5.00", "10.00"), "twice while stopped"
    assert volume.delete_on_termination, "a terminated pod takes its volume disk with it"
    assert "EU-RO-1" in rig.provider.regions()


async def test_the_price_of_a_running_pod_is_what_it_is_billed(rig: Rig) -> None:
    rig.seeded["rate"] = 0.61
    listed = await rig.provider.estimate_cost("EU-RO-1", "RTX 4090", Market.ON_DEMAND)
    await rig.provider.list_resources()
    billed = await rig.provider.estimate_cost("EU-RO-1", "RTX 4090", Market.ON_DEMAND)
    cheaper = await rig.provider.estimate_cost(COMMUNITY, "4x RTX 4090", Market.ON_DEMAND)
    assert isinstance(listed, Known)
    assert isinstance(billed, Known)
    assert isinstance(cheaper, Known)
    assert listed.value.usd_per_hour == Decimal("0.69")
    assert (billed.value.usd_per_hour, billed.value.source) == (Decimal("0.61"), "RunPod, billed")
    assert cheaper.value.usd_per_hour == Decimal("1.36")
    absent = await rig.provider.estimate_cost(COMMUNITY, "A40", Market.ON_DEMAND)
    assert isinstance(absent, Unknown), "a price of 0 means that a cloud has none, never that it is free"


async def test_offers_name_stock_and_leave_out_what_a_cloud_lacks(rig: Rig) -> None:
    secure = {offer.type: offer for offer in await rig.provider.offers("secure")}
    community = {offer.type for offer in await rig.provider.offers(COMMUNITY)}
    assert secure["RTX 4090"].spot_zone == "stock high"
    assert {"A40", "2x A40", "8x A40"} <= secure.keys()
    assert "A40" not in community
    assert "8x RTX 4090" not in community, "no community machine has so many"
    assert list(secure)[-1].endswith("RTX 3090"), "what is out of stock comes last"
    here = {offer.type for offer in await rig.provider.offers("US-TX-3")}
    assert "H200" in here
    assert "A40" not in here


async def test_an_expired_key_says_what_to_do(rig: Rig) -> None:
    rig.front.faults += ["expired"]
    with pytest.raises(CredentialsError) as caught:
        await rig.provider.find_by_token("x")
    assert caught.value.code == "runpod.credentials"
    assert "RUNPOD_API_KEY" in caught.value.todo
    rig.front.faults += ["expired"]
    who = await rig.provider.identity()
    assert isinstance(who, Unknown)
    assert "RUNPOD_API_KEY" in who.todo


async def test_without_the_catalog_pods_are_listed_all_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rig.front._v2

    def without(method: str, path: str, query: dict[str, str]) -> dict[str, Any]:
        return {"gpus": 7} if "catalog" in path else real(method, path, query)

    monkeypatch.setattr(rig.front, "_v2", without)
    (pod,) = (await rig.provider.list_resources()).value
    assert pod.gpu is not None
    assert pod.gpu.memory_gib is None


@pytest.mark.parametrize("answer", [{}, {"pods": None}, {"pods": {}}, {"pods": [7]}])
async def test_a_list_that_is_not_there_is_never_an_empty_one(
    rig: Rig, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig.front, "_listed", lambda: answer)
    with pytest.raises(CloudProviderError):
        await rig.provider.list_resources()


@pytest.mark.parametrize("fault", ["html", "hang"])
async def test_no_answer_is_a_passing_condition(rig: Rig, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "TIMEOUT", 0.3)
    rig.front.faults += [fault]
    with pytest.raises(CloudProviderError) as caught:
        await rig.provider.find_by_token("x")
    assert caught.value.retryable
    assert "<html" not in str(caught.value)


async def test_a_read_is_tried_again_and_a_change_never(rig: Rig) -> None:
    told = list[str]()
    quick = ExponentialBackoffPolicy(3, 0.001)
    settings = RunpodSettings(Path("/nowhere"), OWNER, Secret(KEY), url=rig.url, retry=quick)
    asking = web.RunpodWeb(settings, BackendPool("t", 1))
    rig.front.faults += ["html", "html"]
    with watched(Onlooker(told.append)):
        assert (await asking.get("x", "pods"))["pods"]
    assert told[:2] == ["retry 2 of 3 in 1 s", "retry 3 of 3 in 1 s"]
    rig.front.faults += ["html", "html"]
    with pytest.raises(CloudProviderError):
        await asking.send("x", "DELETE", "networkvolumes/none")
    assert rig.front.faults == ["html"], "it was sent once"


async def test_the_key_is_in_no_error_and_the_environment_in_no_description(rig: Rig) -> None:
    rig.seeded["env"]["HF_TOKEN"] = "hf_secret"
    told = json.dumps(dict(await rig.provider.describe(rig.seeded["id"])))
    assert "HF_TOKEN" in told
    assert "hf_secret" not in told
    assert KEY not in told
    assert KEY not in repr(RunpodSettings(Path("/nowhere"), OWNER, Secret(KEY)))


async def test_balance_and_runway(rig: Rig) -> None:
    found = await rig.provider.balance()
    assert isinstance(found, Known)
    assert found.value.words() == "$42.50 left, 62 h at $0.69/h"
    assert await rig.provider.account.warnings() == ()
    rig.pods.account["balance"] = 3.0
    rig.clock.passed += 61
    (warning,) = await rig.provider.account.warnings()
    assert "deletes pods" in warning
    who = await rig.provider.identity()
    assert isinstance(who, Known)
    assert "tester@sandbox.invalid, $3.00 left, 4 h" in who.value.caller


async def test_the_balance_of_the_cost_bar_comes_with_the_list(rig: Rig) -> None:
    assert rig.provider.account.words() == ("", False)
    await rig.provider.list_resources()
    assert rig.provider.account.words() == ("RunPod $42.50, 62 h", False)
    rig.pods.account["balance"] = 5.0
    rig.clock.passed += 61
    rig.front.faults += ["expired"]
    with pytest.raises(CredentialsError):
        await rig.provider.find_by_token("x")
    await rig.provider.list_resources()
    assert rig.provider.account.words() == ("RunPod $5.00, 7 h", True)


async def test_the_way_to_a_pod_and_the_key_that_its_log_vouches_for(rig: Rig) -> None:
    (pod,) = (await rig.provider.list_resources()).value
    target = await rig.provider.ssh_target(pod)
    assert target is not None
    assert (target.host, target.user, target.port) == ("127.0.0.1", "root", rig.pods.ssh(pod.id)[1])  # type: ignore[index]  # it has one
    (key,) = await rig.provider.host_keys(pod)
    assert key.startswith("ssh-ed25519 AAAA")


async def test_a_key_that_the_log_does_not_name_is_not_vouched_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    other = [{"line": "256 SHA256:" + "A" * 43 + " root@pod (ED25519)"}]
    monkeypatch.setattr(rig.pods, "log", lambda pod_id: other)
    (pod,) = (await rig.provider.list_resources()).value
    assert await rig.provider.host_keys(pod) == ()


async def test_a_pod_without_a_published_port_says_so(rig: Rig) -> None:
    await rig.pods._shut(rig.seeded["id"])
    (pod,) = (await rig.provider.list_resources()).value
    with pytest.raises(HostUnreachable, match="port 22"):
        await rig.provider.ssh_target(pod)


class _Elsewhere(BaseHTTPRequestHandler):
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        if "stolen" not in self.path:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/stolen")  # type: ignore[attr-defined]  # a TCP server has one
        else:
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


async def test_the_key_follows_no_redirect(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        provider = RunpodProvider(RunpodSettings(tmp_path, OWNER, Secret(KEY), url=url), StepClock())
        with pytest.raises(CloudProviderError):
            await provider.find_by_token("x")
        provider.close()
        server.shutdown()
        thread.join()
    assert _Elsewhere.seen == [f"Bearer {KEY}"]


def test_the_key_goes_to_runpod_or_to_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        RunpodProvider(RunpodSettings(tmp_path, OWNER, Secret(KEY), url="https://example.com"), StepClock())


@pytest.mark.parametrize(
    ("gpu", "count", "name", "word"),
    [
        ("NVIDIA GeForce RTX 4090", 1, "RTX 4090", "4090"),
        ("NVIDIA A100-SXM4-80GB", 8, "8x A100-SXM4-80GB", "A100"),
        ("AMD Instinct MI300X OAM", 2, "2x Instinct MI300X OAM", "Instinct"),
    ],
)
def test_types_are_named_as_people_call_them(gpu: str, count: int, name: str, word: str) -> None:
    assert type_name(gpu, count) == name
    assert split_type(name) == (count, name.rpartition("x ")[2] if count > 1 else name)
    assert model(gpu) == word


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"id": "a", "status": "NEW WORD", "gpu": None, "ssh": None, "mounts": None, "env": None, "createdAt": None},
        {"id": "b", "mounts": {"network": [{"volumeId": "gone", "path": "/x"}]}, "ssh": {"direct": {"host": "h"}}},
    ],
)
def test_what_is_missing_stays_unknown(raw: dict[str, Any]) -> None:
    found = instance(raw, OWNER, {}, {})
    assert found.state is ResourceState.UNKNOWN
    assert found.ownership is Ownership.FOREIGN
    assert all(disk.size_gib is None and not disk.delete_on_termination for disk in found.disks)


async def test_a_pod_that_ended_elsewhere_is_not_found(rig: Rig) -> None:
    pod_id = rig.seeded["id"]
    rig.pods.terminate(pod_id)
    with pytest.raises(ResourceNotFound):
        await rig.provider.get_resource_status(pod_id)
