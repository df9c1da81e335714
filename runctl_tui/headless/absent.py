"""Which nulls in a list's rows say that there is none; every other null is unknown, and exports tell the two apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from runctl_tui.domain.sheet import ABSENT
from runctl_tui.domain.states import TrainingStatus
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS
from runctl_tui.headless.output import Row, plain

Rule: TypeAlias = Callable[[Row], bool]


def without_absent(view: str, row: Row) -> Row:
    """Return a view's row as JSON has it, with ABSENT for what there is none of."""
    rules = RULES.get(view, {})
    return {
        key: ABSENT if value is None and key in rules and rules[key](row) else plain(value)
        for key, value in row.items()
    }


def _always(row: Row) -> bool:
    return True


def _no_snapshot(row: Row) -> bool:
    return bool(row["last_snapshot_known"]) or row["type"] in NETWORK_LIMITS


def _unattached(row: Row) -> bool:
    return not row["instance_id"]


def _heard_of(row: Row) -> bool:
    """Whether the run's host answers, so that what its log does not tell there is none of."""
    return row["status"] not in (TrainingStatus.UNREACHABLE, TrainingStatus.UNKNOWN)


def _no_time_left(row: Row) -> bool:
    return TrainingStatus(str(row["status"])).ended


def _not_begun(row: Row) -> bool:
    return row["status"] == TrainingStatus.PREPARING


def _goes_on(row: Row) -> bool:
    return _heard_of(row) and not _no_time_left(row)


def _without_budget(row: Row) -> bool:
    return row["budget"] is None


def _within_budget(row: Row) -> bool:
    return _without_budget(row) or row["left"] is not None


RULES: Final[Mapping[str, Mapping[str, Rule]]] = {
    "volumes": {
        "iops": _always,
        "throughput_mibs": _always,
        "delete_on_termination": _unattached,
        "last_snapshot_at": _no_snapshot,
    },
    "runs": {
        "step": _heard_of,
        "total_steps": _heard_of,
        "loss": _heard_of,
        "eta_seconds": _no_time_left,
        "started_at": _not_begun,
        "age_seconds": _not_begun,
        "exit_code": _goes_on,
    },
    "checkpoints": {"step": _always, "loss": _always},
    "costs": {"budget": _always, "left": _without_budget, "over": _within_budget},
}
"""By view and column: when a null there is no question."""
