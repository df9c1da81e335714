"""A launch: a machine (new or existing), what is trained on it, and what happens afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.plan import Plan
from runctl_tui.domain.run import TrainingJob


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
    warnings: tuple[str, ...] = ()
