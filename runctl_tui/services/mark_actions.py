"""Claims, protections and dates of deletion within `ActionService`'s one path: plan, steps, call, verified marks."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Known
from runctl_tui.domain.marks import INSTANCE, Mark, MarkRequest, mark_of, wrong_with
from runctl_tui.domain.safety.cleanup import already_done
from runctl_tui.services.action_calls import entry_for
from runctl_tui.services.action_plans import call_steps, plan_of
from runctl_tui.services.errors import CloudProviderError, PlanChanged, ValidationError
from runctl_tui.services.journal_rows import JournalState
from runctl_tui.services.mark_store import mark_store

if TYPE_CHECKING:
    from runctl_tui.domain.plan import Plan, Step, Target
    from runctl_tui.domain.safety import CleanupSafety, SafetyFacts
    from runctl_tui.services.action_calls import Caller
    from runctl_tui.services.action_facts import FactGatherer
    from runctl_tui.services.jobs import JobHandle
    from runctl_tui.services.volume_facts import VolumeFactGatherer

_REMEMBERED: Final = 32
"""Requests whose plans may still be confirmed."""
LOOKS: Final = 15
"""How often it is looked whether a mark is there, two seconds apart, before that is said to be unknown."""
NAP: Final = 2.0


@dataclass(frozen=True, slots=True)
class MarkParts:
    """What changes of marks work with."""

    facts: FactGatherer
    volumes: VolumeFactGatherer
    caller: Caller
    safety: CleanupSafety


class MarkActions:
    """Plans and carries out changes of marks; locks, confirmation and re-check are `ActionService`'s."""

    def __init__(self, parts: MarkParts) -> None:
        self._parts = parts
        self._requests: OrderedDict[str, MarkRequest] = OrderedDict()

    async def plan(self, request: MarkRequest, planned_account: str | None) -> tuple[Plan, list[SafetyFacts]]:
        """Freeze what a request would mark, with its verdict and the facts behind it."""
        if wrong := wrong_with(request, self._parts.facts.clock.now().date()):
            raise ValidationError(f"{request.operation.verb}: {wrong}")
        batch = [await self._facts(request, one, planned_account) for one in dict.fromkeys(request.references)]
        verdict = self._parts.safety.judge_batch(request.operation, batch)
        effect = "; ".join(_effect(request, facts) for facts in batch)
        marks = tuple((f"{facts.target.id} becomes", _mark(facts).words) for facts in batch)
        plan = plan_of(request.operation, batch, verdict, effect, marks)
        self._requests[plan.hash] = request
        while len(self._requests) > _REMEMBERED:
            self._requests.popitem(last=False)
        return plan, batch

    async def again(self, plan: Plan) -> tuple[Plan, list[SafetyFacts]]:
        """Make a plan again from strong reads, for the account that it was made for."""
        return await self.plan(self._request_of(plan), plan.account)

    async def look(self, plan: Plan, target: Target) -> SafetyFacts:
        """Return the facts about one target of a plan as they are now."""
        return await self._facts(self._request_of(plan), target.key, plan.account)

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """Return the visible steps of carrying a plan out."""
        return call_steps(plan, "{name} is marked so")

    async def carry_out(self, plan: Plan, target: Target, facts: SafetyFacts, job: JobHandle) -> str:
        """Mark one target: asked by dry run, written down, called once, read until it is there."""
        caller, mark = self._parts.caller, _mark(facts)
        store = mark_store(caller.registry, target.provider)
        async with job.step(f"ask:{target.id}"):
            await store.change(target.id, target.region, mark, dry=True)
        entry = replace(entry_for(plan, target, target.key, f"op-{uuid.uuid4().hex}"), token=mark.to_text())
        async with job.step(f"call:{target.id}"):
            await caller.call(entry, lambda: store.change(target.id, target.region, mark))
        async with job.step(f"wait:{target.id}"):
            await self._seen(target, mark, entry.op_id)
        words = f"{target.name or target.id}: {mark.words}"
        await caller.journal.mark(entry.op_id, JournalState.VERIFIED, words)
        return words

    def _request_of(self, plan: Plan) -> MarkRequest:
        request = self._requests.get(plan.hash)
        if request is None:
            raise PlanChanged("this plan is not known any more", "", "make it again")
        return request

    async def _seen(self, target: Target, mark: Mark, op_id: str) -> None:
        caller = self._parts.caller
        store, provider = mark_store(caller.registry, target.provider), caller.registry.get(target.provider)
        for _ in range(LOOKS):
            lock = await provider.protections(target.id, target.region) if target.kind == INSTANCE else None
            known = lock.value if isinstance(lock, Known) else None
            if mark.holds(await store.tags(target.id, target.region), known):
                return
            await caller.sleep(NAP)
        await caller.journal.mark(op_id, JournalState.AMBIGUOUS, "the marks are not seen")
        what = f"{target.name or target.id} is not marked so after {LOOKS * NAP:.0f} s"
        raise CloudProviderError(what, "the call was accepted", "look at it again later", transient=True)

    async def _facts(self, request: MarkRequest, reference: str, planned_account: str | None) -> SafetyFacts:
        parts = self._parts
        if request.kind == INSTANCE:
            row = await parts.facts.fleet.find(reference)
            facts = await parts.facts.instance(request.operation, row, planned_account)
        else:
            facts = await parts.volumes.about(request.operation, request.kind, reference, planned_account)
        tags = dict(facts.tags.value) if isinstance(facts.tags, Known) else {}
        return replace(facts, mark=mark_of(request, facts.policy.who, tags))


def _mark(facts: SafetyFacts) -> Mark:
    return facts.mark or Mark()


def _effect(request: MarkRequest, facts: SafetyFacts) -> str:
    """Return one sentence about one target; no ages or times of the day in it."""
    name = f' "{facts.target.name}"' if facts.target.name else ""
    what = f"{facts.target.id}{name}"
    if (done := already_done(request.operation, facts)) is not None:
        return f"nothing on {what}: {done.text}"
    return f"{request.operation.verb} {what}: {_mark(facts).words}"
