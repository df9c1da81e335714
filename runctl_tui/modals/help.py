"""The help of the screen at hand: its own words, and its keys as they are bound now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.text import clip, content, lines, pad, width_of, wrap

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.widgets.key_hints import KeyHint

KEY_CELLS: Final = 16
"""Cells for the names of keys."""
TWO_COLUMNS: Final = 88
GAP: Final = 4


class HelpBody(Widget):
    """Keys by group, in two columns where there is room, over the screen's own words."""

    ALLOW_SELECT = False

    def __init__(self, hints: Sequence[KeyHint], words: Sequence[SafeText]) -> None:
        super().__init__()
        self._hints = hints
        self._words = words

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Count the lines at this width."""
        return len(self._lines(width))

    def render(self) -> Content:
        """Draw everything."""
        return lines(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Content]:
        words = [content(part) for text in self._words for part in wrap(text, width)]
        blocks = self._blocks(width if width < TWO_COLUMNS else (width - GAP) // 2)
        keys = _beside(blocks, (width - GAP) // 2) if width >= TWO_COLUMNS else [row for one in blocks for row in one]
        return [*words, *([Content("")] if words else []), *keys]

    def _blocks(self, width: int) -> list[list[Content]]:
        groups: dict[SafeText, list[KeyHint]] = {}
        for hint in self._hints:
            groups.setdefault(hint.group, []).append(hint)
        return [
            [content(name, "$heading bold"), *[_key_line(hint, width) for hint in group], Content("")]
            for name, group in groups.items()
        ]


def _key_line(hint: KeyHint, width: int) -> Content:
    keys = pad(safe("  ".join(hint.keys)), KEY_CELLS)
    room = max(4, width - KEY_CELLS - 3)
    words = hint.description if hint.enabled else safe(f"{hint.description} (not now)")
    return Content.assemble(
        "  ", content(keys, "$key bold"), " ", content(clip(words, room), "" if hint.enabled else "$muted")
    )


def _beside(blocks: Sequence[list[Content]], width: int) -> list[Content]:
    """Put blocks into two columns of about the same height, in reading order."""
    half = sum(map(len, blocks)) / 2
    left: list[Content] = []
    right: list[Content] = []
    for block in blocks:
        (right if right or len(left) + len(block) / 2 > half else left).extend(block)
    rows = max(len(left), len(right))
    padded = [*left, *[Content("")] * (rows - len(left))]
    beside = [*right, *[Content("")] * (rows - len(right))]
    return [
        Content.assemble(one, " " * (width + GAP - width_of(one.plain)), other)
        for one, other in zip(padded, beside, strict=True)
    ]


class Help(Dialog[None]):
    """Shows the keys and the words of a screen until it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark", "cancel", "close", id="help.close"),
        Binding("j", "scroll(1)", "down", show=False, id="help.down"),
        Binding("k", "scroll(-1)", "up", show=False, id="help.up"),
    ]
    KEYS = "j k scroll  q close"
    AUTO_FOCUS = "VerticalScroll"
    BURST_SECONDS = 0

    def __init__(self, clock: Clock, title: SafeText, hints: Sequence[KeyHint], words: str = "") -> None:
        super().__init__(clock, title)
        self._hints = hints
        self._words = [safe(line) if line else EMPTY for line in words.strip().splitlines()]

    def compose_body(self) -> ComposeResult:
        """Lay out words and keys in a scrollable body."""
        with VerticalScroll():
            yield HelpBody(self._hints, self._words)

    def compose_buttons(self) -> Iterable[DialogButton]:
        """A view needs no buttons."""
        return ()

    def action_scroll(self, step: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)
