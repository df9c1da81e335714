"""The end of unfinished uploads within `ActionService`'s one path: a close look, one call, gone from the list."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.plan import Operation, Plan, Step, Target
from runctl_tui.domain.uploads import PROVIDER, UPLOAD, UnfinishedUpload, split_upload
from runctl_tui.services.action_calls import entry_for
from runctl_tui.services.errors import CloudProviderError, ResourceNotFound, TrainctlError, ValidationError
from runctl_tui.services.journal_rows import JournalState
from runctl_tui.services.upload_store import find_upload, upload_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runctl_tui.domain.safety import SafetyFacts
    from runctl_tui.services.action_calls import Caller
    from runctl_tui.services.action_facts import FactGatherer
    from runctl_tui.services.jobs import JobHandle, StepHandle
    from runctl_tui.services.upload_owners import UploadOwners
    from runctl_tui.services.upload_store import UploadStore

GIVE_UP: Final = 60.0
"""Seconds that an aborted upload may still be listed."""
FIRST_POLL: Final = 0.5
SLOWEST_POLL: Final = 5.0
SOURCE: Final = "S3 ListMultipartUploads"


@dataclass(frozen=True, slots=True)
class UploadActions:
    """Looks at unfinished uploads, and aborts them; locks, confirmation and re-check are `ActionService`'s."""

    facts: FactGatherer
    caller: Caller
    owners: UploadOwners

    async def look(self, operation: Operation, planned: Mapping[str, str | None]) -> list[SafetyFacts]:
        """Return the facts about uploads, each named by its reference, with the account of its plan."""
        return await asyncio.gather(*(self._facts(operation, one, account) for one, account in planned.items()))

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """Return the visible steps of carrying a plan out."""
        return tuple(
            step
            for target in plan.targets
            for step in (
                Step(f"call:{target.id}", f"abort the upload of {target.name}"),
                Step(f"wait:{target.id}", f"wait until the upload of {target.name} is gone from the list"),
            )
        )

    async def abort(self, plan: Plan, target: Target, facts: SafetyFacts, job: JobHandle) -> str:
        """Abort one upload, written down before, and see it gone."""
        upload = _looked_at(facts)
        store = upload_store(self.caller.registry, target.provider)
        entry = entry_for(plan, target, target.key, f"op-{uuid.uuid4().hex}")
        async with job.step(f"call:{target.id}"):
            await self.caller.call(entry, lambda: store.abort(upload))
        async with job.step(f"wait:{target.id}") as step:
            await self._wait(store, upload, step, entry.op_id)
        await self.caller.journal.mark(entry.op_id, JournalState.VERIFIED, "it is gone")
        return f"the unfinished upload of {upload.address} is gone"

    async def _facts(self, operation: Operation, reference: str, planned_account: str | None) -> SafetyFacts:
        """Return the facts about one upload; ResourceNotFound where it has been completed or aborted."""
        try:
            bucket, key, upload_id = split_upload(reference)
        except ValueError as error:
            raise ValidationError(str(error), "", "s3://bucket/key and its upload id") from None
        upload = await self._upload(bucket, key, upload_id)
        shown = upload.value if isinstance(upload, Known) else UnfinishedUpload(bucket, key, upload_id)
        target = Target(UPLOAD, shown.id, shown.name, PROVIDER, shown.region)
        provider = self.facts.registry.get(PROVIDER)
        base = await self.facts.base(operation, provider, target, target.key, planned_account)
        if isinstance(upload, Unknown):
            return replace(base, upload=upload, tags=upload, created_at=upload, at=self.facts.clock.now())
        born = upload.value.started_at
        return replace(
            base,
            at=self.facts.clock.now(),
            upload=upload,
            tags=upload.value.bucket_tags,
            created_at=Known(born, upload.observed_at, SOURCE) if born else Unknown("S3 does not tell when it began"),
        )

    async def _upload(self, bucket: str, key: str, upload_id: str) -> Fact[UnfinishedUpload]:
        store = upload_store(self.facts.registry, PROVIDER)
        try:
            listed = await find_upload(store, bucket, key, upload_id)
            (told,) = await self.owners.told(store, [await store.measured(listed)])
        except ResourceNotFound:
            raise
        except TrainctlError as error:
            return Unknown(str(error), error.todo, error.code)
        return Known(told, self.facts.clock.now(), SOURCE)

    async def _wait(self, store: UploadStore, upload: UnfinishedUpload, step: StepHandle, op_id: str) -> None:
        """Look until it is gone; a look that fails is no failure of the call."""
        clock = self.caller.clock
        deadline, nap = clock.monotonic() + GIVE_UP, FIRST_POLL
        while clock.monotonic() < deadline:
            try:
                await find_upload(store, upload.bucket, upload.key, upload.upload_id)
            except ResourceNotFound:
                return
            except TrainctlError as error:
                step.progress(detail=f"could not look: {error}")
            else:
                step.progress(detail="still listed")
            await self.caller.sleep(nap)
            nap = min(nap * 1.5, SLOWEST_POLL)
        await self.caller.journal.mark(op_id, JournalState.AMBIGUOUS, "it is still listed")
        what = f"the unfinished upload of {upload.address} is still listed after {GIVE_UP:.0f} s"
        raise CloudProviderError(what, "the call was accepted; a part on its way keeps it", "abort it again later")


def lock_names_of(targets: Sequence[Target]) -> tuple[str, ...]:
    """Return what aborting uploads locks: each by its key, and the place that copies of this program lock."""
    places = dict.fromkeys(target.id.rpartition("#")[0] for target in targets)
    return (*(target.key for target in targets), *places)


def _looked_at(facts: SafetyFacts) -> UnfinishedUpload:
    if isinstance(facts.upload, Unknown):
        raise CloudProviderError(f"{facts.target.name} could not be looked at", facts.upload.reason)
    return facts.upload.value
