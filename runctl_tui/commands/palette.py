"""The command palette, made from the bindings that are live; there is no second table of commands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.await_complete import AwaitComplete
from textual.binding import ActiveBinding
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider


async def _nothing() -> None:
    """Be what a second enter does."""


class Palette(CommandPalette):
    """Textual's palette; an enter that comes while it closes does nothing more."""

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close once: Textual's own closes whatever is in front then, and ends the program where that is the last."""
        if self.is_current:
            return super().dismiss(result)
        self._selected_command = DiscoveryHit("", _nothing)
        return AwaitComplete()


class BindingCommands(Provider):
    """Offers everything that a key does on the screen at hand."""

    async def discover(self) -> Hits:
        """Offer everything."""
        for active, words in self._offers():
            yield DiscoveryHit(words, partial(self._act, active), help=active.binding.key)

    async def search(self, query: str) -> Hits:
        """Offer what matches."""
        matcher = self.matcher(query)
        for active, words in self._offers():
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), partial(self._act, active), help=active.binding.key)

    def _offers(self) -> Iterator[tuple[ActiveBinding, str]]:
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.system or not binding.id or not active.enabled or binding.id in seen or not binding.description:
                continue
            seen.add(binding.id)
            yield active, binding.description.capitalize()

    async def _act(self, active: ActiveBinding) -> None:
        await self.app.run_action(active.binding.action, active.node)
