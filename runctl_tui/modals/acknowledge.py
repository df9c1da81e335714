"""What is asked before something is done that reasons stand against: a tick for each of them, and why all the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from runctl_tui.domain.plan import SHORTEST_REASON, Reason, reason_given
from runctl_tui.domain.text import SafeText, safe
from runctl_tui.modals.base import DialogInput
from runctl_tui.modals.words import rests_on
from runctl_tui.widgets.form import CheckLine
from runctl_tui.widgets.prompt import UNFILLED
from runctl_tui.widgets.text import content

REASON: Final = "reason"
"""Id of the field for the reason."""


class Acknowledge(Vertical):
    """A line to tick for each code, and a field; `said` tells whether all that is asked for is there."""

    def __init__(self, reasons: Sequence[Reason], now: datetime) -> None:
        super().__init__(classes="plan-acknowledge")
        self._reasons = reasons
        self._texts = _by_code(reasons, now)

    def compose(self) -> ComposeResult:
        """Lay out the ticks and the field."""
        for code, text in self._texts.items():
            yield CheckLine(text, id=f"ack-{code}")
        yield from ask_for(f"Why all the same ({SHORTEST_REASON} characters or more):", REASON)

    def let_ages_grow(self, now: datetime) -> None:
        """Say again how old the facts are that the reasons rest on."""
        for code, text in _by_code(self._reasons, now).items():
            self.query_one(f"#ack-{code}", CheckLine).rename(text)

    @property
    def ticked(self) -> frozenset[str]:
        """The codes that are ticked."""
        return frozenset(code for code in self._texts if self.query_one(f"#ack-{code}", CheckLine).value)

    @property
    def reason(self) -> str:
        """What was typed."""
        return self.query_one(f"#{REASON}", DialogInput).value.strip()

    @property
    def said(self) -> bool:
        """Whether every line is ticked, and a reason typed."""
        return len(self.ticked) == len(self._texts) and reason_given(self.reason)


class TypedInput(DialogInput):
    """A field that takes nothing from a paste: who types a name has read it."""

    class Pasted(Message):
        """Something was pasted, and nothing of it was taken."""

    def action_paste(self) -> None:
        """Refuse what was copied in this program as well."""
        self.post_message(self.Pasted())

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Pasted())


def ask_for(question: str, field: str, kind: type[DialogInput] = DialogInput) -> ComposeResult:
    """Yield a question with the field that answers it."""
    with Horizontal(classes="plan-typed"):
        yield Static(content(safe(question)), classes="plan-ask")
        yield kind(placeholder=UNFILLED, id=field)


def _by_code(reasons: Sequence[Reason], now: datetime) -> dict[str, SafeText]:
    """Return what is ticked for each code; targets that share a code are ticked together."""
    found: dict[str, str] = {}
    for one in reasons:
        words = f"{one.text} (better: {one.offer})" if one.offer else one.text
        words += f" ({rests_on(one, now)})" if rests_on(one, now) else ""
        found[one.code] = f"{found[one.code]}; {words}" if one.code in found else words
    return {code: safe(f"I know: {text}", 500) for code, text in found.items()}
