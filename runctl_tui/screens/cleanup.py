"""The Cleanup screen: what of one's own idles, is forgotten or left over, and one plan for what is marked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.candidates import Candidate, candidates
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.plan import JobView, Plan
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.domain.uploads import UnfinishedUpload
from runctl_tui.domain.volume import Storage
from runctl_tui.modals.words import money
from runctl_tui.screens.changing import CHANGE
from runctl_tui.screens.columns.cleanup import CleanupRow, cleanup_columns, result_of
from runctl_tui.screens.labelling import plan_in_known_accounts
from runctl_tui.screens.listing import ListScreen
from runctl_tui.services.errors import Refused
from runctl_tui.services.ports import Feed
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.table import ResourceTable

RESULT: Final = frozenset({"result"})
"""What there is nothing to say of before something was cleaned up."""
_MODES = {"machine": "instances", "volume": "volumes", "snapshot": "snapshots", "upload": "uploads"}


class CleanupScreen(ListScreen[CleanupRow]):
    """Candidates of all providers, each with why, on what evidence, and what it would save."""

    MODE = "cleanup"
    NAME = "Cleanup"
    EMPTY = "nothing of yours idles, is forgotten or left over"
    ORDER = ("month", True)
    ABOUT_ROWS = ListScreen.ABOUT_ROWS | {"delete"}
    HELP = (
        "What of yours costs and seems to be of no use: idle and forgotten machines, stopped ones whose disks cost, "
        "unattached volumes, snapshots whose volume is gone, uploads to S3 that were never finished, what is past its "
        "day. Never anything of others, nothing protected. Space marks, ctrl+d makes one plan for what is marked; it "
        "asks before anything happens, and what fails stops nothing else."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "cleanup.plan",
        "table.mark",
        "screen.actions",
        "list.describe",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "delete", "clean up", id="cleanup.plan"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._fleet: Snapshot[tuple[FleetRow, ...]] | None = None
        self._storage: Snapshot[Storage] | None = None
        self._uploads: Snapshot[tuple[UnfinishedUpload, ...]] | None = None
        self._chosen: tuple[CleanupRow, ...] = ()
        self._jobs: dict[str, str] = {}
        """Keys of what was cleaned up here -> the job that did."""
        self._done: dict[str, CleanupRow] = {}

    def columns(self) -> Sequence[Column[CleanupRow]]:
        """Return the columns."""
        return cleanup_columns()

    def row_key(self, row: CleanupRow) -> str:
        """Return the key of what it is about."""
        return row.candidate.key

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch machines, storage and unfinished uploads."""
        services = self.services
        return (
            (services.fleet.feed, self.show_fleet),
            (services.volumes.feed, self.show_storage),
            (services.uploads.feed, self.show_uploads),
        )

    def show_fleet(self, snapshot: Snapshot[tuple[FleetRow, ...]]) -> None:
        """Judge the machines."""
        self._fleet = snapshot
        self._show()

    def show_storage(self, snapshot: Snapshot[Storage]) -> None:
        """Judge volumes and snapshots."""
        self._storage = snapshot
        self._show()

    def show_uploads(self, snapshot: Snapshot[tuple[UnfinishedUpload, ...]]) -> None:
        """Judge unfinished uploads."""
        self._uploads = snapshot
        self._show()

    def belongs(self, row: CleanupRow, machine: str) -> bool:
        """Tell whether a candidate is a machine."""
        return row.candidate.key == machine

    def note(self) -> str:
        """Say what all of it costs per month."""
        amounts = [row.candidate.usd_per_month for row in self._rows() if not row.result]
        known = [amount for amount in amounts if amount is not None]
        if not amounts:
            return ""
        more = f" and {len(amounts) - len(known)} of unknown price" if len(known) < len(amounts) else ""
        return f"{money(sum(known, Decimal(0)))}/mo{more}"

    def heard_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Show what has become of each row."""
        super().heard_jobs(jobs)
        by_id = {job.id: job for job in jobs}
        before = dict(self._done)
        for key, job_id in self._jobs.items():
            if key in self._done and job_id in by_id:
                result, style = result_of(by_id[job_id], key.partition("/")[2])
                if result:
                    self._done[key] = replace(self._done[key], result=result, style=style)
        if before != self._done:
            self._show()

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer the plan, and the way to what a row is about."""
        self._chosen = self.targets()
        one = self._chosen[0].candidate if self._chosen else None
        none = EMPTY if one else safe("nothing here")
        marked = safe(one.name if one and len(self._chosen) == 1 else f"{len(self._chosen):,} marked")
        single = none or (EMPTY if len(self._chosen) == 1 else safe("one at a time"))
        return (
            modals.PickItem("clean", safe("Clean up…"), marked, safe(self.locked) or none),
            modals.PickItem("go", safe(f"Go to the {one.thing if one else 'thing'}"), marked, single),
        )

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the rows at hand when the menu opened."""
        if choice == "clean":
            self._clean_up(self._chosen)
        elif self._chosen:
            self._go_to(self._chosen[0].candidate)

    @on(ResourceTable.Chosen, "#list")
    def go_to_row(self) -> None:
        """Go to what the row under the cursor is about."""
        row = self.table.cursor_row
        if row is not None:
            self._go_to(row.candidate)

    def action_delete(self) -> None:
        """Open one plan for the rows at hand."""
        self._clean_up(self.targets())

    def _go_to(self, one: Candidate) -> None:
        self.go(_MODES[one.thing], one.key)

    def _clean_up(self, rows: Sequence[CleanupRow]) -> None:
        wanted = tuple(row for row in rows if row.result != "✓ done")
        if wanted:
            self.work(self._ask, wanted, group=CHANGE)

    async def _ask(self, rows: Sequence[CleanupRow]) -> None:
        plan = await plan_in_known_accounts(self.app, self.services, lambda: self._while_planning(rows))
        job_id = await self.ask_and_commit(plan)
        if not job_id:
            return
        planned = {target.key for target in plan.targets}
        for row in rows:
            if row.candidate.key in planned:
                self._jobs[row.candidate.key] = job_id
                self._done[row.candidate.key] = replace(row, result="◐ working", style="$state-starting")
        self._show()

    async def _while_planning(self, rows: Sequence[CleanupRow]) -> Plan:
        from runctl_tui.services.clean_up import plan_clean_up  # no first frame plans

        wanted = [(row.candidate.operation, row.candidate.key) for row in rows]
        made = plan_clean_up(self.services.actions, wanted)
        bulk = await self._while_waiting(f"looking at what cleaning up {len(rows):,} would do…", made)
        spared = {one.reference: one.why for one in bulk.left_out}
        for row in rows:
            if why := spared.get(row.candidate.key):
                self._done[row.candidate.key] = replace(row, result=f"▲ spared: {why}", style="$warn")
        self._show()
        if bulk.plan is None:
            raise Refused("nothing of this may be cleaned up", bulk.why_not, code="left-out")
        return bulk.plan

    def _rows(self) -> tuple[CleanupRow, ...]:
        if self._fleet is None:
            return ()
        storage = self._storage.value if self._storage else Storage()
        silent = {problem.scope for problem in self._storage.missing} if self._storage else {""}
        uploads = self._uploads.value if self._uploads else ()
        found = candidates(self._fleet.value, storage, self.services.clock.now(), silent, uploads)
        rows = {one.key: self._done.get(one.key) or CleanupRow(one) for one in found}
        return tuple({**rows, **self._done}.values())

    def _show(self) -> None:
        if self._fleet is None:
            return
        away = self.table.model.hidden - RESULT
        self.table.hide_columns(away if self._done else away | RESULT)
        told = [one.missing for one in (self._fleet, self._storage, self._uploads) if one is not None]
        missing = tuple(dict.fromkeys(problem for each in told for problem in each))
        self.show_rows(Snapshot(self._rows(), self._fleet.taken_at, self._fleet.scope, missing))
