"""All services together, as screens and commands get them; apart from `ports`, which no first frame needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.problem import Problem
    from runctl_tui.services.ports import (
        Actions,
        Audit,
        CheckpointShelf,
        Costs,
        Doctor,
        Exports,
        Fleet,
        Histories,
        Hosts,
        Jobs,
        Launcher,
        Memory,
        Objects,
        ProviderRegistry,
        Runs,
        SandboxControl,
        Session,
        Settings,
        Shells,
        Tunnels,
    )
    from runctl_tui.services.ports_uploads import Uploads
    from runctl_tui.services.ports_volumes import Volumes


class Elsewhere(Protocol):
    """The same program for another profile or other regions."""

    def profiles(self) -> tuple[str, ...]:
        """The profiles that can be switched to."""

    def services(self, profile: str, regions: tuple[str, ...]) -> Services:
        """Services for a profile and regions, an empty one as it is; ValidationError for what cannot be."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Services:
    """Everything that a screen or a command may use."""

    clock: Clock
    session: Session
    registry: ProviderRegistry
    fleet: Fleet
    runs: Runs
    checkpoints: CheckpointShelf
    volumes: Volumes
    objects: Objects
    uploads: Uploads
    launcher: Launcher
    actions: Actions
    jobs: Jobs
    costs: Costs
    histories: Histories
    memory: Memory
    shells: Shells
    hosts: Hosts
    tunnels: Tunnels
    settings: Settings
    doctor: Doctor
    sandbox: SandboxControl | None
    exports: Exports
    audit: Audit
    log_path: str
    """Where the program's own log lies; shown in problems."""
    start: Callable[[], AsyncIterator[str]]
    """Called once after the first paint: yields words about what is being made ready ('starting the sandbox')."""
    relay: Callable[[], Awaitable[None]]
    """Serves hosts that need presigned URLs until none does; the detached relay process awaits it."""
    close: Callable[[], object]
    """Lets go of everything at once, without waiting for any backend."""
    warm_up: Callable[[], Awaitable[None]]
    """Loads what only a later key press needs; called once the first rows are out."""
    troubles: Callable[[], tuple[Problem, ...]] = tuple
    """What is wrong with this program's own files; known once it has started."""
    elsewhere: Elsewhere | None = None
    """None: this program stays where it is."""
    touch: Callable[[], bool] = bool
    """Somebody is at the keyboard; True where the feeds had slowed down because nobody was."""
