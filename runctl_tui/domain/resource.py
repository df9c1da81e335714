"""The states that every provider's own words are normalised to."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


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
