"""A focusable view of very many lines on Textual's line API; base of the table, the log and the text viewer.

It scrolls by whole lines without a layout pass, draws its own slim scroll bar and repaints single lines.
"""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from runctl_tui.widgets.text import Palette

WHEEL_LINES: Final = 3
JOINED_CACHE: Final = 512
"""Lines whose join with the scroll bar is kept."""


class LineView(Widget, can_focus=True):
    """Lines 0 to `line_count()` under `head` fixed lines and above `foot` fixed lines."""

    ALLOW_SELECT = False

    head = 0
    """Fixed lines at the top."""
    foot = 0
    """Fixed lines at the bottom."""

    top: int = 0
    """First line in view."""
    _palette: Palette | None = None
    _palette_theme: str = ""
    _drawn_width: int = 0
    _base_style: Style | None = None

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._joined: dict[int, tuple[Strip, bool, Strip]] = {}

    @property
    def base_style(self) -> Style:
        """Colours of the widget itself; kept, because Textual works them out anew at every call."""
        if self._base_style is None:
            self._base_style = self.rich_style
        return self._base_style

    def notify_style_update(self) -> None:
        """Draw anew in other colours."""
        super().notify_style_update()
        if self._base_style is not None and self._base_style != self.rich_style:
            self._base_style = None
            self._joined.clear()
            self.forget_drawn()

    def line_count(self) -> int:
        """Return how many lines there are."""
        raise NotImplementedError

    def draw_line(self, index: int, width: int) -> Strip:
        """Return line `index`, exactly `width` cells wide; an index past the end is a blank or a message."""
        raise NotImplementedError

    def draw_head(self, y: int, width: int) -> Strip:
        """Return fixed line `y` of the top."""
        return self.blank(width)

    def draw_foot(self, y: int, width: int) -> Strip:
        """Return fixed line `y` of the bottom."""
        return self.blank(width)

    @property
    def page(self) -> int:
        """Lines that are in view at once."""
        return max(1, self.size.height - self.head - self.foot)

    @property
    def line_width(self) -> int:
        """Cells for a line, less the scroll bar."""
        return max(1, self.size.width - 1)

    @property
    def palette(self) -> Palette:
        """Styles of the theme in use."""
        if self._palette is None or self._palette_theme != self.app.theme:
            self._palette_theme = self.app.theme
            self._palette = Palette(self.app.theme_variables)
            self.forget_drawn()
        return self._palette

    def forget_drawn(self) -> None:
        """Drop cached lines, because the theme or the width changed."""

    def blank(self, width: int) -> Strip:
        """Return an empty line."""
        return Strip([Segment(" " * width, self.base_style)], width)

    def text_strip(self, text: str, width: int, words: str = "") -> Strip:
        """Return one line of text in one style, cut or filled to `width`."""
        style = self.base_style + self.palette.style(words)
        return Strip([Segment(text, style)]).adjust_cell_length(width, self.base_style)

    def content_strip(self, drawn: Content, width: int) -> Strip:
        """Return a line of pieces, one cell in from the left, cut or filled to `width`."""
        base, plain, position = self.base_style, drawn.plain, 0
        segments = [Segment(" ", base)]
        for span in sorted(drawn.spans):
            segments.append(Segment(plain[position : span.start], base))
            segments.append(Segment(plain[span.start : span.end], base + self.palette.style(str(span.style))))
            position = span.end
        return Strip([*segments, Segment(plain[position:], base)]).adjust_cell_length(width, base)

    def scroll_top(self, top: int) -> bool:
        """Show line `top` first, as far as there are lines; returns whether anything moved."""
        target = max(0, min(top, self.line_count() - self.page))
        if target == self.top:
            return False
        self.top = target
        self.refresh()
        return True

    def show_index(self, index: int) -> bool:
        """Scroll as little as needed to have a line in view; returns whether anything moved."""
        if index < self.top:
            return self.scroll_top(index)
        return self.scroll_top(index - self.page + 1) if index >= self.top + self.page else False

    def refresh_index(self, index: int) -> None:
        """Repaint one line if it is in view."""
        if 0 <= index - self.top < self.page:
            self.refresh(Region(0, self.head + index - self.top, self.size.width, 1))

    def refresh_foot(self) -> None:
        """Repaint the fixed lines at the bottom."""
        if self.foot:
            self.refresh(Region(0, self.size.height - self.foot, self.size.width, self.foot))

    def refresh_bar(self) -> None:
        """Repaint the scroll bar."""
        self.refresh(Region(self.size.width - 1, self.head, 1, self.page))

    def bar(self) -> tuple[int, int]:
        """Return the scroll bar's thumb as first line and length; length 0 where all lines are in view."""
        count, page = self.line_count(), self.page
        if count <= page:
            return 0, 0
        length = max(1, page * page // count)
        return (page - length) * self.top // (count - page), length

    def render_line(self, y: int) -> Strip:
        """Draw line `y` of the widget."""
        width, palette = self.line_width, self.palette
        if width != self._drawn_width:
            self._drawn_width = width
            self.forget_drawn()
        if y < self.head:
            return self.draw_head(y, width).extend_cell_length(self.size.width, self.base_style)
        if y >= self.size.height - self.foot:
            strip = self.draw_foot(y - (self.size.height - self.foot), width)
            return strip.extend_cell_length(self.size.width, self.base_style)
        start, length = self.bar()
        thumb = start <= y - self.head < start + length
        body = self.draw_line(self.top + y - self.head, width)
        joined = self._joined.get(id(body))
        if joined is None or joined[0] is not body or joined[1] is not thumb:
            if len(self._joined) >= JOINED_CACHE:
                self._joined.clear()
            end = Segment("▐" if thumb else " ", self.base_style + palette.style("$rule"))
            joined = self._joined[id(body)] = (body, thumb, Strip([*body, end], width + 1))
        return joined[2]

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by the wheel."""
        self.scroll_top(self.top + WHEEL_LINES)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll by the wheel."""
        self.scroll_top(self.top - WHEEL_LINES)
        event.stop()

    def on_resize(self) -> None:
        """Stay within the lines."""
        self.settle(self.top)

    def settle(self, top: int) -> None:
        """Show line `top` first, as far as there are lines, after the height or the lines changed."""
        target = max(0, min(top, self.line_count() - self.page))
        if target != self.top:
            self.top = target
            self.refresh()
