"""The noun `processes`: what a machine is doing, and its processes, once or as long as it is watched."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from runctl_tui.domain.host import ORDERS, HostReading, most
from runctl_tui.headless import output
from runctl_tui.headless.host_rows import host_data, host_text
from runctl_tui.headless.parser import Nouns, Parser, UsageError, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply

if TYPE_CHECKING:
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports import Services


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun."""
    parser = add_noun(nouns, name, help_text)
    parser.add_argument("instance", metavar="INSTANCE", help="id, key or unique name; 'local' is this machine")
    parser.add_argument("--sort", choices=tuple(ORDERS), default="cpu", help="cpu, mem or gpu; cpu unless said")
    parser.add_argument("--top", metavar="N", type=int, default=20, help="processes shown at most (20; 0: all told)")
    parser.add_argument("--watch", action="store_true", help="again every two seconds; with --json one object a line")
    parser.add_argument("--count", metavar="N", type=int, default=0, help="with --watch: end after so many readings")
    parser.set_defaults(handler=show, needs=Needs.SERVICES)


async def show(services: Services, call: Call) -> Reply:
    """Measure a machine, once or until interrupted."""
    if call.args.top < 0 or call.args.count < 0:
        raise UsageError("--top and --count are numbers of at least 0")
    key = (await services.fleet.find(call.args.instance)).key
    if not call.args.watch:
        return _reply(await services.hosts.now(key), call)
    left = call.args.count
    async with aclosing(services.hosts.feed(key).watch()) as snapshots:  # type: ignore[type-var]  # a feed's generator
        async for snapshot in snapshots:
            reply = _reply(snapshot, call)
            left -= 1
            if left == 0:
                return reply
            _tell(reply, call)
    return Reply(None)


def _tell(reply: Reply, call: Call) -> None:
    if call.console.json:
        print(output.success(reply.data, reply.missing), file=call.console.stdout, flush=True)
        return
    print(f"{reply.text}\n", file=call.console.stdout, flush=True)
    for problem in reply.missing:
        call.console.progress(f"▲ {problem.what}{f': {problem.why}' if problem.why else ''}")


def _reply(snapshot: Snapshot[HostReading], call: Call) -> Reply:
    chosen = most(snapshot.value.processes, call.args.sort)[: call.args.top or None]
    data = host_data(snapshot.value, chosen, snapshot.taken_at)
    return Reply(data, host_text(snapshot.value, chosen), snapshot.missing)
