"""The request ids of the changing calls that are made on behalf of one plan, as the services tell them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_NOTED: Final[ContextVar[list[str] | None]] = ContextVar("noted_calls", default=None)


@contextmanager
def noted_calls() -> Iterator[list[str]]:
    """Give a list that grows with each changing call of this task, and of the tasks that it begins here."""
    found: list[str] = []
    token = _NOTED.set(found)
    try:
        yield found
    finally:
        _NOTED.reset(token)


def note_call(request_id: str) -> None:
    """Take note of a call; nothing where nobody wants to know."""
    found = _NOTED.get()
    if found is not None and request_id:
        found.append(request_id)
