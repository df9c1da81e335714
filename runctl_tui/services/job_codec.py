"""Job views as JSON for the state file."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from runctl_tui.domain.plan import JobView, Step, StepState


def to_json(view: JobView) -> str:
    """Return the view as one line of JSON."""
    return json.dumps(asdict(view), default=_plain, ensure_ascii=True)


def from_json(text: str) -> JobView | None:
    """Return the view, or None where the text is none of ours."""
    try:
        raw: dict[str, Any] = json.loads(text)
        raw["steps"] = tuple(Step(**{**step, "state": StepState(step["state"])}) for step in raw["steps"])
        raw["started_at"] = datetime.fromisoformat(raw["started_at"])
        raw["ended_at"] = datetime.fromisoformat(raw["ended_at"]) if raw["ended_at"] else None
        return JobView(**raw)
    except (ValueError, TypeError, KeyError):
        return None


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not part of a job")
