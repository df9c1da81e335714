"""The one way into moto's backends: regions, instances, tags, states; everything under one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_block_store import Snapshot, VolumeAttachment
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random
from moto.s3.models import s3_backends

from runctl_tui.sandbox import images

ACCOUNT: Final = "123456789012"
CALLER: Final = f"arn:aws:sts::{ACCOUNT}:user/moto"
"""Who every key of the sandbox belongs to, as STS tells it."""
REGIONS: Final = ("us-east-1", "us-west-2")
PUBLIC_IP: Final = "127.0.0.1"
ADDRESS_TAG: Final = "runctl:ssh"
CODES: Final = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}


def _dies_with_instance(attachment: Any) -> bool:
    block = attachment.instance.block_device_mapping.get(attachment.device)
    return bool(block is not None and block.delete_on_termination)


def _how_far(snapshot: Any) -> str:
    return "100%" if snapshot.status == "completed" else "0%"


# moto calls every snapshot whole, whatever its state
setattr(Snapshot, "progress", property(_how_far))  # noqa: B010 - read-only as moto has it
# moto keeps this fact with the instance only, and leaves it out where it describes volumes
setattr(VolumeAttachment, "delete_on_termination", property(_dies_with_instance))  # noqa: B010 - no such attribute yet


class Cloud:
    """The sandbox's account at AWS, as moto's backends hold it.

    `lock` guards EC2; requests, timers and the writer of the world take it.
    """

    def __init__(self, seed: str) -> None:
        self.seed: Final = seed
        """Makes generated ids the same at every start."""
        self._listeners: list[Callable[[], None]] = []
        self.lock: Final = threading.RLock()
        for region in REGIONS:
            self.ec2(region)

    @property
    def s3(self) -> Any:
        """The backend of S3."""
        return s3_backends[ACCOUNT]["aws"]

    @property
    def iam(self) -> Any:
        """The backend of IAM."""
        return iam_backends[ACCOUNT]["aws"]

    def ec2(self, region: str) -> Any:
        """The backend of EC2 in a region, whose default network keeps its ids from start to start."""
        account = ec2_backends[ACCOUNT]
        with self.lock:
            if region not in account.keys():  # noqa: SIM118 - its __contains__ knows all regions, loaded or not
                mock_random.seed(f"{self.seed}/{region}")
                backend = account[region]
                mock_random.seed()
                images.publish(backend, region)
            return account[region]

    def loaded(self) -> list[tuple[str, Any]]:
        """The regions that have been used, each with its backend."""
        return list(ec2_backends[ACCOUNT].items())

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener`, from any thread, whenever the world may have changed."""
        self._listeners.append(listener)

    def changed(self) -> None:
        """Tell that the world may have changed."""
        for listener in self._listeners:
            listener()

    def instances(self) -> Iterator[Any]:
        """Every instance of every region, terminated ones included."""
        for _, backend in self.loaded():
            for reservation in list(backend.reservations.values()):
                yield from list(reservation.instances)

    def instance(self, instance_id: str) -> Any | None:
        """The instance with this id, or None."""
        return next((found for found in self.instances() if found.id == instance_id), None)

    def named(self, name: str) -> list[str]:
        """The ids of the living instances with this id or Name tag."""
        living = (found for found in self.instances() if found.state != "terminated")
        return [found.id for found in living if name in (found.id, self.tags(found).get("Name"))]

    def tags(self, resource: Any) -> dict[str, str]:
        """The tags of a resource."""
        return dict(resource.ec2_backend.tags.get(resource.id, {}))

    def tag(self, resource: Any, tags: Mapping[str, str | None]) -> None:
        """Set tags of a resource; a value of None removes the tag."""
        with self.lock:
            held = resource.ec2_backend.tags[resource.id]
            for name, value in tags.items():
                if value is None:
                    held.pop(name, None)
                else:
                    held[name] = value
        self.changed()

    def set_state(self, instance: Any, state: str) -> None:
        """Put an instance into a state, with the public address that belongs to it."""
        with self.lock:
            instance._state.name = state
            instance._state.code = CODES[state]
            for interface in instance.nics.values():
                interface.public_ip = PUBLIC_IP if state in ("running", "stopping") else None
        self.changed()
