"""What screens remember over sessions: filters, views by name, how tables were left; pure but for what it writes to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

FILTERS: Final = 50
"""Filters per screen that are remembered."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """How somebody looks at one screen."""

    mode: str
    filter: str = ""
    sort: str = ""
    """A column's id; empty: as the rows come."""
    order: str = ""
    """That column's title, for people."""
    descending: bool = False
    hidden: tuple[str, ...] = ()
    """Ids of columns that are put away."""
    where: str = ""
    """What the table is about, such as 's3://bucket/prefix/'; empty: whatever it is about then."""


@dataclass(frozen=True, slots=True)
class Stance:
    """How a table was left: its view, and the row under the cursor."""

    view: SavedView
    cursor: str | None = None


class Kept:
    """Reads what was recalled once, and writes each change through."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}
        self._left: dict[str, Mapping[str, Stance]] = {}
        self._write: Callable[[str, object], None] = lambda name, value: None

    def begin(self, values: Mapping[str, object], write: Callable[[str, object], None]) -> None:
        """Take what the last session left, and where changes go."""
        self._values = {**values, **self._values}
        self._write = write

    def filters(self, mode: str) -> tuple[str, ...]:
        """Return the filters typed on a screen, oldest first."""
        found = self._values.get(f"filters.{mode}")
        return tuple(str(one) for one in found) if isinstance(found, list) else ()

    def add_filter(self, mode: str, text: str) -> None:
        """Remember a filter as the newest."""
        others = [one for one in self.filters(mode) if one != text]
        self._put(f"filters.{mode}", [*others, text][-FILTERS:])

    def views(self) -> dict[str, SavedView]:
        """Return the saved views by name."""
        found = {name.partition(".")[2]: value for name, value in self._values.items() if name.startswith("view.")}
        read = {name: _view(value) for name, value in sorted(found.items())}
        return {name: view for name, view in read.items() if view is not None}

    def save_view(self, name: str, view: SavedView | None) -> None:
        """Save a view by name, or with None forget it."""
        self._put(f"view.{name}", None if view is None else _plain(view))

    def stances(self, place: str) -> Mapping[str, Stance]:
        """Return how each screen was left at a place, by mode; one from an earlier session hides no rows."""
        if place in self._left:
            return self._left[place]
        found = self._values.get(f"left.{place}")
        read = {str(mode): _stance(value) for mode, value in found.items()} if isinstance(found, Mapping) else {}
        return {mode: stance for mode, stance in read.items() if stance is not None}

    def leave(self, place: str, stances: Mapping[str, Stance]) -> tuple[str, object]:
        """Remember how the screens of a place are left; return the name and the value to keep it by."""
        self._left[place] = {**self.stances(place), **stances}
        return f"left.{place}", {
            mode: {"view": _plain(replace(stance.view, filter="", where="")), "cursor": stance.cursor}
            for mode, stance in self._left[place].items()
        }

    def _put(self, name: str, value: object) -> None:
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value
        self._write(name, value)


def wrong_name(text: str) -> str:
    """Return what is wrong with the name of a view, or nothing."""
    return "" if text and re.sub(r"[-_ ]", "", text).isalnum() else "letters, digits, blanks, - and _"


def _plain(view: SavedView) -> dict[str, object]:
    return asdict(view) | {"hidden": list(view.hidden)}


def _stance(value: object) -> Stance | None:
    """Read how a table was left; None where it is nothing of ours."""
    view = _view(value.get("view")) if isinstance(value, Mapping) else None
    if view is None or not isinstance(value, Mapping):
        return None
    cursor = value.get("cursor")
    return Stance(view, cursor if isinstance(cursor, str) else None)


def _view(value: object) -> SavedView | None:
    """Read a view as it was kept; None where it is no view of ours."""
    if not isinstance(value, Mapping) or not isinstance(value.get("mode"), str):
        return None
    hidden = value.get("hidden")
    return SavedView(
        mode=value["mode"],
        filter=str(value.get("filter", "")),
        sort=str(value.get("sort", "")),
        order=str(value.get("order", "")),
        descending=bool(value.get("descending")),
        hidden=tuple(str(one) for one in hidden) if isinstance(hidden, Sequence) else (),
        where=str(value.get("where", "")),
    )
