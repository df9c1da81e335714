"""What the RunPod provider is told once, when it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.domain.secret import Secret
from runctl_tui.services.aws.settings import require_loopback
from runctl_tui.services.errors import Refused

API: Final = "https://api.runpod.io"
IMAGE: Final = "runpod/pytorch:2.1.0-py3.10-cuda11.8.0-devel-ubuntu22.04"


@dataclass(frozen=True, slots=True)
class RunpodSettings:
    """Everything that the RunPod provider is told."""

    state_dir: Path
    owner: str
    key: Secret = field(repr=False)
    url: str = API
    """Of API v2 and GraphQL; another than RunPod's own only on this machine."""
    image: str = IMAGE
    """Of new pods where a launch names none."""
    disk_gib: int = 30
    """Container disk of new pods where a launch names none."""
    key_files: tuple[str, ...] = ()
    """Tried before any other key."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Pod id or name to 'user@host:port'."""
    forbids: Callable[[], str] = lambda: ""
    """Why nothing may be changed now; empty: changes are allowed."""
    retry: ExponentialBackoffPolicy = field(default_factory=ExponentialBackoffPolicy)
    """How reads are tried again."""
    warn_at: int = 10
    """Running pods from which on a launch warns."""
    block_at: int = 50
    """Running pods from which on a launch is refused."""

    @property
    def keys(self) -> Path:
        """The folder of our own key pairs."""
        return self.state_dir / "keys"

    def check_changes(self, what: str) -> None:
        """Raise Refused where nothing may be changed now."""
        if reason := self.forbids():
            raise Refused(what, f"read-only: {reason}", code="ro_mode")

    def validate(self) -> None:
        """Raise ConfigError where a key would be sent to somebody other than RunPod."""
        if self.url != API:
            require_loopback(self.url)
