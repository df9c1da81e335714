"""The end of single processes within `ActionService`'s one path: a close look, one signal, verified end."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.host import ProcessLook, process_reference, split_reference
from runctl_tui.domain.plan import Operation, Plan, Step, Target
from runctl_tui.domain.safety.processes import SIGNALS, process_words
from runctl_tui.services.action_calls import entry_for
from runctl_tui.services.action_facts import known
from runctl_tui.services.errors import (
    HostError,
    HostLinkLost,
    HostUnreachable,
    ResourceNotFound,
    StateError,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.safety import SafetyFacts
    from runctl_tui.services.action_calls import Caller
    from runctl_tui.services.action_facts import FactGatherer
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.jobs import JobHandle, StepHandle
    from runctl_tui.services.locks import LockSet

GRACE: Final = 10.0
"""Seconds that a process has for its end before it is said to be still there."""
FIRST_POLL: Final = 0.3
SLOWEST_POLL: Final = 2.0
_STUBBORN: Final = {
    Operation.PROCESS_END: ("", "KILL it from the menu (x), or with --signal KILL"),
    Operation.PROCESS_KILL: ("it waits in the kernel, for a disk or a driver", "it ends when that answers; look again"),
}


@dataclass(frozen=True, slots=True)
class ProcessActions:
    """Looks at processes, and ends them; locks, confirmation and re-check are `ActionService`'s."""

    facts: FactGatherer
    hosts: HostBook
    caller: Caller
    locks: LockSet

    async def look(self, operation: Operation, planned: Mapping[str, str | None]) -> list[SafetyFacts]:
        """Return the facts about processes, each named by `process_reference`, with the account of its plan."""
        on: dict[str, list[str]] = {}
        for reference in planned:
            on.setdefault(_parts(reference)[0], []).append(reference)
        found: dict[str, SafetyFacts] = {}
        for machine, references in on.items():
            row = await self.facts.fleet.find(machine)
            looks = await known(self._looks(row.instance, [_parts(one)[1:] for one in references]))
            each = [(one, _nth(looks, place)) for place, one in enumerate(references)]
            gathered = [self._facts(operation, row, one, look, planned[one]) for one, look in each]
            found.update(zip(references, await asyncio.gather(*gathered), strict=True))
        return [found[reference] for reference in planned]

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """Return the visible steps of carrying a plan out."""
        return tuple(
            step
            for target in plan.targets
            for step in (
                Step(f"call:{target.id}", f"send {SIGNALS[plan.operation]} to {process_words(target)}"),
                Step(f"wait:{target.id}", f"wait until {process_words(target)} has ended"),
            )
        )

    async def end(self, plan: Plan, target: Target, job: JobHandle) -> str:
        """Send one process its signal, written down before, and see it end."""
        machine, pid, start = _parts(target.key)
        if start is None:
            raise StateError(f"when process {pid} began is not known", "", "make the plan again")
        instance = (await self.facts.fleet.find(machine)).instance
        job.set(instance_id=instance.id)
        ending = _Ending(plan.operation, target, instance, pid, start)
        entry = entry_for(plan, target, target.key, f"op-{uuid.uuid4().hex}")
        words = await self.caller.execute(entry, lambda: self._end(ending, job))
        self.locks.forget(target.key)
        return words

    async def _looks(
        self, instance: Instance, processes: Sequence[tuple[int, int | None]]
    ) -> Fact[tuple[ProcessLook, ...]]:
        agent = await self.hosts.agent(instance)
        looks = await agent.look_at(processes)
        host = instance.name or instance.id
        found = tuple(replace(look, host=host) for look in looks)
        return Known(found, self.facts.clock.now(), "agent on the host")

    async def _facts(
        self, operation: Operation, row: FleetRow, reference: str, look: Fact[ProcessLook], planned_account: str | None
    ) -> SafetyFacts:
        """Return the facts about one process; ResourceNotFound where a number without a start means none."""
        machine, name = row.instance, ""
        _, pid, start = _parts(reference)
        if isinstance(look, Known):
            process = look.value.process
            if process is None and start is None:
                what = f"there is no process {pid} on {look.value.host}"
                raise ResourceNotFound(what, "", f"list them: runctl-tui processes {machine.id}")
            name, start = (process.name, process.start) if process is not None else ("", start)
        process_id = process_reference(machine.id, pid, start)
        target = Target("process", process_id, name, machine.provider, machine.region)
        provider = self.facts.registry.get(machine.provider)
        base = await self.facts.base(operation, provider, target, target.key, planned_account)
        at = self.facts.clock.now()
        return replace(
            base,
            at=at,
            process=look,
            ownership=Known(machine.ownership, at, provider.label),
            tags=Known(machine.tags, at, provider.label),
        )

    async def _end(self, ending: _Ending, job: JobHandle) -> str:
        target = ending.target
        agent = await self.hosts.agent(ending.instance)
        async with job.step(f"call:{target.id}") as step:
            try:
                sent = await agent.signal(ending.pid, ending.start, SIGNALS[ending.operation])
            except HostLinkLost as error:
                step.progress(detail=f"{error}: looking whether it arrived")
                sent = True
        if not sent:
            job.skip(f"wait:{target.id}", "it had ended already")
            return f"{ending.pid} had ended already"
        async with job.step(f"wait:{target.id}") as step:
            await self._wait(ending, step)
        return f"{ending.pid} has ended"

    async def _wait(self, ending: _Ending, step: StepHandle) -> None:
        """Look until it has ended; a look that fails is no failure of the signal."""
        clock, began = self.caller.clock, self.caller.clock.monotonic()
        unseen: HostError | None = None
        nap = FIRST_POLL
        while (waited := clock.monotonic() - began) < GRACE:
            try:
                agent = await self.hosts.agent(ending.instance)
                state = await agent.process_state(ending.pid, ending.start)
            except (HostLinkLost, HostUnreachable) as error:
                unseen = error
                step.progress(detail=f"could not look: {error}")
            else:
                if not state:
                    return
                unseen = None
                step.progress(waited / GRACE, f"still there, {waited:.0f} s after {SIGNALS[ending.operation]}")
            await self.caller.sleep(nap)
            nap = min(nap * 1.5, SLOWEST_POLL)
        if unseen is not None:
            raise HostLinkLost(f"whether {ending.pid} has ended is not known", str(unseen), "look again")
        sent, (why, todo) = SIGNALS[ending.operation], _STUBBORN[ending.operation]
        raise HostError(f"{ending.pid} is still there {GRACE:.0f} s after {sent}", why, todo, code="process.stays")


@dataclass(frozen=True, slots=True)
class _Ending:
    """One process that is being ended."""

    operation: Operation
    target: Target
    instance: Instance
    pid: int
    start: int


def _parts(reference: str) -> tuple[str, int, int | None]:
    try:
        return split_reference(reference)
    except ValueError:
        raise ValidationError(f"{reference!r} names no process", "", "a number, as processes are listed") from None


def _nth(looks: Fact[tuple[ProcessLook, ...]], place: int) -> Fact[ProcessLook]:
    return looks if isinstance(looks, Unknown) else Known(looks.value[place], looks.observed_at, looks.source)
