"""EC2 as it is where moto is too kind: tokens that hold, answers that lag or are lost, and what it refuses with.

A layer between botocore and the moto server: `FakeEc2.send` stands in for the last call before the wire.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

from botocore.exceptions import ConnectionClosedError

from tests.services.aws.world import ec2_answer, ec2_error

WITH_TOKEN: Final = ("RunInstances", "CreateVolume")
"""What EC2 makes once for a token, and moto each time."""
REFUSALS: Final = {
    "InsufficientInstanceCapacity": (
        500,
        "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested (us-east-1a).",
    ),
    "VcpuLimitExceeded": (
        400,
        "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket.",
    ),
    "MaxSpotInstanceCountExceeded": (400, "Max spot instance count exceeded"),
    "SpotMaxPriceTooLow": (
        400,
        "Your Spot request price of 0.001 is lower than the minimum required Spot price.",
    ),
    "RequestLimitExceeded": (503, "Request limit exceeded."),
    "InternalError": (500, "An internal error has occurred"),
}
"""Codes with the status and the words that EC2 gives with them."""
_MACHINE: Final = re.compile(r"<instanceId>(i-[0-9a-f]+)</instanceId>")
_SNAPSHOT: Final = re.compile(r"<snapshotId>(snap-[0-9a-f]+)</snapshotId>")
Send = Callable[[Any, Any], Any]


@dataclass
class FakeEc2:
    """What EC2 remembers; tests say how it lags, and what goes wrong next."""

    forward: Send
    """The real sending."""
    lag: int = 0
    """Looks for which a new machine is not shown."""
    pending_looks: int = 0
    """Looks for which a new snapshot is pending."""
    lost: set[str] = field(default_factory=set)
    """Actions that are carried out and whose answer is lost, once each."""
    refused: dict[str, str] = field(default_factory=dict)
    """Actions with the code that they are refused with."""
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Every call that reached EC2, dry runs left out."""
    _made: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    _hidden: dict[str, int] = field(default_factory=dict)
    _pending: dict[str, int] = field(default_factory=dict)

    def send(self, session: Any, request: Any) -> Any:
        """Answer a request; what is not EC2's goes its way."""
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        form = {name: values[0] for name, values in parse_qs(body).items()} if isinstance(body, str) else {}
        action = form.get("Action", "")
        if not action or "2016-11-15" not in form.get("Version", "") or form.get("DryRun") == "true":
            return self.forward(session, request)
        self.sent.append((action, form))
        return self._refusal(action, form) or self._again(form) or self._carried_out(session, request, form)

    def count(self, action: str) -> int:
        """How often an action reached EC2."""
        return sum(name == action for name, _ in self.sent)

    def _refusal(self, action: str, form: dict[str, str]) -> Any:
        if code := self.refused.get(action):
            status, words = REFUSALS[code]
            return ec2_error(code, words, status)
        named = [value for name, value in form.items() if name.startswith("InstanceId.")]
        unseen = [one for one in named if self._hidden.get(one, 0) > 0]
        if action == "DescribeInstances" and unseen:
            self._hidden[unseen[0]] -= 1
            return ec2_error("InvalidInstanceID.NotFound", f"The instance ID '{unseen[0]}' does not exist")
        return None

    def _again(self, form: dict[str, str]) -> Any:
        """Answer as before where this token was used before; another request with it is an error."""
        known = self._made.get(form.get("ClientToken", ""))
        if form["Action"] not in WITH_TOKEN or known is None:
            return None
        if known[0] != form:
            words = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
            return ec2_error("IdempotentParameterMismatch", words)
        return ec2_answer(known[1])

    def _carried_out(self, session: Any, request: Any, form: dict[str, str]) -> Any:
        action = form["Action"]
        answer = self.forward(session, request)
        text = answer.content.decode()
        if answer.status_code == 200:
            text = self._remembered(action, form, text)
        if action in self.lost:
            self.lost.discard(action)
            raise ConnectionClosedError(endpoint_url=request.url)
        return ec2_answer(text) if answer.status_code == 200 else answer

    def _remembered(self, action: str, form: dict[str, str], text: str) -> str:
        if action in WITH_TOKEN and "ClientToken" in form:
            self._made[form["ClientToken"]] = form, text
        if action == "RunInstances":
            self._hidden.update(dict.fromkeys(_MACHINE.findall(text), self.lag))
        if action == "DescribeInstances":
            return self._seen(text)
        if action == "CreateSnapshot":
            self._pending.update(dict.fromkeys(_SNAPSHOT.findall(text), self.pending_looks))
        return self._progress(text) if action in ("CreateSnapshot", "DescribeSnapshots") else text

    def _seen(self, text: str) -> str:
        """Leave the machines out that are too new, and count the look."""
        unseen = [one for one in _MACHINE.findall(text) if self._hidden.get(one, 0) > 0]
        if not unseen:
            return text
        self._hidden.update({one: self._hidden[one] - 1 for one in unseen})
        start, end = text.index("<reservationSet>"), text.rindex("</reservationSet>")
        kept = [part for part in _reservations(text[start + 16 : end]) if not any(one in part for one in unseen)]
        return text[: start + 16] + "".join(kept) + text[end:]

    def _progress(self, text: str) -> str:
        """Have new snapshots pending for some looks."""
        young = [one for one in _SNAPSHOT.findall(text) if self._pending.get(one, 0) > 0]
        self._pending.update({one: self._pending[one] - 1 for one in young})
        if not young:
            return text
        text = re.sub(r"<status>completed</status>", "<status>pending</status>", text)
        return re.sub(r"<progress>100%?</progress>", "<progress>45%</progress>", text)


def _reservations(inner: str) -> list[str]:
    """Return each reservation of a list with its tags."""
    starts = [found.start() for found in re.finditer(r"<item>\s*<reservationId>", inner)]
    return [inner[start:end] for start, end in zip(starts, [*starts[1:], len(inner)], strict=True)]
