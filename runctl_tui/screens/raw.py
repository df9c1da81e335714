"""A row as JSON, as this program holds it; pure, used by the screens whose rows have no provider to ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum


def raw_json(value: object) -> str:
    """Return a value as JSON for reading; what a value hides from its own repr, such as secrets, stays hidden."""
    return json.dumps(_plain(value), indent=2, default=str, ensure_ascii=False)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.repr}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (tuple, list, frozenset)) else value
