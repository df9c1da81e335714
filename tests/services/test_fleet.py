"""The fleet: what is known of each machine, when, and what is said about those that only cost money."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import Disk, Instance
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import ResourceUsage, TrainingSession, TrainingStatus
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.volume import Volume, VolumeShape, VolumeState
from runctl_tui.services.errors import CloudProviderError, ResourceNotFound, ValidationError
from runctl_tui.services.feed import PushFeed
from runctl_tui.services.fleet import FleetBook, FleetParts
from runctl_tui.services.machines import SHARED_FOR, MachineList
from runctl_tui.services.runs.register import HostWord
from tests.fakes import START, FakeClock, FakeProvider, FakeRegistry, a_run, an_instance

UNKNOWN = Unknown("not asked")
QUIET = ResourceUsage(START, cpu_percent=2.0, cpus=4)


@dataclass
class Ledger:
    """A tracker that only remembers what it was shown."""

    seen: list[int] = field(default_factory=list)
    volumes: list[Snapshot[tuple[Volume, ...]] | None] = field(default_factory=list)

    async def observe(self, rows: Snapshot[tuple[FleetRow, ...]]) -> None:
        self.seen.append(len(rows.value))

    async def observe_volumes(self, volumes: Snapshot[tuple[Volume, ...]] | None) -> None:
        self.volumes.append(volumes)

    async def so_far(self) -> dict[str, Decimal]:
        return {f"fake/{an_instance().id}": Decimal("2.50")}


@dataclass
class Register:
    """Runs as the test says."""

    feed: PushFeed[tuple[TrainingSession, ...]] = field(default_factory=PushFeed)
    told: dict[str, HostWord] = field(default_factory=dict)

    async def remembered(self) -> tuple[TrainingSession, ...]:
        return ()

    def tell(self, machine: Instance, *runs: TrainingSession, silence: str = "") -> None:
        self.feed.push(Snapshot(runs, START))
        self.told[machine.key] = HostWord(START, None if silence else QUIET, silence)


class World:
    """A fleet over fakes."""

    def __init__(self, *more: FakeProvider, warnings: bool = True, prices: bool = False) -> None:
        self.clock = FakeClock()
        self.provider = FakeProvider(clock=self.clock)
        self.register = Register()
        self.ledger = Ledger()
        registry = FakeRegistry(self.provider, *more)
        self.machines = MachineList(registry, self.clock)
        parts: Any = (
            registry,
            self.machines,
            lambda: object() if prices else None,
            self.ledger,
            self.register,
            self.clock,
        )
        self.fleet = FleetBook(FleetParts(*parts), lambda: warnings)
        self.fleet.feed = self.feed = PushFeed[tuple[FleetRow, ...]]()

    async def note(self, machine: Instance, *runs: TrainingSession, silence: str = "") -> str:
        self.provider.add(machine)
        self.register.tell(machine, *runs, silence=silence)
        self.machines.forget()
        (row,) = (await self.fleet.now()).value
        return row.note


async def test_prices_are_asked_once_for_each_kind_of_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.provider.add(*(an_instance(number) for number in range(1, 1001)))
    asked: list[str] = []
    price = world.provider.estimate_cost

    async def counted(region: str, type_name: str, market: Market) -> Any:
        asked.append(type_name)
        return await price(region, type_name, market)

    monkeypatch.setattr(world.provider, "estimate_cost", counted)
    for _ in range(2):
        rows = (await world.fleet.now()).value
    assert asked == ["m5.large"]
    assert all(isinstance(row.price, Known) for row in rows)
    assert rows[0].so_far == Decimal("2.50")
    assert rows[1].so_far is None


async def test_a_disk_that_is_counted_by_itself_is_not_counted_with_its_machine() -> None:
    own = Disk("d-1", "/", 50, "volume", True, usd_per_month="5.00")
    network = Disk("nv1", "/workspace", 200, "network", False, usd_per_month="14.00", apart=True)
    world = World()
    world.provider.add(an_instance(1, disks=(own, network)), an_instance(2, disks=(network,)))
    assert [row.disks_per_month for row in (await world.fleet.now()).value] == [None, 0]
    world = World(prices=True)
    world.provider.add(an_instance(1, disks=(own, network)))
    assert [row.disks_per_month for row in (await world.fleet.now()).value] == [Decimal("5.00")]


async def test_volumes_that_cost_by_themselves_are_told_to_the_ledger() -> None:
    world = World()
    await world.fleet.now()
    assert world.ledger.volumes == [None], "nobody has any"

    class Store:
        async def standing(self) -> Snapshot[tuple[Volume, ...]]:
            return Snapshot((), START, ("fake",))

    world.provider.volumes = Store()  # type: ignore[attr-defined]  # only some providers have volumes
    await world.fleet.now()
    assert world.ledger.volumes[1] == Snapshot((), START, ("fake",))


async def test_a_volume_that_a_machine_has_taken_meanwhile_is_not_counted_twice() -> None:
    world = World()
    taken, free = (
        Volume(one, "fake", "r-1", "r-1a", one, VolumeState.AVAILABLE, VolumeShape("gp3", 8), UNKNOWN, UNKNOWN)
        for one in ("vol-1", "vol-2")
    )

    class Store:
        async def standing(self) -> Snapshot[tuple[Volume, ...]]:
            return Snapshot((taken, free), START, ("fake",))

    world.provider.volumes = Store()  # type: ignore[attr-defined]  # only some providers have volumes
    world.provider.add(an_instance(1, disks=(Disk("vol-1", "/dev/sdf", 8, "gp3", False),)))
    await world.fleet.now()
    (told,) = world.ledger.volumes
    assert told is not None
    assert told.value == (free,)


async def test_an_unknown_price_stays_unknown_and_is_asked_again_soon() -> None:
    world = World()
    world.provider.add(an_instance(type="x9.huge"))
    assert isinstance((await world.fleet.now()).value[0].price, Unknown)
    world.provider.prices["x9.huge"] = world.provider.prices["m5.large"]
    assert isinstance((await world.fleet.now()).value[0].price, Unknown)
    world.clock.advance(20)
    assert isinstance((await world.fleet.now()).value[0].price, Known)


async def test_a_price_that_fails_is_unknown_with_the_reason() -> None:
    world = World()
    world.provider.add(an_instance())
    world.provider.failures["estimate_cost"] = CloudProviderError("throttled")
    price = (await world.fleet.now()).value[0].price
    assert price == Unknown("throttled")


async def test_rows_come_before_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.provider.add(an_instance())
    shown: list[FleetRow] = []
    price = world.provider.estimate_cost

    async def late(*words: Any) -> Any:
        assert world.feed.latest is not None
        shown.extend(world.feed.latest.value)
        return await price(*words)

    monkeypatch.setattr(world.provider, "estimate_cost", late)
    await world.fleet.poll()
    assert [row.instance.id for row in shown] == [an_instance().id]
    assert shown[0].price == Unknown("not asked yet")


async def test_a_provider_that_fails_does_not_blank_the_others() -> None:
    broken = FakeProvider(name="broken", failures={"list_resources": CloudProviderError("no")})
    world = World(broken)
    world.provider.add(an_instance())
    snapshot = await world.fleet.now()
    assert len(snapshot.value) == 1
    assert [problem.scope for problem in snapshot.missing] == ["broken"]


async def test_machines_of_a_silent_provider_stay_with_the_time_when_they_were_seen() -> None:
    broken = FakeProvider(name="broken")
    world = World(broken)
    broken.add(machine := an_instance(7, provider="broken"))
    world.provider.add(an_instance())
    await world.fleet.now()
    broken.failures["list_resources"] = CloudProviderError("no")
    world.clock.advance(180)
    snapshot = await world.fleet.now()
    assert [(row.key, row.seen_at, row.note) for row in snapshot.value] == [
        (an_instance().key, None, ""),
        (machine.key, START, "not seen for 3m"),
    ]
    assert snapshot.taken_at == START, "the oldest part"
    assert world.ledger.seen == [2, 1], "what was not seen proves nothing"
    with pytest.raises(CloudProviderError, match="could not be read"):
        await world.fleet.find(machine.key)
    del broken.failures["list_resources"]
    broken.machines.clear()
    world.clock.advance(180)
    assert [row.key for row in (await world.fleet.now()).value] == [an_instance().key], "it answered: it is gone"


async def test_one_listing_serves_for_two_seconds_and_none_after_a_change() -> None:
    world = World()
    world.provider.add(an_instance())
    await world.fleet.now()
    world.provider.add(an_instance(2))
    assert len((await world.fleet.now()).value) == 1
    world.machines.forget()
    assert len((await world.fleet.now()).value) == 2
    world.provider.add(an_instance(3))
    world.clock.advance(SHARED_FOR + 0.1)
    assert len((await world.fleet.now()).value) == 3


BOX = an_instance()
ENDED = a_run(BOX, TrainingStatus.COMPLETED, ended_at=START - timedelta(minutes=38))


@pytest.mark.parametrize(
    ("machine", "runs", "note"),
    [
        (BOX, (ENDED,), "idle 38m, $0.63"),
        (BOX, (), "idle 2h, $2.00"),
        (BOX, (replace(ENDED, ended_at=START - timedelta(minutes=12)),), ""),
        (BOX, (ENDED, a_run(BOX, id="r-000002")), ""),
        (BOX, (replace(ENDED, status=TrainingStatus.UNREACHABLE),), ""),
        (replace(BOX, type="x9.huge"), (ENDED,), "idle 38m"),
        (replace(BOX, launched_at=START - timedelta(minutes=5)), (ENDED,), ""),
        (replace(BOX, market=Market.LOCAL), (ENDED,), ""),
        (replace(BOX, tags=(("runctl:owner", "bob"),)), (), ""),
        (replace(BOX, state=ResourceState.STARTING), (ENDED,), ""),
        (replace(BOX, launched_at=START - timedelta(days=3, hours=4)), (), "idle 3d, $76"),
        (replace(BOX, parent="autoscaling: web", tags=()), (), "managed by autoscaling: web"),
    ],
)
async def test_machines_that_work_for_nobody(machine: Instance, runs: tuple[TrainingSession, ...], note: str) -> None:
    assert await World().note(machine, *runs) == note


async def test_nobody_is_called_idle_whose_runs_are_not_known() -> None:
    assert await World().note(BOX, ENDED, silence="box-1 cannot be reached") == "idle or not is unknown"
    world = World()
    world.provider.add(BOX)
    assert (await world.fleet.now()).value[0].note == ""


async def test_what_a_host_told_too_long_ago_is_not_known_any_more() -> None:
    world = World()
    world.provider.add(BOX, replace(an_instance(2), tags=(("runctl:owner", "bob"),)))
    world.register.tell(BOX)
    mine, other = (await world.fleet.now()).value
    assert (mine.usage, mine.runs_unknown) == (QUIET, "")
    assert other.runs_unknown == "only hosts of yours are asked"
    world.clock.advance(11 * 60)
    assert (await world.fleet.now()).value[0].runs_unknown == "not told for 11 min"


async def test_warnings_can_be_switched_off() -> None:
    assert await World(warnings=False).note(BOX, ENDED) == ""


async def test_machines_are_found_by_key_id_and_unique_name() -> None:
    world = World()
    twins = [an_instance(number, name="twin") for number in (2, 3)]
    gone = an_instance(4, name="box-1", state=ResourceState.TERMINATED)
    world.provider.add(an_instance(), *twins, gone)
    for reference in (an_instance().id, f"fake/{an_instance().id}", "box-1"):
        assert (await world.fleet.find(reference)).instance.id == an_instance().id
    with pytest.raises(ValidationError, match="more than one"):
        await world.fleet.find("twin")
    with pytest.raises(ResourceNotFound):
        await world.fleet.find("")
    assert cast("dict[str, str]", await world.fleet.describe("box-1"))["InstanceId"] == an_instance().id


async def test_a_machine_that_could_not_be_looked_for_is_not_said_to_be_none() -> None:
    world = World()
    world.provider.failures["list_resources"] = CloudProviderError("listing failed", "denied", code="Denied")
    with pytest.raises(CloudProviderError, match="could not be read: listing failed: denied") as caught:
        await world.fleet.find("box-1")
    assert caught.value.code == "Denied"
