"""A dialog of facts in sections: everything known about one machine, checkpoint or run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.facts import Fact, FactList
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Section:
    """Facts under one heading."""

    heading: SafeText
    facts: tuple[Fact, ...]


def fact(label: object, value: object, style: str = "", seen_at: object = "") -> Fact:
    """Return a row of untrusted text."""
    return Fact(safe(label), safe(value), style, safe(seen_at) if seen_at else EMPTY)


class Describe(Dialog[None]):
    """Shows sections until it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "cancel", "close", id="describe.close"),
        Binding("c", "copy", "copy all", id="describe.copy"),
        Binding("j", "scroll(1)", "down", show=False, id="describe.down"),
        Binding("k", "scroll(-1)", "up", show=False, id="describe.up"),
        Binding("g", "edge(False)", "first line", show=False, id="describe.first"),
        Binding("G", "edge(True)", "last line", show=False, id="describe.last"),
    ]
    KEYS = "j k scroll  c copy all  q close"
    AUTO_FOCUS = "VerticalScroll"
    BURST_SECONDS = 0

    def __init__(self, clock: Clock, title: SafeText, sections: Sequence[Section]) -> None:
        super().__init__(clock, title)
        self._sections = tuple(sections)

    def compose_body(self) -> ComposeResult:
        """Lay out the sections under each other."""
        with VerticalScroll():
            for section in self._sections:
                yield Static(content(section.heading, "$heading bold"), classes="describe-heading")
                facts = FactList(classes="describe-facts")
                facts.facts = section.facts
                yield facts

    def compose_buttons(self) -> Iterable[DialogButton]:
        """A view needs no buttons."""
        return ()

    def action_scroll(self, step: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_edge(self, last: bool) -> None:
        """Go to the beginning or the end."""
        scroll = self.query_one(VerticalScroll)
        (scroll.scroll_end if last else scroll.scroll_home)(animate=False)

    def action_copy(self) -> None:
        """Copy all facts to the terminal's clipboard."""
        lines = [f"{each.label}: {each.value}" for section in self._sections for each in section.facts]
        self.app.copy_to_clipboard("\n".join(lines))
