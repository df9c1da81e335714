"""Asks what the changes of volumes need beyond their target: forms and lists; used by the two screens of storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from runctl_tui import modals
from runctl_tui.domain.resource import Ownership, ResourceState
from runctl_tui.domain.states import Operation
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.domain.validation import region_of
from runctl_tui.domain.volume import NewVolume, VolumeChange, VolumeShape
from runctl_tui.domain.volume_shapes import LIMITS, NETWORK, NETWORK_LIMITS, settled
from runctl_tui.modals.volume_form import VolumeDraft, VolumeQuestion

if TYPE_CHECKING:
    from decimal import Decimal

    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.volume import Storage, Volume, VolumeSnapshot
    from runctl_tui.services.ports_services import Services

SIZE_GIB: Final = 100
MOST_ZONES: Final = 4
MOST_CENTERS: Final = 6
_CAN_HOLD: Final = (ResourceState.RUNNING, ResourceState.STOPPED)


def question_new(services: Services, storage: Storage) -> VolumeQuestion:
    """Return what is asked about an empty volume; its zone is where our machines are."""
    zones = zones_in_use(services)
    draft = VolumeDraft(_free_name(storage), zones[0][0] if zones else "", settled(VolumeShape("gp3", SIZE_GIB)))
    return VolumeQuestion(safe("NEW VOLUME"), draft, zones)


def question_network(storage: Storage, centers: Sequence[str]) -> VolumeQuestion:
    """Return what is asked about a network volume of RunPod; it is where the pods are to be that mount it."""
    held = {one.zone for one in storage.volumes}
    ordered = sorted(centers, key=lambda center: (center not in held, center))
    zones = tuple((center, "") for center in ordered[:MOST_CENTERS])
    draft = VolumeDraft(_free_name(storage), zones[0][0] if zones else "", VolumeShape(NETWORK, SIZE_GIB))
    return VolumeQuestion(safe("NEW NETWORK VOLUME"), draft, zones, kinds=NETWORK_LIMITS)


def question_restore(services: Services, snapshot: VolumeSnapshot) -> VolumeQuestion:
    """Return what is asked about a volume that is filled from a snapshot; it stays in the snapshot's region."""
    zones = tuple(zone for zone in zones_in_use(services) if zone[0].startswith(snapshot.region))
    zones = zones or ((f"{snapshot.region}a", ""),)
    shape = settled(VolumeShape("gp3", snapshot.size_gib))
    draft = VolumeDraft(f"{snapshot.name or snapshot.volume_id or snapshot.id}-restored", zones[0][0], shape)
    return VolumeQuestion(safe("RESTORE"), draft, zones, snapshot.size_gib)


def question_modify(volume: Volume) -> VolumeQuestion:
    """Return what is asked about a volume that changes its shape; it never shrinks."""
    draft = VolumeDraft(volume.name, volume.zone, settled(volume.shape))
    title = safe(f"MODIFY {volume.name or volume.id}")
    kind = volume.shape.type
    kinds = {kind: NETWORK_LIMITS[kind]} if kind in NETWORK_LIMITS else LIMITS
    return VolumeQuestion(title, draft, least_gib=volume.shape.size_gib, changes=True, kinds=kinds)


def new_volume(services: Services, draft: VolumeDraft, snapshot_id: str = "", *, provider: str = "aws") -> VolumeChange:
    """Return the change that a filled form asks for."""
    options = services.launcher.defaults().options
    project = options.project if options else ""
    new = NewVolume(provider, draft.zone, draft.name, draft.shape, project, draft.encrypted, snapshot_id)
    return VolumeChange(Operation.VOLUME_CREATE, new=new)


def month(services: Services, zone: str, shape: VolumeShape) -> Fact[Decimal]:
    """Return dollars per month of a volume in a zone."""
    provider = "runpod" if shape.type in NETWORK_LIMITS else "aws"
    return services.volumes.month(provider, region_of(zone), shape)


def zones_in_use(services: Services) -> tuple[tuple[str, str], ...]:
    """Return the zones of our machines, those with running ones first, each with the names of the machines there."""
    found: dict[str, list[FleetRow]] = {}
    for row in sorted(_machines(services), key=lambda row: row.instance.state is not ResourceState.RUNNING):
        found.setdefault(row.instance.zone, []).append(row)
    return tuple((zone, ", ".join(row.instance.name for row in rows)) for zone, rows in found.items())[:MOST_ZONES]


def machine_items(services: Services, volume: Volume) -> Sequence[modals.PickItem]:
    """Return the machines that a volume may be attached to, those of other zones with why not."""
    items = []
    for row in _machines(services):
        machine = row.instance
        other = "" if machine.zone == volume.zone else f"it is in {machine.zone}, the volume in {volume.zone}"
        detail = f"{machine.zone}  {machine.state.value}"
        items.append(
            modals.PickItem(row.key, safe(machine.name or machine.id), safe(detail), safe(other) if other else EMPTY)
        )
    return sorted(items, key=lambda item: bool(item.disabled_because))


def attach_to(volume: Volume, key: str) -> VolumeChange:
    """Return the change that puts a volume on a machine."""
    return VolumeChange(Operation.VOLUME_ATTACH, (volume.key,), instance=key)


def modified(volume: Volume, draft: VolumeDraft) -> VolumeChange:
    """Return the change that gives a volume another shape."""
    return VolumeChange(Operation.VOLUME_MODIFY, (volume.key,), shape=draft.shape)


def region_items(services: Services, snapshot: VolumeSnapshot) -> Sequence[modals.PickItem]:
    """Return the regions in use that a snapshot may be copied to."""
    here = safe("it is there already")
    regions = services.registry.get(snapshot.provider).regions()
    return [
        modals.PickItem(region, safe(region), EMPTY, here if region == snapshot.region else EMPTY) for region in regions
    ]


def _free_name(storage: Storage) -> str:
    taken = {one.name for one in storage.volumes}
    return next(free for free in ("data", *(f"data-{number}" for number in range(2, 1000))) if free not in taken)


def _machines(services: Services) -> list[FleetRow]:
    latest = services.fleet.feed.latest
    rows = latest.value if latest else ()
    ours = [row for row in rows if row.instance.provider == "aws" and row.instance.ownership is Ownership.OURS]
    return [row for row in ours if row.instance.zone and row.instance.state in _CAN_HOLD]
