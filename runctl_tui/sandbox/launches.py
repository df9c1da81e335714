"""What EC2 does around RunInstances that moto does not: refusals, client tokens, disks and spot as asked for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from moto.ec2.models.instance_types import INSTANCE_TYPES

from runctl_tui.sandbox import spot
from runctl_tui.sandbox.answers import Answer, Call, Refusal
from runctl_tui.sandbox.cloud import Cloud
from runctl_tui.sandbox.machines import Machines
from runctl_tui.sandbox.prices import PriceTable

INSTANCE_ID: Final = re.compile(r"<instanceId>(i-[0-9a-f]+)</instanceId>")
NOT_OF_THE_REQUEST: Final = frozenset({"ClientToken", "Action", "Version", "DryRun"})
KEPT_TOKENS: Final = 200
SPOT: Final = "InstanceMarketOptions.SpotOptions"


class Launches:
    """The rules of RunInstances."""

    def __init__(self, cloud: Cloud, machines: Machines, prices: PriceTable) -> None:
        self._cloud = cloud
        self._machines = machines
        self._prices = prices
        self.tokens: dict[str, dict[str, str]] = {}
        """Answers by region and client token, each with a digest of the request; part of the world."""
        self.sold_out: set[tuple[str, str]] = set()
        """Pairs of instance type and market (spot, on-demand) without capacity."""

    def before(self, call: Call) -> Answer | Mapping[str, str]:
        """Refuse what EC2 refuses; give a repeated request its first answer."""
        token = call.form.get("ClientToken", "")
        known = self.tokens.get(f"{call.region}/{token}") if token else None
        if known is not None and not call.flag("DryRun"):
            if known["request"] != _digest(call):
                raise Refusal(
                    "IdempotentParameterMismatch",
                    "The request uses the same client token as a previous, but non-identical request.",
                )
            return Answer(200, known["answer"].encode())
        self._check_type(call)
        self._check_image(call)
        self._check_key(call)
        self._check_profile(call)
        self._check_capacity(call)
        return {**call.form, "MinCount": call.form.get("MaxCount", "1"), **self._default_subnet(call)}

    def after(self, call: Call, body: bytes) -> None:
        """Let the new instances come up slowly, with the disks and the market that were asked for."""
        text = body.decode()
        for instance_id in INSTANCE_ID.findall(text):
            instance = self._cloud.instance(instance_id)
            if instance is not None:
                self._complete(call, instance)
                self._machines.begin(instance, "pending")
        token = call.form.get("ClientToken")
        if token:
            self.tokens[f"{call.region}/{token}"] = {"request": _digest(call), "answer": text}
            while len(self.tokens) > KEPT_TOKENS:
                del self.tokens[next(iter(self.tokens))]

    def _default_subnet(self, call: Call) -> dict[str, str]:
        """The subnet that EC2 takes when none is asked for."""
        if any(name.startswith(("SubnetId", "NetworkInterface.")) for name in call.form):
            return {}
        zone = call.form.get("Placement.AvailabilityZone") or f"{call.region}a"
        found = self._cloud.ec2(call.region).get_default_subnets().get(zone)
        return {} if found is None else {"SubnetId": found.id}

    def _complete(self, call: Call, instance: Any) -> None:
        instance.disable_api_termination = call.flag("DisableApiTermination")
        if instance.lifecycle == "spot":
            digest = hashlib.sha256(instance.id.encode()).hexdigest()
            instance.spot_instance_request_id = f"sir-{digest[:8]}"
            instance.spot_persistent = call.form.get(f"{SPOT}.SpotInstanceType") == "persistent"
        number = 1
        while (device := call.form.get(f"BlockDeviceMapping.{number}.DeviceName")) is not None:
            block = instance.block_device_mapping.get(device)
            if block is not None:
                self._complete_disk(call, f"BlockDeviceMapping.{number}.Ebs", instance, block.volume_id)
            number += 1

    @staticmethod
    def _complete_disk(call: Call, prefix: str, instance: Any, volume_id: str) -> None:
        volume = instance.ec2_backend.volumes[volume_id]
        if volume.volume_type == "gp3":
            volume.iops = int(call.form.get(f"{prefix}.Iops", 3000))
            volume.throughput = int(call.form.get(f"{prefix}.Throughput", 125))

    def _check_type(self, call: Call) -> None:
        kind = call.form.get("InstanceType", "m1.small")
        if kind not in INSTANCE_TYPES:
            raise Refusal("InvalidParameterValue", f"Invalid value '{kind}' for InstanceType.")

    def _check_image(self, call: Call) -> None:
        image = call.form.get("ImageId", "")
        if not image:
            raise Refusal("MissingParameter", "The request must contain the parameter ImageId")
        if not re.fullmatch(r"ami-[0-9a-f]{8,17}", image):
            raise Refusal("InvalidAMIID.Malformed", f'Invalid id: "{image}" (expecting "ami-...")')
        if image not in self._cloud.ec2(call.region).amis:
            raise Refusal("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")

    def _check_key(self, call: Call) -> None:
        key = call.form.get("KeyName")
        if key is not None and key not in self._cloud.ec2(call.region).key_pairs:
            raise Refusal("InvalidKeyPair.NotFound", f"The key pair '{key}' does not exist")

    def _check_profile(self, call: Call) -> None:
        for field in ("Name", "Arn"):
            value = call.form.get(f"IamInstanceProfile.{field}")
            if value and value.rpartition("/")[2] not in self._cloud.iam.instance_profiles:
                raise Refusal(
                    "InvalidParameterValue",
                    f"Value ({value}) for parameter iamInstanceProfile.{field.lower()} is invalid. "
                    f"Invalid IAM Instance Profile {field.lower()}",
                )

    def _check_capacity(self, call: Call) -> None:
        kind = call.form.get("InstanceType", "m1.small")
        market = call.form.get("InstanceMarketOptions.MarketType", "on-demand")
        zone = call.form.get("Placement.AvailabilityZone") or f"{call.region}a"
        if (kind, market) in self.sold_out:
            raise Refusal(
                "InsufficientInstanceCapacity",
                f"There is no {'Spot ' if market == 'spot' else ''}capacity available that matches your request: "
                f"{kind} in {zone}.",
                500 if market == "on-demand" else 400,
            )
        if market == "spot":
            self._check_bid(call, kind, zone)

    def _check_bid(self, call: Call, kind: str, zone: str) -> None:
        bid = call.form.get(f"{SPOT}.MaxPrice")
        if bid is None or kind not in self._prices.on_demand:
            return
        try:
            offered = Decimal(bid)
        except InvalidOperation:
            raise Refusal("InvalidParameterValue", f"Invalid value '{bid}' for spot max price") from None
        needed = spot.price(self._prices.on_demand[kind], kind, zone, datetime.now(UTC))
        if offered < needed:
            raise Refusal(
                "SpotMaxPriceTooLow",
                f"Your Spot request price of {offered} is lower than the minimum required Spot request "
                f"fulfillment price of {needed}.",
            )


def _digest(call: Call) -> str:
    request = {name: value for name, value in call.form.items() if name not in NOT_OF_THE_REQUEST}
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
