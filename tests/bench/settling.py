"""How long a start takes that has a thousand operations of an earlier program to settle."""

from __future__ import annotations

import time
from pathlib import Path

from runctl_tui.domain.plan import Operation
from runctl_tui.options import Options
from runctl_tui.services.journal import Journal
from runctl_tui.services.journal_rows import Entry, JournalState
from runctl_tui.wiring import assembly
from runctl_tui.wiring.assembly import Assembly
from runctl_tui.wiring.ground import Ground


async def leave(journal: Journal, rows: int) -> None:
    """Write down terminations of so many machines that were sent, and whose outcome nobody has seen."""
    for number in range(rows):
        key = f"aws/i-{number:017x}"
        entry = Entry(f"op-{number}", Operation.TERMINATE, "instance", key, "", "aws", "us-west-2", "", "", "", "")
        await journal.begin(entry)
        await journal.mark(entry.op_id, JournalState.SENT)


async def start(state: Path, rows: int = 0) -> tuple[float, int]:
    """Start on a sandbox that is there already; return the seconds until all is settled, and how much is not."""
    assembly.SETTLING_HOLDS_UP = 600.0  # type: ignore[misc]  # the whole of it is measured
    if rows:
        before = Assembly(Ground(Options(sandbox=True, state_dir=str(state))))
        await leave(before.core.journal, rows)
        await before.aclose()
    made = Assembly(Ground(Options(sandbox=True, state_dir=str(state))))
    began = time.perf_counter()
    async for _ in made.start():
        pass
    seconds = time.perf_counter() - began
    left = len(await made.core.journal.unsettled())
    await made.aclose()
    return seconds, left
