"""What is known before anything is asked: folders, configuration, who and when; all that a first frame needs."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui.services.config.service import ConfigService
from runctl_tui.services.config.sources import sources_of, state_folder
from runctl_tui.services.errors import ConfigError
from runctl_tui.services.identity import SessionPlace, SessionService, login_name, owner_of
from runctl_tui.services.log_file import open_log, set_level
from runctl_tui.services.redaction import know_environment
from runctl_tui.services.registry import Registry
from runctl_tui.services.system_clock import SystemClock
from runctl_tui.wiring.keymap import wrong_in_keymap

if TYPE_CHECKING:
    from runctl_tui.domain.settings import Configuration
    from runctl_tui.options import Options


AWS: Final = "aws"


class Place:
    """Where this program works: folders, configuration, owner; real or sandboxed."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.sandbox = options.sandbox
        base = state_folder(options)
        self.state = base / "sandbox" if options.sandbox else base
        self.world = self.state / "world"
        know_environment(os.environ)
        self.log = open_log(self.state)
        self.settings = ConfigService(sources_of(options, os.environ, Path.cwd()), wrong_in_keymap)
        self._configuration = self.settings.configuration
        set_level(self._configuration.monitoring.log_level)
        self.owner = owner_of(self.configuration, login_name())

    @property
    def configuration(self) -> Configuration:
        """The configuration as it is now; while the files are wrong, as it was when they were right last."""
        with contextlib.suppress(ConfigError):
            self._configuration = self.settings.configuration
        return self._configuration

    def whose(self, provider: str) -> str:
        """Return the profile in whose account a provider works; empty where nobody names one."""
        if self.sandbox or provider != AWS:
            return ""
        return self.configuration.aws.profile or os.environ.get("AWS_PROFILE", "")

    @property
    def local_home(self) -> Path | None:
        """The home folder of runs on this machine: one of the sandbox's own in the sandbox."""
        return self.world / "homes" / "local" if self.sandbox else None

    @property
    def bucket(self) -> str:
        """Where checkpoints go when nothing else is said; empty: nowhere."""
        return self.configuration.aws.s3_bucket or ""

    @property
    def project(self) -> Path:
        """The folder in which a project is looked for."""
        return self.state / "tiny" if self.sandbox else Path.cwd()


class Ground:
    """What the services stand on; the registry has no provider yet."""

    def __init__(self, options: Options) -> None:
        self.place = Place(options)
        self.clock = SystemClock()
        self.registry = Registry()
        self.session = SessionService(
            SessionPlace(
                self.place.configuration, self.registry, self.clock, self.place.sandbox, root=os.geteuid() == 0
            )
        )
