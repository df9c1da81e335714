"""What the AWS provider is told once, when it is made: where, who, and how launches and hosts are arranged."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from runctl_tui.domain.secret import KNOWN
from runctl_tui.services.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """Explicit keys, as the sandbox hands them out; they never appear in a representation."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for text in (self.access_key_id, self.secret_access_key, self.session_token):
            KNOWN.add(text)


@dataclass(frozen=True, slots=True)
class LaunchSettings:
    """What a launch falls back to where its options say nothing."""

    image: str = ""
    """AMI id; empty: chosen by machine type."""
    key_name: str = ""
    security_groups: tuple[str, ...] = ()
    """Ids or names."""
    subnet: str = ""
    instance_profile: str = ""
    ssh_cidr: str = ""
    """Who may reach port 22 of the group that this tool makes; empty: everybody."""
    warn_at: int = 10
    """Running instances from which on a launch warns."""
    block_at: int = 50
    """Running instances from which on a launch is refused."""


@dataclass(frozen=True, slots=True)
class SshSettings:
    """How hosts are reached where the provider's own address does not do."""

    overrides: Mapping[str, str] = field(default_factory=dict)
    """Instance id or name to 'user@host:port'."""
    jump_host: str = ""
    """'user@host:port'."""
    key_files: tuple[str, ...] = ()
    """Tried before any other key."""
    user: str = ""
    """Login name; empty: told by the image."""
    private: bool = False
    """Reach hosts by their private address, as from a bastion or a VPN."""


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How reads are tried again; botocore chooses the waits."""

    attempts: int = 5
    deadline: float = 120.0
    """Seconds; S3 has none, for its calls may carry much."""


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Everything that the AWS provider is told."""

    state_dir: Path
    owner: str
    regions: tuple[str, ...] = ("us-east-1",)
    profile: str = ""
    ambient_profile: str = ""
    """The one that the environment names, which boto3 reads by itself: words name it where there is no `profile`."""
    endpoint_url: str = ""
    """Set for the sandbox only: loopback, with explicit credentials."""
    credentials: AwsCredentials | None = None
    launch: LaunchSettings = LaunchSettings()
    ssh: SshSettings = field(default_factory=SshSettings)
    retry: ReadSettings = ReadSettings()
    forbids: Callable[[], str] = lambda: ""
    """Why nothing may be changed now; empty: changes are allowed."""
    keys_dir: Path | None = None
    """Where our own key pairs lie; None: 'keys' in the state folder."""

    @property
    def keys(self) -> Path:
        """The folder of our own key pairs."""
        return self.keys_dir or self.state_dir / "keys"

    def validate(self) -> None:
        """Raise ConfigError where the settings cannot work or could touch a real account by mistake."""
        if not self.regions:
            raise ConfigError("No AWS region is set", "the list of regions is empty", "set aws.region")
        if self.endpoint_url:
            require_loopback(self.endpoint_url)
            if self.credentials is None:
                why = "an own endpoint must never see the credentials of the environment"
                raise ConfigError("An endpoint needs explicit credentials", why)


def require_loopback(url: str) -> None:
    """Raise ConfigError where an endpoint is not on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        why = f"{host or url!r} is not on this machine"
        raise ConfigError("The endpoint is refused", why, "use an address of 127.0.0.1")
