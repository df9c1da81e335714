"""The `:` line: commands with completion by tab and a history by the arrows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.prompt import FormInput, PromptLine
from runctl_tui.widgets.text import content

Complete = Callable[[str], Sequence[str]]
"""Returns whole lines that may follow from what is typed, best first."""
Lead = Callable[[str], str]
"""Returns what enter would do with what is typed, or why nothing, in words; empty where there is nothing to say."""
HISTORY: Final = 200
HINT_SHARE: Final = 0.6
"""The most of the line that the hint takes, as its style says."""


class CommandLine(PromptLine):
    """A `:` and an input; hidden until opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="command.close"),
        Binding("tab", "complete", "complete", id="command.complete", priority=True),
        Binding("up,ctrl+p", "history(-1)", "earlier", show=False, id="command.earlier", priority=True),
        Binding("down,ctrl+n", "history(1)", "later", show=False, id="command.later", priority=True),
    ]

    class Submitted(Message):
        """A command was entered; the line has closed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Typed(Message):
        """The text is another one now."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The line was left without a command."""

    def __init__(
        self, complete: Complete | None = None, lead: Lead | None = None, history: list[str] | None = None
    ) -> None:
        super().__init__()
        self.complete: Complete = complete or (lambda text: ())
        self.lead: Lead = lead or (lambda text: "")
        self._history = [] if history is None else history
        self._place = 0
        self._offers: list[str] = []
        self._offered = -1
        self.hide()

    def parts(self) -> Iterable[Widget]:
        """Return sign, field and what completion offers."""
        yield Static(":", classes="prompt-sign", markup=False)
        yield FormInput()
        yield Static("", classes="prompt-hint", markup=False)

    def open(self, text: str = "") -> None:
        """Show the line and take the focus."""
        self._place = len(self._history)
        self._forget_offers()
        self.take_focus(text)
        self._hint()

    def leave(self) -> str | None:
        """Close and return what was typed so far; None where the line is not open."""
        if not self.display:
            return None
        typed = self.query_one(FormInput).value
        self.give_back()
        return typed

    def renew(self) -> None:
        """Offer what may follow again, because more is known now."""
        self._hint()

    def say(self, problem: SafeText) -> None:
        """Say beside the line what is wrong with a command."""
        self.query_one(".prompt-hint", Static).update(content(problem, "$danger"))

    @on(Input.Changed)
    def offer(self, event: Input.Changed) -> None:
        """Offer what may follow, unless the text is an offer itself."""
        event.stop()
        if event.value not in self._offers:
            self._forget_offers()
        self._hint()
        self.post_message(self.Typed(event.value))

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """Pass the command on and close."""
        event.stop()
        text = event.value.strip()
        self.give_back()
        if not text:
            self.post_message(self.Closed())
            return
        if text not in self._history[-1:]:
            self._history.append(text)
            del self._history[:-HISTORY]
        self.post_message(self.Submitted(text))

    def action_close(self) -> None:
        """Leave without a command."""
        self.give_back()
        self.post_message(self.Closed())

    def action_complete(self) -> None:
        """Complete as far as all offers agree, then go through them one by one."""
        typed = self.query_one(FormInput).value
        if not self._offers:
            self._offers = list(self.complete(typed))
            shared = _shared_start(self._offers)
            if len(self._offers) > 1 and len(shared) > len(typed):
                self._put(shared)
                self._offers = []
                return
        if self._offers:
            self._offered = (self._offered + 1) % len(self._offers)
            self._put(self._offers[self._offered])
        self._hint()

    def action_history(self, step: int) -> None:
        """Go through earlier commands; past the newest one the line is empty."""
        self._place = max(0, min(len(self._history), self._place + step))
        self._put(self._history[self._place] if self._place < len(self._history) else "")

    def _put(self, text: str) -> None:
        field = self.query_one(FormInput)
        field.value = text
        field.cursor_position = len(text)

    def _forget_offers(self) -> None:
        self._offers, self._offered = [], -1

    def _hint(self) -> None:
        typed = self.query_one(FormInput).value
        offers = self._offers or self.complete(typed)
        words = "  ".join(offer.rpartition(" ")[2] for offer in offers[:8])
        hint = both(self.lead(typed), f"tab  {words}" if offers else "", int(self.screen.size.width * HINT_SHARE) - 2)
        self.query_one(".prompt-hint", Static).update(content(safe(hint) if hint else EMPTY, "$muted"))


def both(lead: str, offers: str, width: int) -> str:
    """Return where enter leads and what may follow, side by side; where there is no room, each keeps half of it."""
    if not (lead and offers) or not width:
        return lead or offers
    gap = 3
    room = max(width - gap - len(offers), (width - gap) // 2)
    return (lead if len(lead) <= room else f"{lead[: room - 1]}…") + " " * gap + offers


def _shared_start(lines: Sequence[str]) -> str:
    """Return what all lines begin with."""
    first, last = min(lines, default=""), max(lines, default="")
    same = next((index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same]
