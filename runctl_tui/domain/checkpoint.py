"""Checkpoints and their copies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runctl_tui.domain.states import CopyState as CopyState


@dataclass(frozen=True, slots=True)
class CheckpointCopy:
    """One copy, on a host or in S3."""

    state: CopyState
    location: str = ""
    """A path on the host, or an s3:// address."""
    size_bytes: int | None = None
    modified_at: datetime | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint of one run with its copies side by side."""

    run_id: str
    name: str
    """Its path below the checkpoint folder; untrusted."""
    step: int | None
    """From the name; None where the name does not say."""
    format: str
    """json, pt, safetensors, hf-folder … or 'unknown'."""
    size_bytes: int | None
    created_at: datetime | None
    loss: float | None
    """The log's loss at that step."""
    host: CheckpointCopy
    s3: CheckpointCopy
    files: int = 1

    @property
    def safe_in_s3(self) -> bool:
        """Whether losing the host would lose nothing of it."""
        return self.s3.state is CopyState.VERIFIED
