"""Untrusted text, seen from the terminal's side: nothing that acts, hides or overflows gets through."""

from __future__ import annotations

import copy
import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.text import MAX_FIELD, MAX_LINE, SafeText, safe, safe_join, safe_line, safe_lines

BAD = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
ANY_TEXT = st.text(st.characters(categories=None), max_size=600)
NASTY = st.text(
    st.sampled_from("a\x1b]\x07\x9b\u202e\u200d\u0301\ud800\ue000\u2028\U000e0041\n\t\x7f[/日"), max_size=200
)


@given(ANY_TEXT | NASTY, st.integers(1, 500))
def test_nothing_that_acts_or_hides_gets_through(raw: str, limit: int) -> None:
    shown = safe(raw, limit)
    assert not {unicodedata.category(c) for c in shown} & BAD
    assert len(shown) <= limit
    shown.encode("utf-8")


@given(ANY_TEXT | NASTY, st.integers(1, 500))
def test_cleaning_twice_changes_nothing(raw: str, limit: int) -> None:
    once = safe(raw, limit)
    assert safe(str(once), limit) == once
    assert safe(once, limit) is once


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=MAX_FIELD))
def test_plain_text_is_left_alone(raw: str) -> None:
    assert safe(raw) == raw


@given(NASTY)
def test_no_pile_of_marks_is_higher_than_eight(raw: str) -> None:
    pile = 0
    for character in safe(raw + "\u0301" * 30):
        pile = pile + 1 if unicodedata.category(character) == "Mn" else 0
        assert pile <= 8


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]52;c;ZXZpbA==\x07", "␛]52;c;ZXZpbA==␇"),
        ("a\x7fb", "a␡b"),
        ("\x9b2J", "\\u{9b}2J"),
        ("user\u202etxt.exe", "user\\u{202e}txt.exe"),
        ("zero\u200bwidth", "zero\\u{200b}width"),
        ("\u0301a", "\\u{301}a"),
        ("a\u3164b", "a\\u{3164}b"),
        ("\udc80", "\\u{dc80}"),
        ("line\u2028line\nline", "line\\u{2028}line␊line"),
        ("日本 ünïcode é", "日本 ünïcode é"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
    ],
)
def test_what_is_shown_instead(raw: str, shown: str) -> None:
    assert safe(raw) == shown


def test_a_long_text_ends_in_an_ellipsis() -> None:
    assert safe("x" * 1000, 10) == "x" * 9 + "…"
    assert safe("\u0301" * 10_000_000, 10).endswith("…")


def test_safe_text_can_only_be_safe() -> None:
    assert SafeText("a\x1bb") == "a␛b"
    original = SafeText("ok")
    assert type(copy.deepcopy(original)) is SafeText
    assert type(pickle.loads(pickle.dumps(original))) is SafeText


def test_values_that_are_not_text_are_shown_as_text() -> None:
    assert safe(None) == "None"
    assert safe(12.5) == "12.5"


@given(ANY_TEXT | NASTY)
def test_a_log_line_is_as_safe(raw: str) -> None:
    line = safe_line(raw)
    assert not {unicodedata.category(c) for c in line} & BAD
    assert len(line) <= MAX_LINE


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[32mok\x1b[0m\n", "ok"),
        (" 10%|#\r 20%|##\r 30%|###\r\n", " 30%|###"),
        ("a\tb", "a       b"),
        ("\x1b[2Jgone", "␛[2Jgone"),
    ],
)
def test_colours_tabs_and_progress_in_log_lines(raw: str, shown: str) -> None:
    assert safe_line(raw) == shown


def test_several_lines() -> None:
    assert safe_lines("a\n\x1bb") == ["a", "␛b"]
    joined = safe_join([safe("a"), safe("b")], " · ")
    assert joined == "a · b"
    assert isinstance(joined, SafeText)
