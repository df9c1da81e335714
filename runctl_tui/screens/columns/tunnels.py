"""The columns of the Tunnels screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from runctl_tui.domain.tunnel import Tunnel, TunnelState
from runctl_tui.modals.words import age, size
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column

_STATES: Final = {
    TunnelState.OPENING: ("◐", "$state-starting"),
    TunnelState.OPEN: ("●", "$state-running"),
    TunnelState.LOST: ("▲", "$warn"),
    TunnelState.ENDED: ("✗", "$state-failed"),
}


def tunnel_columns(now: Callable[[], datetime]) -> tuple[Column[Tunnel], ...]:
    """Return the columns."""
    return (
        Column("state", "STATE", state, 11, priority=100, sort_key=lambda one: one.state.value),
        Column("name", "MACHINE", lambda one: cell(one.name, "$strong"), 12, wide=32, priority=95,
               sort_key=lambda one: one.name.casefold()),
        Column("port", "PORT THERE", _port, 16, priority=96, sort_key=lambda one: one.remote_port),
        Column("url", "URL HERE", lambda one: cell(one.url), 23, priority=98, sort_key=lambda one: one.local_port),
        Column("use", "USE", lambda one: cell(one.connections), 3, "right", 70, sort_key=lambda one: one.connections),
        Column("in", "IN", lambda one: cell(size(one.received)), 8, "right", 60, sort_key=lambda one: one.received),
        Column("out", "OUT", lambda one: cell(size(one.sent)), 8, "right", 50, sort_key=lambda one: one.sent),
        Column("since", "AGE", lambda one: cell(age(one.since, now())), 4, "right", 80, sort_key=_newest_first),
        Column("kept", "", _kept, 4, priority=85, flexible=True, sort_key=lambda one: one.kept),
    )  # fmt: skip


def state(one: Tunnel) -> Cell:
    """Return a tunnel's state as symbol and word."""
    symbol, style = _STATES[one.state]
    return cell(f"{symbol} {one.state.value}", style)


def _port(one: Tunnel) -> Cell:
    return cell(f"{one.remote_port} {one.service}".strip())


def _kept(one: Tunnel) -> Cell:
    return cell("kept" if one.kept else "", "$muted")


def _newest_first(one: Tunnel) -> float:
    return -one.since.timestamp()
