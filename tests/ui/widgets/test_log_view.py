"""The log view: bounded, following, searchable, and as safe as everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.log_colours import coloured_line
from runctl_tui.domain.text import SafeText, safe, safe_line
from runctl_tui.widgets.log_buffer import LogBuffer
from runctl_tui.widgets.log_view import LogView
from tests.ui.widgets.harness import WidgetApp


def lines(start: int, count: int) -> list[SafeText]:
    return [safe(f"step {n} loss {n / 100}") for n in range(start, start + count)]


async def test_it_follows_until_the_user_scrolls_and_again_on_demand() -> None:
    log = LogView()
    log.append(lines(0, 100))
    app = WidgetApp(lambda: [log])
    async with app.run_test(size=(60, 12), message_hook=app.seen.append) as pilot:
        await pilot.pause()
        assert "step 99" in app.screen_text()[10]
        assert "following ▼" in app.screen_text()[11]
        log.append(lines(100, 5))
        await pilot.pause()
        assert "step 104" in app.screen_text()[10]
        await pilot.press("k")
        log.append(lines(105, 1500))
        await pilot.pause()
        assert "step 103" in app.screen_text()[10], "what is read stays"
        assert "1,500 new   paused, G follows" in app.screen_text()[11]
        await pilot.press("G")
        await pilot.pause()
        assert "step 1604" in app.screen_text()[10]
        assert [message.following for message in app.kinds(LogView.FollowChanged)] == [False, True]


async def test_what_is_read_stays_when_old_lines_are_dropped() -> None:
    log = LogView(max_lines=160)
    log.append(lines(0, 160))
    app = WidgetApp(lambda: [log])
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("k")
        for start in range(160, 260, 20):
            log.append(lines(start, 20))
        await pilot.pause()
        assert "step 158" in app.screen_text()[10]
        assert len(log.buffer) <= 170


async def test_search_goes_through_the_matches_and_says_when_there_is_none() -> None:
    log = LogView()
    log.append(lines(0, 500))
    app = WidgetApp(lambda: [log])
    async with app.run_test(size=(80, 12)) as pilot:
        assert log.search("STEP 3")
        await pilot.press("N")
        await pilot.pause()
        assert "/step 3  line 399" in app.screen_text()[11]
        assert any("step 398 " in line for line in app.screen_text())
        await pilot.press("n")
        await pilot.pause()
        assert "/step 3  line 400" in app.screen_text()[11]
        assert not log.search("nothing like it")
        await pilot.pause()
        assert "not found" in app.screen_text()[11]


async def test_long_lines_are_cut_moved_and_wrapped() -> None:
    log = LogView()
    log.append([safe("a" * 50 + "THE END")])
    app = WidgetApp(lambda: [log])
    async with app.run_test(size=(42, 6)) as pilot:
        await pilot.pause()
        assert "…" in app.screen_text()[0]
        await pilot.press("right", "right")
        await pilot.pause()
        assert "THE END" in app.screen_text()[0]
        await pilot.press("w")
        await pilot.pause()
        assert "THE END" in app.screen_text()[1]


@pytest.mark.parametrize("coloured", [True, False])
async def test_a_line_keeps_its_own_colours_unless_no_colours_are_wanted(
    monkeypatch: pytest.MonkeyPatch, coloured: bool
) -> None:
    if not coloured:
        monkeypatch.setenv("NO_COLOR", "1")
    log = LogView()
    log.append([coloured_line("\x1b[38;2;10;250;20mgreen\x1b[0m error")])
    app = WidgetApp(lambda: [log])
    async with app.run_test(size=(80, 6)) as pilot:
        await pilot.pause()
        styles = {segment.text.strip(): segment.style for segment in log.draw_line(0, 40)}
        assert ("green" in styles) is coloured
        if coloured:
            assert "#0afa14" in str(styles["green"])
            assert styles["error"] == log.base_style, "a line with colours of its own is not coloured by its level"


async def test_escapes_in_a_log_do_nothing() -> None:
    log = LogView()
    log.append([safe_line("\x1b[31mred\x1b[0m \x1b]0;title\x07 [@click=app.quit]x[/]")])
    app = WidgetApp(lambda: [log])
    async with app.run_test(size=(80, 6)) as pilot:
        await pilot.pause()
        assert " red ␛]0;title␇ [@click=app.quit]x[/]" in app.screen_text()[0]


@given(
    st.lists(st.lists(st.text(max_size=30).map(safe), max_size=30), max_size=12),
    st.integers(1, 60),
    st.integers(0, 40),
)
def test_rows_of_a_bounded_buffer_always_point_at_its_lines(
    batches: list[list[SafeText]], most: int, width: int
) -> None:
    buffer = LogBuffer(max_lines=most, max_bytes=400)
    buffer.set_width(width)
    for batch in batches:
        buffer.append(batch)
        assert len(buffer) <= most * 17 // 16 + 1
    places = [buffer.row(row) for row in range(buffer.rows)]
    assert [line for line, piece in places if piece == 0] == list(range(len(buffer)))
    assert all(buffer.row_of(line) + piece == row for row, (line, piece) in enumerate(places))
    kept = [line for batch in batches for line in batch][-len(buffer) :] if len(buffer) else []
    assert list(buffer.lines) == kept
