"""The line of problems: each stays until it is read or its key press is over; used by every screen, for no toasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.message import Message
from textual.reactive import reactive

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.status_row import StatusRow
from runctl_tui.widgets.text import Piece, clip, width_of


@dataclass(frozen=True, slots=True)
class StatusNote:
    """One problem or one word of success."""

    text: SafeText
    """What failed, why, and what to do, or what was done."""
    code: SafeText = EMPTY
    """The service's own code."""
    level: str = "error"
    """`error`, `warn` or `done`."""
    passing: bool = False
    """Whether it answers one key press, so that it is over once the person goes on."""


def joined(notes: Sequence[StatusNote], note: StatusNote) -> tuple[StatusNote, ...]:
    """Return the notes with one more in front: it takes the place of its like and of a success.

    A success takes the place of what answered earlier key presses too.
    """
    succeeded = note.level == "done"
    rest = [one for one in notes if one != note and one.level != "done" and not (succeeded and one.passing)]
    return tuple([*rest, note][-StatusLine.MOST :])


def lasting(notes: Sequence[StatusNote], answered: Sequence[StatusNote]) -> tuple[StatusNote, ...]:
    """Return the notes without those of some that only answered a key press, once the person has gone on."""
    return tuple(note for note in notes if not (note.passing and note in answered))


class StatusLine(StatusRow):
    """Shows the newest unread note and how many wait behind it; takes no room while there is none."""

    SIGNS: ClassVar[dict[str, tuple[str, str]]] = {
        "error": ("✗", "$danger"),
        "warn": ("▲", "$warn"),
        "done": ("✓", "$ok"),
    }
    MOST: ClassVar[int] = 100
    """Notes that are kept; older ones are in the log file."""

    notes: reactive[tuple[StatusNote, ...]] = reactive(())

    hint: SafeText = safe("! read")
    """The key that reads a note, as the screen binds it."""

    class Read(Message):
        """The user has read a note."""

        def __init__(self, note: StatusNote) -> None:
            super().__init__()
            self.note = note

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.display = False

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return the newest note with its sign and code; the key that reads it stays beside a note that is cut."""
        if not self.notes:
            return []
        note = self.notes[-1]
        sign, style = self.SIGNS[note.level]
        more = len(self.notes) - 1
        hint = safe(f"{more} more   {self.hint}" if more else self.hint)
        room = max(1, width - self.gap - width_of(hint))
        out = [Piece(clip(safe(f"{sign} {note.text}", 600), room), style, 99)]
        if note.code:
            out.append(Piece(note.code, "$muted", 50))
        out.append(Piece(hint, "$muted", 80, right=True))
        return out

    def watch_notes(self, notes: Sequence[StatusNote]) -> None:
        """Come and go with the notes."""
        self.display = bool(notes)

    def say(self, note: StatusNote) -> None:
        """Add a note as `joined` does."""
        self.notes = joined(self.notes, note)

    def read(self) -> StatusNote | None:
        """Take the newest note away and return it."""
        if not self.notes:
            return None
        *rest, note = self.notes
        self.notes = tuple(rest)
        self.post_message(self.Read(note))
        return note
