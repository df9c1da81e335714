"""What the key for exports asks and writes; used by screens with a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from runctl_tui import modals
from runctl_tui.domain.sheet import Sheet, SheetFormat
from runctl_tui.domain.text import safe

if TYPE_CHECKING:
    from datetime import datetime

    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.widgets.table import ResourceTable

_FORMATS: Final = {
    SheetFormat.CSV: ("CSV", "for spreadsheets"),
    SheetFormat.JSON: ("JSON", "for programs"),
    SheetFormat.HTML: ("HTML", "for a browser"),
    SheetFormat.MARKDOWN: ("Markdown", "for notes and tickets"),
}


def format_items(name: str) -> Sequence[modals.PickItem]:
    """Return the formats to choose from."""
    return [
        modals.PickItem(form.value, safe(label), safe(f"{words}: {name}-….{form.value}"))
        for form, (label, words) in _FORMATS.items()
    ]


def sheet_as_shown(name: str, table: ResourceTable[str, Any], snapshot: Snapshot[Any] | None, now: datetime) -> Sheet:
    """Return exactly what a table shows, with when it was seen, where, how it is ordered and what filters it."""
    titles, rows = table.shown()
    kept = [number for number, title in enumerate(titles) if title]
    return Sheet(
        name,
        tuple(titles[number] for number in kept),
        tuple(tuple(row[number] for number in kept) for row in rows),
        snapshot.taken_at if snapshot else now,
        snapshot.scope if snapshot else (),
        tuple(problem.what for problem in snapshot.missing) if snapshot else (),
        _note(table),
    )


def _note(table: ResourceTable[str, Any]) -> str:
    column, descending = table.sort
    title = next((str(each.title) for each in table.model.columns if each.id == column), "")
    parts = [f"by {title} {'descending' if descending else 'ascending'}"] if title else []
    parts += [f"filter: {table.model.filter_text}"] if table.model.filter_text else []
    return ", ".join(parts)
