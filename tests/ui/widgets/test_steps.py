"""The list of steps: what a step waits for stays readable, whatever else would stand beside it."""

from __future__ import annotations

import pytest

from runctl_tui.domain.text import safe
from runctl_tui.widgets.steps import Step, _line

WAITING = "the link is lost since 21:30:51 UTC, tried again: connection refused"


@pytest.mark.parametrize("width", [60, 72, 88])
@pytest.mark.parametrize("fraction", [None, 0.0, 1.0])
def test_what_a_step_waits_for_outranks_its_bar(width: int, fraction: float | None) -> None:
    step = Step(safe("Code synced"), "running", fraction, detail=safe(WAITING), took=safe("20 s"))
    text = _line(step, 24, width).plain
    assert "the link is lost" in text
    assert len(text) <= width


def test_a_short_detail_stands_beside_the_bar() -> None:
    step = Step(safe("Code synced"), "running", 0.5, detail=safe("12 of 40 files"), took=safe("3 s"))
    text = _line(step, 24, 88).plain
    assert "50 %" in text
    assert "12 of 40 files" in text
