"""Bars by day: heights in proportion, days without cost, days to come, days that cost more than is known."""

from __future__ import annotations

from runctl_tui.widgets.day_bars import DayBar, _dates, _drawn


def drawn(bars: list[DayBar], width: int = 40, height: int = 10) -> list[str]:
    return [line.plain for line in _drawn(bars, width, height)]


def column(lines: list[str], day: int) -> str:
    """Return what stands over a day, from the axis up."""
    place = lines[-1].index("1") + day - 1
    return "".join(line.ljust(40)[place] for line in reversed(lines[:-1])).rstrip()


def month(**values: float) -> list[DayBar]:
    return [DayBar(day, values.get(f"d{day}", 0.0) if day <= 20 else None) for day in range(1, 31)]


def test_bars_are_as_high_as_their_share_of_the_dearest_day() -> None:
    lines = drawn(month(d3=90.0, d4=45.0, d5=0.01))
    assert column(lines, 3) == "█" * 9
    assert column(lines, 4) == "█" * 4 + "▄"
    assert column(lines, 5) == "▁", "what was spent at all is seen"
    assert column(lines, 6) == column(lines, 25) == ""
    assert lines[-1].split() == ["1", "5", "10", "15", "20", "25", "30"]


def test_a_day_that_cost_more_than_is_known_has_a_question_mark() -> None:
    bars = month(d3=90.0)
    bars[4] = DayBar(5, 45.0, partial=True)
    bars[5] = DayBar(6, 0.0, partial=True)
    lines = drawn(bars)
    assert column(lines, 5) == "█" * 4 + "▄?"
    assert column(lines, 6) == "?"


def test_wide_bars_have_gaps_and_dates_under_them() -> None:
    lines = drawn(month(d1=90.0, d2=90.0), width=80)
    assert lines[-2].split("┤")[1].startswith("█ █ ")
    assert _dates(month(), 2, 70).startswith("1       5         10")


def test_too_narrow_a_place_keeps_the_latest_days() -> None:
    lines = drawn(month(d1=90.0, d20=90.0), width=22)
    assert lines[-1].split() == ["15", "20", "25"]
    assert all(len(line) <= 22 for line in lines)
