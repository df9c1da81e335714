"""What a run's record says while nothing is heard of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.services.runs.sessions import UNKNOWN_AFTER, Seen, silent
from tests.fakes import START, an_instance

BOX = an_instance()
RUN = TrainingSession(
    id="r-1",
    name="tiny",
    project="tiny",
    provider=BOX.provider,
    instance_id=BOX.id,
    region=BOX.region,
    status=TrainingStatus.PREPARING,
    script="train.py",
    args=(),
    started_at=START,
)
SEEN = Seen({}, frozenset({BOX.provider}), frozenset(), frozenset(), frozenset(), START + timedelta(seconds=2))


@pytest.mark.parametrize("listed", [{}, {BOX.key: BOX}, {BOX.key: replace(BOX, state=ResourceState.STARTING)}])
def test_a_run_that_was_detached_a_moment_ago_waits_for_its_first_answer(listed: dict[str, object]) -> None:
    assert silent(RUN, replace(SEEN, machines=listed)) == RUN  # type: ignore[arg-type]  # machines by key


def test_a_machine_that_was_asked_and_did_not_answer_is_unreachable_from_the_first_time_on() -> None:
    seen = replace(SEEN, machines={BOX.key: BOX}, failed=frozenset({BOX.key}))
    assert silent(RUN, seen).status is TrainingStatus.UNREACHABLE


@pytest.mark.parametrize("state", [ResourceState.TERMINATED, ResourceState.STOPPED])
def test_a_machine_that_is_down_has_lost_its_run_however_young(state: ResourceState) -> None:
    assert silent(RUN, replace(SEEN, machines={BOX.key: replace(BOX, state=state)})).status is TrainingStatus.LOST


def test_a_run_of_which_something_was_heard_or_that_is_older_is_unreachable_at_once() -> None:
    seen = replace(SEEN, machines={BOX.key: BOX})
    assert silent(replace(RUN, heard_at=START), seen).status is TrainingStatus.UNREACHABLE
    late = replace(seen, at=START + UNKNOWN_AFTER + timedelta(seconds=1))
    assert silent(RUN, late).status is TrainingStatus.UNREACHABLE
