"""The noun `volumes`: EBS volumes of every region, and RunPod's network volumes."""

from __future__ import annotations

from runctl_tui.domain.states import Operation
from runctl_tui.domain.volume import VOLUME, VolumeChange
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS
from runctl_tui.headless import marks, output
from runctl_tui.headless.confirm import add_confirmation_flags
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_target, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply, listed
from runctl_tui.headless.volume_flags import add_place_flags, add_shape_flags, carry, modified_shape, new_volume
from runctl_tui.headless.volume_rows import month_words, snapshot_row, volume_row
from runctl_tui.services.ports_services import Services

_COLUMNS = {
    "NAME": "name",
    "ID": "id",
    "STATE": "state",
    "TYPE": "type",
    "GB": "size_gib",
    "IOPS": "iops",
    "MB/S": "throughput_mibs",
    "ATTACHED": "attached_to",
    "ZONE": "zone",
    "LAST-SNAPSHOT": "last_snapshot",
    "$/MO": "usd_per_month",
}

_PLAIN = {
    "detach": (Operation.VOLUME_DETACH, "detach volumes from their machines; unmount them there first"),
    "snapshot": (Operation.VOLUME_SNAPSHOT, "save what is on volumes; what is written later is not in it"),
    "delete": (Operation.VOLUME_DELETE, "destroy volumes that are attached to nothing and have a snapshot"),
}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "list", "list every volume with state, attachment, last snapshot and price")
    parser.set_defaults(handler=list_all, needs=Needs.SERVICES)
    parser = add_noun(verbs, "show", "say everything about one volume, in its provider's own words too")
    add_target(parser, "volume")
    parser.set_defaults(handler=show_one, needs=Needs.SERVICES)
    parser = add_noun(verbs, "create", "create an empty volume")
    add_place_flags(parser)
    add_shape_flags(parser, size_required=True)
    add_confirmation_flags(parser)
    parser.set_defaults(handler=create, needs=Needs.SERVICES)
    parser = add_noun(verbs, "attach", "attach a volume to a machine of the same zone")
    add_target(parser, "volume")
    parser.add_argument("--to", dest="instance", metavar="INSTANCE", required=True, help="id, key or unique name")
    parser.add_argument("--device", metavar="DEVICE", default="", help="such as /dev/sdf; without it the first free")
    add_confirmation_flags(parser)
    parser.set_defaults(handler=attach, needs=Needs.SERVICES)
    parser = add_noun(verbs, "modify", "change size, type, IOPS or throughput while it is used")
    add_target(parser, "volume")
    add_shape_flags(parser)
    add_confirmation_flags(parser)
    parser.set_defaults(handler=modify, needs=Needs.SERVICES)
    for verb, (_, words) in _PLAIN.items():
        parser = add_noun(verbs, verb, words)
        add_target(parser, "volume", many=True)
        if verb == "snapshot":
            parser.add_argument("--new-name", metavar="NAME", default="", help="name of the snapshot")
        add_confirmation_flags(parser)
        parser.set_defaults(handler=change, needs=Needs.SERVICES)
    marks.register(verbs, VOLUME)


async def list_all(services: Services, call: Call) -> Reply:
    """Every volume of every region."""
    snapshot = await services.volumes.now()
    now = services.clock.now()
    rows = [volume_row(volume, now) for volume in snapshot.value.volumes]
    shown = [_shown(row, now.timestamp()) for row in rows]
    return listed(snapshot, rows, output.table(shown, _COLUMNS, "no volumes"))


async def show_one(services: Services, call: Call) -> Reply:
    """One volume: our row, its snapshots, and what its provider says."""
    volume = await services.volumes.find(call.args.volume)
    told = await services.volumes.describe(volume.key)
    now = services.clock.now()
    flat = volume_row(volume, now)
    listed = (await services.volumes.now()).value.snapshots
    own = [snapshot_row(one, now) for one in listed if one.volume_id == volume.id]
    text = output.facts(
        [(key.replace("_", " "), value) for key, value in flat.items() if key != "tags"]
        + [(f"snapshot {row['id']}", f"{row['state']}, {row['started_at']}") for row in own]
        + [(f"tag {key}", value) for key, value in volume.tags]
    )
    data = {**flat, "snapshots": own, "provider_says": told}
    return Reply(data, output.with_own_words(text, told))


async def create(services: Services, call: Call) -> Reply:
    """Create an empty volume, after its price was confirmed."""
    return await carry(services, call, VolumeChange(Operation.VOLUME_CREATE, new=await new_volume(services, call)))


async def attach(services: Services, call: Call) -> Reply:
    """Attach a volume to a machine."""
    volume = await services.volumes.find(call.args.volume)
    machine = await services.fleet.find(call.args.instance)
    wanted = VolumeChange(Operation.VOLUME_ATTACH, (volume.key,), instance=machine.key, device=call.args.device)
    return await carry(services, call, wanted)


async def modify(services: Services, call: Call) -> Reply:
    """Change a volume's shape."""
    volume = await services.volumes.find(call.args.volume)
    shape = modified_shape(call, volume)
    return await carry(services, call, VolumeChange(Operation.VOLUME_MODIFY, (volume.key,), shape=shape))


async def change(services: Services, call: Call) -> Reply:
    """Detach, snapshot or delete volumes."""
    operation, _ = _PLAIN[call.args.verb]
    keys = [(await services.volumes.find(reference)).key for reference in call.args.volumes]
    name = getattr(call.args, "new_name", "")
    return await carry(services, call, VolumeChange(operation, tuple(keys), name=name))


def _shown(row: output.Row, now: float) -> output.Row:
    """Return a row for a person; what its kind does not have is '-', and only what nobody knows is '?'."""
    absent: output.Row = {key: "-" for key in ("iops", "throughput_mibs", "attached_to") if row[key] in (None, "")}
    return {**row, **absent, "last_snapshot": _last(row, now), "usd_per_month": month_words(row["usd_per_month"])}


def _last(row: output.Row, now: float) -> str:
    at = row["last_snapshot_at"]
    if row["type"] in NETWORK_LIMITS:
        return "-"
    if not row["last_snapshot_known"]:
        return "?"
    return "none" if at is None else f"{output.duration(max(0, int(now - at.timestamp())))} ago"  # type: ignore[attr-defined]  # a row holds any value
