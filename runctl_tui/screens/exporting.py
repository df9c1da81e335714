"""Turns a view into the text of a file: tables as CSV that no spreadsheet takes for formulas; pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate instead of show."""


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the rows as CSV with every cell quoted."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([_inert(title) for title in titles])
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    return out.getvalue()


def _inert(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would calculate; a number stays a number."""
    if not cell.startswith(_FORMULA) or cell == "-":
        return cell
    try:
        float(cell.replace(",", ""))
    except ValueError:
        return f"'{cell}"
    return cell
