"""What ending something costs in work: counted from the last checkpoint that outlives it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.run import TrainingStatus
from runctl_tui.domain.safety.cost_line import cost_line
from tests.domain.safety_facts import SAFE, a_checkpoint, known
from tests.fakes import START, a_price, a_run, an_instance

RUN = a_run(an_instance(), started_at=START - timedelta(hours=3))
OLD = a_checkpoint(CopyState.VERIFIED, 100, created_at=START - timedelta(hours=2))
NEW = a_checkpoint(CopyState.ABSENT, 200, created_at=START - timedelta(minutes=30))
FACTS = replace(SAFE, at=START, sessions=known((RUN,)), checkpoints=known((OLD, NEW)), price=known(a_price("2.00")))


def told(operation: Operation, **changes: Any) -> str:
    return cost_line(operation, replace(FACTS, **changes)).text.split("; ")[-1]


def test_a_stop_keeps_what_is_on_the_disk_and_a_termination_only_what_is_in_s3() -> None:
    assert told(Operation.STOP) == "loses 30 min of work, $1.00"
    assert told(Operation.RUN_STOP) == "loses 30 min of work, $1.00"
    assert told(Operation.TERMINATE) == "loses 2 h of work, $4.00"


def test_without_a_checkpoint_all_of_the_work_is_lost() -> None:
    assert told(Operation.TERMINATE, checkpoints=known((NEW,))) == "loses 3 h of work, $6.00"
    assert told(Operation.STOP, checkpoints=known(())) == "loses 3 h of work, $6.00"


def test_the_longest_counts_where_several_train() -> None:
    other = replace(RUN, id="r-other", started_at=START - timedelta(hours=5))
    assert told(Operation.STOP, sessions=known((RUN, other))) == "loses 5 h of work, $10.00"
    ended = replace(other, status=TrainingStatus.COMPLETED)
    assert told(Operation.STOP, sessions=known((RUN, ended))) == "loses 30 min of work, $1.00"


def test_a_clock_that_is_wrong_loses_less_than_nothing_never() -> None:
    ahead = replace(NEW, created_at=START + timedelta(hours=1))
    assert told(Operation.STOP, checkpoints=known((ahead,))) == "loses 0 s of work, $0.00"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sessions": known(())}, "$2.00/h while it runs"),
        ({"sessions": Unknown("no way there")}, "what is lost: unknown (no way there)"),
        ({"checkpoints": Unknown("no way there")}, "what is lost: unknown (no way there)"),
        (
            {"sessions": known((replace(RUN, started_at=None),)), "checkpoints": known(())},
            "what is lost: unknown (when it began is not told)",
        ),
        ({"price": Unknown("no list")}, "loses 30 min of work"),
        ({"price": known(a_price("0"))}, "loses 30 min of work"),
    ],
)
def test_what_is_not_known_is_said(changes: dict[str, Any], words: str) -> None:
    assert told(Operation.STOP, **changes) == words


def test_what_begins_loses_nothing() -> None:
    assert "loses" not in cost_line(Operation.START, FACTS).text
