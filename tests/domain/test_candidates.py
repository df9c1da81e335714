"""Which snapshots are offered for deletion: own, old, whole ones whose volume is known to be gone, and no copies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runctl_tui.domain.candidates import LEFT_AFTER, candidates
from runctl_tui.domain.volume import SnapshotState, Storage
from tests.domain.safety_facts import FREE, SAVED
from tests.fakes import OWNER, START

LEFT = replace(
    SAVED,
    volume_id="vol-gone",
    started_at=START - LEFT_AFTER - timedelta(days=1),
    tags=(("runctl:owner", OWNER),),
    owner_label=OWNER,
)


def offered(*, silent: tuple[str, ...] = (), **changes: Any) -> list[str]:
    storage = Storage((FREE,), (replace(LEFT, **changes),))
    return [one.key for one in candidates((), storage, START, silent)]


def test_an_own_old_snapshot_of_a_volume_that_is_gone_is_offered() -> None:
    assert offered() == [LEFT.key]


@pytest.mark.parametrize(
    "changes",
    [
        {"volume_id": FREE.id},
        {"started_at": START},
        {"started_at": None},
        {"state": SnapshotState.PENDING},
        {"tags": ()},
        {"tags": (("runctl:owner", OWNER), ("runctl:protected", "true"))},
        {"copy_of": "snap-0", "copied_from": "us-west-2"},
    ],
    ids=str,
)
def test_any_other_is_not(changes: dict[str, Any]) -> None:
    assert offered(**changes) == []


@pytest.mark.parametrize("silent", ["aws", "us-east-1", "aws/us-east-1"])
def test_none_is_where_the_volumes_could_not_be_read(silent: str) -> None:
    assert offered(silent=(silent,)) == []
