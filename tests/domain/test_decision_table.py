"""Each row of the decision table by its code: what decides is given, everything else is drawn."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runctl_tui.domain.plan import Level
from runctl_tui.domain.safety import CleanupSafety
from tests.domain.decision_table import ELSEWHERE, TABLE, Row
from tests.domain.drawn_facts import drawn, examples
from tests.domain.safety_facts import SAFE

ROWS = [pytest.param(row, id=f"{row.row}-{row.code}-{number}") for number, row in enumerate(TABLE)]


@pytest.mark.parametrize("row", ROWS)
@settings(max_examples=examples())
@given(seed=st.integers(0, 2**32 - 1))
def test_row(row: Row, seed: int) -> None:
    given_ = replace(drawn(random.Random(seed)), **row.changes)
    found = {reason.code: reason for reason in CleanupSafety().judge(row.operation, given_).reasons}
    assert row.code in found, sorted(found)
    level = row.level if given_.policy.acknowledgeable or row.level is not Level.REASON else Level.NEVER
    assert (found[row.code].severity, found[row.code].level) == (row.severity, level)


@pytest.mark.parametrize("row", ROWS)
def test_the_row_s_own_facts_decide(row: Row) -> None:
    """Without them the reason is not there, so that no row passes by what is safe anyway."""
    if row.code in ("already_done", "root_dies", "undo_exists", "delete_marker"):
        return
    assert row.code not in {reason.code for reason in CleanupSafety().judge(row.operation, SAFE).reasons}


def test_no_row_is_left_out() -> None:
    assert sorted({row.row for row in TABLE} | set(ELSEWHERE)) == [f"D{number:02}" for number in range(1, 48)]
