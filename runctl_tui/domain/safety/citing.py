"""What a reason rests on: the facts that its rule looked at, with when and by whom each was seen.

Rules are pure, so that one which has spoken can be asked again and watched; a list kept by hand could name others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MethodType
from typing import Any, Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.plan import Cited, Reason
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.storage_facts import StorageFacts

_NAMES: Final = {
    "ownership": "owner",
    "created_at": "age",
    "protection": "locks",
    "market": "how it was bought",
    "parent": "what manages it",
    "sessions": "runs",
    "work": "processes",
    "out_of_capacity_at": "room there",
    "images": "what rests on it",
    "copies": "copies elsewhere",
    "modified_at": "last change",
    "host": "its machine",
    "month": "price",
}
"""Facts whose field is not called as people call them."""


def cited(rule: Callable[[SafetyFacts], Reason | None], facts: SafetyFacts) -> Reason | None:
    """Return what a rule says about facts, with those that it rests on."""
    if rule(facts) is None:
        return None
    looked: dict[str, Known[Any] | Unknown] = {}
    watched: Any = _Watched(facts, looked)
    reason = rule(watched)
    return reason and replace(reason, facts=tuple(_cited(name, fact) for name, fact in sorted(looked.items())))


def _cited(name: str, fact: Known[Any] | Unknown) -> Cited:
    called = _NAMES.get(name, name)
    if isinstance(fact, Unknown):
        return Cited(called, unknown=fact.reason)
    return Cited(called, fact.source, fact.observed_at)


class _Watched:
    """Facts that note which of them are looked at."""

    def __init__(self, facts: SafetyFacts | StorageFacts, looked: dict[str, Known[Any] | Unknown]) -> None:
        self._facts = facts
        self._looked = looked

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._facts, name)
        if isinstance(found, Known | Unknown):
            self._looked[name] = found
        if isinstance(found, StorageFacts):
            return _Watched(found, self._looked)
        return MethodType(found.__func__, self) if isinstance(found, MethodType) else found
