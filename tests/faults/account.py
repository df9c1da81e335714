"""An account on moto behind the proxy: what every operation finds there, and ways past the proxy to look."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from runctl_tui.domain.objects import EntryKind, ObjectEntry
from runctl_tui.services.aws import clients as module
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.object_io import ObjectIo
from runctl_tui.services.aws.objects import AwsObjects
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.settings import AwsCredentials, AwsSettings, ReadSettings
from runctl_tui.services.threads import BackendPool
from tests.faults.proxy import FaultProxy
from tests.faults.wire import WEST
from tests.services.aws.world import OWNER, FakeClock, World

EAST, THERE = "us-east-1", "eu-west-1"
"""What is read lies in the first, what is changed in the second."""
BUCKET, KEY, CONTENT = "my-checkpoints", "run/step_1.pt", b"0123456789" * 8
HASTY = 0.2
"""Seconds that a call waits where the fault is that nobody answers."""


@dataclass
class Seeds:
    """Ids of what there is."""

    machine: str = ""
    west: str = ""
    volume: str = ""
    snapshot: str = ""
    image: str = ""
    template: str = ""


class Account:
    """Moto, the proxy before it, and boto's clients, which are slow to make and therefore kept."""

    def __init__(self, moto_url: str, proxy: FaultProxy, folder: Path) -> None:
        self.moto_url, self.proxy, self.folder = moto_url, proxy, folder
        keys = AwsCredentials("AKIATEST", "secret")
        self.settings = AwsSettings(
            folder, OWNER, (EAST, WEST), endpoint_url=proxy.url, credentials=keys, retry=ReadSettings(2, 3.0)
        )
        self.seeds = Seeds()
        self.clean = False
        self._kept: dict[bool, AwsClients] = {}
        self._direct: dict[tuple[str, str], Any] = {}
        self._direct_settings = replace(self.settings, endpoint_url=moto_url)

    def raw(self, service: str = "ec2", region: str = THERE) -> Any:
        """A client that goes past the proxy."""
        if (service, region) not in self._direct:
            nobody: Any = None
            self._direct[service, region] = World(nobody, FakeClock(), self._direct_settings).raw(service, region)
        return self._direct[service, region]

    def reset(self) -> None:
        """Empty the account and put the seeds into it."""
        urllib.request.urlopen(urllib.request.Request(f"{self.moto_url}/moto-api/reset", method="POST")).close()
        east = self.raw(region=EAST)
        self.seeds = Seeds(self.instance(EAST), self.instance(WEST), self.volume(EAST))
        east.modify_volume(VolumeId=self.seeds.volume, Size=30)
        tags = [{"Key": "Name", "Value": "box"}, {"Key": "runctl:op", "Value": "seed"}]
        self.seeds.snapshot = east.create_snapshot(VolumeId=self.seeds.volume)["SnapshotId"]
        east.create_tags(Resources=[self.seeds.machine, self.seeds.volume], Tags=tags)
        mapping = [{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": self.seeds.snapshot, "VolumeSize": 20}}]
        self.seeds.image = east.register_image(Name="mine", RootDeviceName="/dev/sda1", BlockDeviceMappings=mapping)[
            "ImageId"
        ]
        data = {"BlockDeviceMappings": mapping}
        made = east.create_launch_template(LaunchTemplateName="boxes", LaunchTemplateData=data)
        self.seeds.template = made["LaunchTemplate"]["LaunchTemplateId"]
        s3 = self.raw("s3", EAST)
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "team", "Value": "vision"}]})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT)
        self.clean = True

    def instance(self, region: str = THERE, state: str = "running") -> str:
        """Make an instance."""
        ec2 = self.raw(region=region)
        asked = {"ImageId": "ami-00000000000000001", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        made: str = ec2.run_instances(**asked)["Instances"][0]["InstanceId"]
        if state == "stopped":
            ec2.stop_instances(InstanceIds=[made])
        return made

    def volume(self, region: str = THERE) -> str:
        """Make a volume."""
        asked = {"AvailabilityZone": f"{region}a", "Size": 20, "VolumeType": "gp3"}
        made: str = self.raw(region=region).create_volume(**asked)["VolumeId"]
        return made

    def state_of(self, instance_id: str) -> str:
        """Return the state that moto has."""
        found = self.raw().describe_instances(InstanceIds=[instance_id])
        state: str = found["Reservations"][0]["Instances"][0]["State"]["Name"]
        return state

    def entry(self, key: str = KEY) -> ObjectEntry:
        """Return an object as a listing tells it."""
        told = self.raw("s3", EAST).head_object(Bucket=BUCKET, Key=key)
        size, etag = told["ContentLength"], told["ETag"].strip('"')
        return ObjectEntry(EntryKind.OBJECT, BUCKET, key, size, told["LastModified"], "STANDARD", etag)

    def stored(self) -> set[str]:
        """Return the keys in the bucket."""
        return {row["Key"] for row in self.raw("s3", EAST).list_objects_v2(Bucket=BUCKET).get("Contents", [])}

    @contextmanager
    def stage(self, folder: Path, *, hasty: bool = False) -> Iterator[Stage]:
        """Give a provider that remembers nothing; a hasty one gives up soon."""
        settings = replace(self.settings, state_dir=folder, keys_dir=self.folder / "keys")
        provider = AwsProvider(settings, FakeClock())
        kept = self._clients(hasty)
        for clients in (provider._clients, provider._bulk):
            clients._session, clients._boto, clients._clients = kept._session, kept._boto, kept._clients
        try:
            with patch.object(module, "READ_SECONDS", HASTY if hasty else 5.0):
                yield Stage(self, provider, folder)
        finally:
            kept._boto = provider._bulk._boto or provider._clients._boto
            provider.close()

    def _clients(self, hasty: bool) -> AwsClients:
        if hasty not in self._kept:
            self._kept[hasty] = AwsClients(self.settings, BackendPool("kept", 1), FakeClock())
            self._kept[hasty]._opened()
        return self._kept[hasty]


@dataclass
class Stage:
    """What one operation is tried on."""

    account: Account
    provider: AwsProvider
    folder: Path
    made: dict[str, str] = field(default_factory=dict)
    """What was arranged for it."""

    @property
    def seeds(self) -> Seeds:
        return self.account.seeds

    @property
    def objects(self) -> AwsObjects:
        return AwsObjects(lambda: self.provider.store)

    @property
    def io(self) -> ObjectIo:
        return ObjectIo(lambda: self.provider.transfers)
