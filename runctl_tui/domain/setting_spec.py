"""How the configuration's schema is written down: kinds, limits, and sections whose keys carry their help.

`domain/settings.py` alone writes with it; `services/config` and the documentation read `SettingSpec`s.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple, TypeVar, cast, dataclass_transform

T = TypeVar("T")


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


class Declaration(NamedTuple):
    """What `ours`, `runctl` and `table` say about a key."""

    default: object
    help: str
    limits: Limits
    heritage: bool


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Section:
    """A table of the configuration, declared as a dataclass is; a dataclass would cost the first frame much more."""

    DECLARED: ClassVar[Mapping[str, object]] = {}

    def __init_subclass__(cls) -> None:
        """Keep what the class declares."""
        cls.DECLARED = {name: cls.__dict__[name] for name in inspect.get_annotations(cls)}

    def __init__(self, **values: Any) -> None:
        """Take values; TypeError for one that is not declared."""
        if unknown := values.keys() - self.DECLARED.keys():
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        vars(self).update({name: _default(said) for name, said in self.DECLARED.items()} | values)

    def __repr__(self) -> str:
        """Write it as it would be made."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: what was read stays as it was read."""
        raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be set")

    def __delattr__(self, name: str) -> None:
        """Refuse, as setting is refused."""
        raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        """Tell whether it is the same table with the same values."""
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        """Hash the values; TypeError where one of them is a table."""
        return hash((type(self), *vars(self).values()))


def _default(said: object) -> object:
    return said.default if isinstance(said, Declaration) else said


def ours(default: T, text: str, limits: Limits = NO_LIMITS) -> T:
    """Declare a key of our own."""
    return cast(T, Declaration(default, text, limits, False))


def runctl(default: T, text: str, limits: Limits = NO_LIMITS) -> T:
    """Declare a key that runctl had."""
    return cast(T, Declaration(default, text, limits, True))


def table(text: str, limits: Limits = NO_LIMITS) -> Mapping[str, Any]:
    """Declare a table of texts or of amounts, empty by default."""
    return ours(MappingProxyType({}), text, limits)


def at_least(minimum: int) -> Limits:
    """Limit a number from below."""
    return Limits(minimum=minimum)


_KINDS: Final[Mapping[str, Kind]] = {
    "str": Kind.TEXT,
    "str | None": Kind.TEXT,
    "int": Kind.INTEGER,
    "bool": Kind.SWITCH,
    "Decimal | None": Kind.AMOUNT,
    "tuple[str, ...]": Kind.LIST,
    "Mapping[str, str]": Kind.TABLE,
    "Mapping[str, Decimal]": Kind.AMOUNTS,
    "Secret | None": Kind.SECRET,
}
"""How a key's type is spelled in its declaration -> kind."""


def specs_of(owner: type[Section], prefix: str) -> tuple[SettingSpec, ...]:
    """Return the keys that a section declares, each with the prefix."""
    found = []
    for name, said in owner.DECLARED.items():
        if isinstance(said, Declaration):
            kind = _KINDS[owner.__annotations__[name]]
            default = {} if kind in (Kind.TABLE, Kind.AMOUNTS) else said.default
            found.append(SettingSpec(f"{prefix}{name}", kind, default, said.help, said.limits, said.heritage))
    return tuple(found)
