"""Values of configuration keys: from TOML, from text, and back to text for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from runctl_tui.domain.figures import amount
from runctl_tui.domain.secret import MASK, Secret
from runctl_tui.domain.setting_spec import Kind, SettingSpec
from runctl_tui.domain.text import MAX_QUOTED, quoted, safe

_YES: Final = ("true", "yes", "on", "1")
_NO: Final = ("false", "no", "off", "0")
_DIGITS: Final = re.compile(r"[+-]?[0-9]+")
_SHAPES: Final = {
    Kind.TEXT: "a text in quotes",
    Kind.SECRET: "a text in quotes",
    Kind.INTEGER: "a whole number",
    Kind.AMOUNT: "an amount such as 0.40",
    Kind.SWITCH: "true or false",
    Kind.LIST: 'a list such as ["a", "b"]',
    Kind.TABLE: "a table of texts",
    Kind.AMOUNTS: "a table of amounts such as { my-project = 50 }",
}


def decode(spec: SettingSpec, value: object) -> object:
    """Return what a TOML value means for a key; ValueError says what is wrong, and never shows a secret."""
    match spec.kind, value:
        case Kind.SWITCH, bool():
            return value
        case Kind.INTEGER, int() if not isinstance(value, bool):
            return _bounded(spec, value)
        case Kind.AMOUNT, int() | float() | Decimal() | str() if not isinstance(value, bool):
            return _amount(spec, value)
        case Kind.TEXT, str():
            return _text(spec, value)
        case Kind.SECRET, str():
            return Secret(value) if value else None
        case Kind.LIST, list():
            return tuple(_text(spec, _is_text(spec, item)) for item in value)
        case Kind.TABLE, dict():
            return MappingProxyType({str(name): _text(spec, _is_text(spec, item)) for name, item in value.items()})
        case Kind.AMOUNTS, dict():
            return MappingProxyType({_text(spec, str(name)): _amount_of(spec, name, value[name]) for name in value})
    raise ValueError(f"it must be {_SHAPES[spec.kind]}, not {_describe(spec, value)}")


def parse(spec: SettingSpec, text: str) -> object:
    """Return what a text from a flag, a variable or `config set` means for a key; ValueError as `decode`."""
    return decode(spec, from_text(spec, text))


def from_text(spec: SettingSpec, text: str) -> object:
    """Return the plain TOML value that a text stands for; an empty text unsets a key that may be unset."""
    match spec.kind:
        case Kind.SWITCH:
            word = text.strip().lower()
            return word in _YES if word in (*_YES, *_NO) else text
        case Kind.INTEGER:
            return int(text) if _DIGITS.fullmatch(text.strip()) else text
        case Kind.LIST:
            return [item for item in (part.strip() for part in text.strip("[] ").split(",")) if item]
        case Kind.TABLE | Kind.AMOUNTS:
            return _pairs(text)
    return text


def show(value: object) -> str:
    """Return the value as `parse` would read it; secrets masked, nothing for an unset key."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Secret():
            return MASK
        case tuple():
            return ",".join(map(str, value))
        case Mapping():
            return ";".join(f"{name}={item}" for name, item in value.items())
    return str(value)


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{quoted(part)} is not NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


def _is_text(spec: SettingSpec, item: object) -> str:
    if not isinstance(item, str):
        raise ValueError(f"it must be {_SHAPES[spec.kind]}, and {quoted(item)} in it is no text")
    return item


def _text(spec: SettingSpec, text: str) -> str | None:
    if not text and spec.kind is Kind.TEXT and spec.default is None:
        return None
    limits = spec.limits
    if limits.choices and text not in limits.choices:
        raise ValueError(f"it must be one of {', '.join(limits.choices)}, not {quoted(text)}")
    return limits.check(text) if limits.check else text


def _bounded(spec: SettingSpec, number: int) -> int:
    _check_bounds(spec, Decimal(number))
    return number


def _amount(spec: SettingSpec, value: int | float | Decimal | str) -> Decimal | None:
    return None if value == "" and spec.default is None else _finite(spec, value)


def _finite(spec: SettingSpec, value: int | float | Decimal | str) -> Decimal:
    try:
        found = amount(str(value))
    except ValueError as error:
        raise ValueError(f"it must be {_SHAPES[Kind.AMOUNT]}: {error}") from None
    _check_bounds(spec, found)
    return found


def _amount_of(spec: SettingSpec, name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"{safe(name, MAX_QUOTED)}: it must be {_SHAPES[Kind.AMOUNT]}, not {quoted(value)}")
    try:
        return _finite(spec, value)
    except ValueError as error:
        raise ValueError(f"{safe(name, MAX_QUOTED)}: {error}") from None


def _check_bounds(spec: SettingSpec, number: Decimal) -> None:
    low, high = spec.limits.minimum, spec.limits.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        words = [f"at least {low}" if low is not None else "", f"at most {high}" if high is not None else ""]
        raise ValueError(f"it must be {' and '.join(filter(None, words))}, not {safe(number, MAX_QUOTED)}")


def _describe(spec: SettingSpec, value: object) -> str:
    return f"a {type(value).__name__}" if spec.kind is Kind.SECRET else quoted(value)
