"""What a run needs on its host before it starts: code, data, and the checkpoint that it goes on from."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.location import DataLocation, LocationKind
from runctl_tui.domain.money import Price, dollars
from runctl_tui.domain.resource import Market
from runctl_tui.services.errors import DataTransferError, ResourceNotFound, TrainctlError, ValidationError
from runctl_tui.services.training.fetch import RemoteFile, fetch
from runctl_tui.services.training.request import s3_location

if TYPE_CHECKING:
    from collections.abc import Callable

    from runctl_tui.domain.offer import CreateResourceOptions
    from runctl_tui.domain.run import TrainingJob
    from runctl_tui.services.aws.s3 import S3Store
    from runctl_tui.services.errors import NoCapacity
    from runctl_tui.services.hosts.session import HostSession
    from runctl_tui.services.jobs import StepHandle
    from runctl_tui.services.ports import ProviderRegistry
    from runctl_tui.services.sync.values import SyncProgress
    from runctl_tui.services.training.agent_client import AgentClient

PROJECTS: Final = "runctl"
"""Folder in the home of a host below which projects lie."""
URL_SECONDS: Final = 6 * 3600
_DATA_DIR: Final = """
for d in "$RUNCTL_DATA_DIR" /mnt/data "$HOME/data"; do
  [ -n "$d" ] && mkdir -p "$d" 2>/dev/null && [ -w "$d" ] && { printf %s "$d"; exit 0; }
done; exit 1
"""


@dataclass(frozen=True, slots=True)
class Supplies:
    """Brings things to hosts."""

    registry: ProviderRegistry
    store: Callable[[], S3Store]
    bucket_region: str

    async def on_demand(self, options: CreateResourceOptions) -> Fact[Price]:
        """Return what a machine costs that is not bought as spot."""
        provider = self.registry.get(options.provider)
        return await provider.estimate_cost(options.region, options.type, Market.ON_DEMAND)

    async def fallback_question(self, options: CreateResourceOptions, full: Fact[Price], error: NoCapacity) -> str:
        """Return what a person is asked when there is no spot capacity: both prices, and the difference."""
        provider = self.registry.get(options.provider)
        spot = await provider.estimate_cost(options.region, options.type, Market.SPOT)
        wanted = dollars(spot.value.usd_per_hour) if isinstance(spot, Known) else "an unknown price"
        costs = dollars(full.value.usd_per_hour) if isinstance(full, Known) else "an unknown price"
        return f"{error.why or error.what}: on demand costs {costs}/h instead of {wanted}/h. Go on?"

    async def send_code(self, job: TrainingJob, instance: Instance, host: HostSession, step: StepHandle) -> str:
        """Send the project and return its folder on the host; on this machine it stays where it is."""
        from runctl_tui.services.sync.execute import execute
        from runctl_tui.services.sync.plan import plan

        root = _folder(job.project_root)
        if instance.market is Market.LOCAL:
            step.progress(detail=f"{root} is used where it is")
            return str(root)
        code = await plan(root, job.includes)
        dest = posixpath.join(await host.home(), PROJECTS, job.project or root.name)
        step.progress(detail=f"{len(code.files)} files, {code.total_bytes:,} bytes")
        await execute(code, host, dest, lambda seen: step.progress(_fraction(seen)))
        return dest

    async def region_of(self, output_dest: str) -> str:
        """Return the region of the bucket that checkpoints go to; the usual one where S3 does not tell.

        Raises ResourceNotFound where there is no such bucket.
        """
        if not output_dest:
            return self.bucket_region
        try:
            return await self.store().region_of(s3_location(output_dest).container)
        except (ValidationError, ResourceNotFound):
            raise
        except TrainctlError:
            return self.bucket_region

    async def bring_data(
        self, job: TrainingJob, run_id: str, instance: Instance, agent: AgentClient, step: StepHandle
    ) -> TrainingJob:
        """Bring data and checkpoint to the host and return the job that names them where they are there.

        RUNCTL_DATA_DIR names the folder in which the data lies under its own name.
        """
        if job.data_source:
            source = _location(job.data_source)
            if instance.market is Market.LOCAL and source.kind is LocationKind.LOCAL:
                folder = str(_folder(source.path).parent)
                step.progress(detail=f"{source} is used where it is")
            else:
                folder = await self._data_folder(agent.host)
                await self._bring(source, folder, agent, step)
            job = replace(job, environment=(*job.environment, ("RUNCTL_DATA_DIR", folder)))
        if job.resume_from.startswith("s3://"):
            folder = posixpath.join(await agent.host.home(), ".runctl", "resume", run_id)
            path = await self._bring(_location(job.resume_from), folder, agent, step)
            job = replace(job, resume_from=path)
        return job

    async def _data_folder(self, host: HostSession) -> str:
        result = await host.run(("sh", "-c", _DATA_DIR))
        if result.exit_status:
            raise DataTransferError(
                "There is no folder for data on the host", "none can be written to", "give it a disk"
            )
        return result.stdout.decode("utf-8", "surrogateescape")

    async def _bring(self, source: DataLocation, folder: str, agent: AgentClient, step: StepHandle) -> str:
        """Bring a place's files below a folder and return the path of the file, or of the folder of several."""
        if source.kind is LocationKind.LOCAL:
            return await self._push(_folder(source.path), folder, agent.host, step)
        if source.kind is not LocationKind.S3:
            raise ValidationError(f"{source} cannot be brought to a host", "it is neither in S3 nor on this machine")
        files = await self._remote_files(source)
        total = sum(file.size for file in files)
        step.progress(detail=f"{source}: {len(files)} files, {total:,} bytes")
        async for done in fetch(agent, folder, files):
            step.progress(done / total if total else 1.0)
        names = {file.path.partition("/")[0] for file in files}
        return posixpath.join(folder, names.pop()) if len(names) == 1 else folder

    async def _remote_files(self, source: DataLocation) -> list[RemoteFile]:
        """Return the object itself, or all objects below the prefix as a folder of its last name."""
        key, bucket = source.path, source.container
        parent = posixpath.dirname(key.rstrip("/"))
        base = key if key.endswith("/") or not key else (f"{parent}/" if parent else "")
        files = []
        async for page in self.store().list(bucket, key):
            for item in page:
                inside = item.key == key or not key or key.endswith("/") or item.key.startswith(f"{key}/")
                if inside and not item.key.endswith("/"):
                    url = await self.store().presign_get(bucket, item.key, URL_SECONDS)
                    files.append(RemoteFile(url, item.key[len(base) :], item.size))
        if not files:
            raise DataTransferError(f"There is nothing at {source}", "", "look at the bucket and the prefix")
        return files

    async def _push(self, path: Path, folder: str, host: HostSession, step: StepHandle) -> str:
        """Send a folder, or one file, of this machine below a folder of the host, whatever git ignores."""
        from runctl_tui.services.sync.execute import execute
        from runctl_tui.services.sync.plan import plan
        from runctl_tui.services.sync.values import SyncLimits

        data = await plan(path, ("*",), SyncLimits(files=1_000_000, total_bytes=1 << 42))
        dest = posixpath.join(folder, path.name)
        step.progress(detail=f"{len(data.files)} files, {data.total_bytes:,} bytes")
        await execute(data, host, dest, lambda seen: step.progress(_fraction(seen)))
        return dest


def _location(text: str) -> DataLocation:
    try:
        return DataLocation.parse(text)
    except ValueError as error:
        raise ValidationError(f"{text!r} names no place", str(error), "a folder here, or s3://bucket/prefix") from error


def _folder(text: str) -> Path:
    """Return a folder of this machine; ValidationError where it is none."""
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        raise ValidationError(f"{path} is no folder", "", "name a folder of this machine, or an s3:// address")
    return path


def _fraction(seen: SyncProgress) -> float:
    return seen.bytes_done / seen.bytes_total if seen.bytes_total else 1.0
