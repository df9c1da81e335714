"""What a table says about its own filter; used by the resource table alone."""

from __future__ import annotations

from typing import Any

from runctl_tui.domain.text import safe
from runctl_tui.widgets.columns import no_column
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table_model import TableModel


def wrong_filter(model: TableModel[Any, Any]) -> tuple[Notice, ...]:
    """Return what is wrong with the filter: a column that there is none of."""
    if not model.unknown_column:
        return ()
    what, there = no_column(model.unknown_column, model.columns)
    return (Notice.partial(safe(f"{what}: looked for as text")), Notice("·", safe(there), "$warn"))


def nothing_matches(model: TableModel[Any, Any]) -> Notice:
    """Return what stands in place of the rows where the filter hides them all."""
    return Notice.empty(safe(f"no row matches {model.filter_text}   escape clears the filter"))
