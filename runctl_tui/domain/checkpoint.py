"""Checkpoints and their copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runctl_tui.domain.states import CopyState as CopyState

_WEIGHTS: Final = ("safetensors", "gguf", "npz", "npy")
"""Formats that hold weights and no state of training."""
_STATE_FILES: Final = ("trainer_state.json", "optimizer.pt", "optimizer.bin", "scheduler.pt")


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
    resumable: bool | None = None
    """Whether training can go on from it: False for weights alone and damaged files, None where nobody can tell."""
    damaged: bool = False
    folder: str = ""
    """The folder on this machine that it was found in; empty: it belongs to a run."""

    @property
    def safe_in_s3(self) -> bool:
        """Whether losing the host would lose nothing of it."""
        return self.s3.state is CopyState.VERIFIED


def resumable(kind: str, files: Iterable[str]) -> bool | None:
    """Tell by format and file names whether training can go on from a whole checkpoint."""
    if kind == "unknown":
        return None
    if kind == "hf-folder":
        return any(file.rpartition("/")[2] in _STATE_FILES for file in files)
    return kind not in _WEIGHTS
