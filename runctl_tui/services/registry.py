"""The providers in use, by name: the one place where every screen and command looks them up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from runctl_tui.services.errors import ResourceExists, ResourceNotFound

if TYPE_CHECKING:
    from runctl_tui.services.ports import TrainingProvider

CONNECT: Final = {"runpod": "to use it: set RUNPOD_API_KEY, or 'runctl-tui config set runpod.api_key -'"}
"""How a provider comes to be there that is not without a key."""


class Registry:
    """Keeps providers in the order in which they were registered."""

    def __init__(self, providers: Iterable[TrainingProvider] = ()) -> None:
        self._providers: dict[str, TrainingProvider] = {}
        for provider in providers:
            self.register(provider)

    def register(self, provider: TrainingProvider) -> None:
        """Add a provider; ResourceExists where the name is taken."""
        if provider.name in self._providers:
            raise ResourceExists(f"There is a provider {provider.name} already", "", "give the other one another name")
        self._providers[provider.name] = provider

    def get(self, name: str) -> TrainingProvider:
        """Return the provider; ResourceNotFound names those that exist."""
        try:
            return self._providers[name]
        except KeyError:
            there = ", ".join(self._providers) or "none"
            todo = CONNECT.get(name, "use one of these")
            raise ResourceNotFound(f"There is no provider {name}", f"there is: {there}", todo) from None

    def all(self) -> tuple[TrainingProvider, ...]:
        """All providers in the order of registration."""
        return tuple(self._providers.values())
