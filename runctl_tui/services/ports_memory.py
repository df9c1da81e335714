"""The Protocol by which screens remember how a person looks at things; a part of `ports`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Memory(Protocol):
    """Small things that outlive the program: filters that were typed, views that were saved."""

    async def recall(self) -> Mapping[str, object]:
        """Everything that is kept, by name."""

    async def keep(self, name: str, value: object) -> None:
        """Keep a value that JSON can hold; None forgets it."""
