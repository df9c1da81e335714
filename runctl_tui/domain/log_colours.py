"""The colours that a program gave its log, by an allow-list: colours, bold, dim, italic and underline; pure.

The Monitor's log shows them. A line's text is what `safe_line` makes of it, whatever its colours are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from runctl_tui.domain.text import ELLIPSIS, MAX_LINE, SafeText, safe, safe_line

Colour = int | tuple[int, int, int]
"""A number of the terminal's palette from 0 to 255, or red, green and blue."""
MOST_CHANGES: Final = 400
"""Changes of colour in one line; one with more is shown without any."""
LONGEST_PICTURE: Final = 10
"""Characters that stand for one that cannot be seen, at most."""
_SGR: Final = re.compile(r"\x1b\[([0-9;:]*)m")
_EXTENDED: Final = {38: "colour", 48: "background", 58: ""}
"""Codes that more numbers follow, and what they colour; the colour of underlines is not shown."""
_SWITCHES: Final = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
}


@dataclass(frozen=True, slots=True)
class LogStyle:
    """How a piece of a line looks."""

    colour: Colour | None = None
    """None: the terminal's own."""
    background: Colour | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False


PLAIN: Final = LogStyle()


class Span(NamedTuple):
    """A piece of a line that is not plain."""

    start: int
    end: int
    style: LogStyle


class ColouredText(SafeText):
    """Safe text with the places of its colours; made by `coloured_line` alone."""

    __slots__ = ("spans",)
    spans: tuple[Span, ...]
    """In order, without overlaps, within the text."""


def coloured_line(value: object, limit: int = MAX_LINE) -> SafeText:
    """Return one line of a log as `safe_line` does; ColouredText where the line has colours of its own."""
    shown = safe_line(value, limit)
    text = str(value)
    if "\x1b[" not in text:
        return shown
    cut = len(shown) == limit and shown.endswith(ELLIPSIS)
    spans = _spans(text.rstrip("\r\n").rpartition("\r")[2], shown[:-1] if cut else shown)
    if not spans:
        return shown
    line = str.__new__(ColouredText, shown)
    line.spans = spans
    return line


def _spans(text: str, shown: str) -> tuple[Span, ...]:
    """Return the places of colours in what is shown of a text; none where they cannot be told for certain."""
    spans: list[Span] = []
    column = end = 0
    for number, (piece, style) in enumerate(_pieces(text)):
        start, room = end, len(shown) - end
        if not room and start:
            break
        expanded = f"{' ' * (column % 8)}{piece[: room + 1]}".expandtabs(8)[column % 8 :]
        drawn = safe(expanded, LONGEST_PICTURE * (len(expanded) + 1))[:room]
        column, end = column + len(expanded), start + len(drawn)
        if number > MOST_CHANGES or shown[start:end] != drawn:
            return ()
        if drawn and style != PLAIN:
            spans.append(Span(start, end, style))
    return tuple(spans) if end == len(shown) else ()


def _pieces(text: str) -> Iterator[tuple[str, LogStyle]]:
    """Yield the text between changes of colour, and how each piece looks."""
    style, position = PLAIN, 0
    for change in _SGR.finditer(text):
        yield text[position : change.start()], style
        style, position = _changed(style, change[1]), change.end()
    yield text[position:], style


def _changed(style: LogStyle, parameters: str) -> LogStyle:
    """Return the style after one escape; what is not on the list changes nothing."""
    codes = iter(parameters.split(";"))
    for code in codes:
        first, *more = code.split(":")
        number = _number(first)
        if number in _EXTENDED:
            colour = _from_palette(iter(more)) if more else _from_palette(codes)
            what = _EXTENDED[number]
            style = replace(style, **{what: colour}) if what and colour is not None else style  # type: ignore[arg-type]  # the names are those above
        elif not more or number == 4:
            style = _simple(style, 24 if more[:1] == ["0"] else number)
    return style


def _simple(style: LogStyle, code: int) -> LogStyle:
    if code == 0:
        return PLAIN
    if code in _SWITCHES:
        return replace(style, **_SWITCHES[code])
    bright, low = divmod(code, 10)
    if bright in (3, 9) and low < 8:
        return replace(style, colour=low + 8 * (bright == 9))
    if bright in (4, 10) and low < 8:
        return replace(style, background=low + 8 * (bright == 10))
    return {39: replace(style, colour=None), 49: replace(style, background=None)}.get(code, style)


def _from_palette(codes: Iterator[str]) -> Colour | None:
    """Take what follows on 38 or 48: 5 and a number, or 2 and three; None for anything else."""
    kind = next(codes, "")
    if kind == "5":
        number = _number(next(codes, "-"))
        return number if number < 256 else None
    if kind != "2":
        return None
    parts = [next(codes, "-") for _ in range(3)]
    if parts[0] == "":  # the form with colons may name a colour space, which is mostly left out
        parts = [*parts[1:], next(codes, "-")]
    red, green, blue = map(_number, parts)
    return (red, green, blue) if max(red, green, blue) < 256 else None


def _number(text: str) -> int:
    """Return a parameter; one that is left out is 0, and one that is none is too large for anything."""
    return 0 if not text else int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 999
