"""What every resource has, whoever provides it: its state in our words, how it is bought, whose it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

OUR_TAGS: Final = "runctl:"
"""What the names of tags begin with that this program sets."""


class ResourceState(StrEnum):
    """Where a machine is in its life; `STOPPING` is a state of its own because it still costs money."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    ERROR = "error"
    UNKNOWN = "unknown"


class Market(StrEnum):
    """How a machine is bought."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    LOCAL = "local"


class Ownership(StrEnum):
    """Whose a resource is; only ours is ever offered by a cleanup."""

    OURS = "ours"
    OTHER = "other"
    """Made by this tool for another owner."""
    RUNCTL = "runctl"
    """Made by the old command line; can be claimed."""
    FOREIGN = "foreign"

    @property
    def words(self) -> str:
        """What people read."""
        return "runctl, unclaimed" if self is Ownership.RUNCTL else self.value


_WORDS: Final = {
    ResourceState.RUNNING: ("running", "active", "ready"),
    ResourceState.STARTING: ("pending", "starting", "initializing", "provisioning"),
    ResourceState.STOPPING: ("stopping",),
    ResourceState.STOPPED: ("stopped", "exited"),
    ResourceState.TERMINATING: ("terminating", "shutting-down"),
    ResourceState.TERMINATED: ("terminated",),
}
_STATE_OF: Final = {word: state for state, words in _WORDS.items() for word in words}

GONE: Final = frozenset({ResourceState.TERMINATED, ResourceState.TERMINATING})
"""States of what no longer is, or will soon not be."""
BILLED_STATES: Final = frozenset({ResourceState.STARTING, ResourceState.RUNNING, ResourceState.STOPPING})
"""States in which compute may be charged."""


def normalize_state(word: str) -> ResourceState:
    """Return the state that a provider's word means; case does not matter, nonsense is `UNKNOWN`."""
    word = word.strip().lower()
    if word in _STATE_OF:
        return _STATE_OF[word]
    return ResourceState.ERROR if "error" in word or "failed" in word else ResourceState.UNKNOWN
