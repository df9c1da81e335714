"""Asks where in S3 a run shall be brought of which nobody has said so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from runctl_tui import modals
from runctl_tui.domain.location import DataLocation, LocationKind
from runctl_tui.domain.objects import SCHEME
from runctl_tui.domain.run_uploads import NO_PLACE, RunUpload
from runctl_tui.domain.text import safe

if TYPE_CHECKING:
    from textual.app import App

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.plan import Plan

_FORM: Final = "write s3://bucket/prefix"


async def ask_for_place(app: App[Any], clock: Clock, plan: Plan, runs: Sequence[str]) -> RunUpload | None:
    """Return what to plan instead of what lacks a place; None where it has one, or a person gives up."""
    if all(reason.code != NO_PLACE for reason in plan.verdict.reasons):
        return None
    words = safe("Where in S3 shall the checkpoints go? What the run writes from now on goes there too.")
    entry = modals.Entry(clock, safe("Upload to S3"), words, SCHEME, _wrong_place)
    place = await app.push_screen_wait(entry)
    return None if place is None else RunUpload(tuple(runs), place)


def _wrong_place(text: str) -> str:
    if text.strip() in ("", SCHEME):
        return _FORM
    try:
        kind = DataLocation.parse(text).kind
    except ValueError as error:
        return str(error)
    return "" if kind is LocationKind.S3 else _FORM
