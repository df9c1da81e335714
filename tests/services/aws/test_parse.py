from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.aws import parse

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_creation_is_older_than_the_present_uptime() -> None:
    raw: Any = {
        "LaunchTime": NOON,
        "RootDeviceName": "/dev/sda1",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1", "Ebs": {"AttachTime": NOON - timedelta(days=30)}},
            {"DeviceName": "/dev/sdf", "Ebs": {"AttachTime": NOON - timedelta(days=90)}},
        ],
        "NetworkInterfaces": [
            {"Attachment": {"DeviceIndex": 0, "AttachTime": NOON - timedelta(days=31)}},
            {"Attachment": {"DeviceIndex": 1, "AttachTime": NOON - timedelta(days=99)}},
        ],
    }
    assert parse.created_at(raw) == NOON - timedelta(days=31), "other disks and interfaces can be older"
    assert parse.created_at({}) is None


def test_the_least_that_ec2_may_say_is_enough() -> None:
    found = parse.instance({"InstanceId": "i-1"}, "us-east-1", "me", {}, {})
    assert (found.id, found.state, found.name, found.disks) == ("i-1", ResourceState.UNKNOWN, "", ())
    assert found.gpu is None
    assert found.launched_at is None


@pytest.mark.parametrize(
    ("state", "words", "told"),
    [
        ("stopped", "User initiated (2026-11-01 12:00:00 GMT)", True),
        ("shutting-down", "User initiated (2026-11-01 12:00:00 UTC)", True),
        ("stopping", "Server.SpotInstanceTermination (2026-11-01 12:00:00 GMT)", True),
        ("running", "User initiated (2026-11-01 12:00:00 GMT)", False),
        ("terminated", "User initiated", False),
        ("terminated", "User initiated (2026-11-31 12:00:00 GMT)", False),
        ("stopped", None, False),
    ],
)
def test_when_it_was_told_to_end_whatever_other_words_ec2_has_for_it(state: str, words: str, told: bool) -> None:
    raw: Any = {
        "InstanceId": "i-1",
        "State": {"Name": state},
        "StateTransitionReason": words,
        "StateReason": {"Code": "Client.UserInitiatedShutdown", "Message": "User initiated shutdown"},
    }
    found = parse.instance(raw, "us-east-1", "me", {}, {})
    assert (found.stopped_at, found.state_reason) == (NOON if told else None, "User initiated shutdown")


def test_unknown_disk_facts_stay_unknown() -> None:
    raw: Any = {"RootDeviceName": "a", "BlockDeviceMappings": [{"DeviceName": "b"}, {"DeviceName": "a", "Ebs": {}}]}
    root, other = parse.disks(raw, {})
    assert root.root
    assert not other.root
    assert root.size_gib is None
    assert root.delete_on_termination is None


@pytest.mark.parametrize(
    ("tags", "parent"),
    [
        ({"aws:autoscaling:groupName": "web"}, "autoscaling: web"),
        ({"eks:cluster-name": "c"}, "EKS: c"),
        ({"kubernetes.io/cluster/prod": "owned"}, "Kubernetes: prod"),
        ({"AWSBatchServiceTag": "batch"}, "Batch: batch"),
        ({"aws:ec2:fleet-id": "fleet-1"}, "EC2 fleet: fleet-1"),
        ({"Name": "mine"}, ""),
    ],
)
def test_what_would_replace_an_instance(tags: dict[str, str], parent: str) -> None:
    assert parse.parent(tags) == parent


def test_accelerators_of_all_kinds() -> None:
    gpu: Any = {"GpuInfo": {"Gpus": [{"Name": "T4", "Count": 4, "MemoryInfo": {"SizeInMiB": 16384}}]}}
    neuron: Any = {
        "NeuronInfo": {"NeuronDevices": [{"Name": "Trainium", "Count": 16, "MemoryInfo": {"SizeInMiB": 32768}}]}
    }
    found, other = parse.type_facts(gpu), parse.type_facts(neuron)
    assert found.gpu is not None
    assert (found.gpu.name, found.gpu.count, found.gpu.memory_gib) == ("T4", 4, 16.0)
    assert other.gpu is not None
    assert (other.gpu.name, other.gpu.count) == ("Trainium", 16)
    disks: Any = {"InstanceStorageInfo": {"Disks": [{"Count": 8}]}}
    assert parse.type_facts(disks).store_disks == 8
    assert parse.type_facts({}).vcpus is None


def test_times_are_utc() -> None:
    raw: Any = {"InstanceId": "i-1", "LaunchTime": NOON.astimezone(timezone(timedelta(hours=5)))}
    launched = parse.instance(raw, "r", "me", {}, {}).launched_at
    assert launched is not None
    assert launched.tzinfo is UTC


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.datetimes() | st.binary(max_size=9)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner), max_leaves=6))
def test_whatever_boto3_answers_becomes_json(value: object) -> None:
    json.dumps(parse.jsonable({"x": value, "ResponseMetadata": {}}))
