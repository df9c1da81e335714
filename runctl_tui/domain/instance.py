"""Machines as every provider describes them, and what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.resource import Market, Ownership

if TYPE_CHECKING:
    from runctl_tui.domain.resource import ResourceState

HERE: Final = "local/local"
"""The key of this machine in the fleet."""
TAG_OWNER: Final = "runctl:owner"
TAG_PROJECT: Final = "runctl:project"
TAG_RUN: Final = "runctl:run"
TAG_SSH: Final = "runctl:ssh"
"""'user@host:port', overrides the address that the provider reports (jump host, VPN, sandbox)."""
PROTECTING_TAGS: Final = ("runctl:protected", "runctl:important", "runctl:persistent")
TAG_PROTECT_UNTIL: Final = "runctl:protect-until"


def ownership_of(tags: tuple[tuple[str, str], ...], owner_label: str) -> Ownership:
    """Return whose a resource with these tags is, for somebody with this label."""
    table = dict(tags)
    if TAG_OWNER in table:
        return Ownership.OURS if table[TAG_OWNER] == owner_label else Ownership.OTHER
    if table.get("CreatedBy") == "runctl" or "runctl:user" in table:
        return Ownership.RUNCTL
    return Ownership.FOREIGN


@dataclass(frozen=True, slots=True)
class Gpu:
    """The accelerators of a machine."""

    name: str
    count: int
    memory_gib: float | None = None
    """Of one."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A block device of an instance."""

    volume_id: str
    device: str
    size_gib: int | None
    type: str
    delete_on_termination: bool | None
    """None: unknown."""
    root: bool = False
    name: str = ""
    last_snapshot_at: datetime | None = None
    attached_at: datetime | None = None
    usd_per_month: str = ""
    usd_per_month_stopped: str = ""
    """Where a stop of the machine changes the price."""
    lost_on_stop: bool = False
    """Its contents go when the machine stops."""
    bound: bool = False
    """Nothing can keep it when its machine is terminated: there is no snapshot and no switch."""
    apart: bool = False
    """It costs by itself, whether a machine mounts it or not, and is counted by itself."""
    iops: int | None = None
    throughput: int | None = None
    """MiB/s."""
    tags: tuple[tuple[str, str], ...] | None = ()
    """None: they could not be read."""


class Tagged:
    """What every resource tells by its key and its tags."""

    __slots__ = ()
    id: str
    provider: str
    tags: tuple[tuple[str, str], ...]
    owner_label: str

    @property
    def key(self) -> str:
        """What tables and plans know it by: 'aws/i-0abc'."""
        return f"{self.provider}/{self.id}"

    def tag(self, key: str) -> str | None:
        """Return the tag's value, or None where it is absent."""
        return dict(self.tags).get(key)

    @property
    def ownership(self) -> Ownership:
        """Whose it is, by its tags."""
        return ownership_of(self.tags, self.owner_label)

    @property
    def project(self) -> str:
        """The project it is tagged with, or nothing."""
        return self.tag(TAG_PROJECT) or ""


@dataclass(frozen=True, slots=True)
class Instance(Tagged):
    """One machine: an EC2 instance, or this one."""

    id: str
    """The provider's own: 'i-0abc…', 'local'."""
    provider: str
    region: str
    name: str
    state: ResourceState
    type: str
    zone: str = ""
    market: Market = Market.ON_DEMAND
    gpu: Gpu | None = None
    vcpus: int | None = None
    memory_gib: float | None = None
    launched_at: datetime | None = None
    """Start of the present uptime; a restart resets it."""
    created_at: datetime | None = None
    """First creation, where the provider tells; survives restarts."""
    public_ip: str = ""
    private_ip: str = ""
    key_name: str = ""
    profile: str = ""
    """IAM instance profile name; empty: none."""
    image: str = ""
    parent: str = ""
    """What manages it and would replace it: 'autoscaling: web'."""
    state_reason: str = ""
    stopped_at: datetime | None = None
    """When it was told to stop or to end, where the provider tells; None while it runs."""
    tags: tuple[tuple[str, str], ...] = ()
    """Sorted; untrusted text."""
    disks: tuple[Disk, ...] = field(default=())
    owner_label: str = ""
    """Who this tool takes for itself; ownership is judged against it."""


@dataclass(frozen=True, slots=True)
class ApiProtection:
    """The provider's own locks on one instance."""

    termination: bool
    stop: bool
    shutdown_terminates: bool = False
    """An operating-system shutdown would terminate it."""
    instance_store_disks: int = 0
