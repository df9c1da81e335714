from __future__ import annotations

import pytest

from runctl_tui.domain.durations import in_a_word, in_one_unit, in_two_units

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "one", "two"),
    [
        (-3, "0 s", "0 s"),
        (59.9, "59 s", "59 s"),
        (97, "1 min", "1 min 37 s"),
        (38 * MINUTE, "38 min", "38 min"),
        (47 * HOUR + 59, "47 h", "1 d 23 h"),
        (9 * DAY + 3 * HOUR, "9 d", "9 d 3 h"),
        (92 * DAY + 27, "92 d", "92 d"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_units(seconds: float, one: str, two: str) -> None:
    assert in_one_unit(seconds) == one
    assert in_two_units(seconds) == two
    assert in_a_word(seconds) == one.replace(" ", "").replace("min", "m")
