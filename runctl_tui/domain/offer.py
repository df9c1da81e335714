"""What can be bought, what a provider can do, and what a person asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.instance import Gpu
from runctl_tui.domain.resource import Market
from runctl_tui.domain.validation import resource_name

if TYPE_CHECKING:
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.money import Price
    from runctl_tui.domain.secret import Secret
    from runctl_tui.domain.states import Capability

NO_PROFILE: Final = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do; what it cannot carries the reason that the interface shows."""

    refused: Mapping[Capability, str] = field(default_factory=dict)

    def why_not(self, capability: Capability) -> str:
        """Return the reason why it cannot, or an empty string when it can."""
        return self.refused.get(capability, "")


@dataclass(frozen=True, slots=True)
class TypeOffer:
    """One machine type of one region with what it costs."""

    provider: str
    region: str
    type: str
    vcpus: int | None
    memory_gib: float | None
    gpu: Gpu | None
    on_demand: Fact[Price]
    spot: Fact[Price]
    """Cheapest zone now."""
    spot_zone: str = ""
    """The zone of that price; where there is no spot, how much of the type is in stock."""
    architecture: str = "x86_64"


@dataclass(frozen=True, slots=True)
class CreateResourceOptions:
    """Everything that a launch may say; None and empty mean 'choose sensibly'."""

    provider: str
    region: str
    type: str
    name: str
    project: str
    run: str = ""
    market: Market = Market.ON_DEMAND
    spot_max_price: Decimal | None = None
    """Dollars per hour; None: up to the on-demand price."""
    root_gib: int | None = None
    data_gib: int | None = None
    """A second disk, mounted at /mnt/data."""
    image: str = ""
    key_name: str = ""
    security_groups: tuple[str, ...] = ()
    subnet: str = ""
    zone: str = ""
    profile: str = ""
    """An instance profile, or NO_PROFILE for a machine without one although the configuration names one."""
    volume: str = ""
    """A network volume to mount, by id or name."""
    template: str = ""
    """A template of a pod, by id or name, in the place of an image."""
    ports: tuple[str, ...] = ()
    """Ports of a pod beside SSH's own: '8888/http', '6006/tcp'."""
    environment: tuple[tuple[str, Secret], ...] = ()
    """Variables of a pod; their values may be secrets and are never told."""
    tags: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a name that no form and no flag would take; ValueError says what is wrong."""
        if self.name:
            resource_name(self.name)

    def foreign(self, names: tuple[str, ...]) -> str:
        """Return the first of some options that says something; for providers that do not know them."""
        return next((name for name in names if getattr(self, name)), "")


OF_PODS: Final = ("volume", "template", "ports", "environment")
"""Options that only RunPod's pods have."""
OF_INSTANCES: Final = ("key_name", "security_groups", "subnet", "profile")
"""Options that only AWS's instances have."""
