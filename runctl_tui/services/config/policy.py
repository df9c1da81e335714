"""The policy of a machine: a file of its administrator whose values only ever tighten what everybody else sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.settings import SPECS
from runctl_tui.domain.text import quoted
from runctl_tui.services.config import files
from runctl_tui.services.config.values import decode
from runctl_tui.services.errors import ConfigError, InvalidValue

if TYPE_CHECKING:
    from runctl_tui.services.config.reading import Reading

POLICY_FILE: Final = Path("/etc/runctl-tui/policy.toml")
Stricter = Callable[[Any, Any], object]


def _either(mine: bool, policy: bool) -> bool:
    return mine or policy


def _both(mine: bool, policy: bool) -> bool:
    return mine and policy


def _joined(mine: tuple[str, ...], policy: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*policy, *mine)))


def _least(mine: Decimal | None, policy: Decimal) -> Decimal:
    return policy if mine is None else min(mine, policy)


STRICTER: Final[Mapping[str, Stricter]] = {
    "safety.read_only": _either,
    "safety.acknowledge": _both,
    "safety.arming": _both,
    "safety.production_accounts": _joined,
    "costs.cap_per_hour": _least,
    "costs.hard_cap_per_hour": _least,
}
"""The keys that a policy may hold, and how each is joined with what is set elsewhere."""


def tighten(reading: Reading, path: Path | None) -> None:
    """Join the policy with what was read; what is wrong in it is an error, and whatever it says then does not count."""
    if path is None or not path.exists():
        return
    try:
        tables = files.read(path)
    except ConfigError as error:
        reading.errors.append(error)
        return
    for key, value in _flat(tables):
        try:
            _join(reading, key, value, path)
        except ValueError as error:
            reading.errors.append(InvalidValue(f"{path}: {key} is wrong", str(error), "mend the policy"))


def _flat(tables: Mapping[str, Any]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in tables.items():
        inner = value.items() if isinstance(value, Mapping) else ((None, value),)
        found += [(f"{name}.{key}" if key else name, each) for key, each in inner]
    return found


def _join(reading: Reading, key: str, value: object, path: Path) -> None:
    if key not in STRICTER:
        raise ValueError(f"{quoted(key)} cannot stand in a policy, which holds {', '.join(STRICTER)}")
    spec = SPECS[key]
    policy = decode(spec, value)
    mine = reading.values.get(key, spec.default)
    joined = STRICTER[key](mine, policy)
    if joined != mine:
        reading.values[key], reading.origins[key] = joined, f"policy ({path})"
