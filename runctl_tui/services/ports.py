"""The Protocols that screens and the command line see; `wiring` alone knows what implements them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeAlias

from runctl_tui.domain.facts import Fact
from runctl_tui.services.ports_feed import Feed as Feed
from runctl_tui.services.ports_history import Histories as Histories
from runctl_tui.services.ports_hosts import Hosts as Hosts
from runctl_tui.services.ports_hosts import ShellCommand as ShellCommand
from runctl_tui.services.ports_hosts import Shells as Shells
from runctl_tui.services.ports_hosts import Tunnels as Tunnels
from runctl_tui.services.ports_memory import Memory as Memory
from runctl_tui.services.ports_provider import ProviderRegistry as ProviderRegistry
from runctl_tui.services.ports_provider import SshTarget as SshTarget
from runctl_tui.services.ports_provider import TrainingProvider as TrainingProvider
from runctl_tui.services.ports_session import Session as Session
from runctl_tui.services.ports_session import SessionFacts as SessionFacts
from runctl_tui.services.ports_settings import Setting as Setting
from runctl_tui.services.ports_settings import Settings as Settings
from runctl_tui.services.ports_storage import Objects as Objects

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from runctl_tui.domain.audit import AuditEntry, Chain
    from runctl_tui.domain.checkpoint import Checkpoint
    from runctl_tui.domain.cost import CostReport, CostSummary, TrackedResource
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.launch import LaunchPreview, LaunchRequest
    from runctl_tui.domain.marks import MarkRequest
    from runctl_tui.domain.objects import CopyRequest, DeleteRequest
    from runctl_tui.domain.offer import TypeOffer
    from runctl_tui.domain.plan import Confirmation, JobView, Operation, Plan
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.run import RunUpdate, TrainingSession
    from runctl_tui.domain.run_uploads import RunUpload
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.domain.volume import VolumeChange
    from runctl_tui.services.errors import TrainctlError

DiskPrice: TypeAlias = Fact[Decimal]


class Fleet(Protocol):
    """All machines of all providers with price, money and runs."""

    @property
    def feed(self) -> Feed[tuple[FleetRow, ...]]:
        """The live fleet; first rows arrive before prices and runs do."""

    async def now(self) -> Snapshot[tuple[FleetRow, ...]]:
        """Read it once, whole."""

    async def find(self, reference: str) -> FleetRow:
        """The machine with this key, id or unique name; ResourceNotFound or ValidationError (ambiguous) otherwise."""

    async def describe(self, key: str) -> Mapping[str, object]:
        """The provider's own words about one machine."""

    def logs(self, reference: str, follow: bool = True) -> AsyncIterator[str]:
        """What a machine itself printed last, live where followed; Unsupported where its provider does not tell."""


class Runs(Protocol):
    """The register of training runs, on every host that was ever used."""

    @property
    def feed(self) -> Feed[tuple[TrainingSession, ...]]:
        """All runs, newest first."""

    async def now(self, machine: str = "") -> Snapshot[tuple[TrainingSession, ...]]:
        """Ask every reachable host once, or only the machine with this key ('provider/id'); all known runs."""

    async def find(self, reference: str) -> TrainingSession:
        """The run with this id, unique id prefix or unique name."""

    def follow(self, run_id: str, offset: int = 0) -> AsyncIterator[RunUpdate]:
        """Log, state and usage of one run, live, from a byte offset on; survives lost links without gap or repeat."""

    async def log(self, run_id: str, tail_bytes: int | None = None) -> bytes:
        """The log so far: from the host, else its copy in S3, else the last one seen here."""

    async def forget(self, run_id: str) -> None:
        """Take no more note of an ended run, here and on its host; its checkpoints stay. Refused while it is live."""


class Checkpoints(Protocol):
    """Checkpoints of runs, host and S3 copies joined."""

    def feed(self, run_id: str = "") -> Feed[tuple[Checkpoint, ...]]:
        """Checkpoints of one run, or of all; newest first."""

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        """Read them once."""


class CheckpointShelf(Checkpoints, Protocol):
    """Checkpoints of runs, and those in folders of this machine that belong to none."""

    async def look_into(self, folder: str) -> str:
        """Show what lies in a folder of this machine too; its whole path, or ValidationError where there is none."""


class Launcher(Protocol):
    """Looks before a launch; launching itself goes through `Actions`."""

    async def offers(self, provider: str, region: str) -> tuple[TypeOffer, ...]:
        """What can be bought."""

    async def preview(self, request: LaunchRequest) -> LaunchPreview:
        """The plan with its price, the code that would be sent, and warnings; changes nothing."""

    def disk_month(self, provider: str, region: str, gib: int) -> DiskPrice:
        """Dollars per month of a new root disk, as far as is known without asking anybody."""

    def default_type(self, provider: str) -> str:
        """The type that a launch starts with, empty where the configuration names none."""

    def project_of(self, folder: str) -> str:
        """The project that runs of a folder are counted to: the configured one, without it the folder's name."""

    def defaults(self) -> LaunchRequest:
        """What the configuration and the current folder suggest."""


class Actions(Protocol):
    """The one way to change anything: plan, verdict, confirmation, re-check, journal, one call, verified state."""

    async def plan(self, operation: Operation, references: Sequence[str]) -> Plan:
        """Freeze what an operation on these keys (of machines, volumes, snapshots) or run ids would do."""

    async def plan_launch(self, request: LaunchRequest) -> Plan:
        """Freeze a launch or a resume."""

    async def plan_volume(self, change: VolumeChange) -> Plan:
        """Freeze a change of volumes or snapshots."""

    async def plan_marks(self, request: MarkRequest) -> Plan:
        """Freeze a claim, a protection or a date of deletion."""

    async def plan_upload(self, request: RunUpload) -> Plan:
        """Freeze what bringing runs' checkpoints to S3 would send, and where to."""

    async def plan_storage(self, request: CopyRequest | DeleteRequest) -> Plan:
        """Freeze what a change in S3 would do, or a download."""

    async def take_up(self, job_id: str) -> str:
        """Go on with a launch that was interrupted while it waited to terminate its machine; the new job's id."""

    async def commit(self, plan: Plan, confirmation: Confirmation) -> str:
        """Carry a confirmed plan out as a job and return the job's id; Refused or PlanChanged where it may not."""

    async def decline(self, plan: Plan, error: TrainctlError | None = None, answer: Confirmation | None = None) -> None:
        """Take note that a plan was shown and not confirmed, or could not be; or which answer was refused, and why."""


class Jobs(Protocol):
    """What is being done, step by step, and what was done."""

    @property
    def feed(self) -> Feed[tuple[JobView, ...]]:
        """All jobs of this process and the interrupted ones of earlier processes, newest first."""

    @property
    def interrupted(self) -> tuple[JobView, ...]:
        """Those whose program had died, found so when this one began."""

    def watch(self, job_id: str) -> AsyncIterator[JobView]:
        """One job until it ends; the last view has `ended_at`."""

    def answer(self, job_id: str, yes: bool) -> None:
        """Answer the question that a job waits with."""

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop after its present call and to undo what it made."""

    async def drain(self) -> None:
        """Wait until every job of this process has ended and is written."""


class Costs(Protocol):
    """The tracker's ledger, read."""

    @property
    def feed(self) -> Feed[CostSummary]:
        """The cost bar's figures."""

    async def now(self) -> CostSummary:
        """The figures at this moment."""

    async def resources(self) -> tuple[TrackedResource, ...]:
        """Every resource in the ledger, dearest first."""

    async def by(self, dimension: str) -> tuple[tuple[str, str], ...]:
        """Dollars this month by 'project', 'run', 'type' or 'provider', dearest first: (name, '12.34')."""

    async def run_cost(self, run_id: str) -> Decimal | None:
        """Dollars that a run has cost since it began, in whichever months; None where nothing is known about it."""

    async def report(
        self, dimension: str = "project", since: datetime | None = None, until: datetime | None = None
    ) -> CostReport:
        """What a stretch of time (this month, UTC) has cost, by day and by 'project', 'run', 'owner', 'tag:KEY'…"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`."""

    area: str
    """terminal, aws, ssh, state, sandbox, local."""
    ok: bool | None
    """None: could not be told."""
    text: str
    todo: str = ""


class Doctor(Protocol):
    """Looks at terminal, credentials and permissions."""

    async def examine(self) -> tuple[Finding, ...]:
        """Everything that matters, in the order in which to mend it."""


class SandboxControl(Protocol):
    """Words for the embedded cloud: cut, interrupt, status, stop."""

    @property
    def ended(self) -> bool:
        """Whether the attached sandbox has gone."""

    async def until_ended(self) -> Problem:
        """Wait until the attached sandbox has gone, and return that in words."""

    async def command(self, words: Sequence[str]) -> str:
        """Carry one command out and return what to tell the person."""

    def leaving(self) -> str:
        """What happens to the sandbox when this client leaves, as far as is known without asking; or nothing."""


class Audit(Protocol):
    """What anybody wanted to change through this state folder, and what came of it."""

    @property
    def feed(self) -> Feed[tuple[AuditEntry, ...]]:
        """The entries, oldest first."""

    @property
    def path(self) -> Path:
        """The file."""

    async def read(self) -> Chain:
        """Return all entries, and where their chain is broken; StateError where the file cannot be read."""


class Exports(Protocol):
    """Files that a person asked for, in the folder for logs."""

    async def write(self, name: str, text: str) -> str:
        """Write a new file, 0600, whose name begins so, and return its path; StateError where the disk refuses."""

    async def write_to(self, path: Path, text: str) -> None:
        """Write a new file, 0600, exactly there; ResourceExists where one is, StateError where the disk refuses."""
