"""How the configuration's schema is written down: kinds, limits, and dataclass fields that carry their help.

`domain/settings.py` alone writes with it; `services/config` and the documentation read `SettingSpec`s.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

from runctl_tui.domain.secret import Secret

T = TypeVar("T")

_META: Final = "runctl"


class Kind(StrEnum):
    """What a key holds."""

    TEXT = "text"
    INTEGER = "whole number"
    AMOUNT = "amount"
    SWITCH = "switch"
    LIST = "list of texts"
    TABLE = "table"
    AMOUNTS = "table of amounts"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a value must keep to beyond its kind."""

    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    check: Callable[[str], str] | None = None
    """Applied to a text, to each item of a list and to each value of a table, of a table of amounts to each name.

    ValueError says what is wrong.
    """


NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One key of the configuration."""

    key: str
    """'section.name', or a bare name at the top level."""
    kind: Kind
    default: object
    help: str
    limits: Limits = NO_LIMITS
    heritage: bool = False
    """Whether runctl had this key too."""

    @property
    def section(self) -> str:
        """The table that it lies in; empty at the top level."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its name inside its table."""
        return self.key.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class SettingDraft:
    """What writing one key would do; nothing has been written."""

    key: str
    old: str
    """The effective value; masked where it is secret."""
    new: str
    """The same after writing; empty where nothing is set any more."""
    file: str
    """The file that would be written."""
    problem: str = ""
    """Why it cannot be written."""
    overruled_by: str = ""
    """The flag or variable that stays in force whatever the file says."""


@dataclass(frozen=True, slots=True)
class _Meta:
    help: str
    limits: Limits
    heritage: bool


def ours(default: T, text: str, limits: Limits = NO_LIMITS) -> T:
    """Declare a key of our own."""
    return field(default=default, metadata={_META: _Meta(text, limits, False)})


def runctl(default: T, text: str, limits: Limits = NO_LIMITS) -> T:
    """Declare a key that runctl had."""
    return field(default=default, metadata={_META: _Meta(text, limits, True)})


def table(text: str, limits: Limits = NO_LIMITS) -> Mapping[str, Any]:
    """Declare a table of texts or of amounts, empty by default."""
    empty: Mapping[str, Any] = types.MappingProxyType({})
    return field(default_factory=lambda: empty, metadata={_META: _Meta(text, limits, False)})


def at_least(minimum: int) -> Limits:
    """Limit a number from below."""
    return Limits(minimum=minimum)


_KINDS: Final[tuple[tuple[object, Kind], ...]] = (
    (str, Kind.TEXT),
    (str | None, Kind.TEXT),
    (int, Kind.INTEGER),
    (bool, Kind.SWITCH),
    (Decimal | None, Kind.AMOUNT),
    (tuple[str, ...], Kind.LIST),
    (Mapping[str, str], Kind.TABLE),
    (Mapping[str, Decimal], Kind.AMOUNTS),
    (Secret | None, Kind.SECRET),
)


def specs_of(owner: type, prefix: str) -> tuple[SettingSpec, ...]:
    """Return the keys that a section's dataclass declares, each with the prefix."""
    hints = typing.get_type_hints(owner)
    found = []
    for item in fields(owner):
        if (meta := item.metadata.get(_META)) is None:
            continue
        kind = next(kind for hint, kind in _KINDS if hint == hints[item.name])
        default = {} if kind in (Kind.TABLE, Kind.AMOUNTS) else item.default
        found.append(SettingSpec(f"{prefix}{item.name}", kind, default, meta.help, meta.limits, meta.heritage))
    return tuple(found)
