"""Machines that really run things: one home folder each on this machine, behind a provider in memory."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from runctl_tui.domain.instance import Instance
from runctl_tui.domain.run import TrainingJob, TrainingSession, TrainingStatus
from runctl_tui.services.aws.s3 import S3Store, StoredObject
from runctl_tui.services.errors import AwsError, ResourceNotFound, TrainctlError
from runctl_tui.services.feed import PushFeed
from runctl_tui.services.host_book import HostBook
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.hosts.session import HostSession
from runctl_tui.services.hosts.ssh import SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.machines import MachineList
from runctl_tui.services.registry import Registry
from runctl_tui.services.runs.archive import RunArchive
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.runs.register import RunRegister
from runctl_tui.services.system_clock import SystemClock
from runctl_tui.services.training.agent_values import StartRequest
from tests.fakes import OWNER, FakeClock, FakeProvider, an_instance
from tests.services.agent.harness import Machine

PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
SECOND = 0.05


async def until_true(check: Callable[[], Awaitable[object]], what: str = "", seconds: float = 20) -> object:
    """Poll until something true comes."""
    async with asyncio.timeout(seconds):
        while not (found := await check()):  # noqa: ASYNC110 (nothing signals what a test waits for)
            await asyncio.sleep(SECOND)
        return found


class WallClock(FakeClock):
    """The real date, and a monotonic clock that moves only when told to."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class MemoryStore:
    """S3 in memory, behind the calls of `S3Store` that readers use."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.heads: list[str] = []
        self.listed = 0
        self.error: TrainctlError | None = None

    def put(self, key: str, data: bytes, sha256: str = "") -> None:
        self.objects[key] = (data, {"runctl-sha256": sha256} if sha256 else {})

    async def list(self, bucket: str, prefix: str = "") -> AsyncIterator[tuple[StoredObject, ...]]:
        self._fail()
        yield tuple(self._object(bucket, key) for key in sorted(self.objects) if key.startswith(prefix))

    async def folders(self, bucket: str, prefix: str = "") -> tuple[str, ...]:
        self._fail()
        self.listed += 1
        below = [key[len(prefix) :] for key in self.objects if key.startswith(prefix)]
        return tuple(sorted({key.partition("/")[0] for key in below if "/" in key}))

    async def head(self, bucket: str, key: str) -> StoredObject:
        self._fail()
        self.heads.append(key)
        if key not in self.objects:
            raise ResourceNotFound(f"s3://{bucket}/{key} is not there")
        return self._object(bucket, key)

    async def get_range(self, bucket: str, key: str, start: int = 0, length: int | None = None) -> bytes:
        self._fail()
        if key not in self.objects:
            raise ResourceNotFound(f"s3://{bucket}/{key} is not there")
        data = self.objects[key][0][start:]
        return data if length is None else data[:length]

    async def region_of(self, bucket: str) -> str:
        self._fail()
        return "eu-west-1"

    def _object(self, bucket: str, key: str) -> StoredObject:
        data, metadata = self.objects[key]
        etag = str(abs(hash(data)))
        return StoredObject(bucket, key, len(data), etag, datetime(2026, 11, 21, tzinfo=UTC), metadata=metadata)

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


NO_S3 = AwsError("S3 does not answer", transient=True)


class HomeHosts(HostBook):
    """Hosts that are folders of this machine."""

    def __init__(self, registry: Registry, pool: SshPool, homes: Path) -> None:
        super().__init__(registry, pool, LocalHost())
        self.homes = homes
        self.errors: dict[str, TrainctlError] = {}
        self.hanging: set[str] = set()
        self.asked: list[str] = []
        self._made: dict[str, LocalHost] = {}

    def home(self, instance_id: str) -> Path:
        return self.homes / instance_id

    async def session(self, instance: Instance) -> HostSession:
        self.asked.append(instance.id)
        if instance.id in self.hanging:
            await asyncio.Event().wait()
        if instance.id in self.errors:
            raise self.errors[instance.id]
        await super().session(instance)
        if instance.id not in self._made:
            home = self.home(instance.id)
            home.mkdir(parents=True, exist_ok=True)
            base = {"PATH": PATH, "AWS_EC2_METADATA_DISABLED": "true"}
            self._made[instance.id] = LocalHost(instance.id, home=home, base=lambda: base)
        return self._made[instance.id]


@dataclass
class Rig:
    """A register over machines in memory with real hosts."""

    folder: Path
    clock: WallClock = field(default_factory=WallClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    provider: FakeProvider = field(init=False)
    registry: Registry = field(default_factory=Registry)

    def __post_init__(self) -> None:
        self.provider = FakeProvider(clock=self.clock)
        self.registry.register(self.provider)
        self.hosts = HomeHosts(self.registry, SshPool(TrustStore(self.folder / "known_hosts")), self.folder / "homes")
        self.machines = MachineList(self.registry, SystemClock())
        self.files = RunFiles(self.folder / "runs")
        self.register = self.another_register()

    def another_register(self) -> RunRegister:
        """Return a register as another process of ours would have."""
        archive = RunArchive(lambda: cast("S3Store", self.store), "bucket", "runs", self.clock)
        files = RunFiles(self.folder / "runs") if hasattr(self, "register") else self.files
        made = RunRegister(files, self.hosts, self.listing, self.clock, archive)
        made.feed = PushFeed()
        return made

    async def listing(self):  # type: ignore[no-untyped-def] # the provider's own type
        self.machines.forget()
        return await self.machines.now()

    def machine(self, number: int = 1, **changes: object) -> Instance:
        made = an_instance(number, **changes)
        self.provider.add(made)
        return made

    def script(self, machine: Instance, text: str, name: str = "train.py") -> Path:
        project = self.hosts.home(machine.id) / "project"
        project.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
        return project

    async def start(self, machine: Instance, text: str, run_id: str = "r-000001aaaaa", **more: object) -> str:
        """Start a script on a machine as another program of ours would."""
        project = self.script(machine, text)
        agent = await self.hosts.agent(machine)
        request = {"run_id": run_id, "project_dir": str(project), "script": "train.py", "deps": "none", **more}
        await agent.start(StartRequest(**request))  # type: ignore[arg-type] # a test's short hand
        return run_id

    async def ended_run(self, run_id: str) -> TrainingSession:
        """Return a run once it has ended."""

        async def look() -> TrainingSession | None:
            session = await self.register.find(run_id)
            return session if session.status.ended else None

        found = await until_true(look, f"the end of {run_id}")
        assert isinstance(found, TrainingSession)
        return found

    def clean(self) -> None:
        for home in (self.folder / "homes").glob("*"):
            Machine(home).clean()


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    made = Rig(folder)
    try:
        yield made
    finally:
        made.clean()


def a_session(machine: Instance, run_id: str = "r-000001aaaaa", **changes: object) -> TrainingSession:
    base = TrainingSession(
        id=run_id,
        name="tiny",
        project="llama",
        provider=machine.provider,
        instance_id=machine.id,
        region=machine.region,
        status=TrainingStatus.RUNNING,
        script="train.py",
        args=(),
        started_at=datetime(2026, 11, 20, tzinfo=UTC),
        owner=OWNER,
        job=TrainingJob("train.py"),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # test data by keyword
