"""A table as the text of a file: CSV, JSON, HTML or Markdown, each with its time and scope; pure.

Screens export what they show by it, and `export` what scripts read.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final

from runctl_tui.domain.text import safe

LONGEST: Final = 4000
"""Characters of one cell."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate instead of show."""
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|~#&])")
_STYLE: Final = (
    "body{font-family:sans-serif}table{border-collapse:collapse}"
    "th,td{border:1px solid;padding:.2em .6em;text-align:left}td.n{text-align:right}"
)


class Absent(Enum):
    """What a cell holds where there is nothing to know: '-' to read, null for programs."""

    ABSENT = "-"


ABSENT: Final = Absent.ABSENT


class SheetFormat(StrEnum):
    """A kind of file; its value is the file name's ending."""

    CSV = "csv"
    JSON = "json"
    HTML = "html"
    MARKDOWN = "md"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with what a reader must know to trust it."""

    name: str
    titles: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    """Cells in the order of the titles; None: unknown, ABSENT: there is none."""
    as_of: datetime
    scope: tuple[str, ...] = ()
    """What was asked, such as 'aws/us-east-1'."""
    missing: tuple[str, ...] = ()
    """What could not be read, in words."""
    note: str = ""
    """How the view was ordered and filtered."""

    @property
    def about(self) -> str:
        """Scope, what is missing from it, and how the view was narrowed, in one line."""
        parts = [" ".join(self.scope), *(f"without {words}" for words in self.missing), self.note]
        return "; ".join(part for part in parts if part)

    @property
    def moment(self) -> str:
        """The time to the second."""
        return self.as_of.isoformat(timespec="seconds")


def sheet_of(name: str, rows: Sequence[Mapping[str, object]], as_of: datetime) -> Sheet:
    """Return rows of any keys as a sheet; every key that any row has is a column, absent from the others."""
    titles = tuple(dict.fromkeys(key for row in rows for key in row))
    return Sheet(name, titles, tuple(tuple(row.get(title, ABSENT) for title in titles) for row in rows), as_of)


def written(sheet: Sheet, form: SheetFormat) -> str:
    """Return the text of the file."""
    return {
        SheetFormat.CSV: _as_csv,
        SheetFormat.JSON: _as_json,
        SheetFormat.HTML: _as_html,
        SheetFormat.MARKDOWN: _as_markdown,
    }[form](sheet)


def _as_csv(sheet: Sheet) -> str:
    """Time and scope stand in each row, because a comment is no CSV; every cell is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([_inert(title) for title in (*sheet.titles, "as_of", "scope")])
    for row in sheet.rows:
        writer.writerow([_inert(_text(cell)) for cell in (*row, sheet.moment, sheet.about)])
    return out.getvalue()


def _as_json(sheet: Sheet) -> str:
    facts = {"name": sheet.name, "as_of": sheet.moment, "scope": sheet.scope, "missing": sheet.missing}
    cells = [[None if cell is ABSENT else cell for cell in row] for row in sheet.rows]
    rows = [dict(zip(sheet.titles, row, strict=True)) for row in cells]
    return json.dumps({**facts, "note": sheet.note, "rows": rows}, indent=2, default=str) + "\n"


def _as_html(sheet: Sheet) -> str:
    name, head = (
        html.escape(_text(sheet.name)),
        "".join(f"<th>{html.escape(_text(each))}</th>" for each in sheet.titles),
    )
    body = "\n".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in sheet.rows)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{name}</h1>\n"
        f"<p>As of <time>{sheet.moment}</time>. {html.escape(_text(sheet.about))}</p>\n"
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</body>\n</html>\n"
    )


def _html_cell(cell: object) -> str:
    number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return f"<td{' class=n' if number else ''}>{html.escape(_text(cell))}</td>"


def _as_markdown(sheet: Sheet) -> str:
    lines = [f"# {_plain(sheet.name)}", "", f"As of {sheet.moment}. {_plain(sheet.about)}".rstrip(), ""]
    lines += [_line(sheet.titles), _line(["---"] * len(sheet.titles), escape=False)] if sheet.titles else []
    return "\n".join([*lines, *(_line(row) for row in sheet.rows), ""])


def _line(cells: Sequence[object], *, escape: bool = True) -> str:
    return f"| {' | '.join(_plain(cell) if escape else str(cell) for cell in cells)} |"


def _plain(value: object) -> str:
    """Return text in which Markdown sees no markup."""
    return _MARKUP.sub(r"\\\1", _text(value))


def _text(cell: object) -> str:
    """Return one value as a person reads it: unknown is '?', none '-', and nothing can act on a terminal."""
    match cell:
        case None:
            return "?"
        case Absent():
            return cell.value
        case bool():
            return "yes" if cell else "no"
        case str():
            return safe(cell, LONGEST)
        case Mapping():
            return safe("; ".join(f"{key}={_text(value)}" for key, value in cell.items()), LONGEST)
        case Sequence():
            return safe("; ".join(map(_text, cell)), LONGEST)
    return safe(cell, LONGEST)


def _inert(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would calculate; a number stays a number."""
    if not cell.startswith(_FORMULA) or cell == "-":
        return cell
    try:
        float(cell.replace(",", ""))
    except ValueError:
        return f"'{cell}"
    return cell
