"""The one Protocol of continuous data, apart from the other ports so that each of them may name it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from runctl_tui.domain.snapshot import Snapshot

T_co = TypeVar("T_co", covariant=True)


class Feed(Protocol[T_co]):
    """One poller shared by everybody who watches the same thing; it works only while somebody watches."""

    @property
    def latest(self) -> Snapshot[T_co] | None:
        """The last snapshot, or None before the first."""

    def watch(self) -> AsyncIterator[Snapshot[T_co]]:
        """Yield the latest snapshot at once where there is one, then each that differs."""

    def refresh(self) -> None:
        """Poll now instead of at the next turn."""
