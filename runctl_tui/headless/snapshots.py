"""The noun `snapshots`: EBS snapshots of every region."""

from __future__ import annotations

from runctl_tui.domain import validation
from runctl_tui.domain.states import Operation
from runctl_tui.domain.volume import SNAPSHOT, VolumeChange
from runctl_tui.headless import marks, output
from runctl_tui.headless.confirm import add_confirmation_flags
from runctl_tui.headless.flags import checked
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_target, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply, listed
from runctl_tui.headless.volume_flags import add_place_flags, add_shape_flags, carry, new_volume
from runctl_tui.headless.volume_rows import month_words, snapshot_row
from runctl_tui.services.ports_services import Services

_COLUMNS = {
    "NAME": "name",
    "ID": "id",
    "STATE": "state",
    "GB": "size_gib",
    "OF": "volume_id",
    "REGION": "region",
    "AGE": "age",
    "$/MO AT MOST": "usd_per_month_at_most",
}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "list", "list every snapshot with its volume and what it costs at most")
    parser.add_argument("--volume", metavar="VOLUME", default="", help="id or name: only snapshots of this volume")
    parser.set_defaults(handler=list_all, needs=Needs.SERVICES)
    parser = add_noun(verbs, "show", "say everything about one snapshot, in its provider's own words too")
    add_target(parser, "snapshot")
    parser.set_defaults(handler=show_one, needs=Needs.SERVICES)
    marks.register(verbs, SNAPSHOT)
    parser = add_noun(verbs, "restore", "make a new volume of a snapshot")
    add_target(parser, "snapshot")
    add_place_flags(parser)
    add_shape_flags(parser)
    add_confirmation_flags(parser)
    parser.set_defaults(handler=restore, needs=Needs.SERVICES)
    parser = add_noun(verbs, "copy", "copy a snapshot to another region")
    add_target(parser, "snapshot")
    parser.add_argument(
        "--to", metavar="REGION", type=checked(validation.region), required=True, help="region such as us-west-2"
    )
    parser.add_argument("--new-name", metavar="NAME", default="", help="name of the copy")
    add_confirmation_flags(parser)
    parser.set_defaults(handler=copy, needs=Needs.SERVICES)
    parser = add_noun(verbs, "delete", "destroy snapshots that no image rests on")
    add_target(parser, "snapshot", many=True)
    add_confirmation_flags(parser)
    parser.set_defaults(handler=delete, needs=Needs.SERVICES)


async def list_all(services: Services, call: Call) -> Reply:
    """Every snapshot of every region, or those of one volume."""
    found = await services.volumes.now()
    now, wanted = services.clock.now(), call.args.volume
    ids = {one.id for one in found.value.volumes if wanted in (one.id, one.key, one.name)} | {wanted}
    rows = [snapshot_row(one, now) for one in found.value.snapshots if not wanted or one.volume_id in ids]
    most = "usd_per_month_at_most"
    shown = [{**row, "age": output.age(row["age_seconds"]), most: month_words(row[most])} for row in rows]
    return listed(found, rows, output.table(shown, _COLUMNS, "no snapshots"))


async def show_one(services: Services, call: Call) -> Reply:
    """One snapshot: our row, and what its provider says."""
    snapshot = await services.volumes.find_snapshot(call.args.snapshot)
    told = await services.volumes.describe(snapshot.key)
    flat = snapshot_row(snapshot, services.clock.now())
    rows = [(key.replace("_", " "), value) for key, value in flat.items() if key != "tags"]
    text = output.facts(rows + [(f"tag {key}", value) for key, value in snapshot.tags])
    return Reply({**flat, "provider_says": told}, output.with_own_words(text, told))


async def restore(services: Services, call: Call) -> Reply:
    """Make a new volume of a snapshot, after its price was confirmed."""
    snapshot = await services.volumes.find_snapshot(call.args.snapshot)
    new = await new_volume(services, call, snapshot_id=snapshot.id, least_gib=snapshot.size_gib)
    return await carry(services, call, VolumeChange(Operation.VOLUME_CREATE, new=new))


async def copy(services: Services, call: Call) -> Reply:
    """Copy a snapshot to another region."""
    snapshot = await services.volumes.find_snapshot(call.args.snapshot)
    name = call.args.new_name
    return await carry(
        services, call, VolumeChange(Operation.SNAPSHOT_COPY, (snapshot.key,), region=call.args.to, name=name)
    )


async def delete(services: Services, call: Call) -> Reply:
    """Delete snapshots."""
    keys = [(await services.volumes.find_snapshot(reference)).key for reference in call.args.snapshots]
    return await carry(services, call, VolumeChange(Operation.SNAPSHOT_DELETE, tuple(keys)))
