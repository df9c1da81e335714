"""Starts, stops and terminates one instance per call, and reads the locks that EC2 keeps on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import ApiProtection
from runctl_tui.domain.plan import Operation
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.codes import DRY_RUN_PASSED
from runctl_tui.services.aws.instances import InstanceReader
from runctl_tui.services.errors import AwsError, TrainctlError, Unsupported

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client

_DONE: Final = {Operation.START: "started", Operation.STOP: "stopped", Operation.TERMINATE: "terminated"}


class InstanceControl:
    """Changes the state of instances; never clears a protection."""

    def __init__(self, clients: AwsClients, reader: InstanceReader, clock: Clock) -> None:
        self._clients = clients
        self._reader = reader
        self._clock = clock

    async def change(self, operation: Operation, instance_id: str, region: str = "", *, dry: bool = False) -> None:
        """Carry one operation out on one instance, or ask only whether it would be allowed."""
        if operation not in _DONE:
            raise Unsupported(f"EC2 has no dry run of {operation.value} on an instance")
        region = await self._reader.region_of(instance_id, region)
        what = f"{region}: {instance_id} could not be {_DONE[operation]}"
        try:
            await self._clients.ec2(region, what, _call(operation, instance_id, dry), changes=True)
        except AwsError as error:
            if not (dry and error.code == DRY_RUN_PASSED):
                raise

    async def protections(self, instance_id: str, region: str = "") -> Fact[ApiProtection]:
        """Return the locks; unknown where any of them could not be read."""
        try:
            region = await self._reader.region_of(instance_id, region)
            termination = await self._attribute(region, instance_id, "disableApiTermination", "DisableApiTermination")
            stop = await self._attribute(region, instance_id, "disableApiStop", "DisableApiStop")
            shutdown = await self._attribute(
                region, instance_id, "instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior"
            )
            _, raw = await self._reader.raw(instance_id, region)
            facts = await self._reader.catalog.facts(region, raw.get("InstanceType", ""))
        except TrainctlError as error:
            return Unknown(str(error))
        if not isinstance(termination, bool) or not isinstance(stop, bool):
            return Unknown(f"{region}: EC2 did not say whether {instance_id} is protected")
        disks = facts.store_disks if facts else 0
        value = ApiProtection(termination, stop, shutdown == "terminate", disks)
        return Known(value, self._clock.now(), "EC2 DescribeInstanceAttribute")

    async def _attribute(self, region: str, instance_id: str, attribute: str, key: str) -> object:
        request: dict[str, Any] = {"InstanceId": instance_id, "Attribute": attribute}
        what = f"{region}: the protections of {instance_id} could not be read"
        answer: Any = await self._clients.ec2(region, what, lambda ec2: ec2.describe_instance_attribute(**request))
        return answer.get(key, {}).get("Value")


def _call(operation: Operation, instance_id: str, dry: bool) -> Callable[[EC2Client], object]:
    request: dict[str, Any] = {"InstanceIds": [instance_id], "DryRun": dry}
    match operation:
        case Operation.START:
            return lambda ec2: ec2.start_instances(**request)
        case Operation.STOP:
            return lambda ec2: ec2.stop_instances(**request)
        case _:
            return lambda ec2: ec2.terminate_instances(**request)
