"""The Uploads screen: what was begun to be uploaded to S3 and never finished, below a prefix or everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.facts import Known
from runctl_tui.domain.objects import address, parent_of, split_address
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Operation
from runctl_tui.domain.text import safe
from runctl_tui.domain.uploads import UnfinishedUpload, split_upload
from runctl_tui.modals.words import money
from runctl_tui.screens.columns.uploads import upload_columns
from runctl_tui.screens.listing import ListScreen
from runctl_tui.screens.upload_facts import upload_menu, upload_sections
from runctl_tui.services.errors import TrainctlError
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table import ResourceTable

if TYPE_CHECKING:
    from runctl_tui.domain.plan import JobView
    from runctl_tui.widgets.columns import Column
    from runctl_tui.widgets.title_line import TitleFacts

LIST: Final = "uploads.list"


class UploadsScreen(ListScreen[UnfinishedUpload]):
    """Unfinished uploads; their parts are paid for until somebody completes or aborts them."""

    MODE = "uploads"
    TAB = "s3"
    NAME = "Unfinished uploads"
    EMPTY = "no unfinished uploads here"
    ORDER = ("month", True)
    ABOUT_REFERENCE = True
    ABOUT_ROWS = ListScreen.ABOUT_ROWS | {"delete"}
    HELP = (
        "An upload in parts that was neither completed nor aborted is no object, and its parts are paid for all the "
        "same. LAST PART says when something came last; within a day it may still be under way. ctrl+d aborts: the "
        "plan says what is lost and asks before anything happens."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "uploads.up",
        "screen.actions",
        "uploads.abort",
        "table.mark",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace,left", "up", "S3", key_display="←", id="uploads.up"),
        Binding("ctrl+d", "delete", "abort", id="uploads.abort"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._bucket, self._prefix = "", ""
        self._wanted = ""
        """The upload that the cursor shall be on as soon as it is there."""
        self._seen: Snapshot[tuple[UnfinishedUpload, ...]] | None = None
        self._chosen: tuple[UnfinishedUpload, ...] = ()
        self._taken_at = lambda: self._seen

    def place(self) -> tuple[str, str]:
        """Return bucket and prefix that are looked at; without a bucket it is everything."""
        return self._bucket, self._prefix

    def columns(self) -> Sequence[Column[UnfinishedUpload]]:
        """Return the columns."""
        return upload_columns(self.services.clock.now, self.place)

    def row_key(self, row: UnfinishedUpload) -> str:
        """Return what plans are made by."""
        return row.reference

    def copy_text(self, row: UnfinishedUpload) -> str:
        """Copy where it would be."""
        return row.address

    def show_reference(self, reference: str) -> None:
        """Look at one upload, below 's3://bucket/prefix', or at everything."""
        try:
            bucket, key, _ = split_upload(reference)
            place, self._wanted = (bucket, parent_of(key)), reference
        except ValueError:
            place, self._wanted = _place_of(reference), ""
        if place != self.place():
            (self._bucket, self._prefix), self._seen = place, None
            self._touched = False
            self.show_rows(Snapshot((), self.services.clock.now()))
        self._list()

    def title_facts(self) -> TitleFacts:
        """Say where we are."""
        where = f" below {address(*self.place())}" if self._bucket else " of all buckets"
        return replace(super().title_facts(), title=safe(self.NAME + where))

    def note(self) -> str:
        """Say what all of it costs per month."""
        rows = self._seen.value if self._seen else ()
        known = [row.usd_per_month.value for row in rows if isinstance(row.usd_per_month, Known)]
        more = f" and {len(rows) - len(known)} of unknown price" if len(known) < len(rows) else ""
        return f"{money(sum(known, Decimal(0)))}/mo{more}" if known else ""

    def heard_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """List again when something that may have changed it has ended."""
        ended = self.shared.at_work & {job.id for job in jobs if job.ended_at is not None}
        super().heard_jobs(jobs)
        if ended and self.is_current:
            self._list()

    @on(ResourceTable.Chosen, "#list")
    def open_details(self) -> None:
        """Show everything about the row."""
        self.action_describe_row()

    def action_describe_row(self) -> None:
        """Show everything about the row."""
        row = self.table.cursor_row
        if row is not None:
            sections = upload_sections(row, self.services.clock.now())
            self.app.push_screen(modals.Describe(self.services.clock, safe(row.name), sections))

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the rows at hand allow."""
        self._chosen = self.targets()
        return upload_menu(self._chosen, self.locked)

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the rows at hand when the menu opened."""
        rows = self._chosen
        if choice == "abort":
            self._abort(rows)
        elif choice == "location":
            self.copy("\n".join(row.address for row in rows))
        elif choice == "folder":
            self.go("s3", address(rows[0].bucket, parent_of(rows[0].key)))

    def action_delete(self) -> None:
        """Open the plan that aborts the rows at hand."""
        self._abort(self.targets())

    def action_up(self) -> None:
        """Go to the objects of the same place."""
        self.go("s3", address(self._bucket, self._prefix) if self._bucket else "")

    def action_refresh_now(self) -> None:
        """List again too."""
        super().action_refresh_now()
        self._list()

    def _abort(self, rows: Sequence[UnfinishedUpload]) -> None:
        self.change(Operation.UPLOAD_ABORT, [row.reference for row in rows])

    def _list(self) -> None:
        self.table.set_placeholder(Notice.loading(safe(self.NAME.lower())))
        self.work(self._load, self._bucket, self._prefix, group=LIST)

    async def _load(self, bucket: str, prefix: str) -> None:
        await self.shared.ready.wait()
        uploads = self.services.uploads
        try:
            if self._seen is not None:  # what is shown with its size stays so until all of it is known again
                self._arrived(await uploads.now(bucket, prefix))
                return
            async for snapshot in uploads.below(bucket, prefix):
                self._arrived(snapshot)
                await self.breathe()
        except TrainctlError as error:
            seen = self._seen.value if self._seen else ()
            self._arrived(Snapshot(seen, self.services.clock.now(), missing=(error.to_problem(),)))

    def _arrived(self, snapshot: Snapshot[tuple[UnfinishedUpload, ...]]) -> None:
        self._seen = snapshot
        self.show_rows(snapshot)
        if self._wanted and self.table.move_to(self._wanted):
            self._touched, self._wanted = True, ""


def _place_of(reference: str) -> tuple[str, str]:
    try:
        return split_address(reference)
    except ValueError:
        return "", ""
