"""Writes down every attempt to change something, refused and cancelled ones too. Wraps `ports.Actions`."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.audit import AuditEntry, AuditEvent
from runctl_tui.domain.plan import Reversibility
from runctl_tui.services.calls import noted_calls
from runctl_tui.services.errors import StateError, TrainctlError, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.launch import LaunchRequest
    from runctl_tui.domain.marks import MarkRequest
    from runctl_tui.domain.objects import CopyRequest, DeleteRequest
    from runctl_tui.domain.plan import Confirmation, JobView, Operation, Plan
    from runctl_tui.domain.run_uploads import RunUpload
    from runctl_tui.domain.volume import VolumeChange
    from runctl_tui.services.audit import AuditLog
    from runctl_tui.services.ports import Actions

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sits at this terminal, as far as the system tells."""

    user: str
    login: str
    ssh: str
    tty: str


def actor(environment: Mapping[str, str]) -> Actor:
    """Return who this process belongs to, who logged in, from where and at which terminal; empty where unknown."""
    login = environment.get("SUDO_USER", "")
    tty = ""
    with contextlib.suppress(OSError):
        login = login or os.getlogin()
    with contextlib.suppress(OSError):
        tty = os.ttyname(2)
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.geteuid())
    return Actor(user, login, environment.get("SSH_CONNECTION", ""), tty)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a job is about."""

    entry: AuditEntry | None
    """None: it changes nothing, and is not written down."""
    requests: list[str] = field(default_factory=list)


_UNDER_WAY: Final[ContextVar[_Work | None]] = ContextVar("audited_work", default=None)


class Auditor:
    """Makes the entries."""

    def __init__(self, log: AuditLog, clock: Clock, who: Actor, caller: Callable[[], Awaitable[str]]) -> None:
        self._log = log
        self._clock = clock
        self._who = who
        self._caller = caller

    async def refused(self, plan: Plan, answer: Confirmation | None, error: TrainctlError) -> None:
        """Write that a plan was not let through; a log that cannot be written changes nothing about that."""
        entry = await self._about(AuditEvent.REFUSED, plan, answer)
        await self._try(replace(entry, result=error.why or error.what, code=error.code))

    async def cancelled(self, plan: Plan) -> None:
        """Write that a person did not confirm."""
        await self._try(await self._about(AuditEvent.CANCELLED, plan, None))

    async def begin(self, plan: Plan, answer: Confirmation) -> AuditEntry:
        """Write that a confirmed plan is about to be carried out; StateError where that cannot be written."""
        entry = await self._about(AuditEvent.CONFIRMED, plan, answer)
        await self._log.append(entry)
        return entry

    async def ended(self, view: JobView) -> None:
        """Write what came of a job, in its own task; one of another process, or taken up, is told by its own words."""
        work = _UNDER_WAY.get() or _Work(AuditEntry(self._clock.now(), AuditEvent.CONFIRMED, view.title, user=view.who))
        if work.entry is None:
            return
        told = replace(work.entry, at=self._clock.now(), event=AuditEvent.DONE if view.ok else AuditEvent.FAILED)
        await self._try(replace(told, job=view.id, result=view.result, code=view.code, requests=tuple(work.requests)))

    async def _try(self, entry: AuditEntry) -> None:
        try:
            await self._log.append(entry)
        except StateError as error:
            _LOG.warning("not in the audit log: %s %s: %s", entry.event, entry.effect, error)

    async def _about(self, event: AuditEvent, plan: Plan, answer: Confirmation | None) -> AuditEntry:
        return replace(
            await self._by(event, plan.effect),
            operation=plan.operation.value,
            targets=tuple(one.key for one in plan.targets),
            names=tuple(one.name for one in plan.targets if one.name),
            account=plan.account,
            plan_hash=plan.hash,
            verdict=plan.verdict.severity.value,
            level=plan.verdict.level.name.lower(),
            codes=tuple(reason.code for reason in plan.verdict.reasons),
            answer=words_of(answer),
            acknowledged=tuple(sorted(answer.acknowledged)) if answer else (),
            reason=answer.reason if answer else "",
        )

    async def _by(self, event: AuditEvent, effect: str) -> AuditEntry:
        who = self._who
        return AuditEntry(
            at=self._clock.now(),
            event=event,
            effect=effect,
            user=who.user,
            login=who.login,
            ssh=who.ssh,
            tty=who.tty,
            caller=await self._caller(),
        )


class AuditedActions:
    """Implements `ports.Actions` by another one, and has everything written down."""

    def __init__(self, actions: Actions, auditor: Auditor) -> None:
        self._actions = actions
        self._auditor = auditor

    async def plan(self, operation: Operation, references: Sequence[str]) -> Plan:
        """Freeze what an operation would do."""
        return await self._actions.plan(operation, references)

    async def plan_launch(self, request: LaunchRequest) -> Plan:
        """Freeze a launch or a resume."""
        return await self._actions.plan_launch(request)

    async def plan_volume(self, change: VolumeChange) -> Plan:
        """Freeze a change of volumes or snapshots."""
        return await self._actions.plan_volume(change)

    async def plan_marks(self, request: MarkRequest) -> Plan:
        """Freeze a change of marks."""
        return await self._actions.plan_marks(request)

    async def plan_upload(self, request: RunUpload) -> Plan:
        """Freeze an upload of what runs have written."""
        return await self._actions.plan_upload(request)

    async def plan_storage(self, request: CopyRequest | DeleteRequest) -> Plan:
        """Freeze what a change in S3 would do."""
        return await self._actions.plan_storage(request)

    async def take_up(self, job_id: str) -> str:
        """Go on with an interrupted launch; the job's own end is written."""
        return await self._actions.take_up(job_id)

    async def commit(self, plan: Plan, confirmation: Confirmation) -> str:
        """Carry a confirmed plan out as a job and return its id."""
        reading = plan.reversibility is Reversibility.READ
        entry = None if reading else await self._auditor.begin(plan, confirmation)
        with noted_calls() as requests:
            before = _UNDER_WAY.set(_Work(entry, requests))  # the job's task is made here, and takes it along
            try:
                return await self._actions.commit(plan, confirmation)
            except TrainctlError as error:
                if entry is not None:
                    await self._auditor.refused(plan, confirmation, error)
                raise
            finally:
                _UNDER_WAY.reset(before)

    async def decline(self, plan: Plan, error: TrainctlError | None = None, answer: Confirmation | None = None) -> None:
        """Take note that a plan was shown and not confirmed, or could not be; or which answer was refused, and why."""
        if error is not None or plan.verdict.forbidden:
            await self._auditor.refused(plan, answer, error or refusal(plan))
        else:
            await self._auditor.cancelled(plan)


def words_of(answer: Confirmation | None) -> str:
    """Return what a person said to a plan."""
    if answer is None:
        return ""
    cap = f"at most ${answer.typed_cap} per hour" if answer.typed_cap is not None else ""
    return ", ".join(filter(None, ("yes" if answer.yes else "", answer.name, cap)))
