"""A cloud that the suite may use: the sandbox, or a real account with a cap on what may be spent."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import runctl_tui.sandbox
from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.plan import Confirmation, JobView, Operation, Plan
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingJob, TrainingSession
from runctl_tui.options import Options
from runctl_tui.services.ports_services import Services
from runctl_tui.wiring.assembly import Assembly
from runctl_tui.wiring.ground import Ground

TEST_TAG: Final = "runctl:test"
SMALLEST: Final = "t3.micro"
REGION: Final = "us-east-1"
PROJECT: Final = "runctl-test"
PREFIX: Final = "runctl-test"
"""Below which a test's uploads lie."""
SANDBOX_BUCKET: Final = "runctl-sandbox-checkpoints"
DEFAULT_CAP: Final = Decimal("1.00")
HOURS: Final = 1
"""What a machine is taken to cost at most: no test runs longer."""
FORGOTTEN: Final = timedelta(hours=HOURS)
BOUND_S: Final = 600.0
_GONE: Final = (ResourceState.TERMINATED, ResourceState.TERMINATING)

T = TypeVar("T")


@dataclass(slots=True)
class Purse:
    """What the suite may spend."""

    cap: Decimal = DEFAULT_CAP
    committed: Decimal = Decimal(0)

    def take(self, usd_per_hour: Decimal | None) -> None:
        """Set money aside for one machine; AssertionError where the price is unknown or the cap would be passed."""
        assert usd_per_hour is not None, "the price is unknown: nothing is launched"
        wanted = self.committed + usd_per_hour * HOURS
        assert wanted <= self.cap, f"${wanted} would pass the cap of ${self.cap}: set RUNCTL_E2E_CAP"
        self.committed = wanted


@dataclass(frozen=True, slots=True)
class Account:
    """Which cloud, and whose money."""

    kind: str
    """'sandbox' or 'aws'."""
    bucket: str
    profile: str = ""
    purse: Purse = field(default_factory=Purse)


def account(kind: str, environ: Mapping[str, str]) -> Account:
    """Return the account of this kind; AssertionError where a real one is not named in full."""
    if kind == "sandbox":
        return Account(kind, SANDBOX_BUCKET)
    profile, bucket = environ.get("RUNCTL_E2E_PROFILE", ""), environ.get("RUNCTL_E2E_BUCKET", "")
    assert profile, "RUNCTL_E2E_PROFILE must name the AWS profile whose account pays; nothing is guessed"
    assert bucket, "RUNCTL_E2E_BUCKET must name a bucket of that account for checkpoints"
    return Account(kind, bucket, profile, Purse(Decimal(environ.get("RUNCTL_E2E_CAP", str(DEFAULT_CAP)))))


@dataclass(slots=True)
class Cloud:
    """The services on one account, and everything that was made with them."""

    account: Account
    assembly: Assembly
    folder: Path
    mark: str
    """The value of the tag runctl:test on everything that this test makes."""
    made: list[str] = field(default_factory=list)
    _services: dict[int, Services] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """What screens and commands see."""
        key = id(self.assembly)
        if key not in self._services:
            self._services = {key: self.assembly.services()}
        return self._services[key]

    def machine(self, name: str, **more: Any) -> CreateResourceOptions:
        """Return the smallest machine, tagged as a test's."""
        tags = ((TEST_TAG, self.mark), *more.pop("tags", ()))
        return CreateResourceOptions("aws", REGION, SMALLEST, f"{name}-{self.mark}", PROJECT, tags=tags, **more)

    def training(self, steps: int, sleep: float = 0.02) -> TrainingJob:
        """Return a run of the tiny training project."""
        root = self.folder / "project"
        if not root.exists():
            shutil.copytree(Path(runctl_tui.sandbox.__file__).parent / "project", root)
        return TrainingJob(
            script="train.py",
            args=("--steps", str(steps), "--sleep", str(sleep), "--save-every", "20"),
            project_root=str(root),
            project=PROJECT,
            name=f"run-{self.mark}",
            output_dest=f"s3://{self.account.bucket}/{PREFIX}/{self.mark}",
        )

    def continuing(self, run: TrainingSession, checkpoint: Checkpoint, steps: int) -> TrainingJob:
        """Return a run that goes on from another's checkpoint on another machine."""
        job = self.training(steps)
        return replace(job, resume_from=checkpoint.s3.location, parent=run.id)

    async def launch(self, options: CreateResourceOptions, job: TrainingJob | None = None) -> JobView:
        """Launch what may be afforded and return the job once it has ended well."""
        request = LaunchRequest(options=options, job=job, spot_fallback=False)
        plan = await until(lambda: self._priced(request), "a price")
        self.account.purse.take(plan.usd_per_hour)
        view = await self.commit(plan)
        assert view.instance_id, view
        return view

    async def commit(self, plan: Plan) -> JobView:
        """Carry a plan out and return how its job ended, which must be well."""
        confirmation = Confirmation(plan.hash, yes=True, name=plan.name_to_type)
        job_id = await self.services.actions.commit(plan, confirmation)
        view: JobView | None = None
        async for view in self.services.jobs.watch(job_id):
            if view.instance_id and view.instance_id not in self.made:
                self.made.append(view.instance_id)
        assert view is not None
        assert view.ok, f"{view.title}: {view.result}"
        return view

    async def _priced(self, request: LaunchRequest) -> Plan | None:
        plan = await self.services.actions.plan_launch(request)
        return None if plan.price_unknown else plan

    async def terminate(self, instance_id: str) -> JobView:
        """Terminate a machine by the rules."""
        return await self.commit(await self.services.actions.plan(Operation.TERMINATE, [f"aws/{instance_id}"]))

    async def state(self, instance_id: str) -> ResourceState:
        """Return a machine's state, read strongly."""
        return (await self.services.registry.get("aws").get_resource_status(instance_id, REGION)).state

    async def sweep(self, mark: str = "") -> list[str]:
        """Terminate what one test made, or what earlier ones forgot, and return what was still there.

        Without a mark only what is old enough to be forgotten goes: somebody else may be testing in the same account.
        """
        provider = self.services.registry.get("aws")
        left = []
        for machine in (await provider.list_resources()).value:
            tag = machine.tag(TEST_TAG)
            if tag is None or machine.state in _GONE or not (mark == tag if mark else _forgotten(machine)):
                continue
            left.append(machine.id)
            await provider.terminate(machine.id, machine.region)
        return left

    async def sweep_objects(self) -> None:
        """Delete what this test put into the bucket."""
        store = self.assembly.core.cloud.store()
        prefix = f"{PREFIX}/{self.mark}/"
        names = [one.key async for page in store.list(self.account.bucket, prefix) for one in page]
        for name in names:
            delete = partial(_delete, self.account.bucket, name)
            await store.call(self.account.bucket, f"{name} could not be deleted", delete, changes=True)


def _forgotten(machine: Instance) -> bool:
    """Tell whether no test can still be using a machine; one of unknown age may be somebody's."""
    return machine.launched_at is not None and datetime.now(UTC) - machine.launched_at > FORGOTTEN


def _delete(bucket: str, key: str, s3: Any) -> None:
    s3.delete_object(Bucket=bucket, Key=key)


@asynccontextmanager
async def opened(account: Account, folder: Path, mark: str) -> AsyncIterator[Cloud]:
    """Yield the services of an account; whatever a test made is torn down at the end, however it ends."""
    cloud = Cloud(account, await begun(account, folder), folder, mark)
    try:
        await cloud.sweep()
        yield cloud
    finally:
        try:
            await cloud.sweep(mark)
            await cloud.sweep_objects()
        finally:
            await cloud.assembly.aclose()


async def begun(account: Account, folder: Path) -> Assembly:
    """Return what the services are made of, ready for work."""
    options = Options(sandbox=account.kind == "sandbox", state_dir=str(folder / "state"))
    if account.kind == "aws":
        options = replace(options, profile=account.profile, regions=(REGION,))
    assembly = Assembly(Ground(options))
    async for _ in assembly.start():
        pass
    return assembly


async def until(condition: Callable[[], Awaitable[T | None]], what: str, seconds: float = BOUND_S) -> T:
    """Poll until the condition gives something, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := await condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        await asyncio.sleep(0.2)
    return found


def wanted_kinds() -> list[str]:
    """Return the clouds to run on: a real account only where it is asked for."""
    return ["aws"] if os.environ.get("RUNCTL_E2E") == "1" else ["sandbox"]
