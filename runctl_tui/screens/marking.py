"""Claiming, protecting and scheduling: what the action menus of machines, volumes and snapshots ask about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runctl_tui import modals
from runctl_tui.domain.figures import day
from runctl_tui.domain.instance import PROTECTING_TAGS, TAG_PROTECT_UNTIL, Tagged
from runctl_tui.domain.marks import INSTANCE, TAG_DELETE_AFTER, MarkRequest, Way
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.states import Capability, Operation
from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.screens.frame import MARK

if TYPE_CHECKING:
    from textual.app import App

    from runctl_tui.domain.clock import Clock

WEEK: Final = timedelta(days=7)
WhyNot = Callable[[str, Capability], str]
_CHOICES: Final[dict[str, tuple[str, Operation, Way]]] = {
    "claim": ("Claim: it is mine", Operation.CLAIM, Way.TAG),
    "protect": ("Protect for good", Operation.PROTECT, Way.TAG),
    "protect-until": ("Protect until a day…", Operation.PROTECT, Way.UNTIL),
    "protect-termination": ("Termination protection on", Operation.PROTECT, Way.TERMINATION),
    "protect-stop": ("Stop protection on", Operation.PROTECT, Way.STOP),
    "unprotect": ("Take its protection away", Operation.UNPROTECT, Way.TAG),
    "unprotect-until": ("Take the day of its protection away", Operation.UNPROTECT, Way.UNTIL),
    "unprotect-termination": ("Termination protection off", Operation.UNPROTECT, Way.TERMINATION),
    "unprotect-stop": ("Stop protection off", Operation.UNPROTECT, Way.STOP),
    "schedule": ("Schedule its deletion…", Operation.SCHEDULE, Way.TAG),
    "unschedule": ("Do not delete it after all", Operation.UNSCHEDULE, Way.TAG),
}
_ON_MACHINES: Final = (Way.TERMINATION, Way.STOP)


def mark_item(rows: Sequence[Tagged], which: str, lock: str, why_not: WhyNot) -> modals.PickItem:
    """Return the entry of an action menu that leads to the marks."""
    reason = lock or ("" if rows else "nothing is at hand")
    reason = reason or next((why for row in rows if (why := why_not(row.provider, Capability.TAGS))), "")
    return modals.PickItem(MARK, safe("Protect, claim, schedule…"), safe(which), safe(reason))


def mark_items(kind: str, rows: Sequence[Tagged]) -> tuple[modals.PickItem, ...]:
    """Return what can be marked on these, and why some of it cannot."""
    return tuple(
        modals.PickItem(choice, safe(label), _detail(operation, way), safe(_reason(operation, way, rows)))
        for choice, (label, operation, way) in _CHOICES.items()
        if kind == INSTANCE or way not in _ON_MACHINES
    )


async def ask_for_mark(app: App[Any], clock: Clock, kind: str, rows: Sequence[Tagged]) -> MarkRequest | None:
    """Ask what shall be marked; None where a person gives up."""
    title = safe("Protect, claim, schedule")
    choice = await app.push_screen_wait(modals.Pick(clock, title, list(mark_items(kind, rows))))
    if choice is None:
        return None
    label, operation, way = _CHOICES[choice]
    when: date | None = None
    if operation is Operation.SCHEDULE or (operation is Operation.PROTECT and way is Way.UNTIL):
        when = await _ask_for_day(app, clock, label, operation)
        if when is None:
            return None
    return MarkRequest(operation, kind, tuple(row.key for row in rows), way, when)


async def ask_to_schedule(app: App[Any], clock: Clock, kind: str, keys: Sequence[str]) -> MarkRequest | None:
    """Ask for the day on which a deletion shall be shown as due; None where a person gives up."""
    label, operation, way = _CHOICES["schedule"]
    when = await _ask_for_day(app, clock, label, operation)
    return None if when is None else MarkRequest(operation, kind, tuple(keys), way, when)


async def _ask_for_day(app: App[Any], clock: Clock, label: str, operation: Operation) -> date | None:
    today = clock.now().date()
    words = "Nothing is deleted then by itself: it is shown as due. " if operation is Operation.SCHEDULE else ""
    title, question = safe(label.rstrip("…").upper()), safe(f"{words}The day (UTC), such as {today + WEEK}:")
    check = partial(_wrong_day, today=today)
    said = await app.push_screen_wait(modals.Entry(clock, title, question, str(today + WEEK), check))
    return None if said is None else day(said)


def _wrong_day(text: str, today: date) -> str:
    try:
        found = day(text)
    except ValueError as error:
        return str(error)
    return f"{found} has passed" if found < today else ""


def _detail(operation: Operation, way: Way) -> SafeText:
    if way in _ON_MACHINES:
        return safe("EC2 refuses it to everybody" if operation is Operation.PROTECT else "EC2 lets it pass again")
    tags = {Operation.CLAIM: "runctl:owner", Operation.SCHEDULE: TAG_DELETE_AFTER, Operation.UNSCHEDULE: EMPTY}
    return safe(tags.get(operation, TAG_PROTECT_UNTIL if way is Way.UNTIL else PROTECTING_TAGS[0]))


def _reason(operation: Operation, way: Way, rows: Sequence[Tagged]) -> str:
    """Return why a choice makes no sense for these, as far as their list tells."""
    if operation is Operation.CLAIM:
        return "yours already" if all(row.ownership is Ownership.OURS for row in rows) else ""
    if any(row.ownership is not Ownership.OURS for row in rows):
        return "claim it first"
    marked = {key for row in rows for key, _ in row.tags}
    if operation is Operation.UNSCHEDULE and TAG_DELETE_AFTER not in marked:
        return "it has no such day"
    if operation is not Operation.UNPROTECT or way in _ON_MACHINES:
        return ""
    wanted = {TAG_PROTECT_UNTIL} if way is Way.UNTIL else set(PROTECTING_TAGS)
    return "" if wanted & marked else "no tag of it protects it"
