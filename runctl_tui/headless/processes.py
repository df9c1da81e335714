"""The noun `processes`: what a machine is doing, once or as long as it is watched, and the end of its processes."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.host import ORDERS, HostReading, most, process_reference
from runctl_tui.domain.plan import Operation
from runctl_tui.headless import output
from runctl_tui.headless.confirm import add_confirmation_flags, decide
from runctl_tui.headless.confirm import show as show_plan
from runctl_tui.headless.follow import carry_out, job_reply
from runctl_tui.headless.host_rows import host_data, host_text
from runctl_tui.headless.parser import Nouns, Parser, UsageError, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply

if TYPE_CHECKING:
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports_services import Services


_SIGNALS: Final = {"TERM": Operation.PROCESS_END, "KILL": Operation.PROCESS_KILL}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun."""
    parser = add_noun(nouns, name, help_text)
    parser.add_argument("instance", metavar="INSTANCE", help="id, key or unique name; 'local' is this machine")
    parser.add_argument("--sort", choices=tuple(ORDERS), default="cpu", help="cpu, mem or gpu; cpu unless said")
    parser.add_argument("--top", metavar="N", type=int, default=20, help="processes shown at most (20; 0: all told)")
    parser.add_argument("--watch", action="store_true", help="again every two seconds; with --json one object a line")
    parser.add_argument("--count", metavar="N", type=int, default=0, help="with --watch: end after so many readings")
    parser.set_defaults(handler=show, needs=Needs.SERVICES)
    end_parser = add_noun(add_verbs(parser, required=False), "end", "end processes; what they have not saved is lost")
    end_parser.add_argument("pids", metavar="PID", nargs="+", type=int, help="number, as listed")
    end_parser.add_argument("--signal", choices=tuple(_SIGNALS), default="TERM", help="TERM asks, KILL does not (TERM)")
    add_confirmation_flags(end_parser)
    end_parser.set_defaults(handler=end, needs=Needs.SERVICES)


async def end(services: Services, call: Call) -> Reply:
    """End processes of a machine, by plan."""
    if any(pid < 1 for pid in call.args.pids):
        raise UsageError("PID is a number of at least 1")
    key = (await services.fleet.find(call.args.instance)).key
    references = [process_reference(key, pid, None) for pid in dict.fromkeys(call.args.pids)]
    plan = await services.actions.plan(_SIGNALS[call.args.signal], references)
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show_plan(call, plan)
    return job_reply(await carry_out(services, call, plan, confirmation), plan)


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
        call.console.answer(output.success(reply.data, reply.missing))
        return
    call.console.answer(f"{reply.text}\n")
    for problem in reply.missing:
        call.console.progress(output.missing_text(problem))


def _reply(snapshot: Snapshot[HostReading], call: Call) -> Reply:
    chosen = most(snapshot.value.processes, call.args.sort)[: call.args.top or None]
    data = host_data(snapshot.value, chosen, snapshot.taken_at)
    return Reply(data, host_text(snapshot.value, chosen), snapshot.missing)
