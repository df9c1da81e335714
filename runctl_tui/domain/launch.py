"""A launch: a machine (new or existing), what is trained on it, and what happens afterwards."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.money import dollars
from runctl_tui.domain.run import TrainingJob
from runctl_tui.domain.validation import MAXIMUM_NAME, fitting_name

if TYPE_CHECKING:
    from decimal import Decimal

    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.offer import CreateResourceOptions
    from runctl_tui.domain.plan import Plan


def no_end(script: str, output_dest: str) -> str:
    """Return why a machine cannot be terminated when its run has ended, and what to do; empty where it can."""
    if not script:
        return "no run's end can be waited for: name a script, or do not let it be terminated"
    if not output_dest:
        return "its checkpoints would die with it: say where they go, or do not let it be terminated"
    return ""


def launch_tokens(token: str) -> tuple[str, str]:
    """Return the idempotency tokens of a launch: of its first call, and of the one on demand where spot has no room."""
    return token, f"{token}-od"


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What the wizard, the flags of `train`, and 'resume on another instance' all fill in."""

    options: CreateResourceOptions | None = None
    """The machine to create; None when an existing one is used."""
    instance_key: str = ""
    """'provider/id' of an existing machine."""
    job: TrainingJob | None = None
    """What to train; None: only the machine."""
    spot_fallback: bool | None = None
    """Without spot capacity: True goes on on-demand, False fails, None asks."""
    terminate_after: bool = False
    """Terminate the machine that this launch made once the run has ended and its checkpoints are verified."""

    @property
    def resumes(self) -> bool:
        """Whether it goes on with an earlier run."""
        return self.job is not None and bool(self.job.parent or self.job.resume_from)

    @property
    def title(self) -> str:
        """What it is called over forms and steps: 'Resume llama', 'Launch', 'Train'."""
        if self.job is not None and self.resumes:
            return f"Resume {self.job.name or self.job.script}"
        return "Train" if self.instance_key else "Launch"


@dataclass(frozen=True, slots=True)
class CodeSummary:
    """What code would be sent."""

    root: str
    files: int
    total_bytes: int
    ignored: tuple[str, ...] = ()
    requirements: str = ""
    """'requirements.txt', 'pyproject.toml', 'PEP 723', or nothing."""


@dataclass(frozen=True, slots=True)
class LaunchPreview:
    """Everything a person should know before anything is created."""

    plan: Plan
    code: CodeSummary | None
    disks_per_month: Fact[Decimal] | None = None
    """What the machine's disks cost besides; None where no machine is made, or its provider tells by itself."""
    container: str = ""
    """What a pod's container gets, in words; empty where no pod is made, or nothing is asked for."""

    @property
    def disk_words(self) -> str:
        """What the disks cost, for a person; empty where no machine is made."""
        if self.disks_per_month is None:
            return ""
        if isinstance(self.disks_per_month, Unknown):
            return f"cost extra; how much is unknown: {self.disks_per_month.reason}"
        return f"{dollars(self.disks_per_month.value)} per month besides, also while the machine is stopped"


def container_words(options: CreateResourceOptions) -> str:
    """Return what a pod's container gets, without the values of its environment."""
    if options.provider == "aws":
        return ""
    named = (("template", options.template), ("image", options.image), ("network volume", options.volume))
    parts = [f"{label} {value}" for label, value in named if value]
    parts += [f"ports {' '.join(options.ports)}"] if options.ports else []
    names = " ".join(name for name, _ in options.environment)
    parts += [f"environment {names} (values are not shown)"] if names else []
    return " · ".join(parts)


def with_free_name(request: LaunchRequest, taken: AbstractSet[str]) -> LaunchRequest:
    """Return the request with a name that no machine has yet: the one it asks for, or 'name-2' and so on."""
    options = request.options
    if options is None or not options.name or options.name not in taken:
        return request
    names = (f"{fitting_name(options.name, MAXIMUM_NAME - 6)}-{number}" for number in count(2))
    name = next(name for name in names if name not in taken)
    job = None if request.job is None else replace(request.job, name=name)
    return replace(request, options=replace(options, name=name), job=job)
