"""The S3 screen: buckets, then folders and objects below a prefix, page by page, with a look into each."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from runctl_tui import modals
from runctl_tui.domain.objects import Bucket, EntryKind, ObjectEntry, address, last_part, parent_of, split_address
from runctl_tui.domain.plan import JobView
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.paths import style_sheets
from runctl_tui.screens.columns.objects import object_columns
from runctl_tui.screens.kept import SavedView
from runctl_tui.screens.s3_changing import ObjectChangingScreen
from runctl_tui.screens.s3_facts import entry_facts, head_facts, preview_lines, raw_lines
from runctl_tui.screens.s3_pane import ObjectPane
from runctl_tui.services.errors import TrainctlError, ValidationError
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.title_line import TitleFacts

BUCKETS: Final = "S3 buckets"
LIST: Final = "s3.list"
LOOK: Final = "s3.look"
GROWTH: Final = 1.25
"""A growing list is shown again when it is so many times as long: a million keys cost few repaints."""
LOOK_AFTER: Final = 0.35
"""Seconds for which the cursor rests before an object is looked into."""
LISTED_AGAIN: Final = timedelta(minutes=1)
"""How old a list of one page grows before it is read again; a longer one waits to be asked."""
ONE_PAGE: Final = 1000
REMEMBERED: Final = 30
"""Places whose rows are shown at once when somebody comes back."""
REMEMBERED_ROWS: Final = 5000


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody looks; without a bucket: at the buckets."""

    bucket: str = ""
    prefix: str = ""

    @property
    def up(self) -> Place:
        """One level up."""
        return Place(self.bucket, parent_of(self.prefix)) if self.prefix else Place()


class S3Screen(ObjectChangingScreen):
    """Buckets and what is in them."""

    CSS_PATH: ClassVar = style_sheets("controls", "s3")
    MODE = "s3"
    NAME = "S3"
    EMPTY = "this account has no buckets; aws s3 mb s3://NAME makes one"
    ROWS = "buckets"
    ABOUT_ROWS = ObjectChangingScreen.ABOUT_ROWS | {"delete", "details", "raw", "copy_location"}
    HELP = (
        "Enter opens a folder or looks into an object, backspace goes up. At most the first and last 64 KiB of an "
        "object are read. Nothing here changes anything: changes live in x and ctrl+d."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "s3.up",
        "screen.actions",
        "s3.delete",
        "table.mark",
        "table.filter",
        "s3.describe",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace,left", "up", "up", key_display="←", id="s3.up"),
        Binding("right", "enter_folder", "open", show=False, id="s3.open"),
        Binding("d", "details", "describe", id="s3.describe"),
        Binding("y", "raw", "raw JSON", show=False, id="s3.raw"),
        Binding("c", "copy_location", "copy location", show=False, id="s3.copy"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._place = Place()
        self._coming: Place | None = None
        """The place whose pages are arriving."""
        self._seen: Snapshot[tuple[ObjectEntry, ...]] | None = None
        self._kept: OrderedDict[Place, tuple[tuple[ObjectEntry, ...], str | None]] = OrderedDict()
        self._taken_at = lambda: self._seen

    def place(self) -> tuple[str, str]:
        """Return bucket and prefix that are looked at."""
        return self._place.bucket, self._place.prefix

    def columns(self) -> Sequence[Column[ObjectEntry]]:
        """Return the columns of buckets, folders and objects."""
        return object_columns(self.services.clock.now, self.place)

    def row_key(self, row: ObjectEntry) -> str:
        """Return kind and address."""
        return row.id

    def sinks(self, row: ObjectEntry) -> bool:
        """Put folders above objects."""
        return row.kind is EntryKind.OBJECT

    def compose_body(self) -> ComposeResult:
        """Put the pane beside the table."""
        with Horizontal(id="s3-body"):
            yield from super().compose_body()
            yield ObjectPane()

    def on_screen_resume(self) -> None:
        """Go on listing where it was left."""
        super().on_screen_resume()
        if self._seen is None or not self._complete:
            self._list()

    def on_screen_suspend(self) -> None:
        """List nothing for a screen that nobody sees."""
        super().on_screen_suspend()
        self.workers.cancel_group(self, LIST)

    def on_resize(self) -> None:
        """Fill the pane where it has just appeared."""
        self.look()

    def show_reference(self, reference: str) -> None:
        """Go below a prefix: 's3://bucket/prefix/'; a key that is no folder is filtered for."""
        try:
            bucket, key = split_address(reference)
        except ValueError as error:
            self.show_problem(ValidationError(str(error)).to_problem(), passing=True)
            return
        self._go(Place(bucket, key if key.endswith("/") else parent_of(key)))
        if key and not key.endswith("/"):
            self.table.set_filter(last_part(key))
            self.show_title()

    def title_facts(self) -> TitleFacts:
        """Say where we are."""
        return replace(super().title_facts(), title=safe(self._where()))

    def note(self) -> str:
        """Say that there is more to come."""
        return "more coming…" if self._coming is not None and not self._complete else ""

    def tick(self) -> None:
        """Read a short list again once it is old, as the feeds of other screens do."""
        super().tick()
        seen = self._seen
        if seen is None or not self._complete or self._coming is not None or len(seen.value) > ONE_PAGE:
            return
        if self.is_current and self.services.clock.now() - seen.taken_at >= LISTED_AGAIN:
            self._list()

    def look_as(self, view: SavedView) -> None:
        """Go where the view was saved, too."""
        if view.where and view.where != self._where():
            self._go(_place_of(view.where))
        super().look_as(view)

    def view_now(self) -> SavedView:
        """Return how the table is looked at, and where."""
        return replace(super().view_now(), where=self._where())

    def _where(self) -> str:
        return address(self._place.bucket, self._place.prefix) if self._place.bucket else BUCKETS

    def heard_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """List again when something that may have changed it has ended."""
        ended = self.shared.at_work & {job.id for job in jobs if job.ended_at is not None}
        super().heard_jobs(jobs)
        if ended and self.is_current:
            self._list()

    @on(ResourceTable.Chosen, "#list")
    def open_row(self) -> None:
        """Open a bucket or folder, or look into an object."""
        row = self.table.cursor_row
        if row is None:
            return
        if row.kind is EntryKind.OBJECT:
            self.work(self._open_preview, row, group=LOOK)
        else:
            self._go(Place(row.bucket, row.key))

    @on(ResourceTable.Highlighted, "#list")
    def look(self) -> None:
        """Show in the pane what is under the cursor; an object is looked into once the cursor rests."""
        if not self.is_mounted or not self.has_class("-wide"):
            return
        row, pane = self.table.cursor_row, self.query_one(ObjectPane)
        self.workers.cancel_group(self, LOOK)
        if row is None:
            pane.show_facts((), EMPTY)
            return
        pane.show_facts(entry_facts(row, self.services.clock.now()), EMPTY)
        if row.kind is EntryKind.OBJECT:
            self.work(self._look_into, row, group=LOOK)

    def action_refresh_now(self) -> None:
        """List again too."""
        super().action_refresh_now()
        self._list()

    def action_up(self) -> None:
        """Go one level up, to the row we came from."""
        if self._place.bucket:
            self._go(self._place.up, came_from=self._place)

    def action_enter_folder(self) -> None:
        """Open what is under the cursor where it is no object."""
        row = self.table.cursor_row
        if row is not None and row.kind is not EntryKind.OBJECT:
            self.open_row()

    def action_leave_pane(self) -> None:
        """Give the keys back to the table."""
        self.table.focus()

    def action_details(self) -> None:
        """Show everything about what is under the cursor."""
        row = self.table.cursor_row
        if row is not None:
            self.work(self._details, row, group="describe")

    def action_raw(self) -> None:
        """Show S3's own words about an object."""
        row = self.table.cursor_row
        if row is not None and row.kind is EntryKind.OBJECT:
            self.work(self._raw, row, group="describe")

    def action_copy_location(self) -> None:
        """Copy where the row lies."""
        row = self.table.cursor_row
        if row is not None:
            self.copy(row.address)

    def _go(self, place: Place, came_from: Place | None = None) -> None:
        """Show another place: at once what it held last, then what it holds now."""
        self._keep()
        self._touched = False
        self._place, self._seen = place, None
        self.table.place_columns()
        self.table.set_filter("")
        rows, cursor = self._kept.get(place, ((), None))
        self.show_rows(Snapshot(rows, self.services.clock.now()))
        if came_from is not None:
            kind = EntryKind.FOLDER if came_from.prefix else EntryKind.BUCKET
            cursor = ObjectEntry(kind, came_from.bucket, came_from.prefix).id
        self._list(cursor)

    def _keep(self) -> None:
        if self._seen is None or not self._complete or len(self._seen.value) > REMEMBERED_ROWS:
            return
        self._kept[self._place] = (self._seen.value, self.table.cursor_key)
        self._kept.move_to_end(self._place)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    def _list(self, cursor: str | None = None) -> None:
        self._coming = self._place
        self.table.set_placeholder(Notice.loading(safe(address(*self.place()) if self._place.bucket else "buckets")))
        self.show_title()
        self.work(self._load, self._place, cursor, group=LIST)

    async def _load(self, place: Place, cursor: str | None) -> None:
        await self.shared.ready.wait()
        found: list[ObjectEntry] = []
        shown = len(self._seen.value) if self._seen else 0
        try:
            async for page in self._pages(place):
                found.extend(page)
                if len(found) >= shown * GROWTH:
                    shown = len(found)
                    self._arrived(found, (), cursor)
                await self.breathe()
        except TrainctlError as error:
            self._coming = None
            self._arrived(found or (list(self._seen.value) if self._seen else []), (error,), cursor)
            return
        self._coming = None
        self._arrived(found, (), cursor)

    async def _pages(self, place: Place) -> Any:
        if place.bucket:
            async for page in self.services.objects.pages(place.bucket, place.prefix):
                yield page
        else:
            yield tuple(_bucket_row(bucket) for bucket in await self.services.objects.buckets())

    def _arrived(self, found: Sequence[ObjectEntry], errors: tuple[TrainctlError, ...], cursor: str | None) -> None:
        now = self.services.clock.now()
        self._seen = Snapshot(tuple(found), now, missing=tuple(error.to_problem() for error in errors))
        self.show_rows(self._seen)
        self._complete = self._coming is None and not errors
        if cursor is not None and not self._touched:
            self.table.move_to(cursor)
        if not found and self._place.bucket and not errors:
            where = "nothing below this prefix" if self._place.prefix else "nothing in this bucket"
            self.table.set_placeholder(Notice.empty(safe(f"{where}; x, Upload… brings a file or folder here")))
        self.show_title()

    async def _look_into(self, row: ObjectEntry) -> None:
        await asyncio.sleep(LOOK_AFTER)
        await self._fill_pane(row)

    async def _fill_pane(self, row: ObjectEntry) -> None:
        pane = self.query_one(ObjectPane)
        pane.say(safe("looking into it…"))
        try:
            facts = await self.services.objects.head(row.bucket, row.key)
            pane.show_facts(head_facts(facts, self.services.clock.now()), EMPTY)
            preview = await self.services.objects.preview(row.bucket, row.key)
        except TrainctlError as error:
            pane.say(safe(f"✗ {error.what}: {error.why}"), "$danger")
            return
        pane.show_preview(preview_lines(preview))

    async def _open_preview(self, row: ObjectEntry) -> None:
        """Give the pane the keys where there is one, else open a dialog."""
        if self.has_class("-wide"):
            await self._fill_pane(row)
            self.query_one(ObjectPane).focus_preview()
            return
        self.busy(f"reading {row.address}…")
        preview = await self.services.objects.preview(row.bucket, row.key)
        self.busy("")
        title = safe(last_part(row.key))
        await self.app.push_screen(modals.TextView(self.services.clock, title, preview_lines(preview)))

    async def _details(self, row: ObjectEntry) -> None:
        now = self.services.clock.now()
        facts = entry_facts(row, now)
        if row.kind is EntryKind.OBJECT:
            self.busy(f"asking about {row.address}…")
            facts = head_facts(await self.services.objects.head(row.bucket, row.key), now)
            self.busy("")
        section = modals.Section(safe(row.kind.value.capitalize()), facts)
        title = safe(last_part(row.key) or row.bucket)
        await self.app.push_screen(modals.Describe(self.services.clock, title, (section,)))

    async def _raw(self, row: ObjectEntry) -> None:
        self.busy(f"asking about {row.address}…")
        facts = await self.services.objects.head(row.bucket, row.key)
        self.busy("")
        await self.app.push_screen(modals.TextView(self.services.clock, safe(last_part(row.key)), raw_lines(facts)))


def _place_of(where: str) -> Place:
    """Return the place that a view was saved at; the buckets where its words are no address."""
    try:
        return Place(*split_address(where))
    except ValueError:
        return Place()


def _bucket_row(bucket: Bucket) -> ObjectEntry:
    return ObjectEntry(EntryKind.BUCKET, bucket.name, "", modified_at=bucket.created_at, region=bucket.region)
