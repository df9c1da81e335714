"""What the launch dialog asks of the world; screens implement it, failures come back as problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.launch import LaunchPreview, LaunchRequest
    from runctl_tui.domain.offer import TypeOffer
    from runctl_tui.domain.plan import Confirmation, Plan
    from runctl_tui.domain.problem import Problem


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """A provider as the form offers it."""

    name: str
    label: str
    regions: tuple[str, ...]
    why_not_create: str = ""
    why_not_spot: str = ""
    default_type: str = ""
    """The type that a launch starts with."""


@dataclass(frozen=True, slots=True)
class MachineChoice:
    """A machine that is there already."""

    key: str
    name: str
    type: str
    where: str
    usd_per_hour: str
    """'1.01', '0.31*' where it is an estimate, 'free' or '?'."""
    busy: str
    """What runs on it, or nothing."""


class LaunchSource(Protocol):
    """Everything that the form needs to know."""

    @property
    def providers(self) -> tuple[ProviderChoice, ...]:
        """Providers in order."""

    @property
    def machines(self) -> tuple[MachineChoice, ...]:
        """Running machines that training can go to."""

    @property
    def budget_left(self) -> str:
        """'$1,295' or nothing."""

    def disk_per_month(self, provider: str, region: str, gib: str) -> str:
        """'$8.00' for a root disk of so many GiB, or nothing where the price is not known."""

    def secret(self, name: str) -> str | None:
        """The value of a secret here, or None."""

    async def offers(self, provider: str, region: str) -> tuple[TypeOffer, ...] | Problem:
        """What can be bought."""

    async def preview(self, request: LaunchRequest) -> LaunchPreview | Problem:
        """The plan, price and code of a request; changes nothing."""

    async def commit(self, plan: Plan, confirmation: Confirmation) -> str | Problem:
        """Carry the plan out and return its job's id."""

    async def decline(self, plan: Plan) -> None:
        """Take note that nobody confirmed the plan."""
