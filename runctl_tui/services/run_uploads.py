"""Bringing what runs have written to S3, within `ActionService`'s one path: place, one call to the host, all there.

The host's uploader does the sending, so that it goes on when this program ends; a run that has ended is sent too.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.objects import address
from runctl_tui.domain.plan import Operation, Plan, Step, Target
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run_uploads import NO_PLACE, Destination, RunUpload
from runctl_tui.domain.safety.run_uploads import sendable, total_size
from runctl_tui.services.action_calls import entry_for
from runctl_tui.services.action_facts import known
from runctl_tui.services.action_plans import effect_of, plan_of
from runctl_tui.services.errors import CloudProviderError, ResourceNotFound, TrainctlError, ValidationError
from runctl_tui.services.ports import Checkpoints
from runctl_tui.services.run_arrivals import Arrivals
from runctl_tui.services.training.request import run_prefix, s3_location, upload_place

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from decimal import Decimal

    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.domain.safety import CleanupSafety, SafetyFacts
    from runctl_tui.services.action_calls import Caller
    from runctl_tui.services.action_facts import FactGatherer
    from runctl_tui.services.checkpoints.join import StoredFile
    from runctl_tui.services.jobs import JobHandle
    from runctl_tui.services.training.agent_client import AgentClient

SAY_WHERE: Final = "say where to: --to s3://bucket/prefix, or s3.bucket in the configuration"


class SendingRuns(Protocol):
    """The part of the register of runs that uploads need."""

    async def find(self, reference: str) -> TrainingSession:
        """The run with this id."""

    async def remember(self, session: TrainingSession) -> None:
        """Write a run down."""

    async def agent_of(self, session: TrainingSession) -> AgentClient:
        """The agent of a run's host."""


class SentCheckpoints(Checkpoints, Protocol):
    """The checkpoints, and whatever else of runs lies in S3."""

    async def stored(self, bucket: str, prefix: str) -> Sequence[StoredFile]:
        """What lies below a prefix, with the checksums that uploaders recorded."""


@dataclass(frozen=True, slots=True)
class UploadParts:
    """What uploads of runs work with."""

    facts: FactGatherer
    caller: Caller
    safety: CleanupSafety
    runs: SendingRuns
    checkpoints: SentCheckpoints
    usual_place: Callable[[], str]
    """The configured s3://bucket/prefix; empty: there is none."""
    region_of: Callable[[str], Awaitable[str]]
    """Asks where a place's bucket is; raises where there is no such bucket."""
    month: Callable[[str, int], Fact[Decimal]]
    """Returns dollars per month of so many bytes in a region, without asking anybody."""
    relay: Callable[[], None]
    """Sees to it that the relay works, where hosts need presigned URLs."""


class RunUploads:
    """Plans uploads of runs and carries them out; locks, confirmation and re-check are `ActionService`'s."""

    def __init__(self, parts: UploadParts) -> None:
        self._parts = parts

    async def plan(self, request: RunUpload, planned: Mapping[str, str]) -> tuple[Plan, list[SafetyFacts]]:
        """Freeze what would be sent; `planned` tells the accounts of an earlier plan by provider."""
        if not request.runs:
            raise ValidationError("nothing to upload", "", "name at least one run")
        if request.to:
            s3_location(request.to)
        batch = await asyncio.gather(*(self._facts(one, request.to, planned) for one in dict.fromkeys(request.runs)))
        verdict = self._parts.safety.judge_batch(Operation.RUN_UPLOAD, batch)
        effect = "; ".join(effect_of(Operation.RUN_UPLOAD, facts) for facts in batch)
        parameters = (("to", request.to),) if request.to else ()
        return plan_of(Operation.RUN_UPLOAD, batch, verdict, effect, parameters), list(batch)

    async def again(self, plan: Plan) -> tuple[Plan, list[SafetyFacts]]:
        """Make a plan again from strong reads, for the accounts that it was made for."""
        runs = tuple(target.id for target in plan.targets)
        return await self.plan(RunUpload(runs, dict(plan.parameters).get("to", "")), _accounts(plan))

    async def look(self, plan: Plan, target: Target) -> SafetyFacts:
        """Return the facts about one run of a plan as they are now."""
        return await self._facts(target.id, dict(plan.parameters).get("to", ""), _accounts(plan))

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """Return the visible steps of carrying a plan out."""
        return tuple(
            step
            for target in plan.targets
            for name in [target.name or target.id]
            for step in (
                Step(f"call:{target.id}", f"have its host upload {name}"),
                Step(f"wait:{target.id}", f"wait until the checkpoints of {name} are verified in S3"),
            )
        )

    async def send(self, plan: Plan, facts: SafetyFacts, job: JobHandle) -> str:
        """Have one run sent, written down before, and see its checkpoints arrive."""
        job.set(run_id=facts.target.id)
        entry = entry_for(plan, facts.target, facts.target.id, f"op-{uuid.uuid4().hex}")
        return await self._parts.caller.execute(entry, lambda: self._send(facts, job))

    async def _send(self, facts: SafetyFacts, job: JobHandle) -> str:
        parts, run_id = self._parts, facts.target.id
        place = _place(facts)
        async with job.step(f"call:{run_id}") as step:
            session = await parts.runs.find(run_id)
            agent = await parts.runs.agent_of(session)
            if not place.own:
                await parts.runs.remember(replace(session, output_dest=place.place))
            there = await self._there(place, run_id)
            step.progress(detail=place.folder)
            await self._ask(agent, run_id, place, there)
        async with job.step(f"wait:{run_id}") as step:
            wanted = {one.name: one.size_bytes or 0 for one in sendable(facts)}
            arrivals = Arrivals(agent, parts.checkpoints, parts.relay, parts.caller.clock, parts.caller.sleep)
            return await arrivals.wait(run_id, wanted, step, job)

    async def _ask(
        self, agent: AgentClient, run_id: str, place: Destination, there: dict[str, tuple[int, str]]
    ) -> None:
        where = upload_place(place.place, place.region)
        assert where is not None
        await agent.send(run_id, where, there)
        self._parts.relay()

    async def _there(self, place: Destination, run_id: str) -> dict[str, tuple[int, str]]:
        """Return what S3 has of a run by now, so that its host sends again what was deleted."""
        files = await self._parts.checkpoints.stored(*run_prefix(place.place, run_id))
        return {file.path: (file.size, file.sha256) for file in files}

    async def _facts(self, reference: str, to: str, planned: Mapping[str, str]) -> SafetyFacts:
        """Return the facts about one run; raises where the reference does not name one."""
        facts = self._parts.facts
        session = await facts.evidence.run(reference)
        base, state, place = await asyncio.gather(
            facts.run(Operation.RUN_UPLOAD, session, planned.get(session.provider)),
            self._state(session),
            self._place_of(session, to),
        )
        base = replace(base, state=state, destination=place, at=facts.clock.now())
        return base if isinstance(place, Unknown) else replace(base, destination=self._priced(place, base))

    async def _state(self, session: TrainingSession) -> Fact[ResourceState]:
        """Return how the machine of a run is; one that is listed no more is gone."""
        now = self._parts.facts.clock.now
        try:
            row = await self._parts.facts.fleet.find(session.machine_key)
        except ResourceNotFound:
            return Known(ResourceState.TERMINATED, now(), "list of machines")
        except TrainctlError as error:
            return Unknown(str(error))
        return Known(row.instance.state, now(), "list of machines")

    async def _place_of(self, session: TrainingSession, to: str) -> Fact[Destination]:
        own = session.output_dest
        if own and to and run_prefix(own, session.id) != run_prefix(to, session.id):
            there, elsewhere = (address(*run_prefix(place, session.id)) for place in (own, to))
            todo = f"upload it there, then: s3 cp --recursive {there} {elsewhere}"
            what = f"{session.id} is uploaded to {there} already"
            raise ValidationError(what, "a run has one place", todo)
        place = own or to or self._parts.usual_place()
        if not place:
            return Unknown("nobody has said where in S3 it shall go", SAY_WHERE, NO_PLACE)
        return await known(self._looked_at(place, session.id, bool(own)))

    async def _looked_at(self, place: str, run_id: str, own: bool) -> Fact[Destination]:
        bucket, prefix = run_prefix(place, run_id)
        region = await self._parts.region_of(place)
        return Known(Destination(place, address(bucket, prefix), region, own), self._parts.facts.clock.now(), "S3")

    def _priced(self, place: Known[Destination], facts: SafetyFacts) -> Known[Destination]:
        size = total_size(sendable(facts))
        month = Unknown("a size is not told") if size is None else self._parts.month(place.value.region, size)
        return replace(place, value=replace(place.value, usd_per_month=month))


def _accounts(plan: Plan) -> Mapping[str, str]:
    return {one.provider: dict(plan.accounts).get(one.provider, plan.account) for one in plan.targets}


def _place(facts: SafetyFacts) -> Destination:
    if isinstance(facts.destination, Unknown):
        raise CloudProviderError(f"where {facts.target.name} would go is not known", facts.destination.reason)
    return facts.destination.value
