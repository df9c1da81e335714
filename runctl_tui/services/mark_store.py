"""What a provider that has tags can do with them; used by changes of marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runctl_tui.domain.states import Capability
from runctl_tui.services.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runctl_tui.domain.marks import Mark
    from runctl_tui.services.ports import ProviderRegistry


class MarkStore(Protocol):
    """Tags and locks of one provider's resources; every method raises `TrainctlError`s only."""

    async def change(self, resource_id: str, region: str, mark: Mark, *, dry: bool = False) -> None:
        """Make one call, or ask only whether it would be allowed; again it changes nothing more."""

    async def tags(self, resource_id: str, region: str) -> Mapping[str, str]:
        """The tags that a resource has now."""


def mark_store(registry: ProviderRegistry, name: str) -> MarkStore:
    """Return a provider's marks; Unsupported where it has none."""
    provider = registry.get(name)
    store: MarkStore | None = getattr(provider, "marks", None)
    if store is None:
        raise Unsupported(f"{provider.label} has no tags", provider.capabilities.why_not(Capability.TAGS))
    return store
