"""Flags that describe a volume, and turning them into what is asked for; shared by two nouns."""

from __future__ import annotations

from runctl_tui.domain import figures, validation
from runctl_tui.domain.volume import NewVolume, Volume, VolumeChange, VolumeShape
from runctl_tui.domain.volume_shapes import LIMITS, NETWORK, NETWORK_LIMITS, USES, preset
from runctl_tui.headless.confirm import decide, show
from runctl_tui.headless.flags import strictly
from runctl_tui.headless.follow import carry_out, job_reply
from runctl_tui.headless.parser import Parser
from runctl_tui.headless.reply import Call, Reply
from runctl_tui.services.errors import ValidationError
from runctl_tui.services.ports_services import Services

TYPES = (*sorted(LIMITS), *NETWORK_LIMITS)


def add_shape_flags(parser: Parser, *, size_required: bool = False) -> None:
    """Add size, type, IOPS, throughput and the presets."""
    parser.add_argument("--size", type=strictly(figures.gib), metavar="GIB", required=size_required, help="size in GiB")
    parser.add_argument("--type", choices=TYPES, default="", metavar="TYPE", help=" ".join(TYPES))
    parser.add_argument("--iops", type=strictly(figures.whole), metavar="N", help="IOPS that type and size allow")
    parser.add_argument("--throughput", type=strictly(figures.whole), metavar="MIBS", help="MiB/s, gp3 only")
    uses = " ".join(USES)
    parser.add_argument("--use", choices=[*USES], default="", metavar="USE", help=f"IOPS and MiB/s that fit: {uses}")


def shape_of(call: Call, kind: str, size_gib: int) -> VolumeShape:
    """Return the shape that the flags ask for, given what holds where they say nothing."""
    args = call.args
    kind, size_gib = args.type or kind, args.size or size_gib
    if args.use and kind in NETWORK_LIMITS:
        raise ValidationError("--use chooses IOPS and MiB/s", f"{kind} has none to choose", "leave --use out")
    base = preset(args.use, kind, size_gib) if args.use else VolumeShape(kind, size_gib)
    return VolumeShape(kind, size_gib, args.iops or base.iops, args.throughput or base.throughput)


def modified_shape(call: Call, volume: Volume) -> VolumeShape:
    """Return what a volume shall become: what it is, but for what the flags say."""
    args, now = call.args, volume.shape
    if not any((args.size, args.type, args.iops, args.throughput, args.use)):
        raise ValidationError("nothing to modify", "", "say --size, --type, --iops, --throughput or --use")
    wanted = shape_of(call, now.type, now.size_gib)
    if args.use or wanted.type != now.type:
        return wanted
    return VolumeShape(now.type, wanted.size_gib, wanted.iops or now.iops, wanted.throughput or now.throughput)


async def new_volume(services: Services, call: Call, *, snapshot_id: str = "", least_gib: int = 0) -> NewVolume:
    """Return the volume that the flags ask for; without a zone it goes where a machine of ours is."""
    args = call.args
    zone = args.zone or await _zone(services, args.for_instance)
    try:
        provider = "aws" if validation.region_of(validation.zone(zone)) != zone else "runpod"
    except ValueError as error:
        raise ValidationError("There can be no volume there", str(error), "name it with --zone") from None
    shape = shape_of(call, "gp3" if provider == "aws" else NETWORK, least_gib)
    if (shape.type in NETWORK_LIMITS) is not (provider == "runpod"):
        raise ValidationError(f"There is no {shape.type} in {zone}", "", "choose another --type, or another --zone")
    project = args.project or (services.launcher.defaults().options or args).project
    return NewVolume(
        provider, zone, args.name, shape, project or "", provider == "aws" and not args.unencrypted, snapshot_id
    )


def add_place_flags(parser: Parser) -> None:
    """Add where a new volume goes and what it is called."""
    parser.add_argument("--new-name", dest="name", metavar="NAME", required=True, help="name of the new volume")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--zone", metavar="ZONE", default="", help="zone such as us-east-1a, or RunPod's data centre")
    group.add_argument("--for", dest="for_instance", metavar="INSTANCE", default="", help="in the zone of a machine")
    parser.add_argument("--project", metavar="PROJECT", default="", help="tag: which project pays for it")
    parser.add_argument("--unencrypted", action="store_true", help="do not encrypt it")


async def carry(services: Services, call: Call, change: VolumeChange) -> Reply:
    """Plan a change, and carry it out where it is confirmed."""
    plan = await services.actions.plan_volume(change)
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show(call, plan)
    return job_reply(await carry_out(services, call, plan, confirmation), plan)


async def _zone(services: Services, reference: str) -> str:
    machine = (await services.fleet.find(reference)).instance
    if not machine.zone:
        raise ValidationError(f"{machine.name or machine.id} is in no zone", "", "choose another machine, or --zone")
    return machine.zone
