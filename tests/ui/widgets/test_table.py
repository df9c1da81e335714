"""The resource table as a person at the keyboard meets it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from runctl_tui.domain.text import safe
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table import ResourceTable
from tests.ui.widgets.harness import Box, WidgetApp, box_table, boxes

Table = ResourceTable[str, Box]


def app_with(rows: list[Box]) -> tuple[WidgetApp, Table]:
    table = box_table(rows)
    return WidgetApp(lambda: [table]), table


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        (("j", "down"), "i-00002"),
        (("j", "j", "k", "up"), "i-00000"),
        (("G",), "i-00099"),
        (("end", "g"), "i-00000"),
        (("end", "home"), "i-00000"),
        (("ctrl+f",), "i-00022"),
        (("pagedown", "pageup"), "i-00000"),
        (("ctrl+f", "ctrl+b", "up"), "i-00000"),
    ],
)
async def test_keys_move_the_cursor(keys: tuple[str, ...], key: str) -> None:
    app, table = app_with(boxes(100))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *keys)
        assert table.cursor_key == key
        line = next(line for line in app.screen_text() if line.startswith("▌"))
        assert key in line


async def test_the_cursor_stays_on_its_row_when_rows_come_go_and_move() -> None:
    app, table = app_with(boxes(50))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *["j"] * 10)
        line = next(n for n, text in enumerate(app.screen_text()) if text.startswith("▌"))
        table.set_rows([Box("i-new-1", "aa"), Box("i-new-2", "ab"), *boxes(50)])
        await pilot.pause()
        assert table.cursor_key == "i-00010"
        assert app.screen_text()[line].startswith("▌"), "and at its place on the screen"
        table.set_rows([box for box in boxes(50) if box.key != "i-00010"])
        assert table.cursor_key == "i-00011", "the neighbour takes over"
        table.sort_by("price")
        assert table.cursor_key == "i-00011"
        table.set_rows([])
        assert table.cursor_key is None


async def test_a_row_that_comes_back_is_drawn_anew() -> None:
    app, table = app_with([Box("i-1", "before"), Box("i-2", "same")])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        table.set_rows([])
        table.set_rows([Box("i-1", "after"), Box("i-2", "same")])
        await pilot.pause()
        text = "\n".join(app.screen_text())
        assert "after" in text
        assert "before" not in text


async def test_marks_follow_their_rows_and_survive_a_filter() -> None:
    app, table = app_with(boxes(30))
    async with app.run_test(size=(80, 24), message_hook=app.seen.append) as pilot:
        await press(pilot, "space", "j", "j", "ctrl+@")
        assert table.marks == ("i-00000", "i-00001", "i-00002", "i-00003")
        table.set_rows(list(reversed(boxes(30))))
        table.set_filter("state:running")
        await pilot.pause()
        assert table.model.hidden_marks == 2
        assert len(table.marks) == 4
        assert [line[1] for line in app.screen_text() if "i-00003" in line] == ["▪"]
        await press(pilot, "ctrl+backslash")
        assert not table.marks
        assert len(app.kinds(ResourceTable.MarksChanged)) == 3


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("box-1", {"a1", "a10"}),
        ("!running", {"b2"}),
        ("-f bx2", {"b2"}),
        ("state:STOP", {"b2"}),
        ("!state:stop", {"a1", "a10"}),
        ("nocolumn:x", set()),
        ("$/h:1.00", {"a1", "b2", "a10"}),
        ("", {"a1", "b2", "a10"}),
    ],
)
async def test_filters(text: str, keys: set[str]) -> None:
    app, table = app_with([Box("a1", "box-1"), Box("b2", "box-2", "stopped"), Box("a10", "box-10")])
    async with app.run_test(size=(80, 24)) as pilot:
        table.set_filter(text)
        await pilot.pause()
        shown = {key for key in ("a1", "b2", "a10") if any(f" {key} " in line for line in app.screen_text())}
        assert shown == keys
        assert ("no row matches nocolumn:x" in "\n".join(app.screen_text())) is (text == "nocolumn:x")


async def test_a_column_that_there_is_none_of_is_named_with_those_that_there_are() -> None:
    app, table = app_with([Box("a1", "box-1"), Box("b2", "box-2")])
    async with app.run_test(size=(80, 24)) as pilot:
        table.set_filter("!colour:red")
        await pilot.pause()
        said = "\n".join(app.screen_text())
        assert "there is no column colour: looked for as text" in said
        assert "columns: name state id price note" in said
        table.set_filter("stat:stop")
        await pilot.pause()
        assert "there is no column stat" in (said := "\n".join(app.screen_text()))
        assert "did you mean state?" in said
        for fine in ("s3://box", "12:30", "state:run", ""):
            table.set_filter(fine)
            await pilot.pause()
            assert "there is no column" not in "\n".join(app.screen_text())


@pytest.mark.parametrize("size", [(80, 24), (30, 24)])
async def test_a_filter_looks_into_a_column_that_is_not_shown(size: tuple[int, int]) -> None:
    app, table = app_with([Box("a1", "box-1"), Box("b2", "box-2", "stopped")])
    async with app.run_test(size=size) as pilot:
        table.hide_columns(["name", "id"])
        table.set_filter("NAME:box-2")
        await pilot.pause()
        assert table.model.view == ["b2"]
        assert "there is no column" not in "\n".join(app.screen_text())


async def test_sorting_by_keys_puts_unknown_values_last_both_ways() -> None:
    app, table = app_with([Box("a", "x", price=None), Box("b", "y", price=2), Box("c", "z", price=1)])
    async with app.run_test(size=(80, 24), message_hook=app.seen.append) as pilot:
        table.sort_by("price")
        await pilot.pause()
        assert table.model.view == ["b", "c", "a"]
        assert "$/h ▼" in app.screen_text()[0]
        await press(pilot, "O")
        assert table.model.view == ["c", "b", "a"]
        assert "$/h ▲" in app.screen_text()[0]
        await press(pilot, "shift+right")
        assert table.sort == ("note", False), "a column without a key of its own orders by its text"
        await press(pilot, "shift+left")
        assert table.sort == ("price", True)
        assert app.kinds(ResourceTable.SortChanged)


async def test_enter_opens_the_row_under_the_cursor() -> None:
    app, _ = app_with(boxes(3))
    async with app.run_test(size=(80, 24), message_hook=app.seen.append) as pilot:
        await press(pilot, "j", "enter")
        assert [message.key for message in app.kinds(ResourceTable.Chosen)] == ["i-00001"]
        assert [message.key for message in app.kinds(ResourceTable.Highlighted)] == ["i-00000", "i-00001"]


async def test_columns_are_dropped_by_priority_when_narrow() -> None:
    app, _ = app_with(boxes(3))
    async with app.run_test(size=(40, 10)) as pilot:
        assert [title in app.screen_text()[0] for title in ("NAME", "STATE", "$/h", "NOTE", "ID")] == [
            True,
            True,
            True,
            False,
            False,
        ]
        await pilot.resize_terminal(100, 10)
        await pilot.pause()
        assert "NOTE" in app.screen_text()[0]
        assert "ID" in app.screen_text()[0]


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (40, " ▲ throttled; rows from 48 s ago [Code]"),
        (38, " ▲ throttled; rows from 48 s ago"),
        (24, " ▲ throttled; rows from…"),
    ],
)
def test_a_notice_leaves_out_its_code_before_it_is_clipped(width: int, line: str) -> None:
    notice = replace(Notice.partial(safe("throttled; rows from 48 s ago")), more=safe("[Code]"), hint=safe("! why"))
    assert notice.line(width + 7) == line.ljust(width) + "  ! why"


async def test_states_are_said_inside_the_table() -> None:
    app, table = app_with([])
    async with app.run_test(size=(80, 10)) as pilot:
        assert "loading rows…" in "\n".join(app.screen_text())
        table.set_placeholder(Notice.empty(safe("no instances yet: x launches one")))
        await pilot.pause()
        assert "○ no instances yet" in "\n".join(app.screen_text())
        table.set_placeholder(Notice.error(safe("us-east-1: " + "very " * 20 + "refused")))
        await pilot.pause()
        assert "refused" in "\n".join(app.screen_text()), "what has no room in one line goes on in the next"
        table.set_rows(boxes(50))
        table.set_notices([Notice.partial(safe("us-west-2: throttled"))])
        await pilot.pause()
        assert app.screen_text()[-1].startswith(" ▲ us-west-2: throttled")
        await press(pilot, "G")
        assert "i-00049" in app.screen_text()[-2], "the last row is not under the notice"


class Counting(ResourceTable[str, Box]):
    """Remembers what it was asked to repaint."""

    regions: list[tuple[Region, ...]]

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Counting:
        if hasattr(self, "regions"):
            self.regions.append(regions)
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self


async def test_only_lines_that_look_different_are_repainted() -> None:
    template = box_table()
    table = Counting(template.model.columns, lambda box: box.key)
    table.set_rows(boxes(10_000))
    app = WidgetApp(lambda: [table])
    async with app.run_test(size=(80, 24)) as pilot:
        table.regions = []
        table.set_rows(boxes(10_000))
        assert table.regions == [], "equal rows repaint nothing"
        table.set_rows([replace(box, note="new") if n % 100 == 3 else box for n, box in enumerate(boxes(10_000))])
        assert [region.y for (region,) in table.regions] == [4], "one of 100 changed rows is in view"
        table.regions.clear()
        await press(pilot, "j")
        assert sorted(region.y for (region,) in table.regions) == [1, 2]


async def test_hostile_names_are_text_and_nothing_else() -> None:
    app, _ = app_with([Box("i-1", "[@click=app.quit]x[/]"), Box("i-2", "[/]\x1b]52;c;eA==\x07")])
    async with app.run_test(size=(100, 10)) as pilot:
        await pilot.pause()
        text = "\n".join(app.screen_text())
        assert "[@click=app.quit]x" in text
        assert "\x1b" not in text
