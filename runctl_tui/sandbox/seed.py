"""The world that a newcomer finds: machines and disks, each there for a story that the product tells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runctl_tui.domain.instance import TAG_OWNER, TAG_PROJECT, TAG_RUN
from runctl_tui.sandbox import seed_s3, world_ec2
from runctl_tui.sandbox.cloud import Cloud
from runctl_tui.sandbox.commands import SEEDED_KEY
from runctl_tui.sandbox.images import BASE_IMAGE, IMAGES

Facts = dict[str, Any]
PROFILE: Final = "runctl-sandbox"
EAST: Final = "us-east-1"
WEST: Final = "us-west-2"
NO_PRIVATE_HALF: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAGJd0dWoQ8UYxEQ3U2Wd1uZ6e0pBUQsO5s0xV4oM3nq seeded"
TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance of the seeded world."""

    name: str
    kind: str
    zone: str
    age: timedelta
    project: str = ""
    """Empty: the instance is not ours."""
    run: str = ""
    state: str = "running"
    spot: bool = False
    protected: bool = False
    root_gib: int = 100
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeFact:
    """A volume of the seeded world besides the root volumes."""

    name: str
    gib: int
    zone: str
    age: timedelta
    project: str
    attached_to: str = ""
    """Name of an instance that it outlives; empty: nothing."""
    snapshot_age: timedelta | None = None


def machines(run_on_llama: str, run_on_notebook: str) -> tuple[Machine, ...]:
    """The seeded instances, given the ids of the seeded runs."""
    hour, day = timedelta(hours=1), timedelta(days=1)
    return (
        Machine("llama-eval", "g5.xlarge", "us-east-1a", 6.4 * hour, "llama", run_on_llama),
        Machine("old-notebook", "g4dn.xlarge", "us-east-1b", 31 * day, "notebook", run_on_notebook, "stopped"),
        Machine(
            "prod-features",
            "g6.xlarge",
            "us-east-1c",
            17.3 * day,
            "features",
            protected=True,
            tags=(("runctl:protected", "true"),),
        ),
        Machine(
            "db-primary",
            "m6i.4xlarge",
            "us-east-1a",
            92 * day,
            root_gib=200,
            tags=(("team", "platform"), ("env", "production")),
        ),
        Machine("sdxl-spot", "g6e.xlarge", "us-west-2b", 2.2 * hour, "sdxl", spot=True),
        Machine("forgotten-bench", "g5.2xlarge", "us-west-2a", 9.1 * day, "bench", root_gib=150),
    )


VOLUMES: Final = (
    VolumeFact("llama-data", 500, "us-east-1a", timedelta(days=48), "llama", "llama-eval"),
    VolumeFact("scratch-2025", 250, "us-east-1b", timedelta(days=41), "notebook"),
    VolumeFact("sdxl-datasets", 800, "us-west-2b", timedelta(days=63), "sdxl", snapshot_age=timedelta(days=5)),
)


def resource_id(cloud: Cloud, prefix: str, name: str) -> str:
    """Return the id of a seeded resource: always the same one in one world."""
    return f"{prefix}-0" + hashlib.sha256(f"{cloud.seed}/{prefix}/{name}".encode()).hexdigest()[:16]


def furnish_account(cloud: Cloud) -> None:
    """Make what every world has: the role and the instance profile of training hosts."""
    cloud.iam.create_role(PROFILE, json.dumps(TRUST), "/", None, "Training hosts of the sandbox", [], "3600")
    cloud.iam.create_instance_profile(PROFILE, "/", [PROFILE])


def new_world(cloud: Cloud, owner: str, fleet: Iterable[Machine], now: datetime) -> None:
    """Fill a new account with instances, volumes, snapshots, buckets."""
    world_ec2.restore(cloud, regions(cloud, owner, tuple(fleet), now))
    seed_s3.fill(cloud, now)


def regions(cloud: Cloud, owner: str, fleet: tuple[Machine, ...], now: datetime) -> dict[str, Facts]:
    """Return the seeded regions in the shape in which a world is remembered."""
    found = {}
    for region in (EAST, WEST):
        here: Facts = {"instances": [], "volumes": [], "snapshots": [], "key_pairs": [], "groups": [], "tags": {}}
        here["key_pairs"].append(_key_pair(cloud, region, now))
        for machine in fleet:
            if machine.zone.startswith(region):
                _add_machine(cloud, here, machine, owner, now)
        for volume in VOLUMES:
            if volume.zone.startswith(region):
                _add_volume(cloud, here, volume, owner, now)
        found[region] = here
    return found


def _key_pair(cloud: Cloud, region: str, now: datetime) -> Facts:
    return {
        "id": resource_id(cloud, "key", region),
        "name": SEEDED_KEY,
        "type": "ed25519",
        "fingerprint": hashlib.sha256(NO_PRIVATE_HALF.encode()).hexdigest()[:43] + "=",
        "public": NO_PRIVATE_HALF,
        "created": (now - timedelta(days=120)).timestamp(),
    }


def _add_machine(cloud: Cloud, here: Facts, machine: Machine, owner: str, now: datetime) -> None:
    instance_id = resource_id(cloud, "i", machine.name)
    ours = bool(machine.project)
    launched = now - machine.age
    root = _volume(resource_id(cloud, "vol", f"{machine.name}/root"), machine.root_gib, machine.zone, launched)
    here["volumes"].append(root)
    here["instances"].append(_instance(cloud, machine, launched, root["id"], now))
    tags = {"Name": machine.name, **dict(machine.tags)}
    if ours:
        tags |= {TAG_OWNER: owner, TAG_PROJECT: machine.project}
    if machine.run:
        tags[TAG_RUN] = machine.run
    here["tags"][instance_id] = tags
    here["tags"][root["id"]] = {key: tags[key] for key in ("Name", TAG_OWNER, TAG_PROJECT) if key in tags}


def _instance(cloud: Cloud, machine: Machine, launched: datetime, root: str, now: datetime) -> Facts:
    region = machine.zone[:-1]
    ours = bool(machine.project)
    stopped = machine.state == "stopped"
    reason = f"User initiated ({now - timedelta(days=24):%Y-%m-%d %H:%M:%S} GMT)" if stopped else ""
    code = "Client.UserInitiatedShutdown" if stopped else ""
    return {
        "id": resource_id(cloud, "i", machine.name),
        "reservation": resource_id(cloud, "r", machine.name),
        "image": (BASE_IMAGE if ours else IMAGES[3]).id_in(region),
        "type": machine.kind,
        "key": SEEDED_KEY if ours else None,
        "state": machine.state,
        "launched": launched.timestamp(),
        "ended": 0,
        "zone": machine.zone,
        "subnet": cloud.ec2(region).get_default_subnets()[machine.zone].id,
        "private_ip": None,
        "spot": machine.spot,
        "spot_request": resource_id(cloud, "sir", machine.name)[:12] if machine.spot else None,
        "spot_persistent": False,
        "groups": [],
        "profile": PROFILE if ours else None,
        "profile_association": None,
        "protected": machine.protected,
        "stop_protected": False,
        "on_shutdown": "stop",
        "user_data": None,
        "tokens": "required" if ours else "optional",
        "client_token": "",
        "reason": [reason, code, f"{code}: User initiated shutdown" if stopped else ""],
        "disks": [["/dev/sda1", root, True]],
    }


def _add_volume(cloud: Cloud, here: Facts, fact: VolumeFact, owner: str, now: datetime) -> None:
    volume = _volume(resource_id(cloud, "vol", fact.name), fact.gib, fact.zone, now - fact.age)
    tags = {"Name": fact.name, TAG_OWNER: owner, TAG_PROJECT: fact.project}
    here["volumes"].append(volume)
    here["tags"][volume["id"]] = tags
    if fact.snapshot_age is not None:
        snapshot_id = resource_id(cloud, "snap", fact.name)
        started = (now - fact.snapshot_age).timestamp()
        words = f"{fact.name} before clean-up"
        here["snapshots"].append({"id": snapshot_id, "volume": volume, "description": words, "started": started})
        here["tags"][snapshot_id] = tags
    host = resource_id(cloud, "i", fact.attached_to)
    for instance in here["instances"]:
        if instance["id"] == host:
            instance["disks"].append(["/dev/sdf", volume["id"], False])


def _volume(volume_id: str, gib: int, zone: str, created: datetime) -> Facts:
    return {
        "id": volume_id,
        "type": "gp3",
        "gib": gib,
        "zone": zone,
        "created": created.astimezone(UTC).timestamp(),
        "snapshot": None,
        "encrypted": False,
        "iops": 3000,
        "throughput": 125,
    }
