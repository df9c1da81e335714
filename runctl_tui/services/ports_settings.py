"""The configuration as screens and the command line see it; a part of `ports`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.setting_spec import SettingDraft


@dataclass(frozen=True, slots=True)
class Setting:
    """One configuration key."""

    key: str
    value: str
    """Masked where it is secret."""
    origin: str
    """default, sandbox, user, project, environment, flag; with the file where there is one."""
    help: str


class Settings(Protocol):
    """The effective configuration."""

    def all(self) -> tuple[Setting, ...]:
        """Every key."""

    def value(self, key: str) -> object:
        """One effective value; InvalidValue for an unknown key names the nearest."""

    def draft(self, key: str, text: str | None) -> SettingDraft:
        """What `set` would do, without doing it; what is wrong is said in it."""

    def set(self, key: str, text: str | None) -> str:
        """Write one key into the file that is in force, or with None remove it there, and return the file."""

    def validate(self) -> tuple[Problem, ...]:
        """What is wrong with the files."""
