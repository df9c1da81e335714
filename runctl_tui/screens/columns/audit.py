"""The columns of the Audit screen."""

from __future__ import annotations

from datetime import UTC
from typing import Final

from runctl_tui.domain.audit import AuditEntry, AuditEvent
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column

_SIGNS: Final = {
    AuditEvent.REFUSED: ("✗ refused", "$danger"),
    AuditEvent.CANCELLED: ("· cancelled", "$muted"),
    AuditEvent.CONFIRMED: ("◐ confirmed", "$state-starting"),
    AuditEvent.DONE: ("✓ done", "$ok"),
    AuditEvent.FAILED: ("✗ failed", "$state-failed"),
}


def audit_columns() -> tuple[Column[AuditEntry], ...]:
    """Return the columns."""
    return (
        Column("event", "EVENT", event, 11, priority=100, stays=True, sort_key=lambda one: one.event.value),
        Column("effect", "WHAT", lambda one: cell(what(one), "$strong"), 20, wide=26, priority=95, flexible=True),
        Column("result", "RESULT", _result, 18, wide=52, priority=70, flexible=True),
        Column("at", "AT (UTC)", _at, 14, priority=90, sort_key=lambda one: -one.at.timestamp()),
        Column("user", "BY", lambda one: cell(one.user or "-", "$muted"), 8, wide=10, priority=60),
        Column("from", "FROM", lambda one: cell(_from(one) or "-", "$muted"), 13, wide=16, priority=50),
        Column("codes", "VERDICT", _verdict, 10, wide=28, priority=40, flexible=True),
    )


def event(one: AuditEntry) -> Cell:
    """Return an event as sign and word."""
    return cell(*_SIGNS[one.event])


def what(one: AuditEntry) -> str:
    """Return what was wanted in few words: the verb and the names, else the whole sentence."""
    if not (one.operation and one.names):
        return one.effect
    more = f" and {len(one.targets) - 1} more" if len(one.targets) > 1 else ""
    return f"{one.operation.replace('-', ' ')} {one.names[0]}{more}"


def _result(one: AuditEntry) -> Cell:
    return cell(one.result or one.answer, "$danger" if one.event in (AuditEvent.FAILED, AuditEvent.REFUSED) else "")


def _verdict(one: AuditEntry) -> Cell:
    return cell(" ".join((one.verdict, *one.codes)).strip() or "-", "$muted")


def _at(one: AuditEntry) -> Cell:
    return cell(f"{one.at.astimezone(UTC):%m-%d %H:%M:%S}")


def _from(one: AuditEntry) -> str:
    """Return where somebody sat: the address that the connection came from, else the terminal."""
    return one.ssh.partition(" ")[0] or one.tty
