"""Turns `SafeText` into what Textual draws, and fits pieces of text to a width; used by every widget.

This is the only place where text becomes Content, and it never reads markup. A style is written as words:
`"$state-running bold on $bar"`, where `$name` is a theme variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from textual.color import Color
from textual.content import Content

from runctl_tui.domain.text import ELLIPSIS, SafeText, safe

_ATTRIBUTES: Final = frozenset({"bold", "dim", "italic", "underline", "reverse", "strike"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A word or two of a status line that can be shortened and at last dropped when space is short."""

    text: SafeText
    style: str = ""
    priority: int = 0
    """The piece with the lowest is shortened, then dropped, first."""
    short: SafeText | None = None
    """What is shown instead when there is not room enough."""
    right: bool = False
    """Stands at the right edge of the line."""
    key_cells: int = 0
    """How many characters at the start name a key and are coloured as one."""
    key_style: str = "$key bold"


class Palette:
    """Styles by words for one theme's variables; made anew when the theme changes."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._styles: dict[str, Style] = {}

    def style(self, words: str) -> Style:
        """Return the Rich style for words such as `"$muted bold on $bar"`; raises KeyError for unknown names."""
        found = self._styles.get(words)
        if found is None:
            found = self._styles[words] = self._parse(words)
        return found

    def _parse(self, words: str) -> Style:
        style, background = Style.null(), False
        for word in words.split():
            if word == "on":
                background = True
            elif word in _ATTRIBUTES:
                style += Style.parse(word)
            else:
                colour = Color.parse(self._variables[word.removeprefix("$")]).rich_color
                style += Style(bgcolor=colour) if background else Style(color=colour)
                background = False
        return style


def content(text: SafeText, style: str = "") -> Content:
    """Return text as Textual Content, never read as markup."""
    return Content.styled(text, style) if style else Content(text)


def lines(parts: Sequence[Content]) -> Content:
    """Stack contents, one a line."""
    return Content("\n").join(parts)


def width_of(text: str) -> int:
    """Return how many cells of the terminal a text takes."""
    return len(text) if text.isascii() else cell_len(text)


@lru_cache(maxsize=8192)
def clip(text: SafeText, width: int) -> SafeText:
    """Cut a text to `width` cells, with an ellipsis where something is missing."""
    if width_of(text) <= width:
        return text
    return _whole(set_cell_size(text, width - 1).rstrip() + ELLIPSIS) if width > 0 else _whole("")


def pad(text: SafeText, width: int, right: bool = False) -> SafeText:
    """Cut or fill a text to exactly `width` cells, at the right edge if `right`."""
    cut = clip(text, width)
    blank = " " * (width - width_of(cut))
    return _whole(blank + cut if right else cut + blank)


def fit(pieces: Sequence[Piece], width: int, gap: int = 2) -> list[Piece]:
    """Shorten pieces, then drop them, the least important first, until all fit; the last one is clipped."""
    kept = [piece for piece in pieces if piece.text]
    for piece in sorted(kept, key=lambda piece: piece.priority):
        if _width(kept, gap) <= width:
            return kept
        if piece.short is not None:
            kept[kept.index(piece)] = replace(piece, text=piece.short, short=None)
    while len(kept) > 1 and _width(kept, gap) > width:
        kept.remove(min(kept, key=lambda piece: piece.priority))
    return [replace(piece, text=clip(piece.text, width)) for piece in kept] if len(kept) == 1 else kept


def row_of(pieces: Sequence[Piece], width: int, gap: int = 2, margin: int = 0) -> Content:
    """Return one line of `width` cells with blank margins; pieces marked `right` stand at its right edge."""
    kept = fit(pieces, max(1, width - 2 * margin), gap)
    if kept and not kept[0].right and not kept[0].key_cells and "on " not in kept[0].style:
        kept[0] = replace(kept[0], text=plain(" " * margin + kept[0].text))
        return _row(kept, width - margin, gap, "", " " * margin)
    return _row(kept, width - 2 * margin, gap, " " * margin, " " * margin)


def _row(kept: Sequence[Piece], width: int, gap: int, before: str, after: str) -> Content:
    left = _joined([piece for piece in kept if not piece.right], gap)
    right = _joined([piece for piece in kept if piece.right], gap)
    blank = width - left.cell_length - right.cell_length
    return Content.assemble(before, left, " " * max(0, blank), right, after)


def plain(text: object) -> SafeText:
    """Return our own wording as safe text of any length."""
    return _whole(str(text))


def wrap(text: SafeText, width: int) -> list[SafeText]:
    """Break a text into lines at spaces where there are any; a longer word is cut into pieces."""
    if width_of(text) <= width:
        return [text]
    return [clip(plain(part.plain.rstrip()), width) for part in Content(text).wrap(max(1, width))]


def aligned_svg(svg: str) -> str:
    """Return a screenshot in which also renderers that drop leading blanks keep columns in line."""
    return svg.replace("<text ", '<text xml:space="preserve" ')


def _joined(pieces: Sequence[Piece], gap: int) -> Content:
    last = len(pieces) - 1
    return Content("").join([_drawn(piece, 0 if number == last else gap) for number, piece in enumerate(pieces)])


def _drawn(piece: Piece, gap: int) -> Content:
    """Draw a piece; the gap behind it takes its style where that cannot be seen, for fewer bytes."""
    seen = "on " in piece.style
    drawn = content(plain(piece.text + " " * (0 if seen else gap)), piece.style)
    if piece.key_cells:
        drawn = drawn.stylize(piece.key_style, 0, piece.key_cells)
    return Content.assemble(drawn, " " * gap) if seen and gap else drawn


def _whole(text: str) -> SafeText:
    return safe(text, max(1, len(text)))


def _width(pieces: Sequence[Piece], gap: int) -> int:
    return sum(width_of(piece.text) for piece in pieces) + gap * (len(pieces) - 1)
