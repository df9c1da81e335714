"""One machine's past from ledger and journal. Implements `ports.Histories`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Known
from runctl_tui.domain.history import Deed, History
from runctl_tui.services.journal_rows import JournalState

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.services.journal import Journal
    from runctl_tui.services.journal_rows import Row
    from runctl_tui.services.tracker import ResourceTracker

UNIQUE: Final = 8
"""Letters from which on an id in a sentence means this machine and nothing else."""
_WORDS: Final = {
    JournalState.PLANNED: ("planned", None),
    JournalState.CONFIRMED: ("confirmed, not sent", None),
    JournalState.SENT: ("sent, no answer yet", None),
    JournalState.ACKED: ("accepted, its end not seen yet", None),
    JournalState.VERIFIED: ("done", True),
    JournalState.FAILED: ("failed", False),
    JournalState.AMBIGUOUS: ("nobody knows whether it arrived", None),
}


class HistoryBook:
    """Reads both books for one machine."""

    def __init__(self, tracker: ResourceTracker, journal: Journal) -> None:
        self._tracker = tracker
        self._journal = journal

    async def of(self, row: FleetRow) -> History:
        """Return the past of one machine; what was done to its runs is told too."""
        machine = row.instance
        references = [row.key, *(run.id for run in row.runs)]
        words = machine.id if len(machine.id) >= UNIQUE else ""
        account, rows = await asyncio.gather(self._tracker.account(row.key), self._journal.about(references, words))
        usage = await self._tracker.usage_history(row.key) if isinstance(account, Known) else ()
        return History(row.key, account, tuple(_deed(one) for one in reversed(rows)), usage)


def _deed(row: Row) -> Deed:
    words, ok = _WORDS[row.state]
    entry = row.entry
    result = row.detail if ok and row.detail else f"{words}: {row.detail}" if row.detail else words
    return Deed(row.at, entry.operation.value, entry.effect, entry.who, result, ok)
