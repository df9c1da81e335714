"""D42 and D47 where nothing else is judged: too many at once of whatever kinds, and a price that no plan has told."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.plan import Level, Severity
from runctl_tui.domain.safety import Policy
from runctl_tui.domain.safety.cleanup import together
from runctl_tui.domain.safety.money import over_any_cap
from tests.domain.safety_facts import known
from tests.fakes import a_price

PRICE = known(replace(a_price(), usd_per_hour=Decimal("1.01")))
LOST = Unknown("throttled")


def test_ten_of_whatever_kinds_may_go_at_once_and_eleven_want_a_reason() -> None:
    assert together(10) is None
    many = together(11)
    assert many is not None
    assert (many.code, many.severity, many.level) == ("batch_cap", Severity.BLOCK, Level.REASON)
    assert (many.text, many.offer) == ("11 at once are too many", "select at most 10")


@pytest.mark.parametrize(
    ("cap", "hard", "level"),
    [
        (None, None, None),
        (Decimal("1.01"), None, None),
        (Decimal("1.00"), None, Level.REASON),
        (Decimal("1.00"), Decimal("1.00"), Level.NEVER),
    ],
)
def test_a_price_that_no_plan_has_told_is_held_against_the_caps(
    cap: Decimal | None, hard: Decimal | None, level: Level | None
) -> None:
    found = over_any_cap(PRICE, Policy(cap_per_hour=cap, hard_cap_per_hour=hard))
    assert (found.level if found else None) == level
    if found is not None:
        assert (found.code, found.severity) == ("cost_cap", Severity.BLOCK)
        assert found.offer.startswith("choose a smaller type, or raise costs.")


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        (Policy(), False),
        (Policy(cap_per_hour=Decimal(5)), True),
        (Policy(hard_cap_per_hour=Decimal(5)), True),
    ],
)
def test_a_price_that_could_not_be_told_is_over_every_cap_there_is(policy: Policy, asked: bool) -> None:
    found = over_any_cap(LOST, policy)
    assert (found is not None) is asked
    if found is not None:
        assert (found.code, found.severity, found.offer) == ("price_unknown", Severity.BLOCK, "plan it on demand")
        assert found.text == "what it costs on demand is unknown (throttled)"
