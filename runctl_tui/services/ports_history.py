"""The Protocol by which screens look at one machine's past; a part of `ports`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.history import History


class Histories(Protocol):
    """What machines have been through: the ledger and the journal, read together."""

    async def of(self, row: FleetRow) -> History:
        """The past of one machine: states, prices, money, and what was done to it."""
