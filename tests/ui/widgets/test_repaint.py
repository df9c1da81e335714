"""What reaches the terminal: nothing when nothing changes, little when a figure ticks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content
from textual.geometry import Region
from textual.pilot import Pilot

from runctl_tui.domain.text import safe
from runctl_tui.widgets.cost_bar import CostBar
from runctl_tui.widgets.header import HeaderBar, HeaderState
from runctl_tui.widgets.status_row import StatusRow, changed_cells
from runctl_tui.widgets.text import content
from tests.ui.widgets.harness import WidgetApp
from tests.ui.widgets.showcase import cost_facts, header_facts

SOME_LINE = st.text("ab 日", max_size=12)


class Painted:
    """Remembers the regions that a widget wants repainted."""

    def __init__(self, row: StatusRow) -> None:
        self.regions: list[tuple[Region, ...]] = []
        self._refresh = row.refresh
        row.refresh = self.refresh  # type: ignore[method-assign,assignment] # the spy stands in for the method

    def refresh(self, *regions: Region) -> None:
        self.regions.append(regions)
        self._refresh(*regions)

    async def after(self, pilot: Pilot[None]) -> list[tuple[Region, ...]]:
        await pilot.pause()
        taken, self.regions = self.regions, []
        return taken


async def test_a_second_more_repaints_one_cell() -> None:
    header = HeaderBar()
    header.set_reactive(HeaderBar.facts, header_facts())
    app = WidgetApp(lambda: [header])
    async with app.run_test(size=(120, 5)) as pilot:
        await pilot.pause()
        painted = Painted(header.query_one(HeaderState))
        header.facts = header_facts()
        assert await painted.after(pilot) == []
        header.facts = replace(header_facts(), data_age=4)
        ((region,),) = await painted.after(pilot)
        assert region.width == 1
        assert "4 s ago" in app.screen_text()[0]


async def test_a_ticking_cost_repaints_its_own_cells() -> None:
    bar = CostBar()
    bar.set_reactive(CostBar.facts, cost_facts())
    app = WidgetApp(lambda: [bar])
    async with app.run_test(size=(120, 5)) as pilot:
        await pilot.pause()
        painted = Painted(bar)
        bar.facts = replace(cost_facts(), today=Decimal("88.21"))
        ((region,),) = await painted.after(pilot)
        assert region.width == 1
        assert "$88.21" in app.screen_text()[0]
        bar.facts = replace(cost_facts(), today=None)
        await painted.after(pilot)
        assert "today ?" in app.screen_text()[0]


@given(SOME_LINE, SOME_LINE)
def test_cells_outside_the_change_are_the_same(one: str, other: str) -> None:
    old, new = Content(one), Content(other)
    span = changed_cells(old, new)
    if span is None:
        assert one == other
    elif len(one) == len(other) and one.isascii() and other.isascii():
        start, end = span
        assert one[:start] == other[:start]
        assert one[end:] == other[end:]
        assert one[start] != other[start]
        assert one[end - 1] != other[end - 1]


def test_another_colour_is_a_change() -> None:
    text = safe("same")
    assert changed_cells(content(text, "$ok"), content(text, "$danger")) == (0, 4)
    assert changed_cells(content(text, "$ok"), content(text, "$ok")) is None
