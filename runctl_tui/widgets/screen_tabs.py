"""The second line of every screen: the screens with their digits, the current one marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from runctl_tui.widgets.text import plain, width_of

if TYPE_CHECKING:
    from runctl_tui.domain.text import SafeText


@dataclass(frozen=True, slots=True)
class ScreenTab:
    """One screen as the tabs show it."""

    key: str
    """The digit that opens it."""
    name: SafeText
    short: SafeText
    """Used where not all full names fit."""
    id: str
    """The screen's mode."""
    badge: SafeText | None = None
    """A count or sign behind the name, such as a number of alerts."""


class ScreenTabs(Widget):
    """Draws `tabs` with `current` marked; short names where the line is narrow."""

    ALLOW_SELECT = False

    tabs: reactive[tuple[ScreenTab, ...]] = reactive(())
    current: reactive[str] = reactive("")

    def render(self) -> Content:
        """Use the longest names that fit."""
        room = self.size.width - 1
        for short, gap in ((False, 1), (True, 1), (True, 0)):
            names = [_label(tab, short) for tab in self.tabs]
            if sum(map(width_of, names)) + (2 + gap) * len(names) - gap <= room:
                return self._drawn(names, gap)
        return self._drawn([tab.key for tab in self.tabs], 0)

    def _drawn(self, names: Sequence[str], gap: int) -> Content:
        parts: list[Content] = []
        for tab, name in zip(self.tabs, names, strict=True):
            here = tab.id == self.current
            text = plain(f" {name} ")
            digits = len(tab.key) + 1
            base = Content.styled(text, "$strong bold on $cursor-row" if here else "$muted")
            parts.append(base if here else base.stylize("$key", 0, digits))
        return Content(" " * gap).join(parts)


def _label(tab: ScreenTab, short: bool) -> str:
    return f"{tab.key} {tab.short if short else tab.name}{f' {tab.badge}' if tab.badge else ''}"
