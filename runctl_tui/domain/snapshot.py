"""A value with its time, its scope and what is missing from it, so that partial never looks complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from runctl_tui.domain.problem import Problem

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T_co]):
    """What was seen, when, and what could not be seen."""

    value: T_co
    taken_at: datetime
    """UTC; for a merged value, the time of its oldest part."""
    scope: tuple[str, ...] = ()
    """What was asked: provider and region names such as 'aws/us-east-1'."""
    missing: tuple[Problem, ...] = field(default=())
    """One problem per part of the scope that is absent or older than the rest."""
    silent: tuple[str, ...] = ()
    """The parts of the scope whose own list is not whole, so that what it lacks may still be there."""

    def holding(self, value: T) -> Snapshot[T]:
        """Return the same look with another value."""
        return Snapshot(value, self.taken_at, self.scope, self.missing, self.silent)

    @property
    def complete(self) -> bool:
        """Whether every part of the scope answered."""
        return not self.missing

    @property
    def blind(self) -> bool:
        """Whether no part of the scope answered: what the value lacks may all be there."""
        failed = {problem.scope for problem in self.missing}
        return bool(failed) and all({"", asked, asked.partition("/")[0]} & failed for asked in self.scope)
