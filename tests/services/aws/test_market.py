from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.money import PriceKind
from runctl_tui.domain.resource import Market
from runctl_tui.services.aws import spot
from runctl_tui.services.errors import ResourceNotFound
from tests.services.aws.world import World, ec2_error

IMAGES = {
    ("x86_64", True): "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20260620",
    ("arm64", True): "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) 20260620",
    ("x86_64", False): "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20260610",
    ("arm64", False): "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-20260610",
}


def quotes(*rows: tuple[str, str, str, str]) -> Any:
    """An answer of DescribeSpotPriceHistory: type, zone, price, time."""
    items = "".join(
        f"<item><instanceType>{kind}</instanceType><productDescription>Linux/UNIX</productDescription>"
        f"<spotPrice>{price}</spotPrice><timestamp>{at}</timestamp><availabilityZone>{zone}</availabilityZone></item>"
        for kind, zone, price, at in rows
    )
    answer = ec2_error("x", status=200)
    answer.raw._body = (
        f"<DescribeSpotPriceHistoryResponse><spotPriceHistorySet>{items}</spotPriceHistorySet>"
        "<nextToken></nextToken></DescribeSpotPriceHistoryResponse>"
    ).encode()
    return answer


async def test_the_cheapest_zone_s_newest_price_is_told_as_an_estimate(world: World) -> None:
    world.hook(
        "DescribeSpotPriceHistory",
        lambda _: quotes(
            ("g5.xlarge", "us-east-1a", "0.40", "2026-11-21T10:00:00.000Z"),
            ("g5.xlarge", "us-east-1a", "0.60", "2026-11-21T11:00:00.000Z"),
            ("g5.xlarge", "us-east-1b", "0.45", "2026-11-20T10:00:00.000Z"),
            ("g5.xlarge", "us-east-1c", "0.00", "2026-11-21T10:00:00.000Z"),
            ("g5.xlarge", "us-east-1d", "cheap", "2026-11-21T10:00:00.000Z"),
        ),
    )
    price = await world.provider.estimate_cost("us-east-1", "g5.xlarge", Market.SPOT)
    assert isinstance(price, Known)
    assert price.value.usd_per_hour == Decimal("0.45")
    assert (price.value.kind, price.value.estimate) == (PriceKind.SPOT, True)
    await world.provider.estimate_cost("us-east-1", "g5.xlarge", Market.SPOT)
    assert len(world.sent) == 1, "remembered for five minutes"
    world.clock.advance(spot.REMEMBERED + 1)
    await world.provider.estimate_cost("us-east-1", "g5.xlarge", Market.SPOT)
    assert len(world.sent) == 2


async def test_a_market_that_does_not_answer_is_unknown_with_its_reason(world: World) -> None:
    world.hook("DescribeSpotPriceHistory", lambda _: ec2_error("UnauthorizedOperation", "not for you", 403))
    price = await world.provider.estimate_cost("us-east-1", "g5.xlarge", Market.SPOT)
    assert isinstance(price, Unknown)
    assert "not for you" in price.reason


async def test_offers_are_sorted_and_joined_with_both_prices(world: World) -> None:
    world.hook(
        "DescribeSpotPriceHistory",
        lambda _: quotes(("g5.xlarge", "us-east-1b", "0.45", "2026-11-20T10:00:00.000Z")),
    )
    offers = await world.provider.offers("us-east-1")
    g5 = next(offer for offer in offers if offer.type == "g5.xlarge")
    assert isinstance(g5.on_demand, Known)
    assert isinstance(g5.spot, Known)
    assert (g5.spot_zone, g5.vcpus, g5.architecture) == ("us-east-1b", 4, "x86_64")
    assert next(offer for offer in offers if offer.type == "t4g.small").architecture == "arm64"
    assert isinstance(next(offer for offer in offers if offer.type == "g6.xlarge").spot, Unknown)
    names = [offer.type for offer in offers]
    assert "m4.large" not in names, "of an earlier generation"
    assert not [name for name in names if "metal" in name]
    family = [name for name in names if name.startswith("g5.")]
    assert family[:3] == ["g5.xlarge", "g5.2xlarge", "g5.4xlarge"]


@pytest.mark.parametrize(("wanted", "name"), IMAGES.items())
async def test_an_image_is_chosen_by_processor_and_gpu(world: World, wanted: tuple[str, bool], name: str) -> None:
    finder = world.provider._images
    image = await finder.choose("us-east-1", wanted[0], gpu=wanted[1])
    assert image.name == name
    assert image.architecture == wanted[0]


async def test_a_refused_parameter_store_does_not_stop_the_search_by_name(world: World) -> None:
    asked: list[object] = []

    def refuse(**_: Any) -> Any:
        asked.append(1)
        return _Refused(), {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {}}

    client: Any = world.clients._client("ssm", "us-east-1", False)
    client.meta.events.register("before-call.ssm.GetParameter", refuse)
    image = await world.provider._images.choose("us-east-1", "x86_64", gpu=True)
    assert image.name == IMAGES["x86_64", True]
    assert asked


class _Refused:
    status_code = 400


async def test_no_image_says_why(world: World) -> None:
    with pytest.raises(ResourceNotFound, match="no Ubuntu or Amazon Linux image for riscv") as caught:
        await world.provider._images.choose("us-east-1", "riscv", gpu=False)
    assert "--ami" in caught.value.todo


def test_a_one_time_spot_machine_is_asked_for() -> None:
    assert spot.market_options(None) == {
        "MarketType": "spot",
        "SpotOptions": {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"},
    }
    assert spot.market_options(Decimal("1E-2"))["SpotOptions"]["MaxPrice"] == "0.01"
