"""Turns domain values into what the frame's widgets show; pure, used by the base screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.text import EMPTY, SafeText, safe, safe_line
from runctl_tui.modals.words import duration, seen
from runctl_tui.widgets.cost_bar import CostFacts
from runctl_tui.widgets.header import HeaderFacts
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.screen_tabs import ScreenTab
from runctl_tui.widgets.status_line import StatusNote

if TYPE_CHECKING:
    from runctl_tui.domain.cost import CostSummary
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports import SessionFacts

HOST_OFF: Final = "host.off"
"""The problem of a machine that is stopped, which its own row says already."""
MARK: Final = "mark"
"""What action menus call claiming, protecting and scheduling."""
TABS: Final = (
    ("1", "Instances", "Inst", "instances"),
    ("2", "Volumes", "Vol", "volumes"),
    ("3", "S3", "S3", "s3"),
    ("4", "Checkpoints", "Ckpt", "checkpoints"),
    ("5", "Monitor", "Mon", "monitor"),
    ("6", "Costs", "Cost", "costs"),
    ("7", "Tasks", "Task", "tasks"),
    ("8", "Cleanup", "Clean", "cleanup"),
    ("9", "Settings", "Set", "settings"),
)
"""Digit, name, short name and mode of each screen."""


def tabs(working: int) -> tuple[ScreenTab, ...]:
    """Return the tab line; Tasks carries the number of jobs at work."""
    return tuple(
        ScreenTab(key, safe(name), safe(short), mode, safe(f"◐{working}") if mode == "tasks" and working else None)
        for key, name, short, mode in TABS
    )


def login_words(renew: str) -> tuple[SafeText, SafeText, SafeText]:
    """Return title, words and verb of the dialog about credentials that have ended."""
    stays = "What was read stays on the screen and grows old; nothing can be changed until then."
    return safe("The login has expired"), safe(f"Do this in another terminal: {renew}. {stays}"), safe("Look again")


def header_facts(facts: SessionFacts, data_age: int | None, armed_for: float | None) -> HeaderFacts:
    """Return the header's words; `armed_for` is what is left of the armed time."""
    mode = "armed" if armed_for else "read-only" if facts.read_only else "open"
    return HeaderFacts(
        sandbox=facts.sandbox,
        profile=safe(facts.profile) if facts.profile else None,
        regions=tuple(safe(region) for region in facts.regions),
        user=safe(facts.who.rpartition(":")[2]) if facts.who else None,
        login_minutes=None if facts.expires_in is None else int(facts.expires_in // 60),
        data_age=data_age,
        mode=mode,  # type: ignore[arg-type] # one of three literals above
        armed_seconds=None if armed_for is None else int(armed_for),
        root=facts.root,
    )


def cost_facts(summary: CostSummary) -> CostFacts:
    """Return the cost bar's figures."""
    return CostFacts(
        balance=safe(summary.balance),
        balance_low=summary.balance_low,
        burn=summary.told(summary.burn_per_hour),
        today=summary.told(summary.today),
        month=summary.told(summary.month),
        month_name=safe(summary.as_of.strftime("%b")),
        forecast=summary.told(summary.forecast),
        budget=summary.budget,
        excluded=tuple(safe(words) for words in summary.excluded),
        estimate=summary.estimated and summary.told(summary.forecast) is not None,
    )


def data_age(taken_at: datetime | None, now: datetime) -> int | None:
    """Return the age of data in seconds, in steps of five up to a minute so that the header does not flicker."""
    if taken_at is None:
        return None
    seconds = max(0, int((now - taken_at).total_seconds()))
    return seconds // 5 * 5 if seconds < 60 else seconds // 60 * 60


def problem_note(problem: Problem, passing: bool = False) -> StatusNote:
    """Return a problem in one line: what, why, what to do, code."""
    head = problem.what + (f": {problem.why}" if problem.why and problem.why not in problem.what else "")
    todo = f"; {problem.todo}" if problem.todo else ""
    level = "warn" if problem.retry_in is not None else "error"
    return StatusNote(safe(f"{head}{todo}"), safe(problem.code), level, passing)


def problem_lines(problem: Problem, log_path: str) -> list[SafeText]:
    """Return a problem in full, for reading and copying."""
    rows = (
        ("what", problem.what),
        ("why", problem.why),
        ("do", problem.todo),
        ("where", problem.scope),
        ("code", problem.code),
        ("request", problem.request_id),
        ("log", log_path),
    )
    return [safe_line(f"{label:8}  {value}") for label, value in rows if value]


def told_below(missing: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems that are said under the rows."""
    return tuple(problem for problem in missing if problem.code != HOST_OFF)


def unknown_notice(missing: Sequence[Problem]) -> Notice | None:
    """Return what stands in the place of rows that nobody could read, with the next step; None where all was read."""
    told = told_below(missing)
    if not told:
        return None
    problem = told[0]
    why = problem.why.partition(";")[0]
    if problem.not_connected:
        return Notice.error(safe(f"not known: {problem.not_connected} is not connected: {why}"), safe(problem.todo))
    words = f"not known: {problem.what}{f': {why}' if why else ''}{_code(problem)}{_again(problem)}"
    return Notice.error(safe(words), safe(problem.todo))


def said_instead(missing: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems that need no line under the table, because what stands in the place of its rows says them."""
    first = told_below(missing)[0]
    alike = (one for one in missing if one.not_connected and one.not_connected == first.not_connected)
    return first, *(one for one in alike if one is not first)


def missing_notices(snapshot: Snapshot[object], now: datetime) -> tuple[Notice, ...]:
    """Return one line per part of the scope that is absent or old."""
    age = seen(snapshot.taken_at, now)
    older = "" if age == "now" else f"; rows from {age}"
    out: list[Notice] = []
    for problem in told_below(snapshot.missing):
        words = safe(f"{problem.what}{older}{_again(problem)}")
        more = safe(_code(problem).strip())
        out.append(replace(Notice.partial(words), more=more, hint=safe("! why") if not out else EMPTY))
    return tuple(out)


def _code(problem: Problem) -> str:
    return f" [{problem.code}]" if problem.code and problem.code not in problem.what else ""


def _again(problem: Problem) -> str:
    return f", next try in {duration(problem.retry_in)}" if problem.retry_in is not None else ""
