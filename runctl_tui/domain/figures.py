"""Numbers, lengths of time and days as people type them; forms, flags, the `:` line and configuration share these.

Each function returns the value and raises ValueError, in words for a person, that name what is wrong.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_DISK_GIB: Final = 65_536
"""Of gp3 and io2; `volume_shapes` knows what each type allows."""
LAST_PORT: Final = 65_535
_MOST_DIGITS: Final = 18
_LARGEST_EXPONENT: Final = 15
"""No amount of dollars has more digits than this; arithmetic on one that had would not end."""
_UNITS: Final[Mapping[str, float]] = MappingProxyType(
    {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
)
_PART: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([a-z]*) ?")


def whole(text: str, least: int = 1, most: int | None = None, unit: str = "") -> int:
    """Return a whole number within limits."""
    plain = text.strip()
    stranger = re.search(r"[^0-9]", plain)
    fits = bool(plain) and not stranger and len(plain) <= _MOST_DIGITS and least <= int(plain)
    if not fits or (most is not None and int(plain) > most):
        limits = f"of at least {least:,}" if most is None else f"from {least:,} to {most:,}"
        why = f": {quoted(stranger[0])} is no digit" if stranger else ""
        raise ValueError(f"a whole number {limits}{unit}, not {quoted(text)}{why}")
    return int(plain)


def gib(text: str, least: int = 1) -> int:
    """Return the size of a disk in GiB, as large as any type may be."""
    return whole(text, least, LARGEST_DISK_GIB, " GiB")


def port(text: str, least: int = 1) -> int:
    """Return the number of a port."""
    return whole(text, least, LAST_PORT)


def amount(text: str) -> Decimal:
    """Return an amount of dollars, with or without its sign."""
    plain = text.strip().removeprefix("$").strip()
    try:
        found = Decimal(plain) if plain.isascii() and "_" not in plain else None
    except InvalidOperation:
        found = None
    if found is None:
        raise ValueError(f"{quoted(text)} is no amount such as 0.40")
    if not found.is_finite():
        raise ValueError(f"{quoted(text)} is no finite amount")
    if found and abs(found.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(f"{quoted(text)} is out of reason: an amount has at most {_LARGEST_EXPONENT} digits")
    return found


def price(text: str) -> Decimal:
    """Return dollars per hour: more than nothing."""
    found = amount(text)
    if found <= 0:
        raise ValueError(f"{quoted(text)} is no price: it must be more than 0")
    return found


def duration(text: str, unit: str = "s", least: float = 0.0, most: float = 31 * 86_400) -> float:
    """Return seconds from '90', '90s', '10m', '1h30m' or '2 d'; a number alone counts in `unit`."""
    plain, place, seconds, parts = text.strip().lower(), 0, 0.0, 0
    while place < len(plain):
        part = _PART.match(plain, place)
        if part is None:
            raise ValueError(f"{quoted(text)} is no length of time such as 30s or 1h30m: {quoted(plain[place:])}")
        word = part[2] or (unit if part.end() == len(plain) and not parts else "")
        if word not in _UNITS:
            why = f"{quoted(part[2])} is no unit of time" if part[2] else f"{part[1]} of what"
            raise ValueError(f"{quoted(text)} is no length of time: {why}; units are {', '.join(_UNITS)}")
        seconds, place, parts = seconds + float(part[1]) * _UNITS[word], part.end(), parts + 1
    if not parts or not least <= seconds <= most:
        raise ValueError(f"{quoted(text)} is no length of time from {least:g} s to {most:,.0f} s")
    return seconds


def day(text: str) -> date:
    """Return a day, such as 2026-11-30."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text.strip()):
        try:
            return date.fromisoformat(text.strip())
        except ValueError as error:
            raise ValueError(f"{quoted(text)} is no day: {error}") from None
    raise ValueError(f"{quoted(text)} is no day such as 2026-11-30")


def schedule(text: str) -> datetime:
    """Return when something is due: a day's last moment, or a day and time; in UTC where no zone is named."""
    plain = text.strip()
    if len(plain) == len("2026-01-01"):
        return datetime.combine(day(plain), time.max, UTC)
    try:
        found = datetime.fromisoformat(plain)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{quoted(text)} is no date: write 2026-11-30 or 2026-11-30T18:00Z") from None
