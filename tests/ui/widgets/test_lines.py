"""The one-line widgets: what they say, and that they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widget import Widget

from runctl_tui.domain.text import safe
from runctl_tui.widgets.cost_bar import CostBar, CostFacts, budget_bar
from runctl_tui.widgets.header import HeaderBar, HeaderFacts, span
from runctl_tui.widgets.screen_tabs import ScreenTabs
from runctl_tui.widgets.status_line import StatusLine, StatusNote, joined, lasting
from runctl_tui.widgets.text import Piece, clip, fit, pad, row_of, width_of
from runctl_tui.widgets.title_line import TitleFacts, TitleLine, count_words
from tests.ui.widgets.harness import WidgetApp
from tests.ui.widgets.showcase import cost_facts, header_facts, tabs, title_facts

PIECES = st.lists(
    st.builds(
        Piece,
        text=st.text(max_size=20).map(safe),
        priority=st.integers(0, 9),
        short=st.none() | st.text(max_size=5).map(safe),
        right=st.booleans(),
    ),
    max_size=8,
)


async def shown(widget: Widget, width: int) -> str:
    app = WidgetApp(lambda: [widget])
    async with app.run_test(size=(width, 4)) as pilot:
        await pilot.pause()
        return app.screen_text()[0]


@given(PIECES, st.integers(1, 120))
def test_a_row_is_exactly_as_wide_as_asked(pieces: Sequence[Piece], width: int) -> None:
    assert row_of(pieces, width).cell_length == width


@given(PIECES, st.integers(3, 120))
def test_a_row_with_margins_is_as_wide_too(pieces: Sequence[Piece], width: int) -> None:
    row = row_of(pieces, width, margin=1)
    assert row.cell_length == width
    assert row.plain.startswith(" ")
    assert row.plain.endswith(" ")


@given(PIECES, st.integers(1, 120))
def test_the_most_important_piece_is_never_dropped(pieces: Sequence[Piece], width: int) -> None:
    kept = fit(pieces, width)
    texts = [piece for piece in pieces if piece.text]
    assert bool(kept) is bool(texts)
    if kept:
        assert max(piece.priority for piece in kept) == max(piece.priority for piece in texts)


@given(st.text(max_size=30).map(safe), st.integers(0, 40), st.booleans())
def test_cut_and_filled_text_has_the_width_asked_for(text: str, width: int, right: bool) -> None:
    cell = safe(text)
    assert width_of(clip(cell, width)) <= width
    assert width_of(pad(cell, width, right)) == width


@pytest.mark.parametrize("width", [80, 100, 120, 200])
async def test_the_header_says_the_essentials_at_every_width(width: int) -> None:
    bar = HeaderBar()
    bar.set_reactive(HeaderBar.facts, header_facts())
    line = await shown(bar, width)
    for word in ("runctl", "SANDBOX", "research", "3 s ago", "ARMED 9:41", "login 47 min"):
        assert word in line
    assert ("us-west-2" in line) is (width > 90)


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (HeaderFacts(login_minutes=9), "▲ login 9 min"),
        (HeaderFacts(login_minutes=0), "▲ login expired"),
        (HeaderFacts(data_age=75), "▲ 75 s ago"),
        (HeaderFacts(mode="read-only"), "READ-ONLY"),
        (HeaderFacts(root=True), "root"),
    ],
)
async def test_the_header_warns_in_words(facts: HeaderFacts, word: str) -> None:
    bar = HeaderBar()
    bar.set_reactive(HeaderBar.facts, facts)
    assert word in await shown(bar, 80)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_spans_are_short(seconds: int, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize("width", [80, 120])
async def test_the_cost_bar_says_all_figures(width: int) -> None:
    bar = CostBar()
    bar.set_reactive(CostBar.facts, cost_facts())
    line = await shown(bar, width)
    words = {80: ["$25.01/h", "today $88.20", "Nov $1,205 → $1,890 of $2,500", "▲ partial"]}
    words[120] = ["Nov $1,204.55 → $1,890", "budget $2,500 ███████▒▒▒▒░░░ 48 %", "without us-west-2, S3 requests"]
    for word in words[width]:
        assert word in line


async def test_unknown_money_is_a_question_mark_and_never_zero() -> None:
    bar = CostBar()
    bar.set_reactive(CostBar.facts, CostFacts())
    line = await shown(bar, 120)
    assert "$0" not in line
    assert "?/h" in line
    assert "today ?" in line


async def test_a_partial_burn_says_so() -> None:
    bar = CostBar()
    bar.set_reactive(CostBar.facts, replace(cost_facts(), burn_is_partial=True))
    assert "$25.01/h + ?" in await shown(bar, 80)


@given(st.decimals(0, 10_000, places=2), st.none() | st.decimals(0, 10_000, places=2), st.decimals(1, 10_000, places=2))
def test_the_budget_bar_never_overflows(spent: Decimal, forecast: Decimal | None, budget: Decimal) -> None:
    assert len(budget_bar(spent, forecast, budget)) == 14


@pytest.mark.parametrize(("width", "name"), [(120, "4 Checkpoints"), (80, "4 Ckpt"), (30, "4")])
async def test_tabs_shorten_their_names(width: int, name: str) -> None:
    line = ScreenTabs()
    line.set_reactive(ScreenTabs.tabs, tabs())
    text = await shown(line, width)
    assert name in text
    assert "9" in text


async def test_the_title_line_counts_filters_and_marks() -> None:
    line = TitleLine()
    line.set_reactive(TitleLine.facts, title_facts("table"))
    text = await shown(line, 80)
    for word in ("Instances", "14 of 52+", "by $/h ▼", "2 marked (1 hidden)", "/ state:running"):
        assert word in text
    assert count_words(TitleFacts(safe("x"), 3, 3)) == "3"


def test_an_answer_to_a_key_press_gives_way_to_a_success_and_a_standing_problem_does_not() -> None:
    standing = StatusNote(safe("the state file was damaged"))
    busy = StatusNote(safe("i-1 is busy"), level="error", passing=True)
    saved = StatusNote(safe("saved"), level="done")
    assert joined((standing, busy), saved) == (standing, saved)
    assert joined((busy, saved), standing) == (busy, standing), "nobody has gone on"
    assert lasting((standing, busy, saved), (standing, busy, saved)) == (standing, saved)
    assert lasting((standing, busy), ()) == (standing, busy), "it was told meanwhile"


async def test_a_problem_stays_until_it_is_read() -> None:
    line = StatusLine()
    app = WidgetApp(lambda: [line])
    async with app.run_test(size=(100, 5), message_hook=app.seen.append) as pilot:
        assert not line.display
        denied = StatusNote(safe("us-west-2: listing instances was denied"), safe("UnauthorizedOperation"))
        line.say(StatusNote(safe("saved"), level="done"))
        line.say(denied)
        line.say(denied)
        await pilot.pause()
        assert "✗ us-west-2: listing instances was denied  UnauthorizedOperation" in app.screen_text()[0]
        assert line.notes == (denied,), "the same problem is one problem, and a success gives way"
        assert line.read() == denied
        await pilot.pause()
        assert not line.display
        assert [message.note for message in app.kinds(StatusLine.Read)] == [denied]


async def test_a_problem_that_is_cut_keeps_its_key_beside_it() -> None:
    line = StatusLine()
    app = WidgetApp(lambda: [line])
    async with app.run_test(size=(40, 5)) as pilot:
        line.say(StatusNote(safe("zz-1 is no region; regions are us-east-1, us-west-2"), safe("usage")))
        await pilot.pause()
        assert app.screen_text()[0].rstrip() == " ✗ zz-1 is no region; regions…   ! read"
        line.say(StatusNote(safe("another problem that is as long as the line"), level="warn"))
        await pilot.pause()
        assert app.screen_text()[0].rstrip() == " ▲ another problem th…  1 more   ! read"
