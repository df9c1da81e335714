"""`StorageDesk`: the one path by which anything in S3 is changed: plan, re-check, journal, call, verified state.

`ActionService` hands it what is about objects. A plain download changes nothing there and passes no rules.
"""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import ownership_of
from runctl_tui.domain.objects import (
    SCHEME,
    CopyRequest,
    DeleteRequest,
    Deletion,
    LocalDeletion,
    ObjectChangeFacts,
    ObjectEntry,
    Transfer,
    Versioning,
    address,
    last_part,
    split_address,
)
from runctl_tui.domain.plan import Confirmation, Operation, Plan, Step, Target
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.safety import CleanupSafety, SafetyFacts, access
from runctl_tui.services.action_calls import Caller, entry_for
from runctl_tui.services.action_checks import check_confirmation, check_policy, check_unchanged
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.errors import PlanChanged, ResourceNotFound, TrainctlError, ValidationError
from runctl_tui.services.jobs import JobBoard, JobHandle
from runctl_tui.services.locks import LockSet
from runctl_tui.services.storage.carry import Carrier
from runctl_tui.services.storage.heirlooms import Heirlooms, Heritage, checkpoints_among, newest_among
from runctl_tui.services.storage.survey import Survey
from runctl_tui.services.storage.words import (
    both,
    deletion_plan,
    download_plan,
    local_deletion_plan,
    transfer_plan,
)
from runctl_tui.services.witnesses import arrivals_token, token_of

PROVIDER: Final = "aws"
LOCAL: Final = "local"
ON_FILES: Final = CleanupSafety((access.read_only, access.identity_changed, access.reconcile_first, access.no_journal))
"""What is asked about files of this machine, which have no tags and no provider that keeps them."""
_REMEMBERED: Final = 32
"""Requests whose plans may still be confirmed."""
Request: TypeAlias = CopyRequest | DeleteRequest
Work: TypeAlias = Callable[[JobHandle], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class StorageParts:
    """What the desk works with."""

    facts: FactGatherer
    caller: Caller
    locks: LockSet
    jobs: JobBoard
    survey: Survey
    carrier: Carrier
    heirlooms: Heirlooms
    month: Callable[[str, str, int], Fact[Decimal]]
    """Dollars per month of so many bytes of a class of storage in a region."""
    safety: CleanupSafety = field(default_factory=CleanupSafety)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, what carries it out, and what its row in the journal keeps for whoever looks later how far it came."""

    plan: Plan
    work: Work
    keeps: str = ""


class StorageDesk:
    """Plans and commits."""

    def __init__(self, parts: StorageParts) -> None:
        self._parts = parts
        self._requests: OrderedDict[str, Request] = OrderedDict()

    async def plan(self, request: Request) -> Plan:
        """Freeze what a request would do, with its verdict."""
        plan = (await self._plan(request, None)).plan
        self._requests[plan.hash] = request
        while len(self._requests) > _REMEMBERED:
            self._requests.popitem(last=False)
        return plan

    async def commit(self, plan: Plan, confirmation: Confirmation) -> str:
        """Carry a confirmed plan out as a job; Refused or PlanChanged where it may not."""
        check_confirmation(plan, confirmation)
        request = self._requests.get(plan.hash)
        if request is None:
            raise PlanChanged("this plan is not known any more", "", "make it again")
        reading = plan.operation is Operation.S3_COPY and not changes_cloud(request)
        if not reading:
            check_policy(plan, confirmation, self._parts.facts.policy())
        held = self._hold(plan)
        try:
            fresh = await self._plan(request, plan.account)
            check_unchanged(plan, fresh.plan, confirmation)
            prepared = replace(fresh, plan=plan)
            return self._parts.jobs.start(plan.effect, _steps(request), self._journaled(prepared, held, reading))
        except BaseException:
            held.close()
            raise

    async def _plan(self, request: Request, planned_account: str | None) -> Prepared:
        if isinstance(request, DeleteRequest):
            return await self._plan_deletion(request, planned_account)
        carrier = self._parts.carrier
        transfer = await self._parts.survey.transfer(request)
        if not transfer.changes_cloud:
            plan = download_plan(transfer, self._parts.facts.clock.now())
            if transfer.surplus_here is not None and transfer.surplus_here.files:
                return await self._with_deletion_here(transfer, transfer.surplus_here, plan, planned_account)
            return Prepared(plan, lambda job: carrier.transfer(transfer, job))
        facts = await self._transfer_facts(transfer, planned_account)
        plan = transfer_plan(transfer, facts, self._parts.safety.judge(transfer.request.operation, facts))
        if transfer.surplus:
            return await self._with_deletion(transfer, plan, planned_account)
        keeps = arrivals_token(transfer.items, request.move)
        return Prepared(plan, lambda job: carrier.transfer(transfer, job), keeps)

    async def _plan_deletion(self, request: DeleteRequest, planned_account: str | None) -> Prepared:
        if not (request.keys or request.prefixes):
            raise ValidationError("nothing to delete", todo="name an object, or a folder with --recursive")
        deletion = await self._parts.survey.deletion(request)
        facts = await self._deletion_facts(request, deletion, planned_account)
        verdict = self._parts.safety.judge(Operation.S3_DELETE, facts)
        targets = await self._targets(request)
        month = self._month(targets[0].region, deletion.objects)
        plan = deletion_plan(request, deletion, facts, verdict, targets, month)
        keeps = token_of([target.id for target in targets])
        return Prepared(plan, lambda job: self._parts.carrier.delete(deletion, request, job), keeps)

    async def _with_deletion(self, transfer: Transfer, copying: Plan, account: str | None) -> Prepared:
        """Copy first, then delete what is surplus: one plan, as strict as both."""
        bucket = transfer.surplus[0].bucket
        deletion = Deletion(bucket, transfer.surplus)
        request = DeleteRequest(bucket, tuple(entry.key for entry in transfer.surplus))
        facts = await self._deletion_facts(request, deletion, account)
        verdict = self._parts.safety.judge(Operation.S3_DELETE, facts)
        month = self._month(await self._parts.survey.objects.region_of(bucket), transfer.surplus)
        plan = both(copying, deletion_plan(request, deletion, facts, verdict, copying.targets, month))
        carrier = self._parts.carrier

        async def work(job: JobHandle) -> str:
            copied = await carrier.transfer(transfer, job)
            return f"{copied}; {await carrier.delete(deletion, request, job)}"

        return Prepared(plan, work, token_of([entry.address for entry in transfer.surplus]))

    async def _with_deletion_here(
        self, transfer: Transfer, deletion: LocalDeletion, copying: Plan, account: str | None
    ) -> Prepared:
        """Download first, then delete what is surplus on this machine: one plan, as strict as both."""
        facts, carrier = self._parts.facts, self._parts.carrier
        target = Target("folder", deletion.folder, Path(deletion.folder).name, LOCAL, "")
        provider = facts.registry.get(PROVIDER)
        base = await facts.base(Operation.S3_DELETE, provider, target, deletion.folder, account)
        verdict = ON_FILES.judge(Operation.S3_DELETE, base)
        plan = both(copying, local_deletion_plan(transfer, deletion, base, verdict))

        async def work(job: JobHandle) -> str:
            copied = await carrier.transfer(transfer, job)
            return f"{copied}; {await carrier.delete_here(deletion, job)}"

        return Prepared(plan, work)

    async def _deletion_facts(self, request: DeleteRequest, deletion: Deletion, account: str | None) -> SafetyFacts:
        place = address(request.bucket, (request.keys or request.prefixes)[0])
        base = await self._base(Operation.S3_DELETE, place, account)
        leaving = [entry.address for entry in deletion.objects]
        folders = [address(request.bucket, prefix) for prefix in request.prefixes]
        versioning, known = await self._versioning(request.bucket), await self._heirlooms(leaving, folders)
        change = ObjectChangeFacts(len(deletion.objects), versioning)
        return await self._of_buckets(replace(base, objects=_about(change, known, leaving, [])), [request.bucket])

    async def _transfer_facts(self, transfer: Transfer, account: str | None) -> SafetyFacts:
        request = transfer.request
        place = request.destination if request.destination.startswith(SCHEME) else request.source
        base = await self._base(request.operation, place, account)
        leaving = [item.source for item in transfer.items if request.move and item.entry is not None]
        arriving = [item.target for item in transfer.replaced if item.target.startswith(SCHEME)]
        swept = [request.source] if leaving and (request.recursive or request.changed_only) else []
        known = await self._heirlooms([*leaving, *arriving], swept)
        versioning = await self._versioning(split_address(arriving[0])[0]) if arriving else None
        change = ObjectChangeFacts(len(transfer.items), versioning, replacing=len(arriving))
        buckets = {split_address(end)[0] for end in (request.destination, *leaving[:1]) if end.startswith(SCHEME)}
        return await self._of_buckets(replace(base, objects=_about(change, known, leaving, arriving)), sorted(buckets))

    async def _base(self, operation: Operation, place: str, account: str | None) -> SafetyFacts:
        facts = self._parts.facts
        bucket, key = split_address(place)
        target = Target("object", place, last_part(key) or bucket, PROVIDER, "")
        return await facts.base(operation, facts.registry.get(PROVIDER), target, place, account)

    async def _targets(self, request: DeleteRequest) -> tuple[Target, ...]:
        region = await self._parts.survey.objects.region_of(request.bucket)
        rows = [("object", key) for key in request.keys] + [("folder", prefix) for prefix in request.prefixes]
        return tuple(
            Target(kind, address(request.bucket, key), last_part(key) or request.bucket, PROVIDER, region)
            for kind, key in rows
        )

    def _month(self, region: str, objects: Sequence[ObjectEntry]) -> Fact[Decimal]:
        """Return what it costs to keep objects, each class at its price."""
        sizes: Counter[str] = Counter()
        for entry in objects:
            sizes[entry.storage_class or "STANDARD"] += entry.size or 0
        months = [self._parts.month(region, storage_class, size) for storage_class, size in sizes.items()]
        known = [month for month in months if isinstance(month, Known)]
        if len(known) < len(months):
            return next(month for month in months if isinstance(month, Unknown))
        return replace(known[0], value=sum((month.value for month in known), Decimal(0)))

    async def _versioning(self, bucket: str) -> Versioning | None:
        try:
            return await self._parts.survey.objects.versioning(bucket)
        except TrainctlError:
            return None

    async def _of_buckets(self, facts: SafetyFacts, buckets: Sequence[str]) -> SafetyFacts:
        """Return the facts with what the tags of the buckets say; another person's word counts before ours."""
        found: dict[str, str] = {}
        try:
            for bucket in buckets:
                tags = await self._parts.survey.objects.bucket_tags(bucket)
                owned = ownership_of(tags, facts.policy.who) is Ownership.OTHER
                found = {**found, **dict(tags)} if owned else {**dict(tags), **found}
        except ResourceNotFound:
            raise  # nobody can confirm a copy into a bucket that there is none of
        except TrainctlError as error:
            return replace(facts, tags=Unknown(str(error)), ownership=Unknown(str(error)))
        now, tags = self._parts.facts.clock.now(), tuple(found.items())
        return replace(
            facts, tags=Known(tags, now, "S3"), ownership=Known(ownership_of(tags, facts.policy.who), now, "S3")
        )

    async def _heirlooms(self, addresses: Sequence[str], folders: Sequence[str]) -> Fact[Heritage]:
        heirlooms = self._parts.heirlooms
        try:
            found = Heritage(await heirlooms.near(addresses), await heirlooms.at_work(folders))
        except TrainctlError as error:
            return Unknown(f"the checkpoints of a run could not be listed: {error}")
        return Known(found, self._parts.facts.clock.now(), "register of runs")

    def _hold(self, plan: Plan) -> contextlib.ExitStack:
        """Take the lock of every target, in one order everywhere."""
        held = contextlib.ExitStack()
        try:
            for name in sorted(target.id for target in plan.targets):
                held.enter_context(self._parts.locks.hold(name, plan.effect))
        except BaseException:
            held.close()
            raise
        return held

    def _journaled(self, prepared: Prepared, held: contextlib.ExitStack, reading: bool) -> Work:
        async def carry_out(job: JobHandle) -> str:
            with held:
                if reading:
                    return await prepared.work(job)
                target = prepared.plan.targets[0]
                entry = entry_for(prepared.plan, target, target.id, f"op-{uuid.uuid4().hex}")
                entry = replace(entry, token=prepared.keeps or entry.token)
                return await self._parts.caller.execute(entry, lambda: prepared.work(job))

        return carry_out


def changes_cloud(request: Request) -> bool:
    """Tell whether S3 would be another afterwards."""
    return isinstance(request, DeleteRequest) or request.destination.startswith(SCHEME) or request.move


def _steps(request: Request) -> tuple[Step, ...]:
    deleting = Step("delete", "delete as listed"), Step("verify", "look whether they are gone")
    if isinstance(request, DeleteRequest):
        return deleting
    moving = Step("move", "move" if request.move else "copy")
    return (moving, *deleting) if request.delete else (moving,)


def _about(
    change: ObjectChangeFacts, known: Fact[Heritage], leaving: Sequence[str], arriving: Sequence[str]
) -> Fact[ObjectChangeFacts]:
    """Return what the rules judge: which of the runs' checkpoints leave their place, which are replaced."""
    if isinstance(known, Unknown):
        return known
    checkpoints = known.value.checkpoints
    whole = replace(
        change,
        newest=newest_among(checkpoints, leaving),
        replaced=checkpoints_among(checkpoints, arriving),
        leaving=checkpoints_among(checkpoints, leaving),
        newest_replaced=newest_among(checkpoints, arriving),
        written=known.value.at_work,
    )
    return Known(whole, known.observed_at, "S3")
