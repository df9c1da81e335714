"""What a pod is asked to be: what was asked for arrives, contradictions are refused, no value is ever told."""

from __future__ import annotations

from typing import Any

import pytest

from runctl_tui.domain.secret import Secret
from runctl_tui.sandbox.runpod import front, pods
from runctl_tui.sandbox.runpod.catalog import TEMPLATES
from runctl_tui.services.errors import NoCapacity, TrainctlError, ValidationError
from tests.services.runpod.conftest import Rig, needs_sdk, wanted

VALUE = "hf-topsecret"
ENVIRONMENT = (("HF_TOKEN", Secret(VALUE)), ("MODE", Secret("it is 'fine', really")))


async def record(rig: Rig, **more: Any) -> dict[str, Any]:
    """Create a pod and return what RunPod keeps of it."""
    made = await rig.provider.create_resource(wanted(**more), "token")
    return rig.pods.records[made.id]


@needs_sdk
async def test_what_was_asked_for_arrives(rig: Rig) -> None:
    found = await record(
        rig,
        image="runpod/base:1",
        ports=("8888/http", "6006/tcp"),
        environment=ENVIRONMENT,
        root_gib=15,
        data_gib=25,
        region="US-TX-3",
    )
    assert (found["image"], found["template"]) == ("runpod/base:1", None)
    assert (found["disk"], found["volume"], found["path"]) == (15, 25, "/workspace")
    assert found["ports"] == ["22/tcp", "8888/http", "6006/tcp"]
    assert (found["cloud"], found["center"]) == ("SECURE", "US-TX-3")
    assert found["env"]["HF_TOKEN"] == VALUE
    assert found["env"]["MODE"] == "it is 'fine', really"
    assert {"PUBLIC_KEY", "RUNCTL_TAGS", "RUNCTL_TOKEN"} <= found["env"].keys()


@needs_sdk
async def test_the_community_cloud_is_another(rig: Rig) -> None:
    found = await record(rig, region="community")
    assert (found["cloud"], found["center"], found["rate"]) == ("COMMUNITY", None, 0.34)


@needs_sdk
async def test_a_network_volume_takes_the_pod_to_its_data_centre(rig: Rig) -> None:
    found = await record(rig, volume="vision-datasets")
    (volume,) = rig.pods.account["volumes"]
    assert (found["network_volume"], found["center"], found["volume"]) == (volume, "EU-RO-1", 0)


@needs_sdk
async def test_a_template_brings_its_settings_and_what_was_asked_for_wins(rig: Rig) -> None:
    found = await record(rig, template="tpl-pytorch", ports=("6006/tcp",), environment=ENVIRONMENT[:1])
    assert found["image"].startswith("runpod/pytorch:1.0.2")
    assert (found["template"], found["disk"], found["volume"]) == ("tpl-pytorch", 40, 20)
    assert found["ports"] == ["22/tcp", "8888/http", "6006/tcp"]
    assert (found["env"]["JUPYTER_ENABLE_LAB"], found["env"]["HF_TOKEN"]) == ("yes", VALUE)
    larger = await rig.provider.create_resource(wanted("two", template="tpl-pytorch", data_gib=30, root_gib=11), "t-2")
    assert [rig.pods.records[larger.id][key] for key in ("disk", "volume")] == [11, 30]


@needs_sdk
@pytest.mark.parametrize(
    "arguments", [r'''bash -c "echo 'a b' > /x; printf \"\\n\""''', "--name 'two words' --ünïcode 🙂", "}) { id } #"]
)
async def test_arguments_and_values_arrive_with_their_quotes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    template = {**TEMPLATES[0], "id": "tpl-own", "name": "own", "args": arguments}
    for module in (front, pods):
        monkeypatch.setattr(module, "TEMPLATES", (template,))
    value = f'{VALUE} "quoted" \\ and\nmore'
    options = wanted(template="tpl-own", environment=(("QUOTED", Secret(value)),))
    await rig.provider.check_create(options)
    made = await rig.provider.create_resource(options, "token")
    record = rig.pods.records[made.id]
    assert (record["arguments"], record["env"]["QUOTED"]) == (arguments, value)


async def test_arguments_that_no_shell_reads_are_refused_before_anything_is_paid(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "TEMPLATES", ({**TEMPLATES[0], "args": "bash -c 'open"},))
    with pytest.raises(ValidationError, match="arguments of the template PyTorch"):
        await rig.provider.check_create(wanted(template="tpl-pytorch"))


async def test_a_template_says_before_a_launch_what_it_brings(rig: Rig) -> None:
    told, dies, *_ = await rig.provider.check_create(wanted(template="tpl-pytorch"))
    assert "container disk 40 GB, volume disk 20 GB at /workspace" in told
    assert "$4.00 instead of $2.00 per month" in dies
    with pytest.raises(ValidationError, match="no template 'nothing'"):
        await rig.provider.check_create(wanted(template="nothing"))
    with pytest.raises(ValidationError, match="makes no pod"):
        await rig.provider.check_create(wanted(template="tpl-worker"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"image": "a/b:1", "template": "tpl-pytorch"}, "a template or an image"),
        ({"volume": "vision-datasets", "data_gib": 20}, "a network volume or a volume disk"),
        ({"data_gib": 9}, "too small"),
        ({"ports": ("8888",)}, "no port"),
        ({"ports": ("70000/tcp",)}, "no port"),
        ({"ports": ("53/udp",)}, "no port"),
        ({"ports": ("8888/http", "8888/tcp")}, "named twice"),
        ({"ports": ("22/http",)}, "named twice"),
        ({"environment": (("A B", Secret(VALUE)),)}, "no name"),
        ({"environment": (("PUBLIC_KEY", Secret(VALUE)),)}, "cannot be set"),
        ({"environment": (("A", Secret(VALUE)), ("A", Secret("b")))}, "set twice"),
        ({"environment": (("A", Secret(f"{VALUE}\x1b")),)}, "value of A cannot be sent"),
        ({"image": "ami-0123456789abcdef0"}, "no container image"),
        ({"key_name": "mine"}, "no key name"),
        ({"security_groups": ("sg-1",)}, "no security group"),
    ],
)
async def test_what_contradicts_itself_is_refused_before_anybody_is_asked(
    rig: Rig, more: dict[str, Any], words: str
) -> None:
    rig.front.faults += ["expired"]
    for call in (rig.provider.check_create(wanted(**more)), rig.provider.create_resource(wanted(**more), "t")):
        with pytest.raises(ValidationError, match=words) as caught:
            await call
        assert VALUE not in f"{caught.value} {caught.value.why} {caught.value.todo}"
    assert rig.front.faults == ["expired"], "nobody was asked"
    assert len(rig.pods.records) == 1


async def test_a_gpu_that_is_not_where_the_pod_must_be(rig: Rig) -> None:
    with pytest.raises(NoCapacity, match="no RTX A6000 in US-TX-3") as caught:
        await rig.provider.check_create(wanted(kind="RTX A6000", region="US-TX-3"))
    assert "EU-RO-1" in caught.value.why
    with pytest.raises(NoCapacity, match="in EU-RO-1") as caught:
        await rig.provider.check_create(wanted(kind="A40", volume="vision-datasets"))
    assert "vision-datasets is there" in caught.value.why


@needs_sdk
async def test_a_value_is_in_no_message_and_no_description(rig: Rig) -> None:
    options = wanted(environment=ENVIRONMENT)
    assert VALUE not in repr(options)
    made = await rig.provider.create_resource(options, "token")
    assert VALUE not in str(await rig.provider.describe(made.id))
    assert "HF_TOKEN" in str(await rig.provider.describe(made.id))
    with pytest.raises(TrainctlError) as caught:
        await rig.provider._sdk.create("x", {"env": {"HF_TOKEN": f"{VALUE}\x00"}})
    assert VALUE not in str(caught.value)
    assert "HF_TOKEN" in str(caught.value)
