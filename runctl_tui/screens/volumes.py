"""The Volumes screen: the volumes of all regions; `tab` shows their snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.states import Operation
from runctl_tui.domain.volume import VOLUME, Storage, Volume, VolumeState, month
from runctl_tui.modals.words import money
from runctl_tui.screens.columns.volumes import volume_columns
from runctl_tui.screens.frame import MARK
from runctl_tui.screens.storage import StorageScreen
from runctl_tui.screens.volume_facts import volume_fields, volume_sections
from runctl_tui.screens.volume_verbs import network_item, volume_menu
from runctl_tui.services.errors import ValidationError

if TYPE_CHECKING:
    from runctl_tui.widgets.columns import Column

RUNPOD = "runpod"
_PLANS = {
    "detach": Operation.VOLUME_DETACH,
    "snapshot": Operation.VOLUME_SNAPSHOT,
    "delete": Operation.VOLUME_DELETE,
}


class VolumesScreen(StorageScreen[Volume]):
    """All volumes with what they cost, where they are attached and when they were last saved."""

    MODE = "volumes"
    OTHER = "snapshots"
    NAME = "Volumes"
    EMPTY = "no volumes; x opens the actions, New volume… makes one"
    ORDER = ("month", True)
    HELP = (
        "One line per EBS volume of every region and per network volume of RunPod; tab shows the snapshots. $/MO is "
        "paid whether a volume is attached or not; ? is unknown. LAST SNAP says how much would be lost at worst. "
        "Changes live in x and ctrl+d."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "other", "snapshots", id="storage.other"),
    ]

    def columns(self) -> Sequence[Column[Volume]]:
        """Return the columns of volumes."""
        return volume_columns(self.services.clock.now)

    def sinks(self, row: Volume) -> bool:
        """Put volumes that are gone below the others."""
        return row.state in (VolumeState.DELETED, VolumeState.DELETING)

    def belongs(self, row: Volume, machine: str) -> bool:
        """Tell whether a volume is attached to a machine."""
        return any(f"{row.provider}/{one.instance_id}" == machine for one in row.attachments)

    def part(self, storage: Storage) -> tuple[Volume, ...]:
        """Return the volumes."""
        return storage.volumes

    def note(self) -> str:
        """Say what all volumes cost, and what those cost that nothing uses."""
        rows = [row for row in self.storage.volumes if not self.sinks(row)]
        if not rows:
            return ""
        idle = [row for row in rows if row.state is VolumeState.AVAILABLE]
        words = _sum(rows)
        return words + (f", {len(idle)} unattached: {_sum(idle)}" if idle else "")

    def sections(self, row: Volume) -> tuple[modals.Section, ...]:
        """Return everything known about a volume."""
        own = tuple(one for one in self.storage.snapshots if one.volume_id == row.id and one.region == row.region)
        return volume_sections(row, own, self.services.clock.now())

    def fields(self, row: Volume) -> tuple[tuple[str, str], ...]:
        """Return what can be copied from a volume."""
        return volume_fields(row)

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the volumes at hand allow."""
        self._chosen = self.targets()
        items = volume_menu(self._chosen, self.locked, self._why_not)
        if all(provider.name != RUNPOD for provider in self.services.registry.all()):
            return items
        return (items[0], network_item(self.locked), *items[1:])

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the volumes at hand when the menu opened."""
        rows = self._chosen
        if choice in _PLANS:
            self.change(_PLANS[choice], [row.key for row in rows])
        elif choice == MARK:
            self.mark(VOLUME, rows)
        elif choice == "create":
            self.work(self._create, group="change")
        elif choice == "create-network":
            self.work(self._create_network, group="change")
        elif choice == "attach":
            self.work(self._attach_volume, rows[0], group="change")
        elif choice == "modify":
            self.work(self._modify, rows[0], group="change")
        elif choice == "machine" and rows[0].attachment:
            self.go("instances", rows[0].attachment.instance_id)
        elif choice == "snapshots":
            self.go("snapshots", rows[0].id)

    def action_delete(self) -> None:
        """Open the delete plan for the volumes at hand."""
        self.change(Operation.VOLUME_DELETE, [row.key for row in self.targets()])

    async def _create(self) -> None:
        from runctl_tui.screens import volume_asking as asking

        await self.hear_machines()
        question = asking.question_new(self.services, self.storage)
        await self.change_as_asked(question, partial(asking.new_volume, self.services))

    async def _create_network(self) -> None:
        from runctl_tui.screens import volume_asking as asking

        self.busy("asking RunPod for its data centres…")
        centers = await self.services.volumes.zones(RUNPOD)
        self.busy("")
        question = asking.question_network(self.storage, centers)
        await self.change_as_asked(question, partial(asking.new_volume, self.services, provider=RUNPOD))

    async def _attach_volume(self, volume: Volume) -> None:
        from runctl_tui.screens import volume_asking as asking

        await self.hear_machines()
        items = asking.machine_items(self.services, volume)
        if not items:
            raise ValidationError("there is no machine to attach it to", "", "launch one in " + volume.zone)
        key = await self.pick(f"Attach {volume.name or volume.id} to", items)
        if key is not None:
            await self.change_storage(asking.attach_to(volume, key))

    async def _modify(self, volume: Volume) -> None:
        from runctl_tui.screens import volume_asking as asking

        await self.change_as_asked(asking.question_modify(volume), partial(asking.modified, volume))


def _sum(rows: Sequence[Volume]) -> str:
    amounts = [month(row.usd_per_month) for row in rows]
    known = [amount for amount in amounts if amount is not None]
    more = f" and {len(amounts) - len(known)} unknown" if len(known) < len(amounts) else ""
    return f"{money(sum(known[1:], known[0]))}/mo{more}" if known else "price unknown"
