"""What was read from all sources so far, each value with its origin, and what was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runctl_tui.services.errors import ConfigError


@dataclass(slots=True)
class Reading:
    """Values found so far with their origins, and what was wrong."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)

    def take(self, key: str, value: object, origin: str) -> None:
        """Keep a value unless a stronger source had one; tables of several sources are joined."""
        if key not in self.values:
            self.values[key], self.origins[key] = value, origin
        elif isinstance(value, Mapping) and isinstance(present := self.values[key], Mapping):
            self.values[key] = MappingProxyType({**value, **present})
