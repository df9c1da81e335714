"""The one chart: lines over steps or time, such as loss curves; used by the Monitor and Costs screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.style import Style
from rich.text import Text
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.series import Series, bounds_of, enough_ticks, round_ticks, stretches, thin, tick_label
from runctl_tui.widgets.text import Piece, content, lines, row_of

MIN_WIDTH: Final = 20
MIN_HEIGHT: Final = 4
TICK_CELLS: Final = 14
TICK_LINES: Final = 3
COLOURS: Final = 6
Drawn = tuple[int, Series, list[list[tuple[float, float]]]]
"""Number, series and its stretches without gaps."""


class LineChart(Widget):
    """Draws `series` on common axes; plotext is imported when there is something to draw."""

    ALLOW_SELECT = False

    series: reactive[tuple[Series, ...]] = reactive((), init=False)
    x_label: reactive[SafeText] = reactive(EMPTY)
    empty: reactive[SafeText] = reactive(safe("no values yet"))
    """What stands where there is nothing to draw."""

    def render(self) -> Content:
        """Draw the curves, or say why there are none."""
        width, height = self.size
        parts = [(number, each, stretches(each.points)) for number, each in enumerate(self.series)]
        drawn = [(number, each, found) for number, each, found in parts if found]
        if not drawn:
            return content(self.empty, "$muted")
        if width < MIN_WIDTH or height < MIN_HEIGHT:
            return self._in_words(drawn, width)
        return self._plotted(drawn, width, height)

    def _in_words(self, drawn: Sequence[Drawn], width: int) -> Content:
        """Say the last values where a chart would be too small to read."""
        return lines(
            [
                row_of([Piece(safe(f"{each.name} {found[-1][-1][1]:.4g}"), self._style(number, each))], width)
                for number, each, found in drawn
            ]
        )

    def _plotted(self, drawn: Sequence[Drawn], width: int, height: int) -> Content:
        from textual_plotext.plot import Plot

        legend = len(drawn) > 1
        plot = Plot()
        size = (width, height - legend)
        plot.plotsize(*size)
        plot._set_size(*size)  # plotsize alone leaves the old size in place, textual-plotext issue 5
        plot.theme("clear")
        bounds = bounds_of([part for _, _, found in drawn for part in found])
        values = [y for _, _, found in drawn for part in found for _, y in part]
        for number, _, found in drawn:
            for part in found:
                xs, ys = zip(*thin(part, 2 * width, bounds), strict=True)
                plot.plot(list(xs), list(ys), marker="braille", color=number + 1)
        _axes(plot, bounds, (min(values), max(values)), size)
        if self.x_label and height > 2 * MIN_HEIGHT:
            plot.xlabel(str(self.x_label))
        body = self._coloured(plot.build(), {number + 1: self._style(number, each) for number, each, _ in drawn})
        return lines([self._legend(drawn, width), body]) if legend else body

    def _legend(self, drawn: Sequence[Drawn], width: int) -> Content:
        names = [Piece(safe(f"━ {each.name}"), self._style(number, each), -number) for number, each, _ in drawn]
        return row_of([Piece(EMPTY), *names], width)

    def _coloured(self, drawing: str, styles: Mapping[int, str]) -> Content:
        """Put the theme's colours in the place of the palette indices that stand for the series."""
        text = Text.from_ansi(drawing)
        out = Content.styled(text.plain, "$muted")
        for span in text.spans:
            colour = span.style.color if isinstance(span.style, Style) else None
            if colour is not None and colour.number is not None and colour.number in styles:
                out = out.stylize(styles[colour.number], span.start, span.end)
        return out

    def _style(self, number: int, each: Series) -> str:
        return each.style or f"$chart-{number % COLOURS + 1}"


def _axes(plot: Any, xs: tuple[float, float], ys: tuple[float, float], size: tuple[int, int]) -> None:
    """Put a few round ticks on the left and the lower axis."""
    plot.xaxes(True, False)
    plot.yaxes(True, False)
    low, high = ys if ys[1] > ys[0] else (ys[0] - 0.5, ys[0] + 0.5)
    plot.ylim(low, high)
    plot.xlim(xs[0], xs[1] if xs[1] > xs[0] else xs[0] + 1)
    x_ticks = round_ticks(*xs, max(1, size[0] // TICK_CELLS))
    y_ticks = enough_ticks(low, high, max(1, size[1] // TICK_LINES + 1))
    plot.xticks(x_ticks, [tick_label(tick) for tick in x_ticks])
    plot.yticks(y_ticks, [tick_label(tick) for tick in y_ticks])
