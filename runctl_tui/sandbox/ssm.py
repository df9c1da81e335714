"""Systems Manager as far as the sandbox plays it: public parameters, and commands that are really executed."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from runctl_tui.sandbox import images
from runctl_tui.sandbox.answers import Answer, Call, Refusal, as_json
from runctl_tui.sandbox.cloud import ACCOUNT, Cloud
from runctl_tui.sandbox.machines import Machines
from runctl_tui.sandbox.processes import send_to_group

OUTPUT_LIMIT: Final = 24_000
"""Characters of output that GetCommandInvocation hands out, as on AWS."""
DOCUMENT: Final = "AWS-RunShellScript"
TIMEOUT_S: Final = 3600


@dataclass
class Invocation:
    """One command on one instance."""

    command_id: str
    instance_id: str
    script: str
    timeout_s: int
    status: str = "Pending"
    code: int = -1
    stdout: str = ""
    stderr: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    process: subprocess.Popen[bytes] | None = None


class Ssm:
    """The service `AmazonSSM`."""

    def __init__(self, cloud: Cloud, machines: Machines) -> None:
        self._cloud = cloud
        self._machines = machines
        self._invocations: dict[tuple[str, str], Invocation] = {}
        self._calls: dict[str, Callable[[Call], Answer | None]] = {
            "GetParameter": self._parameter,
            "GetParameters": self._parameters,
            "SendCommand": self._send,
            "GetCommandInvocation": self._invocation,
            "CancelCommand": self._cancel,
            "DescribeInstanceInformation": self._information,
        }

    def before(self, call: Call) -> Answer | None:
        """Answer what moto cannot; None leaves the call to moto."""
        handler = self._calls.get(call.action)
        return handler(call) if handler else None

    def after(self, call: Call, body: bytes) -> None:
        """Nothing of moto's share changes a host."""

    def _parameter(self, call: Call) -> Answer | None:
        name = call.body.get("Name", "")
        found = _public(name, call.region)
        return None if found is None else as_json({"Parameter": found})

    def _parameters(self, call: Call) -> Answer | None:
        names = call.body.get("Names", [])
        found = [public for name in names if (public := _public(name, call.region))]
        if not found:
            return None
        known = {public["Name"] for public in found}
        return as_json({"Parameters": found, "InvalidParameters": [name for name in names if name not in known]})

    def _send(self, call: Call) -> Answer:
        if call.body.get("DocumentName") != DOCUMENT:
            raise Refusal("InvalidDocument", f"Document with name {call.body.get('DocumentName')} does not exist.")
        ids = call.body.get("InstanceIds", [])
        managed = {instance.id: instance for instance in self._managed(call.region)}
        if not ids or any(instance_id not in managed for instance_id in ids):
            raise Refusal(
                "InvalidInstanceId", f"Instances [{', '.join(ids)}] not in a valid state for account {ACCOUNT}"
            )
        parameters = call.body.get("Parameters", {})
        script = "\n".join(parameters.get("commands", []))
        timeout_s = int((parameters.get("executionTimeout") or [TIMEOUT_S])[0])
        command_id = str(uuid.uuid4())
        for instance_id in ids:
            invocation = Invocation(command_id, instance_id, script, timeout_s)
            self._invocations[command_id, instance_id] = invocation
            threading.Thread(
                target=self._execute, args=(invocation, managed[instance_id]), name=f"ssm-{command_id}", daemon=True
            ).start()
        described = {"CommandId": command_id, "DocumentName": DOCUMENT, "Status": "Pending", "InstanceIds": ids}
        return as_json({"Command": {**described, "RequestedDateTime": time.time(), "TargetCount": len(ids)}})

    def _execute(self, invocation: Invocation, instance: Any) -> None:
        try:
            invocation.process = subprocess.Popen(
                ["/bin/sh", "-c", invocation.script],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._machines.environment(instance),
                cwd=self._machines.home(instance),
                start_new_session=True,
            )
            invocation.status = "InProgress"
            stdout, stderr = invocation.process.communicate(timeout=invocation.timeout_s)
        except subprocess.TimeoutExpired:
            self._end(invocation, "TimedOut")
            return
        except OSError as error:
            invocation.stderr = str(error)
            self._end(invocation, "Failed")
            return
        invocation.stdout = stdout.decode(errors="replace")[:OUTPUT_LIMIT]
        invocation.stderr = stderr.decode(errors="replace")[:OUTPUT_LIMIT]
        invocation.code = invocation.process.returncode
        if invocation.status != "Cancelled":
            self._end(invocation, "Success" if invocation.code == 0 else "Failed")

    def _end(self, invocation: Invocation, status: str) -> None:
        if invocation.process is not None and invocation.process.poll() is None:
            send_to_group(invocation.process.pid, signal.SIGKILL)
            invocation.process.wait()
        invocation.ended = datetime.now(UTC)
        invocation.status = status

    def _invocation(self, call: Call) -> Answer:
        key = (call.body.get("CommandId", ""), call.body.get("InstanceId", ""))
        found = self._invocations.get(key)
        if found is None:
            raise Refusal("InvocationDoesNotExist", "")
        return as_json(
            {
                "CommandId": found.command_id,
                "InstanceId": found.instance_id,
                "DocumentName": DOCUMENT,
                "Status": found.status,
                "StatusDetails": found.status,
                "ResponseCode": found.code,
                "StandardOutputContent": found.stdout,
                "StandardErrorContent": found.stderr,
                "ExecutionStartDateTime": found.started.isoformat(),
                "ExecutionEndDateTime": found.ended.isoformat() if found.ended else "",
            }
        )

    def _cancel(self, call: Call) -> Answer:
        for (command_id, _), invocation in self._invocations.items():
            if command_id == call.body.get("CommandId") and invocation.ended is None:
                self._end(invocation, "Cancelled")
        return as_json({})

    def _information(self, call: Call) -> Answer:
        rows = [
            {
                "InstanceId": instance.id,
                "PingStatus": "Online",
                "LastPingDateTime": time.time(),
                "AgentVersion": "3.3.2299.0",
                "IsLatestVersion": True,
                "PlatformType": "Linux",
                "PlatformName": "Ubuntu",
                "PlatformVersion": "22.04",
                "ResourceType": "EC2Instance",
                "IPAddress": instance.private_ip,
            }
            for instance in self._managed(call.region)
            if _selected(call, instance.id)
        ]
        return as_json({"InstanceInformationList": rows})

    def _managed(self, region: str) -> list[Any]:
        """The running instances with an instance profile: the others never reach Systems Manager."""
        profiles = self._cloud.ec2(region).iam_instance_profile_associations
        return [
            instance
            for instance in self._cloud.instances()
            if instance.region_name == region and instance.state == "running" and instance.id in profiles
        ]


def _selected(call: Call, instance_id: str) -> bool:
    for wanted in call.body.get("Filters", []):
        if wanted.get("Key") == "InstanceIds" and instance_id not in wanted.get("Values", []):
            return False
    return True


def _public(name: str, region: str) -> dict[str, Any] | None:
    found = images.parameter(name, region)
    if found is None:
        return None
    image_id, since = found
    arn = f"arn:aws:ssm:{region}::parameter{name}"
    return {
        "Name": name,
        "Type": "String",
        "Value": image_id,
        "Version": 1,
        "LastModifiedDate": since.timestamp(),
        "ARN": arn,
        "DataType": "aws:ec2:image",
    }
