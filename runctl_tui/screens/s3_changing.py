"""What the S3 screen does about objects: downloads, uploads, copies, presigned URLs, deletions through plans."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.objects import CopyRequest, EntryKind, ObjectEntry, address, last_part
from runctl_tui.domain.plan import Confirmation, Level, Plan, Reversibility
from runctl_tui.domain.text import safe
from runctl_tui.screens.changing import CHANGE
from runctl_tui.screens.labelling import plan_in_known_accounts
from runctl_tui.screens.listing import ListScreen
from runctl_tui.screens.s3_verbs import (
    LIFETIMES,
    copy_of,
    deletion_of,
    download_of,
    download_path,
    object_menu,
    upload_target,
    wrong_address,
    wrong_path,
)

if TYPE_CHECKING:
    from runctl_tui.domain.objects import DeleteRequest


class ObjectChangingScreen(ListScreen[ObjectEntry]):
    """Adds the changing verbs to a list of objects; each but a plain copy asks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "delete", "delete", id="s3.delete"),
        Binding("u", "unfinished", "unfinished uploads", show=False, id="s3.unfinished"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._chosen: tuple[ObjectEntry, ...] = ()

    def place(self) -> tuple[str, str]:
        """Return bucket and prefix that are looked at."""
        raise NotImplementedError

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the rows at hand allow."""
        self._chosen = self.targets()
        return object_menu(self._chosen, self.place()[0], self.locked)

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the rows at hand when the menu opened."""
        rows = self._chosen
        if choice == "upload":
            self.work(self._upload, *self.place(), group=CHANGE)
        elif choice == "download":
            self.work(self._download, rows[0], group=CHANGE)
        elif choice in ("copy", "move"):
            self.work(self._copy_to, rows[0], choice == "move", group=CHANGE)
        elif choice == "presign":
            self.work(self._presign, rows[0], group=CHANGE)
        elif choice == "location":
            self.copy("\n".join(row.address for row in rows))
        elif choice == "unfinished":
            self.action_unfinished()
        elif choice == "delete":
            self._delete(rows)

    def action_delete(self) -> None:
        """Open the plan that deletes the rows at hand."""
        self._delete(self.targets())

    def action_unfinished(self) -> None:
        """Show what was begun to be uploaded below here and never finished; at the buckets that of all of them."""
        bucket, prefix = self.place()
        self.go("uploads", address(bucket, prefix) if bucket else "")

    def _delete(self, rows: Sequence[ObjectEntry]) -> None:
        if rows and all(row.kind is not EntryKind.BUCKET for row in rows):
            self.work(self._carry_out, deletion_of(rows), group=CHANGE)

    async def _download(self, row: ObjectEntry) -> None:
        words = safe(f"Download {row.address} to this machine, as:")
        path = await self._ask("Download", words, download_path(row), wrong_path)
        if path is not None:
            await self._carry_out(download_of(row, path))

    async def _upload(self, bucket: str, prefix: str) -> None:
        here = "from this machine; a folder with a slash at its end, ~ is your home"
        words = safe(f"Upload to {address(bucket, prefix)} this file {here}:")
        path = await self._ask("Upload", words, "", wrong_path)
        if path is None:
            return
        folder = path.endswith("/")
        await self._carry_out(CopyRequest(path, upload_target(bucket, prefix, path, folder), recursive=folder))

    async def _copy_to(self, row: ObjectEntry, move: bool) -> None:
        verb = "Move" if move else "Copy"
        target = await self._ask(verb, safe(f"{verb} {row.address} to:"), row.address, wrong_address)
        if target is not None:
            await self._carry_out(copy_of(row, target, move))

    async def _presign(self, row: ObjectEntry) -> None:
        items = [modals.PickItem(seconds, safe(words)) for seconds, words in LIFETIMES]
        title = safe(f"A URL by which anybody may read {last_part(row.key)} for")
        choice = await self.app.push_screen_wait(modals.Pick(self.services.clock, title, items))
        if choice is None:
            return
        url = await self.services.objects.presign(row.bucket, row.key, int(choice))
        self.app.copy_to_clipboard(url)
        self.tell(f"a URL that reads {row.address} for {dict(LIFETIMES)[choice]} went to the clipboard (OSC 52)")

    async def _ask(self, title: str, words: Any, value: str, check: Any) -> str | None:
        return await self.app.push_screen_wait(modals.Entry(self.services.clock, safe(title), words, value, check))

    async def _carry_out(self, request: CopyRequest | DeleteRequest) -> None:
        """Plan, ask where the plan wants it or replaces something, and commit."""

        def make() -> Awaitable[Plan]:
            return self._while_waiting("looking at what that would do…", self.services.actions.plan_storage(request))

        plan = await plan_in_known_accounts(self.app, self.services, make)
        confirmation = Confirmation(plan.hash)
        if _asks(plan):
            answer = await self.app.push_screen_wait(modals.dialog_for(self.services.clock, plan, offers=False))
            if not isinstance(answer, Confirmation):
                await self.services.actions.decline(plan)
                return
            confirmation = answer
        job_id = await self.services.actions.commit(plan, confirmation)
        self.shared.own_jobs.add(job_id)
        self.tell(f"{plan.effect}: at work, see 7 Tasks")


def _asks(plan: Plan) -> bool:
    """Tell whether somebody must have seen the plan: it needs a yes, remarks, replaces or leaves out something."""
    lossy = plan.reversibility is not Reversibility.REVERSIBLE
    return lossy or plan.verdict.level > Level.ENTER or bool(plan.verdict.reasons or plan.skipped)
