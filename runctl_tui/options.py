"""What the command line says about the whole program: parsed by `cli.py`, read by `wiring`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """The global flags."""

    sandbox: bool = False
    fresh: bool = False
    """Begin the sandbox's world anew."""
    state_dir: str = ""
    """Folder of ledger, journal, keys and sandbox; empty: the platform's own."""
    config_file: str = ""
    """The one configuration file to read; empty: the project's, then the user's."""
    profile: str = ""
    regions: tuple[str, ...] = ()
    read_only: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)
    """Configuration keys set by flags, as texts: the strongest source."""
    regions_elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Regions that were chosen under profiles left in this session; '' is no profile."""

    def configuration_flags(self) -> dict[str, str]:
        """Return every configuration key that these options decide, as texts."""
        decided = dict(self.flags)
        if self.profile:
            decided["aws.profile"] = self.profile
        if self.regions:
            decided["aws.region"] = self.regions[0]
            decided["aws.regions"] = ",".join(self.regions)
        if self.read_only:
            decided["safety.read_only"] = "true"
        return decided
