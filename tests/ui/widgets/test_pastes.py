"""A paste ends, whether its end comes or not, and what belongs to it is never taken for keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.widgets.pastes import END, LATE, SILENCE, START, PasteGuard


def test_what_is_typed_passes_as_it_is() -> None:
    guard = PasteGuard()
    assert [guard.passed(text, at) for at, text in enumerate(("d", "yes", "\x1b[A", START + "x" + END, "yy"))] == [
        "d",
        "yes",
        "\x1b[A",
        START + "x" + END,
        "yy",
    ]
    assert guard.overdue(100) == ""


def test_an_end_that_never_comes_is_made_up_once() -> None:
    guard = PasteGuard()
    guard.passed(START + "abc", 0)
    assert guard.overdue(SILENCE - 0.01) == ""
    guard.passed("d", SILENCE - 0.01)
    assert guard.overdue(SILENCE) == ""
    assert guard.overdue(2 * SILENCE) == END
    assert guard.overdue(9 * SILENCE) == ""
    assert guard.passed("q", 2.5) == "q"


def test_the_rest_of_a_paste_that_was_given_up_is_no_keys() -> None:
    guard = PasteGuard()
    guard.passed(START + "dd", 0)
    guard.overdue(SILENCE)
    assert guard.passed("y\r", 2) == START + "y\r"
    assert guard.overdue(2 + SILENCE) == END
    assert guard.passed("y\r" + END, 4) == START + "y\r" + END
    assert guard.passed("yy", 5) == "yy"


def test_long_after_a_lost_end_everything_is_keys_again() -> None:
    guard = PasteGuard()
    guard.passed(START, 0)
    guard.overdue(SILENCE)
    assert guard.passed("yy", SILENCE + LATE) == "yy"


@given(st.lists(st.integers(1, 13), max_size=20))
def test_marks_are_found_however_they_are_cut(cuts: list[int]) -> None:
    whole = START + "a" + START[:3] + END
    guard, at = PasteGuard(), 0
    for size in cuts:
        guard.passed(whole[at : at + size], 0)
        at += size
    assert bool(guard.overdue(SILENCE)) is (len(START) <= at < len(whole))
