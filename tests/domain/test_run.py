"""What is known of a run, and what is not."""

from __future__ import annotations

from runctl_tui.domain.run import TrainingStatus
from tests.fakes import a_run, an_instance


def test_the_checkpoints_of_a_run_that_no_host_told_of_are_unknown_and_never_none() -> None:
    box = an_instance()
    assert a_run(box, TrainingStatus.COMPLETED, heard_at=None).checkpoint_count is None
    assert a_run(box, TrainingStatus.COMPLETED).checkpoint_count == 0
    assert a_run(box, TrainingStatus.COMPLETED, heard_at=None, checkpoints=3).checkpoint_count == 3
    assert a_run(box, TrainingStatus.PREPARING, heard_at=None).checkpoint_count == 0
