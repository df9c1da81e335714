"""The chart: extremes kept, gaps kept, readable at every size, and nothing imported before it is needed."""

from __future__ import annotations

import subprocess
import sys
from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.text import safe
from runctl_tui.widgets.chart import LineChart
from runctl_tui.widgets.series import Series, round_ticks, stretches, thin, tick_label
from tests.ui.widgets.harness import WidgetApp

VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(nan) | st.just(inf), max_size=400)


@given(VALUES)
def test_gaps_stay_gaps(values: list[float]) -> None:
    parts = stretches(list(enumerate(values)))
    assert [point for part in parts for point in part] == [(x, y) for x, y in enumerate(values) if isfinite(y)]
    for part in parts:
        assert [x for x, _ in part] == list(range(int(part[0][0]), int(part[0][0]) + len(part)))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=2000), st.integers(10, 100))
def test_thinning_keeps_the_highest_and_the_lowest_value(values: list[float], columns: int) -> None:
    points = [(float(x), y) for x, y in enumerate(values)]
    kept = thin(points, columns, (0.0, float(len(values))))
    assert len(kept) <= max(2 * columns, len(points) if len(points) <= 2 * columns else 0)
    assert {min(values), max(values)} <= {y for _, y in kept}
    assert kept == sorted(kept, key=lambda point: point[0])


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(1, 12))
def test_ticks_are_few_and_inside(low: float, size: float, most: int) -> None:
    ticks = round_ticks(low, low + size, most)
    assert len(ticks) <= most + 1
    assert all(low - size * 1e-5 <= tick <= low + size * (1 + 1e-5) for tick in ticks)


@pytest.mark.parametrize(("value", "label"), [(2.5, "2.5"), (12_000, "12k"), (3e6, "3M"), (1e-5, "1e-05"), (0, "0")])
def test_labels_are_short(value: float, label: str) -> None:
    assert tick_label(value) == label


@pytest.mark.parametrize("size", [(40, 8), (80, 12), (120, 30), (190, 45)])
async def test_two_curves_are_drawn_with_axes_at_every_size(size: tuple[int, int]) -> None:
    chart = LineChart()
    curves = (
        Series(safe("loss"), [(float(x), 4 - x / 2000) for x in range(5000)]),
        Series(safe("eval"), [(float(x), nan if 1000 < x < 2000 else 3.0) for x in range(0, 5000, 100)]),
    )
    chart.set_reactive(LineChart.series, curves)
    app = WidgetApp(lambda: [chart])
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = app.screen_text()
        assert "━ loss  ━ eval" in text[0]
        assert any("┤" in line for line in text)
        assert any("└" in line for line in text)
        assert any("⠀" < character <= "⣿" for line in text for character in line), "a curve of dots"
        assert all(len(line) == size[0] for line in text)


@pytest.mark.parametrize("points", [[], [(1.0, nan)], [(1.0, inf), (2.0, nan)]])
async def test_nothing_to_draw_is_said_in_words(points: list[tuple[float, float]]) -> None:
    chart = LineChart()
    chart.set_reactive(LineChart.series, (Series(safe("loss"), points),))
    app = WidgetApp(lambda: [chart])
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        assert "no values yet" in app.screen_text()[0]


@pytest.mark.parametrize("points", [[(5.0, 2.5)], [(1.0, 3.0), (9.0, 3.0)]])
async def test_one_value_or_a_flat_line_is_drawn(points: list[tuple[float, float]]) -> None:
    chart = LineChart()
    chart.set_reactive(LineChart.series, (Series(safe("loss"), points),))
    app = WidgetApp(lambda: [chart])
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        assert any("┤" in line for line in app.screen_text())


async def test_a_tiny_chart_says_its_last_value() -> None:
    chart = LineChart()
    chart.set_reactive(LineChart.series, (Series(safe("loss"), [(1.0, 2.1875)]),))
    app = WidgetApp(lambda: [chart])
    async with app.run_test(size=(18, 3)) as pilot:
        await pilot.pause()
        assert "loss 2.188" in app.screen_text()[0]


def test_plotext_is_not_imported_with_the_widget() -> None:
    program = "import sys, runctl_tui.widgets.chart; print([name for name in sys.modules if 'plotext' in name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
