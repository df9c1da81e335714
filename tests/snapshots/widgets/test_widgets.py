"""How the widgets look: the frame in every theme and width, and each dialog."""

from __future__ import annotations

from typing import Any

import pytest

from runctl_tui import theme
from tests.ui.widgets.showcase import ShowcaseApp

SMALL, WIDE = (80, 24), (120, 36)
CASES = [
    ("table", SMALL, theme.DARK, ""),
    ("table", WIDE, theme.DARK, ""),
    ("table", WIDE, theme.LIGHT, ""),
    ("table", SMALL, theme.ANSI, ""),
    ("monitor", SMALL, theme.DARK, ""),
    ("monitor", WIDE, theme.LIGHT, ""),
    ("form", SMALL, theme.DARK, ""),
    ("steps", SMALL, theme.DARK, ""),
    ("table", SMALL, theme.DARK, "destroy"),
    ("table", SMALL, theme.ANSI, "destroy"),
    ("table", SMALL, theme.DARK, "pick"),
    ("table", SMALL, theme.LIGHT, "text"),
    ("table", WIDE, theme.DARK, "help"),
    ("table", SMALL, theme.DARK, "help"),
]


def named(case: tuple[str, tuple[int, int], str, str]) -> str:
    body, (width, height), name, dialog = case
    return "-".join([dialog or body, f"{width}x{height}", name.removeprefix("runctl-")])


@pytest.mark.parametrize(("body", "size", "name", "dialog"), CASES, ids=map(named, CASES))
def test_looks(snap_compare: Any, body: str, size: tuple[int, int], name: str, dialog: str) -> None:
    assert snap_compare(ShowcaseApp(body, name, dialog), terminal_size=size)
