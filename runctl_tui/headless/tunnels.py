"""The noun `tunnels`: ports of machines on this machine's loopback interface."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from runctl_tui.domain import figures
from runctl_tui.domain.tunnel import PRESETS, Tunnel, TunnelState, gateway_command
from runctl_tui.headless import output
from runctl_tui.headless.confirm import add_dry_run
from runctl_tui.headless.parser import Nouns, Parser, UsageError, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.errors import HostLinkLost, ResourceNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runctl_tui.services.ports_services import Services

_COLUMNS = {
    "ID": "id",
    "MACHINE": "name",
    "PORT": "remote_port",
    "URL": "url",
    "STATE": "state",
    "CONNECTIONS": "connections",
    "IN": "in",
    "OUT": "out",
    "KEPT": "kept",
    "NOTE": "note",
}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "list", "list the tunnels that are kept, and whether they work")
    parser.set_defaults(handler=list_all, needs=Needs.ASLEEP)
    names = ", ".join(name.lower() for name, _ in PRESETS)
    parser = add_noun(verbs, "open", "make a port of a machine reachable here, until interrupted or as long as kept")
    parser.add_argument("instance", metavar="INSTANCE", help="id, key or unique name")
    parser.add_argument("port", metavar="PORT", help=f"port on the machine, or one of {names}")
    parser.add_argument("--local-port", metavar="N", default="", help="port here; without it the same or a free one")
    parser.add_argument("--keep", action="store_true", help="go on in a process of its own, until closed")
    add_dry_run(parser)
    parser.set_defaults(handler=open_one, needs=Needs.SERVICES)
    parser = add_noun(verbs, "close", "end a tunnel that is kept")
    parser.add_argument("id", metavar="ID", help="as listed")
    add_dry_run(parser)
    parser.set_defaults(handler=close, needs=Needs.ASLEEP)
    parser = add_noun(verbs, "hold", "be the process of a kept tunnel; the program starts it itself")
    parser.add_argument("id", metavar="ID", help="as listed")
    parser.set_defaults(handler=hold, needs=Needs.ASLEEP)


async def list_all(services: Services, call: Call) -> Reply:
    """Every tunnel that is kept."""
    rows = [tunnel_row(tunnel) for tunnel in await services.tunnels.now()]
    shown = [
        {**row, "in": output.size(_whole(row["received"])), "out": output.size(_whole(row["sent"]))} for row in rows
    ]
    return Reply(rows, output.table(shown, _COLUMNS, "no tunnels are kept"))


async def open_one(services: Services, call: Call) -> Reply:
    """Open a tunnel; one that is not kept ends with this call."""
    args = call.args
    if call.console.json and not (args.keep or args.dry_run):
        raise UsageError("--json needs --keep", todo="a tunnel that is not kept ends with the call")
    remote, local = port_of(args.port), port_of(args.local_port) if args.local_port else 0
    if args.dry_run:
        row = await services.fleet.find(args.instance)
        words = f"port {remote} of {row.instance.name or row.instance.id} would be opened here; nothing was: --dry-run"
        return Reply({"dry_run": True, "machine": row.key, "remote_port": remote, "local_port": local}, words)
    tunnel = await services.tunnels.open(args.instance, remote, local, keep=args.keep)
    if args.keep:
        return Reply(tunnel_row(tunnel), _words(tunnel, services.tunnels.gateway))
    call.console.out_line(tunnel.url)
    call.console.progress_text(_words(tunnel, services.tunnels.gateway))
    call.console.progress("ctrl+c ends it")
    before = tunnel.state
    async with aclosing(services.tunnels.feed.watch()) as snapshots:  # type: ignore[type-var]  # a feed's generator
        async for snapshot in snapshots:
            now = next((one for one in snapshot.value if one.id == tunnel.id), tunnel)
            if now.state is TunnelState.ENDED:
                raise HostLinkLost(f"The tunnel to {tunnel.name} has ended", now.note)
            if now.state is not before:
                call.console.progress(f"{now.state.value}{f': {now.note}' if now.note else ''}")
                before = now.state
    return Reply(tunnel_row(tunnel))


async def close(services: Services, call: Call) -> Reply:
    """End a tunnel."""
    if call.args.dry_run:
        return _would_close(await services.tunnels.now(), call.args.id)
    tunnel = await services.tunnels.close(call.args.id)
    return Reply({"closed": tunnel.id}, f"the tunnel to port {tunnel.remote_port} of {tunnel.name} is closed")


def _would_close(tunnels: Sequence[Tunnel], wanted: str) -> Reply:
    tunnel = next((one for one in tunnels if one.id == wanted), None)
    if tunnel is None:
        raise ResourceNotFound(f"There is no tunnel {wanted!r}", "", "list them: runctl-tui tunnels list")
    words = f"the tunnel to port {tunnel.remote_port} of {tunnel.name} would be closed; nothing was: --dry-run"
    return Reply({"dry_run": True, "id": tunnel.id}, words)


async def hold(services: Services, call: Call) -> Reply:
    """Forward until the tunnel is closed."""
    await services.tunnels.hold(call.args.id)
    return Reply({"held": call.args.id})


def tunnel_row(tunnel: Tunnel) -> output.Row:
    """Return a tunnel as a flat row."""
    return {
        "id": tunnel.id,
        "machine": tunnel.machine,
        "name": tunnel.name,
        "remote_port": tunnel.remote_port,
        "local_port": tunnel.local_port,
        "url": tunnel.url,
        "state": tunnel.state,
        "note": tunnel.note,
        "kept": tunnel.kept,
        "since": tunnel.since,
        "connections": tunnel.connections,
        "served": tunnel.served,
        "received": tunnel.received,
        "sent": tunnel.sent,
    }


def port_of(text: str) -> int:
    """Return a port by its number or by what usually has it."""
    named = {name.lower(): port for name, port in PRESETS}
    if text.lower() in named:
        return named[text.lower()]
    try:
        return figures.port(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no port", f"{error}, or one of {', '.join(named)}") from None


def _words(tunnel: Tunnel, gateway: str) -> str:
    words = f"port {tunnel.remote_port} of {tunnel.name} is at {tunnel.url}"
    words += f"\nit is kept until: runctl-tui tunnels close {tunnel.id}" if tunnel.kept else ""
    return words + (f"\non your own machine first: {gateway_command(tunnel, gateway)}" if gateway else "")


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
