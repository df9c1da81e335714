"""The log of the whole product: bounded, searchable, following its end; fed in batches by its screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from runctl_tui.domain.log_colours import ColouredText
from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.line_view import LineView
from runctl_tui.widgets.log_buffer import MAX_BYTES, MAX_LINES, LogBuffer
from runctl_tui.widgets.log_drawing import coloured, marked
from runctl_tui.widgets.text import Piece, row_of

SIDE_STEP: Final = 16
"""Cells by which left and right move long lines."""
_LEVELS: Final = (
    ("$log-error", re.compile(r"\b(error|exception|fatal|critical|traceback|failed|oom|nan)\b", re.IGNORECASE)),
    ("$log-warn", re.compile(r"\b(warn|warning|deprecated|retrying)\b", re.IGNORECASE)),
    ("$log-debug", re.compile(r"\b(debug|trace)\b", re.IGNORECASE)),
)
_MOVE: Final = Binding.Group("move", compact=True)


class LogView(LineView):
    """Lines of a log; follows the end until the user scrolls away from it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_by(1)", "down", show=False, id="log.down", group=_MOVE),
        Binding("k,up", "scroll_by(-1)", "up", show=False, id="log.up", group=_MOVE),
        Binding("ctrl+f,pagedown", "page(1)", "page down", show=False, id="log.page_down", group=_MOVE),
        Binding("ctrl+b,pageup", "page(-1)", "page up", show=False, id="log.page_up", group=_MOVE),
        Binding("g,home", "first", "first line", show=False, id="log.first", group=_MOVE),
        Binding("G,end", "follow", "follow the end", id="log.follow"),
        Binding("left", "aside(-1)", "left", show=False, id="log.left", group=_MOVE),
        Binding("right", "aside(1)", "right", show=False, id="log.right", group=_MOVE),
        Binding("w", "wrap", "wrap", id="log.wrap"),
        Binding("slash", "search", "search", key_display="/", id="log.search"),
        Binding("n", "next(1)", "next match", show=False, id="log.next"),
        Binding("N", "next(-1)", "previous match", show=False, id="log.previous"),
    ]

    foot = 1

    class SearchRequested(Message):
        """The user wants to type what to search for."""

    class FollowChanged(Message):
        """The view follows the end, or does so no longer."""

        def __init__(self, following: bool) -> None:
            super().__init__()
            self.following = following

    def __init__(
        self,
        *,
        max_lines: int = MAX_LINES,
        max_bytes: int = MAX_BYTES,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(id=id)
        self.buffer = LogBuffer(max_lines, max_bytes)
        self.following = True
        self.ended = False
        """Nothing more will come, so that there is nothing to follow."""
        self.wrapped = False
        self.needle = ""
        """What is searched for, casefolded."""
        self._found: int | None = None
        self._said: SafeText = EMPTY
        self._aside = 0
        self._unseen = 0
        self._note: SafeText = EMPTY

    def append(self, lines: Sequence[SafeText]) -> None:
        """Add a batch of lines; call it a few times a second, not per line."""
        if not lines:
            return
        before, bar, shown = self.top, self.bar(), self.line_count()
        gone = self.buffer.append(lines)
        if self._found is not None and gone:
            self._found = None
        if self.following:
            self.top = max(0, self.line_count() - self.page)
            self.refresh()
            return
        self._unseen += len(lines)
        self.top = max(0, before - gone)
        if gone > before or shown < self.top + self.page:
            self.refresh()
        elif bar != self.bar():
            self.refresh_bar()
        self.refresh_foot()

    def clear(self) -> None:
        """Forget all lines and follow again."""
        self.buffer.clear()
        self.top = self._unseen = 0
        self._found = None
        self.following = True
        self.refresh()

    def set_note(self, note: SafeText) -> None:
        """Say something at the left of the bottom line, such as why there is no log yet."""
        if note != self._note:
            self._note = note
            self.refresh_foot()

    def search(self, text: str) -> bool:
        """Go to the newest line with a text; returns whether there is one."""
        self.needle = text.casefold()
        self._found = None
        self.refresh()
        return bool(self.needle) and self._go_to_match(-1)

    def line_count(self) -> int:
        """Return how many rows the log takes."""
        return self.buffer.rows

    def forget_drawn(self) -> None:
        """Wrap again for another width."""
        self._wrap_for(self.line_width)

    def on_resize(self) -> None:
        """Stay at the end while following."""
        self._wrap_for(self.line_width)
        if self.following:
            self.settle(self.line_count())

    def draw_line(self, index: int, width: int) -> Strip:
        """Draw one row, coloured by its level, with what was found marked."""
        if index >= self.line_count():
            return self.blank(width)
        line, piece = self.buffer.row(index)
        text = self.buffer[line]
        own = isinstance(text, ColouredText) and not self.app.no_color
        base = self.base_style if own else self.base_style + self.palette.style(self.line_style(text))
        room = width - 1
        start = piece * room if self.wrapped else self._aside
        drawn = coloured(text, base, self.app.ansi_theme) if own else [Segment(text, base)]
        strip = Strip(marked(drawn, text, self.needle, self.palette.style("on $found")))
        more = not self.wrapped and strip.cell_length > start + room
        body = strip.crop(start, start + room - more).adjust_cell_length(room - more, self.base_style)
        return Strip([Segment(" ", base), *body, *([Segment("…", base)] if more else [])])

    def draw_foot(self, y: int, width: int) -> Strip:
        """Say what was found on the left, and on the right whether the end is followed."""
        if self.ended or not self.line_count():
            state = Piece(EMPTY)
        elif self.following:
            state = Piece(safe("following ▼"), "$ok", 90, right=True)
        else:
            new = f"{self._unseen:,} new   " if self._unseen else ""
            state = Piece(safe(f"{new}paused, G follows"), "$warn", 90, safe("paused"), right=True)
        wrap = Piece(safe("wrap"), "$muted", 20, right=True) if self.wrapped else Piece(EMPTY)
        left = [Piece(self.found_words() or self._note, "$muted", 50, self._said or None)]
        drawn = row_of([*left, wrap, state], max(1, width - 2), 3)
        return self.content_strip(drawn, width)

    def line_style(self, text: SafeText) -> str:
        """Return the style of a line by the first word in it that names a level."""
        return _level(text)

    def found_words(self) -> SafeText:
        """Return what to say about the search."""
        return safe(f"{self._said}   n next  N previous") if self._found is not None else self._said

    def action_scroll_by(self, rows: int) -> None:
        """Scroll; the end is followed only from the end."""
        self._scroll(self.top + rows)

    def action_page(self, pages: int) -> None:
        """Scroll by a page."""
        self._scroll(self.top + pages * max(1, self.page - 1))

    def action_first(self) -> None:
        """Go to the oldest line."""
        self._scroll(0)

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self._scroll(self.line_count())

    def action_aside(self, steps: int) -> None:
        """Move long lines sideways."""
        self._aside = max(0, self._aside + steps * SIDE_STEP)
        self.refresh()

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        line = self.buffer.row(self.top)[0] if len(self.buffer) else 0
        self.wrapped, self._aside = not self.wrapped, 0
        self._wrap_for(self.line_width)
        last = max(0, self.line_count() - self.page)
        self.top = last if self.following else min(last, self.buffer.row_of(line))
        self.refresh()

    def action_search(self) -> None:
        """Ask what to search for."""
        self.post_message(self.SearchRequested())

    def action_next(self, step: int) -> None:
        """Go to the next or previous match."""
        if self.needle:
            self._go_to_match(step)

    def scroll_top(self, top: int) -> bool:
        """Scroll and note whether the end is in view."""
        moved = super().scroll_top(top)
        at_end = self.top >= self.line_count() - self.page
        if at_end is not self.following:
            self.following = at_end
            self.post_message(self.FollowChanged(at_end))
            self.refresh_foot()
        if at_end:
            self._unseen = 0
        return moved

    def _scroll(self, top: int) -> None:
        self.scroll_top(top)

    def _wrap_for(self, width: int) -> None:
        self.buffer.set_width(max(1, width - 1) if self.wrapped else 0)

    def _go_to_match(self, step: int) -> bool:
        start = len(self.buffer) - 1 if self._found is None else self._found + step
        found = self.buffer.find(self.needle, start, step) if len(self.buffer) else None
        self._found = found
        if found is None:
            self._said = safe(f"/{self.needle}  not found")
        else:
            self._said = safe(f"/{self.needle}  line {found + 1 + self.buffer.dropped:,}")
            self.scroll_top(self.buffer.row_of(found) - self.page // 2)
        self.refresh_foot()
        return found is not None


def _level(text: str) -> str:
    head = text[:200]
    return next((style for style, words in _LEVELS if words.search(head)), "")
