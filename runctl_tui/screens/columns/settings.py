"""The columns of the Settings screen."""

from __future__ import annotations

from runctl_tui.screens.columns.words import cell
from runctl_tui.services.ports import Setting
from runctl_tui.widgets.columns import Cell, Column


def setting_columns() -> tuple[Column[Setting], ...]:
    """Return the columns; what is set stands out from what is only a default."""
    return (
        Column("key", "KEY", lambda row: cell(row.key, "$strong"), 31, priority=100, sort_key=_key),
        Column("value", "VALUE", _value, 22, wide=30, priority=90, flexible=True, sort_key=lambda row: row.value),
        Column("origin", "FROM", _origin, 11, priority=80, sort_key=lambda row: origin_word(row.origin)),
        Column("help", "WHAT", lambda row: cell(row.help, "$muted"), 30, priority=10, wide=64, flexible=True),
    )


def origin_word(origin: str) -> str:
    """Return default, sandbox, user, project, file, environment or flag, without the place."""
    return origin.partition(" ")[0]


def is_default(row: Setting) -> bool:
    """Tell whether nobody has set it: what it is comes with the program, or with the sandbox."""
    return row.origin in ("default", "sandbox")


def _key(row: Setting) -> str:
    return row.key


def _value(row: Setting) -> Cell:
    if not row.value:
        return cell("-", "$muted")
    return cell(row.value, "$muted" if is_default(row) else "$cost")


def _origin(row: Setting) -> Cell:
    return cell(origin_word(row.origin), "$muted" if is_default(row) else "")
