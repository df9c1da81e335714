"""The line of key hints, made from the bindings that are live; also the source of the help dialog's lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from textual.app import App
from textual.binding import ActiveBinding
from textual.reactive import reactive
from textual.screen import Screen

from runctl_tui.domain.text import SafeText, safe
from runctl_tui.widgets.status_row import StatusRow
from runctl_tui.widgets.text import Piece

_NAMES: Final[Mapping[str, str]] = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "ctrl+backslash": "ctrl+\\",
    "ctrl+@": "ctrl+space",
    "minus": "-",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One thing that can be done now, and its keys."""

    keys: tuple[SafeText, ...]
    description: SafeText
    action: str
    id: str
    group: SafeText
    """Where it belongs in the help: the binding's group, else where it is bound."""
    enabled: bool
    shown: bool
    """Whether it is for the hint line too."""


def key_name(key: str) -> str:
    """Return a key as people write it."""
    head, plus, last = key.rpartition("+")
    return _NAMES.get(key) or f"{head}{plus}{_NAMES.get(last, last)}"


def live_keys(screen: Screen[Any]) -> list[KeyHint]:
    """Return what our keys do on this screen now, nearest first; keys of one binding stand together."""
    hints: dict[str, KeyHint] = {}
    for key, active in screen.active_bindings.items():
        binding = active.binding
        if binding.system or not binding.description or binding.id is None:
            continue
        name = safe(binding.key_display or key_name(key))
        known = hints.get(binding.id)
        keys = (name,) if known is None else tuple(dict.fromkeys((*known.keys, name)))
        hints[binding.id] = KeyHint(
            keys,
            safe(binding.description),
            binding.action,
            binding.id,
            _group(active),
            active.enabled,
            binding.show,
        )
    return list(hints.values())


def _group(active: ActiveBinding) -> SafeText:
    group = active.binding.group
    if group is not None and group.description:
        return safe(group.description)
    if isinstance(active.node, App):
        return safe("everywhere")
    title = getattr(active.node, "BINDING_GROUP_TITLE", None)
    return safe(title or ("this screen" if isinstance(active.node, Screen) else "this list"))


class KeyHints(StatusRow):
    """Draws as many hints as fit; ids in `order` come first, the rest as bound; ids in `keep` are dropped last."""

    hints: reactive[tuple[KeyHint, ...]] = reactive((), repaint=False)
    note: reactive[SafeText | None] = reactive(None, repaint=False)
    """Words at the right edge, such as what a sign in the table means."""

    def __init__(
        self,
        order: Iterable[str] = (),
        keep: Iterable[str] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(id=id)
        self._keep = frozenset(keep)
        self._order = {identifier: number for number, identifier in enumerate(order)}

    def on_mount(self) -> None:
        """Follow the bindings of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self.call_after_refresh(self._follow, self.screen)

    def watch_hints(self) -> None:
        """Draw what changed."""
        self.redraw()

    def watch_note(self) -> None:
        """Draw what changed."""
        self.redraw()

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return one piece per hint, the first the most important."""
        out = [
            Piece(
                safe(f"{hint.keys[0]} {hint.description}"),
                "" if hint.enabled else "$muted dim",
                (2000 if hint.id in self._keep else 1000) - number,
                key_cells=len(hint.keys[0]) if hint.enabled else 0,
            )
            for number, hint in enumerate(self.hints)
        ]
        return [*out, Piece(self.note, "$muted", 995, right=True)] if self.note else out

    def _follow(self, screen: Screen[Any]) -> None:
        if not self.is_mounted or not screen.is_current:
            return
        shown = [hint for hint in live_keys(screen) if hint.shown]
        last = len(self._order)
        shown.sort(key=lambda hint: self._order.get(hint.id, last))
        self.hints = tuple(shown)
