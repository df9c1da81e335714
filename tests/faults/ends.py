"""How an operation may end: with what is true, or with an error that a person can act on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.problem import Problem
from runctl_tui.services.errors import ResourceExists, ResourceNotFound, TrainctlError

FROZEN: Final = 15.0
"""Seconds after which an operation counts as frozen: each wait that is injected is a fraction of it."""


@dataclass(frozen=True, slots=True)
class End:
    """What came of one operation."""

    value: object = None
    error: TrainctlError | None = None


async def end_of(work: Awaitable[object]) -> End:
    """Return the end; anything but a value or an error of the product fails the test by itself."""
    async with asyncio.timeout(FROZEN):
        try:
            return End(value=await work)
        except TrainctlError as error:
            return End(error=error)


def check_error(error: TrainctlError, *, gone: bool = False) -> None:
    """Fail where a person would not know what happened, why, and what to do next, or is told a wrong "gone"."""
    check_problem(error.to_problem())
    if not gone:
        assert not isinstance(error, ResourceNotFound | ResourceExists), f"wrongly gone, or there: {error}"


def check_problem(problem: Problem) -> None:
    """Fail where any part of a problem is missing, or no mapper knew it."""
    assert problem.code, problem
    assert problem.code not in ("error", "unexpected"), problem
    assert problem.what, problem
    assert problem.why, problem
    assert problem.todo, problem
    for text in (problem.what, problem.why, problem.todo):
        assert "\x1b" not in text, problem
        assert "<html" not in text.lower(), problem
        assert "Traceback" not in text, problem


def check_unknown(fact: Unknown) -> None:
    """Fail where an unknown fact says no reason."""
    assert fact.reason, fact
    assert "<html" not in fact.reason.lower(), fact
