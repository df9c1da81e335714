"""The way through the views, back and forth."""

from __future__ import annotations

from runctl_tui.screens.visits import KEPT, Visit, Visits

A, B, C = Visit("instances"), Visit("instance", "aws/i-1"), Visit("volumes", machine="aws/i-1")


def test_back_and_forth() -> None:
    visits = Visits(A)
    assert visits.step(-1) is None
    visits.go(B)
    visits.go(C)
    assert visits.current == C
    assert visits.before == B
    assert visits.step(-1) == B
    assert visits.step(-1) == A
    assert visits.step(-1) is None
    assert visits.step(1) == B


def test_going_elsewhere_forgets_what_lay_ahead_and_staying_is_no_step() -> None:
    visits = Visits(A)
    visits.go(B)
    visits.step(-1)
    visits.go(C)
    assert visits.step(1) is None
    visits.go(C)
    assert visits.before == A


def test_only_so_many_are_kept() -> None:
    visits = Visits(A)
    for number in range(KEPT * 2):
        visits.go(Visit("instance", str(number)))
    assert sum(visits.step(-1) is not None for _ in range(KEPT * 2)) == KEPT - 1
