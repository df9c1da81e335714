from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.money import PriceKind
from runctl_tui.services import aws
from runctl_tui.services.aws.pricing import AwsPrices, parse_products
from runctl_tui.services.errors import AwsError
from runctl_tui.services.prices import API, BUNDLED, PriceBook, PriceList, bundled

START = datetime(2026, 11, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Source:
    """A price list that answers, or fails, and counts."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.error: AwsError | None = None
        self.prices = {"g5.xlarge": Decimal("1.23")}
        self.answers = asyncio.Event()
        self.answers.set()

    async def price_list(self, region: str) -> PriceList:
        self.asked.append(region)
        await self.answers.wait()
        if self.error:
            raise self.error
        return PriceList(region, self.clock.now(), API, self.prices, {"gp3": Decimal("0.09")})


def test_the_bundled_table_is_dated_and_plausible() -> None:
    table = bundled()
    assert table.list.region == "us-east-1"
    assert table.list.as_of.date().isoformat() == "2026-07-20"
    assert len(table.list.on_demand) > 1300
    assert all(0 < price < 1000 for price in table.list.on_demand.values())
    assert table.list.on_demand["p4d.24xlarge"] == Decimal("21.957642"), "exact, not a float"
    assert table.list.storage["gp3"] == Decimal("0.08")
    assert table.gpus["p5.48xlarge"].count == 8
    assert table.ipv4_hour == Decimal("0.005")


def test_every_block_of_the_bundled_table_has_its_source_and_date() -> None:
    content = json.loads((Path(aws.__path__[0]) / "prices.json").read_text("utf-8"))
    for prefix in ("", "gpus_", "storage_", "s3_", "ipv4_"):
        assert content[f"{prefix}source"]
        datetime.fromisoformat(content[f"{prefix}date"])


def test_a_price_says_where_it_comes_from() -> None:
    price = PriceBook(Clock()).on_demand("us-east-1", "g5.xlarge")
    assert isinstance(price, Known)
    assert price.value.usd_per_hour == Decimal("1.006")
    assert (price.value.kind, price.value.source) == (PriceKind.ON_DEMAND, BUNDLED)
    assert price.value.as_of.isoformat() == "2026-07-20"
    assert not price.value.estimate


@pytest.mark.parametrize(
    ("region", "name", "why"),
    [
        ("us-east-1", "x9.huge", "the bundled table of 2026-07-20 does not name x9.huge"),
        ("eu-west-1", "g5.xlarge", "the bundled table holds us-east-1 only"),
        ("", "", "holds us-east-1 only"),
    ],
)
def test_unknown_is_said_and_never_zero(region: str, name: str, why: str) -> None:
    price = PriceBook(Clock()).on_demand(region, name)
    assert isinstance(price, Unknown)
    assert why in price.reason


def test_disks_cost_by_size_and_unknown_stays_unknown() -> None:
    book = PriceBook(Clock())
    month = book.disk_month("us-east-1", "gp3", 500)
    assert isinstance(month, Known)
    assert month.value == Decimal("40.00")
    assert isinstance(book.disk_month("us-east-1", "gp3", None), Unknown)
    assert isinstance(book.disk_month("us-east-1", "gp9", 10), Unknown)
    assert isinstance(book.disk_month("eu-west-1", "gp3", 10), Unknown)


async def test_outside_us_east_1_the_price_list_decides(tmp_path: Path) -> None:
    clock = Clock()
    source = Source(clock)
    book = PriceBook(clock, tmp_path, source)
    before = book.on_demand("eu-west-1", "g5.xlarge")
    assert isinstance(before, Unknown)
    assert "not answered yet" in before.reason
    await book.refresh("eu-west-1")
    price = book.on_demand("eu-west-1", "g5.xlarge")
    assert isinstance(price, Known)
    assert (price.value.usd_per_hour, price.value.source) == (Decimal("1.23"), API)
    missing = book.on_demand("eu-west-1", "p5.48xlarge")
    assert isinstance(missing, Unknown)
    assert "the price list of eu-west-1 does not name p5.48xlarge" in missing.reason
    assert isinstance(book.storage("eu-west-1", "gp3"), Known)


async def test_in_us_east_1_the_price_list_wins_over_the_table(tmp_path: Path) -> None:
    clock = Clock()
    book = PriceBook(clock, tmp_path, Source(clock))
    await book.refresh("us-east-1")
    price, other = book.on_demand("us-east-1", "g5.xlarge"), book.on_demand("us-east-1", "p5.48xlarge")
    assert isinstance(price, Known)
    assert price.value.usd_per_hour == Decimal("1.23")
    assert isinstance(other, Known)
    assert other.value.source == BUNDLED, "what the list does not name, the table may"


async def test_an_answer_is_kept_for_a_day_across_restarts(tmp_path: Path) -> None:
    clock = Clock()
    source = Source(clock)
    await PriceBook(clock, tmp_path / "prices", source).refresh("eu-west-1")
    again = PriceBook(clock, tmp_path / "prices", source)
    await again.refresh("eu-west-1")
    await again.refresh("eu-west-1")
    assert source.asked == ["eu-west-1"]
    assert isinstance(again.on_demand("eu-west-1", "g5.xlarge"), Known)
    clock.seconds += 86_401
    await again.refresh("eu-west-1")
    assert source.asked == ["eu-west-1"] * 2
    kept = tmp_path / "prices" / "prices-eu-west-1.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


async def test_a_price_list_that_refuses_is_not_asked_at_once_again_and_named(tmp_path: Path) -> None:
    clock = Clock()
    source = Source(clock)
    source.error = AwsError("The price list could not be read", "pricing:GetProducts is not allowed")
    book = PriceBook(clock, tmp_path, source)
    for _ in range(3):
        await book.refresh("eu-west-1")
    assert len(source.asked) == 1
    price = book.on_demand("eu-west-1", "g5.xlarge")
    assert isinstance(price, Unknown)
    assert "pricing:GetProducts is not allowed" in price.reason
    clock.seconds += 901
    source.error = None
    await book.refresh("eu-west-1")
    assert isinstance(book.on_demand("eu-west-1", "g5.xlarge"), Known)


async def test_a_slow_price_list_is_asked_once_and_heard_though_nobody_waits_any_more() -> None:
    clock = Clock()
    source = Source(clock)
    book = PriceBook(clock, source=source)
    source.answers.clear()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(book.refresh("eu-west-1"), 0.01)
    assert isinstance(book.on_demand("eu-west-1", "g5.xlarge"), Unknown)
    source.answers.set()
    await book.refresh("eu-west-1")
    assert source.asked == ["eu-west-1"]
    assert isinstance(book.on_demand("eu-west-1", "g5.xlarge"), Known)


async def test_an_old_answer_is_better_than_none(tmp_path: Path) -> None:
    clock = Clock()
    source = Source(clock)
    await PriceBook(clock, tmp_path, source).refresh("eu-west-1")
    clock.seconds += 10 * 86_400
    source.error = AwsError("no")
    book = PriceBook(clock, tmp_path, source)
    await book.refresh("eu-west-1")
    price = book.on_demand("eu-west-1", "g5.xlarge")
    assert isinstance(price, Known)
    assert price.value.as_of == START.date(), "with the date at which it was true"


DAMAGES: list[Callable[[str], str]] = [
    lambda text: "",
    lambda text: text[: len(text) // 2],
    lambda text: "[]",
    lambda text: "null",
    lambda text: text.replace("1.23", "abc"),
    lambda text: text.replace("+00:00", ""),
    lambda text: text.replace("eu-west-1", "eu-west-2"),
    lambda text: text.replace('"on_demand": {', '"on_demand": [], "x": {'),
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_answer_is_asked_for_again(tmp_path: Path, damage: Callable[[str], str]) -> None:
    clock = Clock()
    source = Source(clock)
    await PriceBook(clock, tmp_path, source).refresh("eu-west-1")
    kept = tmp_path / "prices-eu-west-1.json"
    kept.write_text(damage(kept.read_text()))
    book = PriceBook(clock, tmp_path, source)
    await book.refresh("eu-west-1")
    assert source.asked == ["eu-west-1"] * 2
    assert isinstance(book.on_demand("eu-west-1", "g5.xlarge"), Known)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-1", "0"])
async def test_a_kept_price_that_is_none_is_unknown(tmp_path: Path, amount: str) -> None:
    clock = Clock()
    source = Source(clock)
    await PriceBook(clock, tmp_path, source).refresh("eu-west-1")
    kept = tmp_path / "prices-eu-west-1.json"
    kept.write_text(kept.read_text().replace("1.23", amount))
    book = PriceBook(clock, tmp_path, source)
    await book.refresh("eu-west-1")
    assert isinstance(book.on_demand("eu-west-1", "g5.xlarge"), Unknown)


async def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    clock = Clock()
    book = PriceBook(clock, tmp_path / "file" / "prices", Source(clock))
    await book.refresh("eu-west-1")
    assert isinstance(book.on_demand("eu-west-1", "g5.xlarge"), Known)


async def test_a_region_s_name_never_leaves_the_folder(tmp_path: Path) -> None:
    clock = Clock()
    book = PriceBook(clock, tmp_path / "prices", Source(clock))
    await book.refresh("../../x")
    assert book._path("../../x") is None
    assert not (tmp_path / "prices").exists()


def product(name: str, usd: str, unit: str = "Hrs", **attributes: str) -> str:
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
    return json.dumps(
        {
            "product": {"attributes": {"instanceType": name, **attributes}},
            "terms": {"OnDemand": {"a.b": {"priceDimensions": {"a.b.c": dimension}}}},
        }
    )


def test_price_list_entries_are_read_and_odd_ones_left_out() -> None:
    products = [
        product("g5.xlarge", "1.0060000000"),
        product("free.one", "0.0000000000"),
        product("by.quantity", "5", unit="Quantity"),
        product("reserved.block", "9", marketoption="CapacityBlock"),
        product("strange.price", "NaN"),
        product("bad.price", "cheap"),
        "{",
        "null",
        json.dumps({"product": {"attributes": {"instanceType": "no.terms"}}, "terms": {}}),
    ]
    assert dict(parse_products(products, "instanceType", "Hrs")) == {"g5.xlarge": Decimal("1.0060000000")}


def stored_objects(usage: str, *tiers: str) -> str:
    dimensions = {f"a.b.{place}": {"unit": "GB-Mo", "pricePerUnit": {"USD": usd}} for place, usd in enumerate(tiers)}
    return json.dumps(
        {
            "product": {"attributes": {"usagetype": usage}},
            "terms": {"OnDemand": {"a.b": {"priceDimensions": dimensions}}},
        }
    )


async def test_objects_are_priced_by_class_at_their_first_tier_in_every_region() -> None:
    clock = Clock()
    machine = product("g5.xlarge", "1.0060000000")
    classes = [
        stored_objects("EUC1-TimedStorage-ByteHrs", "0.0235", "0.0245", "0.0225"),
        stored_objects("EUC1-TimedStorage-SIA-ByteHrs", "0.0135"),
        stored_objects("EUC1-TagStorage-TagHrs", "0.0065"),
    ]

    class Clients:
        async def pricing(self, what: str, call: Any) -> dict[str, Any]:
            return call(self)  # type: ignore[no-any-return]  # as the SDK types it

        def get_products(self, **request: Any) -> dict[str, Any]:
            wanted = {one["Field"]: one["Value"] for one in request["Filters"]}
            if request["ServiceCode"] == "AmazonS3":
                return {"PriceList": classes}
            return {"PriceList": [machine] if "operatingSystem" in wanted else []}

    book = PriceBook(clock, None, AwsPrices(Clients(), clock))  # type: ignore[arg-type]  # the two calls it makes
    await book.refresh("eu-central-1")
    standard, rare = (book.object_month("eu-central-1", one, 2 * 1024**3) for one in ("STANDARD", "STANDARD_IA"))
    assert isinstance(standard, Known)
    assert (standard.value, standard.source) == (Decimal("0.0490"), API)
    assert isinstance(rare, Known)
    assert isinstance(book.object_month("eu-central-1", "ONEZONE_IA", 1), Unknown)


def test_the_bundled_table_prices_objects_in_its_own_region_only() -> None:
    book = PriceBook(Clock())
    here = book.object_month("us-east-1", "STANDARD", 10 * 1024**3)
    assert isinstance(here, Known)
    assert (here.value, here.source) == (Decimal("0.230"), BUNDLED)
    there = book.object_month("eu-west-1", "STANDARD", 1)
    assert isinstance(there, Unknown)
    assert "eu-west-1" in there.reason
