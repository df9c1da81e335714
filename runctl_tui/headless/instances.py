"""The noun `instances`: machines of every provider."""

from __future__ import annotations

from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.marks import INSTANCE
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.protection import protection_words
from runctl_tui.headless import marks, output
from runctl_tui.headless.confirm import add_confirmation_flags, decide, show
from runctl_tui.headless.follow import carry_out, job_reply
from runctl_tui.headless.launching import add_machine_flags, launch, machine_request
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_target, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply, about, check_provider, listed
from runctl_tui.headless.rows import instance_facts, instance_row
from runctl_tui.headless.ssh import ssh
from runctl_tui.headless.waiting import add_wait_flags, wait
from runctl_tui.services.errors import ResourceNotFound
from runctl_tui.services.ports_services import Services

_COLUMNS = {
    "NAME": "name",
    "ID": "id",
    "STATE": "state",
    "TYPE": "type",
    "GPU": "gpu",
    "REGION": "region",
    "AGE": "age",
    "$/H": "usd_per_hour",
    "SO FAR": "so_far_usd",
    "RUN": "run",
}
_CHANGES = {
    "start": (Operation.START, "start stopped machines; they cost money again"),
    "stop": (Operation.STOP, "stop running machines; their disks stay and are paid for"),
    "terminate": (Operation.TERMINATE, "destroy machines and the disks that die with them"),
}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    add_common_verbs(verbs, "INSTANCE")
    marks.register(verbs, INSTANCE)
    parser = add_noun(verbs, "describe", "say everything about one machine, in its provider's own words too")
    add_target(parser, "instance")
    parser.set_defaults(handler=describe, needs=Needs.SERVICES)
    parser = add_noun(verbs, "launch", "create a machine")
    add_machine_flags(parser)
    add_confirmation_flags(parser, launches=True)
    parser.set_defaults(handler=create, needs=Needs.SERVICES)
    parser = add_noun(verbs, "wait", "wait until a machine is running, stopped, terminated, reachable, or done")
    add_target(parser, "instance")
    add_wait_flags(parser)
    parser.set_defaults(handler=wait, needs=Needs.SERVICES)
    parser = add_noun(verbs, "ssh", "open a shell on a machine, or run what follows '--' there")
    add_target(parser, "instance")
    parser.set_defaults(handler=ssh, needs=Needs.SERVICES, takes_rest=True)


def add_common_verbs(verbs: Nouns[Parser], metavar: str, provider: str = "") -> None:
    """Add the verbs that machines of any provider share; with a provider they are about its machines only."""
    what = f"{metavar.lower()}s" if provider else "machines"
    parser = add_noun(verbs, "list", f"list {what} with state, type, price and money so far")
    parser.set_defaults(handler=list_all, needs=Needs.SERVICES, only=provider)
    parser = add_noun(verbs, "show", f"say every fact about one of the {what}, one line each")
    add_target(parser, "instance", metavar=metavar)
    parser.set_defaults(handler=show_one, needs=Needs.SERVICES, only=provider)
    for verb, (_, words) in _CHANGES.items():
        parser = add_noun(verbs, verb, words)
        add_target(parser, "instance", many=True, metavar=metavar)
        add_confirmation_flags(parser)
        parser.set_defaults(handler=change, needs=Needs.SERVICES, only=provider)


async def list_all(services: Services, call: Call) -> Reply:
    """Every machine of every provider, or of one."""
    check_provider(services, call.args.only)
    snapshot = await services.fleet.now()
    now = services.clock.now()
    rows = [instance_row(row, now) for row in snapshot.value if call.args.only in ("", row.instance.provider)]
    shown = [{**row, "age": output.age(row["age_seconds"])} for row in rows]
    return listed(about(snapshot, call.args.only), rows, output.table(shown, _COLUMNS, "no machines"))


async def find(services: Services, call: Call, reference: str) -> FleetRow:
    """Return the machine that a reference means; ResourceNotFound for one of another provider than asked for."""
    row = await services.fleet.find(reference)
    if call.args.only not in ("", row.instance.provider):
        what = f"{reference!r} is a machine of {row.instance.provider}, not of {call.args.only}"
        raise ResourceNotFound(what, todo=f"'runctl-tui instances {call.args.verb}' takes any machine")
    return row


async def show_one(services: Services, call: Call) -> Reply:
    """One machine as flat facts."""
    row, now = await find(services, call, call.args.instance), services.clock.now()
    words, _ = protection_words(dict(row.instance.tags), await services.fleet.protections(row.key), now)
    flat = {**instance_facts(row, now), "protected": words}
    return Reply(flat, output.facts((key, output.cell(value, 400)) for key, value in flat.items()))


async def describe(services: Services, call: Call) -> Reply:
    """One machine: our row, and what its provider says."""
    row = await services.fleet.find(call.args.instance)
    told = await services.fleet.describe(row.key)
    flat = instance_row(row, services.clock.now())
    data = {**flat, "disks": row.instance.disks, "price": _price_words(row), "provider_says": told}
    text = output.facts(
        [(key.replace("_", " "), value) for key, value in flat.items() if key != "tags"]
        + [("price", _price_words(row))]
        + [
            (f"disk {disk.volume_id}", _disk_words(disk.size_gib, disk.delete_on_termination))
            for disk in row.instance.disks
        ]
        + [(f"tag {key}", value) for key, value in row.instance.tags]
    )
    return Reply(data, output.with_own_words(text, told))


async def create(services: Services, call: Call) -> Reply:
    """Create a machine, after its price was confirmed."""
    return await launch(services, call, await machine_request(services, call))


async def change(services: Services, call: Call) -> Reply:
    """Start, stop or terminate machines."""
    operation, _ = _CHANGES[call.args.verb]
    keys = [(await find(services, call, reference)).key for reference in call.args.instances]
    plan = await services.actions.plan(operation, keys)
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show(call, plan)
    return job_reply(await carry_out(services, call, plan, confirmation), plan)


def _price_words(row: FleetRow) -> str:
    if isinstance(row.price, Known):
        price = row.price.value
        estimate = ", an estimate" if price.estimate else ""
        return f"{output.dollars(price.usd_per_hour)} per hour ({price.kind}, {price.source}, {price.as_of}{estimate})"
    return f"unknown: {row.price.reason}"


def _disk_words(gib: int | None, dies: bool | None) -> str:
    fate = {True: "dies with the machine", False: "stays", None: "its fate is unknown"}[dies]
    return f"{'?' if gib is None else gib} GiB, {fate}"
