"""Progress of a long job as a list of steps; used by the launch, stop, upload and cleanup dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.text import Piece, clip, content, lines, pad, plain, row_of, width_of, wrap

StepState = Literal["waiting", "running", "done", "failed", "skipped"]
_SIGNS: Final[dict[StepState, tuple[str, str]]] = {
    "waiting": ("○", "$muted"),
    "running": ("◐", "$state-starting"),
    "done": ("✓", "$ok"),
    "failed": ("✗", "$danger"),
    "skipped": ("-", "$muted"),
}
BAR: Final = 20
SHORT_BAR: Final = 8
INDENT: Final = 3
GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job."""

    title: SafeText
    state: StepState = "waiting"
    fraction: float | None = None
    """From 0 to 1 where the length is known."""
    detail: SafeText = EMPTY
    """A count, an address or a path."""
    rate: SafeText = EMPTY
    eta: SafeText = EMPTY
    reason: SafeText = EMPTY
    """Why it failed and what to do."""
    took: SafeText = EMPTY


class StepList(Widget):
    """Draws `steps`; a running one has a bar, a failed one its reason; nothing moves by itself."""

    ALLOW_SELECT = False

    steps: reactive[tuple[Step, ...]] = reactive((), layout=False)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One line a step, and those of each reason."""
        return max(1, sum(1 + len(_reason(step, width)) for step in self.steps))

    def watch_steps(self, old: Sequence[Step], new: Sequence[Step]) -> None:
        """Ask for a layout only where the number of lines may change."""
        if len(old) != len(new) or [step.reason for step in old] != [step.reason for step in new]:
            self.refresh(layout=True)

    def render(self) -> Content:
        """Draw all steps, titles in one column."""
        width = max(10, self.size.width)
        column = min(max((width_of(step.title) for step in self.steps), default=0), width // 2)
        out: list[Content] = []
        for step in self.steps:
            out.append(_line(step, column, width))
            out += [content(line, "$danger") for line in _reason(step, width)]
        return lines(out)


def progress_bar(fraction: float, cells: int = BAR) -> str:
    """Return a bar of `cells` cells; full only when all is done."""
    return ("█" * int(max(0.0, min(1.0, fraction)) * cells)).ljust(cells, "░")


def _reason(step: Step, width: int) -> list[SafeText]:
    if not step.reason:
        return []
    return [plain(f"{' ' * INDENT}{part}") for part in wrap(step.reason, max(8, width - INDENT))]


def _line(step: Step, column: int, width: int) -> Content:
    sign, style = _SIGNS[step.state]
    pieces = [
        Piece(safe(sign), style, 100),
        Piece(pad(step.title, column), "$muted" if step.state in ("waiting", "skipped") else "$foreground", 99),
    ]
    room = width - column - 1 - width_of(step.took) - 3 * GAP
    if step.state == "running" and step.fraction is not None:
        percent = f"{int(step.fraction * 100)} %".rjust(5)
        short = safe(f"{progress_bar(step.fraction, SHORT_BAR)} {percent}")
        if width_of(step.detail) + GAP + width_of(short) <= room:  # words that need the room say more than a bar
            pieces.append(Piece(safe(f"{progress_bar(step.fraction)} {percent}"), "$focus", 90, short))
    pieces.append(Piece(clip(step.detail, max(GAP, room)), "$foreground", 80))
    pieces.append(Piece(step.rate, "$muted", 40))
    if step.eta:
        pieces.append(Piece(safe(f"eta {step.eta}"), "$muted", 60))
    pieces.append(Piece(step.took, "$muted", 30, right=True))
    return row_of(pieces, width)
