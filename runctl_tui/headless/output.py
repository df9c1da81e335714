"""Answers as JSON and as aligned tables."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Final

from runctl_tui.domain.durations import in_two_units
from runctl_tui.domain.money import LEAST
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.secret import Secret
from runctl_tui.domain.text import safe
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.redaction import redacted_problem

Row = dict[str, object]

LARGE: Final = 10
"""From here on cents are enough."""


def plain(value: object) -> object:
    """Return the value in what JSON has: money and other numbers as numbers, times as ISO 8601 in UTC."""
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return str(value.value)
        case str():
            return str(value)
        case Secret() | datetime() | Decimal() | float():
            return _scalar(value)
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case Sequence() | frozenset() | set():
            return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value) if item.repr}
    return str(value)


def _scalar(value: Secret | datetime | Decimal | float) -> object:
    match value:
        case datetime():
            return value.isoformat(timespec="seconds")
        case Decimal() | float():
            number = float(value)
            return number if math.isfinite(number) else None
    return str(value)


def success(data: object, missing: Sequence[Problem] = (), as_of: datetime | None = None) -> str:
    """Return the envelope of an answer as one line."""
    envelope: Row = {"success": True, **({"as_of": plain(as_of)} if as_of else {}), "data": plain(data)}
    if missing:
        envelope["missing"] = plain([redacted_problem(problem) for problem in missing])
    return json.dumps(envelope, allow_nan=False)


def missing_text(problem: Problem) -> str:
    """Return in one line what an answer lacks, why, and what to do about it."""
    problem = redacted_problem(problem)
    return f"▲ {problem.what}{f': {problem.why}' if problem.why else ''}{f'; {problem.todo}' if problem.todo else ''}"


def failure(error: TrainctlError) -> str:
    """Return the envelope of an error as one line."""
    message = str(error)
    details = {"type": type(error).__name__, "code": error.code, "message": message, "hint": error.todo}
    if error.request_id:
        details["request_id"] = error.request_id
    return json.dumps({"success": False, "error": details}, allow_nan=False)


def failure_text(error: TrainctlError) -> str:
    """Return an error as a person reads it: what, why, what to do."""
    lines = [f"runctl-tui: {safe(error.what, 2000)}"]
    lines += [f"  why: {safe(error.why, 2000)}"] if error.why else []
    lines += [f"  do:  {safe(error.todo, 2000)}"] if error.todo else []
    lines += [f"  request id: {safe(error.request_id)}"] if error.request_id else []
    return "\n".join(lines)


def table(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str], empty: str) -> str:
    """Return rows as aligned columns; `columns` maps headings to keys, numbers are set to the right.

    A '-' says that a row has no such number; the fractions of a column have as many places in every row.
    """
    if not rows:
        return empty
    *_, last = columns.values()
    values = [[row.get(key) for row in rows] for key in columns.values()]
    right = [all(map(_is_figure, column)) for column in values]
    cells = [
        _figures(column) if figures else [cell(value, 300 if key == last else 48) for value in column]
        for key, column, figures in zip(columns.values(), values, right, strict=True)
    ]
    widths = [max(map(_width, (title, *column))) for title, column in zip(columns, cells, strict=True)]
    lines = [columns, *zip(*cells, strict=True)]
    return "\n".join("  ".join(map(_pad, line, widths, right)).rstrip() for line in lines)


def cell(value: object, limit: int = 60) -> str:
    """Return one value for a person: unknown is '?', nothing is nothing, and long texts are cut."""
    match value:
        case None:
            return "?"
        case bool():
            return "yes" if value else "no"
        case float() | Decimal():
            return _number(value)
    return safe(value, limit)


def _is_figure(value: object) -> bool:
    return value == "-" or isinstance(value, int | float | Decimal | None)


def _figures(column: Sequence[object]) -> list[str]:
    """Return the cells of a column of numbers."""
    fractions = [value for value in column if isinstance(value, float | Decimal)]
    if not fractions:
        return [cell(value) for value in column]
    places = max(len(_number(value).partition(".")[2]) for value in fractions)
    places = min(places, 2) if any(abs(float(value)) >= LARGE for value in fractions) else places
    least = Decimal(1).scaleb(-places)
    return [_figure(value, least) for value in column]


def _figure(value: object, least: Decimal) -> str:
    if not isinstance(value, int | float | Decimal):
        return cell(value)
    return f"<{least}" if 0 < value < least else f"{value:,.{-int(least.as_tuple().exponent)}f}"


def _number(value: float | Decimal) -> str:
    number = float(value)
    if 0 < value < LEAST:
        return f"<{LEAST}"
    return f"{number:.4f}".rstrip("0").rstrip(".") if abs(number) < LARGE else f"{number:,.2f}"


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Return labelled lines; pairs without a value are left out."""
    kept = [(label, value) for label, value in pairs if value not in (None, "", (), [])]
    width = max((len(label) for label, _ in kept), default=0)
    return "\n".join(f"{label:<{width}}  {safe(value, 2000)}" for label, value in kept)


def duration(seconds: float | None) -> str:
    """Return a length of time in its two largest units: '3 d 4 h', '12 min 3 s', '8 s'."""
    if seconds is None:
        return "?"
    return in_two_units(seconds)


def age(seconds: object) -> str:
    """Return an age in a row for a person; what is not known is '?'."""
    return duration(seconds) if isinstance(seconds, int) else "?"


def with_own_words(text: str, told: object) -> str:
    """Return facts for a person over what the provider itself says."""
    return f"{text}\n\n{json.dumps(plain(told), indent=2)}"


def dollars(amount: Decimal | None) -> str:
    """Return an amount of money; unknown is said, never shown as zero."""
    if amount is None:
        return "unknown"
    if 0 < amount < LEAST:
        return f"<${LEAST}"
    return f"${amount:,.2f}" if amount == 0 or abs(amount) >= 1 else f"${amount:.4f}"


def size(count: int | None) -> str:
    """Return a number of bytes in the largest unit that suits."""
    if count is None:
        return "?"
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
