"""Looks before a launch: offers, defaults, and everything a person should know. Implements `ports.Launcher`."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Unknown
from runctl_tui.domain.launch import CodeSummary, LaunchPreview, LaunchRequest, container_words
from runctl_tui.domain.offer import CreateResourceOptions, TypeOffer
from runctl_tui.domain.resource import Market
from runctl_tui.domain.run import TrainingJob
from runctl_tui.domain.validation import fitting_name
from runctl_tui.paths import project_root
from runctl_tui.services.errors import ValidationError
from runctl_tui.services.training.request import s3_location

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from decimal import Decimal

    from runctl_tui.services.ports import Actions, ProviderRegistry

SCRIPTS: Final = ("train.py", "main.py", "training/train.py", "src/train.py")
"""Names under which a project's training script is looked for."""


@dataclass(frozen=True, slots=True)
class LaunchDefaults:
    """What configuration and folder suggest for a launch."""

    region: str
    type: str
    spot: bool
    folder: Path
    """Where a project is looked for."""
    spot_max_price: Decimal | None = None
    project: str = ""
    script: str = ""
    args: tuple[str, ...] = ()
    checkpoint_dir: str = "checkpoints"
    output_dest: str = ""
    profile: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    other_types: Mapping[str, str] = field(default_factory=dict)
    """The type that a launch starts with at other providers than AWS, by their names."""


def _no_price(region: str, gib: int) -> Fact[Decimal]:
    return Unknown("nobody knows the prices of disks here")


async def _unchecked(output_dest: str) -> None:
    """Take every destination for one that is there."""


class LaunchDesk:
    """Answers what a launch would be."""

    def __init__(
        self,
        registry: ProviderRegistry,
        actions: Actions,
        defaults: Callable[[], LaunchDefaults],
        disk_month: Callable[[str, int], Fact[Decimal]] = _no_price,
        check_output: Callable[[str], Awaitable[object]] = _unchecked,
    ) -> None:
        self._check_output = check_output
        self._disk_month = disk_month
        self._registry = registry
        self._actions = actions
        self._defaults = defaults

    async def offers(self, provider: str, region: str) -> tuple[TypeOffer, ...]:
        """Return what can be bought."""
        return await self._registry.get(provider).offers(region)

    async def preview(self, request: LaunchRequest) -> LaunchPreview:
        """Return the plan with its price and warnings, and the code that would be sent; changes nothing."""
        code = await self._code(request.job) if request.job is not None else None
        plan = await self._actions.plan_launch(request)
        options = request.options
        if options is None:
            return LaunchPreview(plan, code)
        disks = self._disks(options) if options.provider == "aws" else None
        return LaunchPreview(plan, code, disks, container_words(options))

    def disk_month(self, provider: str, region: str, gib: int) -> Fact[Decimal]:
        """Return dollars per month of a new root disk, as far as is known without asking anybody."""
        return self._disk_month(region, gib) if provider == "aws" else Unknown("only AWS disks have a price here")

    def _disks(self, options: CreateResourceOptions) -> Fact[Decimal]:
        if options.root_gib is None:
            return Unknown("the image decides its size")
        return self.disk_month(options.provider, options.region, options.root_gib + (options.data_gib or 0))

    def default_type(self, provider: str) -> str:
        """Return the type that a launch starts with, empty where the configuration names none."""
        told = self._defaults()
        return told.type if provider == "aws" else told.other_types.get(provider, "")

    def project_of(self, folder: str) -> str:
        """Return the project that runs of a folder are counted to."""
        return self._defaults().project or Path(folder).resolve().name

    def defaults(self) -> LaunchRequest:
        """Return what the configuration and the current folder suggest."""
        told = self._defaults()
        root = project_root(told.folder / "train.py")
        project = self.project_of(str(root))
        script = told.script or next((name for name in SCRIPTS if (root / name).is_file()), "")
        options = CreateResourceOptions(
            provider="aws",
            region=told.region,
            type=told.type,
            name=fitting_name(project),
            project=project,
            market=Market.SPOT if told.spot else Market.ON_DEMAND,
            profile=told.profile,
            spot_max_price=told.spot_max_price,
        )
        job = TrainingJob(
            script=script,
            args=told.args,
            project_root=str(root),
            project=project,
            name=fitting_name(project),
            checkpoint_dir=told.checkpoint_dir,
            output_dest=told.output_dest,
            environment=told.environment,
        )
        return LaunchRequest(options=options, job=job)

    async def _code(self, job: TrainingJob) -> CodeSummary:
        from runctl_tui.services.sync.plan import plan

        if job.output_dest:
            s3_location(job.output_dest)
            await self._check_output(job.output_dest)
        root = Path(job.project_root)
        await asyncio.to_thread(check_script, root, job)
        sent = await plan(root, job.includes)
        wanted = await asyncio.to_thread(requirements_of, root, job.script)
        ignored = tuple(folder for folder, _ in sent.ignored_top)
        return CodeSummary(str(sent.root), len(sent.files), sent.total_bytes, ignored, wanted)


def check_script(root: Path, job: TrainingJob) -> None:
    """Raise ValidationError where the project or its script is not there."""
    if not root.is_dir():
        raise ValidationError(f"The project folder {root} is not there", "", "name another")
    if job.launcher != "command" and not (root / job.script).is_file():
        near = ", ".join(sorted(path.name for path in root.glob("*.py"))[:5])
        hint = f"it has {near}" if near else "it has no Python files"
        raise ValidationError(f"There is no script {job.script!r} in {root}", hint, "name its path below the project")
    if job.launcher != "command" and not can_be_run(root / job.script):
        why = "it ends in neither .py nor .sh, is not executable, and begins with no #! line"
        todo = "name the script, or start any command with the launcher 'command' (--launcher command)"
        raise ValidationError(f"{job.script} is no script", why, todo)


def can_be_run(path: Path) -> bool:
    """Tell whether a file looks like something that a launcher starts."""
    if path.suffix in (".py", ".sh") or os.access(path, os.X_OK):
        return True
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def requirements_of(root: Path, script: str) -> str:
    """Return what the dependencies would be installed from."""
    try:
        head = (root / script).read_text(encoding="utf-8", errors="replace")[:65536]
    except OSError:
        head = ""
    if "\n# /// script" in f"\n{head}":
        return "PEP 723"
    return next((name for name in ("requirements.txt", "pyproject.toml") if (root / name).is_file()), "")
