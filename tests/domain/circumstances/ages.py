"""Circumstances of what was seen a while ago: still known, or too old to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from runctl_tui.domain.facts import Known
from runctl_tui.domain.safety.facts import fact_names
from tests.domain.circumstances.telling import Circumstance
from tests.domain.safety_facts import HELD, SAFE
from tests.fakes import START

IN_STORAGE: Final = ("volume", "snapshot", "snapshots", "images", "host")
LIMITS: Final = {
    "state": 10, "tags": 10, "ownership": 10, "protection": 10, "disks": 10, "sessions": 30, "checkpoints": 120,
    "objects": 120, "process": 30, "upload": 30,
}  # fmt: skip


def seen(fact: Any, seconds: float) -> Any:
    """Return the fact as it was seen so many seconds ago."""
    at = START - timedelta(seconds=seconds)
    return replace(fact, observed_at=at) if isinstance(fact, Known) else fact


def _everything(seconds: float) -> Circumstance:
    names = [name for name in fact_names() if name != "state"]
    stored = {name: seen(getattr(SAFE.storage, name), seconds) for name in IN_STORAGE}
    return {"storage": stored, **{name: seen(getattr(SAFE, name), seconds) for name in names}}


def _stored(name: str, seconds: float) -> Circumstance:
    """Return a circumstance in which one fact of a volume was seen so many seconds ago."""
    fact = Known(HELD, START, "test") if name == "volume" else getattr(SAFE.storage, name)
    return {"storage": {name: seen(fact, seconds)}}


AGES: Final[dict[str, Circumstance]] = {
    "everything was seen 7 seconds ago": _everything(7),
    "everything will be seen in an hour": _everything(-3600),
    **{f"{name} was seen {most} seconds ago": {name: seen(getattr(SAFE, name), most)} for name, most in LIMITS.items()},
    **{
        f"{name} was seen {most + 1} seconds ago": {name: seen(getattr(SAFE, name), most + 1)}
        for name, most in LIMITS.items()
    },
    **{f"{name} of storage was seen 10 seconds ago": _stored(name, 10) for name in IN_STORAGE},
    **{f"{name} of storage was seen 11 seconds ago": _stored(name, 11) for name in IN_STORAGE},
}
