"""Tells the telemetry of every call that a botocore client makes, by the client's own events."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

from runctl_tui.domain.telemetry import Call
from runctl_tui.services.telemetry import told

_BEGAN: Final = "runctl.began"


def measure(events: Any, service: str, region: str) -> None:
    """Have each call of a client told once it has ended, however it ends."""
    events.register("before-call", _begin)
    events.register("after-call", partial(_answered, service, region))
    events.register("after-call-error", partial(_broke_off, service, region))


def _begin(context: dict[str, Any], **_: object) -> None:
    context[_BEGAN] = time.monotonic()


def _answered(
    service: str, region: str, model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: object
) -> None:
    facts = parsed.get("ResponseMetadata", {})
    code = str(parsed.get("Error", {}).get("Code", "")) if facts.get("HTTPStatusCode", 200) >= 300 else ""
    tries, request_id = int(facts.get("RetryAttempts", 0)), str(facts.get("RequestId", ""))
    told(Call(service, model.name, _seconds(context), tries, code, request_id, region))


def _broke_off(
    service: str, region: str, exception: Exception, context: dict[str, Any], event_name: str, **_: object
) -> None:
    told(Call(service, event_name.rpartition(".")[2], _seconds(context), 0, type(exception).__name__, "", region))


def _seconds(context: dict[str, Any]) -> float:
    now = time.monotonic()
    return round(now - float(context.get(_BEGAN, now)), 4)
