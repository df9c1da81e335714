"""RunPod's own bill: read for this month, beside ours, and unknown where nobody answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.cost import Bill
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.sandbox.runpod import billing as played
from tests.services.runpod.conftest import NOW, Rig


async def bill(rig: Rig) -> Bill:
    await rig.provider.billing.refresh()
    told = rig.provider.billing.told()
    assert isinstance(told, Known)
    assert told.source == "RunPod API v2 billing"
    return told.value


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the emulator answer at the moment at which the tests are."""
    answer = played.answer
    monkeypatch.setattr(played, "answer", lambda account, query, now: answer(account, query, NOW))


async def test_pods_and_network_volumes_of_this_month_are_told_apart(rig: Rig) -> None:
    rig.pods.account["billed"] = {"2026-11-01": 1.25, "2026-11-22": 2.5, "2026-10-31": 99.0}
    found = await bill(rig)
    parts = dict(found.parts)
    assert found.since == datetime(2026, 11, 1, tzinfo=UTC)
    assert parts["pods"] == Decimal("3.75")
    assert Decimal("9.5") < parts["network volumes"] < Decimal("9.8"), "200 GB for 21 days and a half"
    assert sum(parts.values()) == found.month
    assert Decimal("2.5") < found.today < Decimal("2.8")


async def test_what_is_neither_is_told_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"startTime": "2026-11-22T00:00:00Z", "totalAmount": 5.0, "podGpuAmount": 2.0, "serverlessGpuAmount": 3.0}]

    async def told(*arguments: Any, **named: Any) -> list[dict[str, Any]]:
        return rows

    monkeypatch.setattr(rig.provider._web, "rows", told)
    assert (await bill(rig)).parts == (("pods", Decimal("2.0")), ("everything else", Decimal("3.0")))


@pytest.mark.parametrize("total", [None, "5", float("inf"), float("nan")])
async def test_a_bill_that_makes_no_sense_is_unknown_and_never_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, total: object
) -> None:
    async def told(*arguments: Any, **named: Any) -> list[dict[str, Any]]:
        return [{"startTime": "2026-11-22T00:00:00Z", "totalAmount": total}]

    monkeypatch.setattr(rig.provider._web, "rows", told)
    await rig.provider.billing.refresh()
    assert isinstance(rig.provider.billing.told(), Unknown)


async def test_it_is_asked_once_in_five_minutes_and_unknown_where_nobody_answers(rig: Rig) -> None:
    await bill(rig)
    rig.front.faults += ["no-billing"]
    await rig.provider.billing.refresh()
    assert rig.front.faults == ["no-billing"], "nobody was asked"
    rig.clock.passed += 301
    await rig.provider.billing.refresh()
    told = rig.provider.billing.told()
    assert isinstance(told, Unknown)
    assert "503" in told.reason


async def test_the_bill_of_another_month_is_not_told(rig: Rig) -> None:
    await bill(rig)
    rig.clock.passed = timedelta(days=9).total_seconds()
    assert isinstance(rig.provider.billing.told(), Unknown)
    assert (await bill(rig)).since == datetime(2026, 12, 1, tzinfo=UTC)


async def test_the_list_of_pods_reads_it_and_stands_without_it(rig: Rig) -> None:
    listed = await rig.provider.list_resources()
    assert isinstance(rig.provider.billing.told(), Known)
    rig.clock.passed += 301
    rig.front.faults += ["no-billing"]
    again = await rig.provider.list_resources()
    assert [one.id for one in again.value] == [one.id for one in listed.value]
    assert isinstance(rig.provider.billing.told(), Unknown)
