"""The Protocols of the places where machines come from; a part of `ports`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.identity import Identity
    from runctl_tui.domain.instance import ApiProtection, Instance
    from runctl_tui.domain.money import Price
    from runctl_tui.domain.offer import Capabilities, CreateResourceOptions, TypeOffer
    from runctl_tui.domain.plan import Operation
    from runctl_tui.domain.resource import Market
    from runctl_tui.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SshTarget:
    """How a host is reached over SSH, and under which name its key is trusted."""

    resource_id: str
    host: str
    port: int
    user: str
    key_files: tuple[str, ...] = ()
    jump: str = ""
    """'user@host:port' of a jump host."""


class TrainingProvider(Protocol):
    """One place where machines come from; every method raises `TrainctlError`s only."""

    @property
    def name(self) -> str:
        """The word used in configuration, flags and keys: 'aws', 'local'."""

    @property
    def label(self) -> str:
        """The words a person reads: 'AWS', 'this machine'."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and why it cannot do the rest."""

    def regions(self) -> tuple[str, ...]:
        """The regions in use."""

    async def identity(self) -> Fact[Identity]:
        """Who we are to it."""

    async def list_resources(self) -> Snapshot[tuple[Instance, ...]]:
        """Every machine of all regions; a region that fails is named in `missing`, never dropped silently."""

    async def get_resource_status(self, resource_id: str, region: str = "") -> Instance:
        """One machine, read strongly; ResourceNotFound where there is none."""

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        """The provider's own answer as JSON-ready values."""

    async def offers(self, region: str) -> tuple[TypeOffer, ...]:
        """The machine types that can be bought in a region, with prices where known."""

    async def estimate_cost(self, region: str, type_name: str, market: Market) -> Fact[Price]:
        """What a type costs per hour."""

    async def check_create(self, options: CreateResourceOptions) -> tuple[str, ...]:
        """Warnings about a launch, without changing anything; raises where it cannot work."""

    async def create_resource(self, options: CreateResourceOptions, token: str) -> Instance:
        """Create one machine; the same token never creates two."""

    async def start(self, resource_id: str, region: str = "") -> None:
        """Start a stopped machine."""

    async def stop(self, resource_id: str, region: str = "") -> None:
        """Stop a running machine."""

    async def terminate(self, resource_id: str, region: str = "") -> None:
        """Destroy a machine."""

    async def dry_run(self, operation: Operation, resource_id: str, region: str = "") -> None:
        """Ask whether the call would be allowed; raises what it would raise. A no-op without DRY_RUN."""

    def logs(self, resource_id: str, follow: bool = True) -> AsyncIterator[str]:
        """What a machine printed last, and what it prints until it ends where followed. Unsupported without LOGS."""

    async def protections(self, resource_id: str, region: str = "") -> Fact[ApiProtection]:
        """The provider's own locks on a machine."""

    async def find_by_token(self, token: str, region: str = "") -> Instance | None:
        """The machine that a create with this token made, also when its answer was lost."""

    async def ssh_target(self, instance: Instance) -> SshTarget | None:
        """How to reach it; None means that it is this machine. Raises HostUnreachable where it has no address."""

    async def host_keys(self, instance: Instance) -> tuple[str, ...]:
        """OpenSSH public host keys that the provider vouches for ('ssh-ed25519 AAAA…'); may be empty."""


@runtime_checkable
class Renewable(Protocol):
    """A provider whose credentials a person renews beside this program."""

    def forget_credentials(self) -> None:
        """Read the credentials anew at the next call."""


class ProviderRegistry(Protocol):
    """The providers in use, by name."""

    def register(self, provider: TrainingProvider) -> None:
        """Add a provider; ResourceExists where the name is taken."""

    def get(self, name: str) -> TrainingProvider:
        """Return the provider; ResourceNotFound names those that exist."""

    def all(self) -> tuple[TrainingProvider, ...]:
        """All providers in the order of registration."""
