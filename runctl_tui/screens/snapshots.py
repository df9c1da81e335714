"""The Snapshots screen: the snapshots of all regions; `tab` shows their volumes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.states import Operation
from runctl_tui.domain.volume import SNAPSHOT, Storage, VolumeChange, VolumeSnapshot
from runctl_tui.screens.columns.volumes import snapshot_columns
from runctl_tui.screens.frame import MARK
from runctl_tui.screens.storage import StorageScreen
from runctl_tui.screens.volume_facts import snapshot_fields, snapshot_sections
from runctl_tui.screens.volume_verbs import snapshot_menu

if TYPE_CHECKING:
    from runctl_tui.widgets.columns import Column


class SnapshotsScreen(StorageScreen[VolumeSnapshot]):
    """All snapshots of ours, newest first; `:snapshots VOLUME` shows those of one volume."""

    MODE = "snapshots"
    OTHER = "volumes"
    NAME = "Snapshots"
    EMPTY = "no snapshots; on 2 Volumes, x Snapshot… makes one"
    ORDER = ("age", False)
    HELP = (
        "One line per EBS snapshot of ours in every region; tab shows the volumes. A snapshot costs at most what is "
        "shown: what did not change since an earlier one costs nothing. Restore makes a new volume of it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "other", "volumes", id="storage.volumes"),
    ]
    HINTS: ClassVar[tuple[str, ...]] = tuple(
        "storage.volumes" if hint == "storage.other" else hint for hint in StorageScreen.HINTS
    )

    def columns(self) -> Sequence[Column[VolumeSnapshot]]:
        """Return the columns of snapshots."""
        return snapshot_columns(self.services.clock.now, self._volume_names)

    def belongs(self, row: VolumeSnapshot, machine: str) -> bool:
        """Tell whether a snapshot is of a volume that is attached to a machine."""
        volumes = (one for one in self.storage.volumes if one.id == row.volume_id)
        return any(f"{row.provider}/{at.instance_id}" == machine for one in volumes for at in one.attachments)

    def part(self, storage: Storage) -> tuple[VolumeSnapshot, ...]:
        """Return the snapshots."""
        return storage.snapshots

    def sections(self, row: VolumeSnapshot) -> tuple[modals.Section, ...]:
        """Return everything known about a snapshot."""
        of = next((one for one in self.storage.volumes if one.id == row.volume_id), None)
        return snapshot_sections(row, of, self.services.clock.now())

    def fields(self, row: VolumeSnapshot) -> tuple[tuple[str, str], ...]:
        """Return what can be copied from a snapshot."""
        return snapshot_fields(row)

    def show_reference(self, reference: str) -> None:
        """Put the cursor on a snapshot, or show those of one volume."""
        names = self._volume_names()
        if reference in names or reference in names.values():
            self.table.set_filter(f"volume:{names.get(reference) or reference}")
            self.show_title()
        else:
            super().show_reference(reference)

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the snapshots at hand allow."""
        self._chosen = self.targets()
        return snapshot_menu(self._chosen, self.locked, self._why_not)

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the snapshots at hand when the menu opened."""
        rows = self._chosen
        if choice == "delete":
            self.change(Operation.SNAPSHOT_DELETE, [row.key for row in rows])
        elif choice == MARK:
            self.mark(SNAPSHOT, rows)
        elif choice == "restore":
            self.work(self._restore, rows[0], group="change")
        elif choice == "copy":
            self.work(self._copy_to, rows[0], group="change")
        elif choice == "volume":
            self.go("volumes", rows[0].volume_id)

    def action_delete(self) -> None:
        """Open the delete plan for the snapshots at hand."""
        self.change(Operation.SNAPSHOT_DELETE, [row.key for row in self.targets()])

    async def _restore(self, snapshot: VolumeSnapshot) -> None:
        from runctl_tui.screens import volume_asking as asking

        await self.hear_machines()
        question = asking.question_restore(self.services, snapshot)
        await self.change_as_asked(question, partial(asking.new_volume, self.services, snapshot_id=snapshot.id))

    async def _copy_to(self, snapshot: VolumeSnapshot) -> None:
        from runctl_tui.screens import volume_asking as asking

        items = asking.region_items(self.services, snapshot)
        region = await self.pick(f"Copy {snapshot.name or snapshot.id} to", items)
        if region is not None:
            await self.change_storage(VolumeChange(Operation.SNAPSHOT_COPY, (snapshot.key,), region=region))

    def _volume_names(self) -> dict[str, str]:
        return {volume.id: volume.name for volume in self.storage.volumes}
