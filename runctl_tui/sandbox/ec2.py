"""What EC2 does that moto does not: states that pass slowly, refusals, console output, spot prices."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from runctl_tui.sandbox import spot
from runctl_tui.sandbox.answers import Answer, Call, Refusal, as_ec2
from runctl_tui.sandbox.cloud import ACCOUNT, Cloud
from runctl_tui.sandbox.launches import Launches
from runctl_tui.sandbox.machines import Machines
from runctl_tui.sandbox.prices import PriceTable
from runctl_tui.sandbox.volumes import Volumes

WELL_FORMED: Final = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})")


class Ec2:
    """The service EC2."""

    def __init__(self, cloud: Cloud, machines: Machines, launches: Launches, prices: PriceTable) -> None:
        self._cloud = cloud
        self._machines = machines
        self._launches = launches
        self._prices = prices
        self._volumes = Volumes(cloud)
        self._settled: dict[str, str] = {}
        self._rules: dict[str, Callable[[Call], Answer | Mapping[str, str] | None]] = {
            "RunInstances": launches.before,
            "StartInstances": self._start,
            "StopInstances": self._stop,
            "TerminateInstances": self._known,
            "RebootInstances": self._reboot,
            "DescribeInstances": self._known,
            "DescribeSnapshots": self._own_snapshots,
            "DetachVolume": self._detach,
            "GetConsoleOutput": self._console,
            "DescribeSpotPriceHistory": self._spot_prices,
            "ModifyInstanceAttribute": self._modify,
        }

    def before(self, call: Call) -> Answer | Mapping[str, str] | None:
        """Answer, change or refuse a call; None leaves it to moto."""
        rule = self._rules.get(call.action)
        return rule(call) if rule else None

    def after(self, call: Call, body: bytes) -> None:
        """Let granted changes of state take their time."""
        if call.action == "RunInstances":
            self._launches.after(call, body)
        self._volumes.after(call, body)
        if call.action == "RebootInstances":
            for instance in self._asked(call):
                self._machines.power(instance, "reboot")
        passing = {"StartInstances": "pending", "StopInstances": "stopping", "TerminateInstances": "shutting-down"}
        state = passing.get(call.action)
        if state is None:
            return
        for instance in self._asked(call):
            if instance.id in self._settled:
                self._cloud.set_state(instance, self._settled[instance.id])
            else:
                if state == "pending":
                    instance.launch_time = datetime.now(UTC).replace(tzinfo=None)
                self._machines.begin(instance, state)

    def _known(self, call: Call) -> None:
        """Refuse malformed and unknown ids; remember which instances are in the end state already."""
        end = {"StartInstances": ("running", "pending"), "StopInstances": ("stopped", "stopping")}
        ends = end.get(call.action, ("terminated",))
        self._settled = {found.id: found.state for found in self._asked(call) if found.state in ends}

    def _start(self, call: Call) -> None:
        self._known(call)
        for instance in self._asked(call):
            if instance.state not in ("stopped", "running", "pending"):
                raise Refusal(
                    "IncorrectInstanceState",
                    f"The instance '{instance.id}' is not in a state from which it can be started.",
                )

    def _stop(self, call: Call) -> None:
        self._known(call)
        for instance in self._asked(call):
            if instance.state in ("terminated", "shutting-down", "pending"):
                raise Refusal(
                    "IncorrectInstanceState",
                    f"This instance '{instance.id}' is not in a state from which it can be stopped.",
                )
            if instance.lifecycle == "spot" and not getattr(instance, "spot_persistent", False):
                raise Refusal(
                    "UnsupportedOperation",
                    f"You can't stop the Spot Instance '{instance.id}' because it is associated with a one-time "
                    "Spot Instance request. You can only stop Spot Instances associated with persistent Spot "
                    "Instance requests.",
                )
            if instance.disable_api_stop:
                raise Refusal(
                    "OperationNotPermitted",
                    f"The instance '{instance.id}' may not be stopped. Modify its 'disableApiStop' instance "
                    "attribute and try again.",
                )

    def _reboot(self, call: Call) -> None:
        for instance in self._asked(call):
            if instance.state != "running":
                raise Refusal("IncorrectState", f"The instance '{instance.id}' is not in the 'running' state.")

    def _modify(self, call: Call) -> None:
        instance = self._one(call, call.form.get("InstanceId", ""))
        if call.form.get("InstanceType.Value") and instance.state != "stopped":
            raise Refusal("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")

    def _detach(self, call: Call) -> Mapping[str, str] | None:
        """Fill in where a volume is attached, which EC2 knows by itself."""
        volume = self._cloud.ec2(call.region).volumes.get(call.form.get("VolumeId", ""))
        if volume is None or volume.attachment is None:
            return None
        held = volume.attachment
        return {**call.form, "InstanceId": held.instance.id, "Device": held.device}

    def _own_snapshots(self, call: Call) -> Mapping[str, str] | None:
        """Turn the owner, which moto overlooks, into a filter, which it knows."""
        owners = [ACCOUNT if owner == "self" else owner for owner in call.listed("Owner")]
        if not owners:
            return None
        number = 1
        while f"Filter.{number}.Name" in call.form:
            number += 1
        values = {f"Filter.{number}.Value.{index}": owner for index, owner in enumerate(owners, 1)}
        return {**call.form, f"Filter.{number}.Name": "owner-id", **values}

    def _console(self, call: Call) -> Answer:
        instance = self._one(call, call.form.get("InstanceId", ""))
        lines = [
            "cloud-init: the sandbox is no isolation: commands run as you",
            "-----BEGIN SSH HOST KEY KEYS-----",
            f"{self._machines.host_key(instance)} root@{instance.id}",
            "-----END SSH HOST KEY KEYS-----",
            "",
        ]
        output = base64.b64encode("\r\n".join(lines).encode()).decode()
        stamp = datetime.now(UTC).strftime(spot.TIME)
        told = f"<instanceId>{instance.id}</instanceId><timestamp>{stamp}</timestamp><output>{output}</output>"
        return as_ec2(call.action, told)

    def _spot_prices(self, call: Call) -> Answer:
        zones = [zone.name for zone in self._cloud.ec2(call.region).describe_availability_zones()]
        return spot.history(call, zones, self._prices.on_demand)

    def _asked(self, call: Call) -> list[Any]:
        return [self._one(call, instance_id) for instance_id in call.listed("InstanceId")]

    def _one(self, call: Call, instance_id: str) -> Any:
        if not WELL_FORMED.fullmatch(instance_id):
            raise Refusal("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
        found = self._cloud.instance(instance_id)
        if found is None or found.region_name != call.region:
            raise Refusal("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
        return found
