"""Draws one line of a log: in the colours that its program gave it, and with what was searched for marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from runctl_tui.domain.log_colours import ColouredText, LogStyle

if TYPE_CHECKING:
    from rich.terminal_theme import TerminalTheme

    from runctl_tui.domain.log_colours import Colour

READABLE: Final = 1.5
"""The least contrast between text and background; with less the text would be hidden."""


def coloured(text: str, base: Style, theme: TerminalTheme) -> list[Segment]:
    """Return a line in its own colours; a text without any is of one style."""
    spans = text.spans if isinstance(text, ColouredText) else ()
    out: list[Segment] = []
    position = 0
    for start, end, style in spans:
        out += [Segment(text[position:start], base), Segment(text[start:end], _readable(style, base, theme))]
        position = end
    return [segment for segment in (*out, Segment(text[position:], base)) if segment.text]


def marked(segments: Iterable[Segment], text: str, needle: str, found: Style) -> list[Segment]:
    """Return segments, together the text, with every occurrence of a casefolded needle marked."""
    folded = text.casefold()
    if not needle or needle not in folded or len(folded) != len(text):
        return list(segments)
    return list(_split(segments, list(_places(folded, needle)), found))


def _places(text: str, needle: str) -> Iterator[tuple[int, int]]:
    start = text.find(needle)
    while start >= 0:
        yield start, start + len(needle)
        start = text.find(needle, start + len(needle))


def _split(segments: Iterable[Segment], places: Sequence[tuple[int, int]], found: Style) -> Iterator[Segment]:
    position = 0
    for text, style, _ in segments:
        at = 0
        for start, end in places:
            low, high = max(start - position, at), min(end - position, len(text))
            if low < high:
                yield Segment(text[at:low], style)
                yield Segment(text[low:high], (style or Style.null()) + found)
                at = high
        yield Segment(text[at:], style)
        position += len(text)


@lru_cache(maxsize=1024)
def _readable(style: LogStyle, base: Style, theme: TerminalTheme) -> Style:
    """Return how a piece is drawn: without its colours where it could not be read in them."""
    attributes = Style(
        bold=style.bold or None, dim=style.dim or None, italic=style.italic or None, underline=style.underline or None
    )
    drawn = base + Style(color=_rich(style.colour), bgcolor=_rich(style.background)) + attributes
    if style.colour is None and style.background is None:
        return drawn
    if drawn.color is None or drawn.bgcolor is None or drawn.color.is_default or drawn.bgcolor.is_default:
        return drawn  # the terminal's own colours are not known here
    ink, paper = (Color.from_rich_color(each, theme) for each in (drawn.color, drawn.bgcolor))
    return drawn if _contrast(ink, paper) >= READABLE else base + attributes


def _contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours as WCAG counts it, from 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rich(colour: Colour | None) -> RichColor | None:
    if colour is None:
        return None
    return RichColor.from_ansi(colour) if isinstance(colour, int) else RichColor.from_rgb(*colour)
