"""Colours of log lines: those on the list are kept where they were, and nothing else of an escape is."""

from __future__ import annotations

import unicodedata
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from runctl_tui.domain.log_colours import PLAIN, ColouredText, LogStyle, Span, coloured_line
from runctl_tui.domain.text import SafeText, safe_line
from runctl_tui.widgets.log_drawing import coloured, marked
from tests.ui.widgets.hostile import PAYLOADS

HIDDEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
BASE: Final = Style.parse("#ffffff on #000000")
COLOURS: Final = st.none() | st.integers(0, 255) | st.tuples(*[st.integers(0, 255)] * 3)
STYLES: Final = st.builds(LogStyle, COLOURS, COLOURS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
CODES: Final = st.integers(0, 120).map(str) | st.sampled_from(["", "38;5", "48:2", "38:2::1:2", "999999999", "4:3"])
ESCAPES: Final = st.lists(CODES).map(lambda codes: f"\x1b[{';'.join(codes)}m")
LINES: Final = st.lists(st.sampled_from(PAYLOADS) | ESCAPES | st.text(max_size=12)).map("".join)


def escape(style: LogStyle) -> str:
    """Return the escape that turns a plain terminal to a style."""
    codes = ["0"]
    for code, colour in ((38, style.colour), (48, style.background)):
        if isinstance(colour, int):
            codes.append(f"{code};5;{colour}")
        elif colour:
            codes.append(f"{code};2;{';'.join(map(str, colour))}")
    switches = zip((1, 2, 3, 4), (style.bold, style.dim, style.italic, style.underline), strict=True)
    return f"\x1b[{';'.join([*codes, *(str(code) for code, on in switches if on)])}m"


def spans_of(line: SafeText) -> tuple[Span, ...]:
    return line.spans if isinstance(line, ColouredText) else ()


def drawn(line: SafeText) -> list[Segment]:
    return coloured(line, BASE, DEFAULT_TERMINAL_THEME)


@given(LINES, st.sampled_from([5, 40, 4096]))
@example("\x1b[38;5;1m" * 3, 40)
def test_a_coloured_line_reads_as_one_without_colours(text: str, limit: int) -> None:
    line = coloured_line(text, limit)
    assert line == safe_line(text, limit)
    position = 0
    for span in spans_of(line):
        assert position <= span.start < span.end <= len(line)
        position = span.end


@given(LINES, st.sampled_from(["", "a", "x", "␛"]))
def test_nothing_but_colours_and_four_attributes_reaches_what_is_drawn(text: str, needle: str) -> None:
    line = coloured_line(text)
    segments = marked(drawn(line), line, needle, Style(bgcolor="red"))
    assert "".join(segment.text for segment in segments) == line
    for segment in segments:
        style = segment.style or Style.null()
        assert not {unicodedata.category(character) for character in segment.text} & HIDDEN
        assert not any((style.blink, style.blink2, style.reverse, style.conceal, style.strike, style.underline2))
        assert not any((style.frame, style.encircle, style.overline, style.link, style.meta, segment.control))


@given(st.lists(st.tuples(STYLES, st.text("abc äö\t✓", min_size=1, max_size=9)), min_size=1))
def test_every_colour_stays_on_its_words(pieces: list[tuple[LogStyle, str]]) -> None:
    line = coloured_line("".join(escape(style) + text for style, text in pieces) + "\x1b[m|")
    found = [PLAIN] * len(line)
    for start, end, style in spans_of(line):
        found[start:end] = [style] * (end - start)
    wanted: list[LogStyle] = []
    plain = ""
    for style, text in pieces:
        plain += text
        wanted += [style] * (len(plain.expandtabs(8)) - len(wanted))
    assert found == [*wanted, PLAIN]


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("31", LogStyle(1)),
        ("91;101", LogStyle(9, 9)),
        ("97;40", LogStyle(15, 0)),
        ("38:5:208", LogStyle(208)),
        ("38:2::1:2:3", LogStyle((1, 2, 3))),
        ("38:2:1:2:3", LogStyle((1, 2, 3))),
        ("1;2;22", PLAIN),
        ("4:3", LogStyle(underline=True)),
        ("4;4:0", PLAIN),
        ("58;5;1;3", LogStyle(italic=True)),
        ("5;7;8;9;21;53", PLAIN),
        ("38;5;256", PLAIN),
        ("38;2;1;2", PLAIN),
        ("31;39;41;49", PLAIN),
        ("31;", PLAIN),
        ("99999999999999999999", PLAIN),
    ],
)
def test_codes(codes: str, style: LogStyle) -> None:
    assert spans_of(coloured_line(f"\x1b[{codes}mx")) == (() if style == PLAIN else (Span(0, 1, style),))


@pytest.mark.parametrize("codes", ["30", "8;30", "38;5;16", "31;41", "38;2;0;0;0;48;2;5;5;5"])
def test_no_text_is_hidden_by_its_colours(codes: str) -> None:
    for segment in drawn(coloured_line(f"\x1b[{codes}mhidden")):
        assert segment.style == BASE


def test_a_line_with_too_many_changes_is_shown_without_colours() -> None:
    line = coloured_line("\x1b[31mx\x1b[32my" * 10_000)
    assert not spans_of(line)
    assert line.startswith("xyxy")
