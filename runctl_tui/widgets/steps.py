"""Progress of a long job as a list of steps; used by the launch, stop, upload and cleanup dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.text import Piece, clip, content, lines, pad, plain, row_of, width_of

StepState = Literal["waiting", "running", "done", "failed", "skipped"]
_SIGNS: Final[dict[StepState, tuple[str, str]]] = {
    "waiting": ("○", "$muted"),
    "running": ("◐", "$state-starting"),
    "done": ("✓", "$ok"),
    "failed": ("✗", "$danger"),
    "skipped": ("-", "$muted"),
}
BAR: Final = 20


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
        """One line a step, and one for each reason."""
        return max(1, sum(1 + bool(step.reason) for step in self.steps))

    def watch_steps(self, old: Sequence[Step], new: Sequence[Step]) -> None:
        """Ask for a layout only where the number of lines changes."""
        if sum(1 + bool(step.reason) for step in old) != sum(1 + bool(step.reason) for step in new):
            self.refresh(layout=True)

    def render(self) -> Content:
        """Draw all steps, titles in one column."""
        width = max(10, self.size.width)
        column = min(max((width_of(step.title) for step in self.steps), default=0), width // 2)
        out: list[Content] = []
        for step in self.steps:
            out.append(_line(step, column, width))
            if step.reason:
                out.append(content(clip(plain(f"   {step.reason}"), width), "$danger"))
        return lines(out)


def progress_bar(fraction: float, cells: int = BAR) -> str:
    """Return a bar of `cells` cells; full only when all is done."""
    return ("█" * int(max(0.0, min(1.0, fraction)) * cells)).ljust(cells, "░")


def _line(step: Step, column: int, width: int) -> Content:
    sign, style = _SIGNS[step.state]
    pieces = [
        Piece(safe(sign), style, 100),
        Piece(pad(step.title, column), "$muted" if step.state in ("waiting", "skipped") else "$foreground", 99),
    ]
    if step.state == "running" and step.fraction is not None:
        percent = f"{int(step.fraction * 100)} %".rjust(5)
        pieces.append(Piece(safe(f"{progress_bar(step.fraction)} {percent}"), "$focus", 90, safe(percent)))
    pieces.append(Piece(step.detail, "$foreground", 50))
    pieces.append(Piece(step.rate, "$muted", 40))
    if step.eta:
        pieces.append(Piece(safe(f"eta {step.eta}"), "$muted", 60))
    pieces.append(Piece(step.took, "$muted", 30, right=True))
    return row_of(pieces, width)
