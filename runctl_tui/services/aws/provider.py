"""`AwsProvider`: EC2 behind the `TrainingProvider` port, put together from the parts of this package.

The parts that no list of instances needs are imported with their first use, so that the first rows come early.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact
from runctl_tui.domain.identity import Identity
from runctl_tui.domain.instance import ApiProtection, Instance
from runctl_tui.domain.money import Price
from runctl_tui.domain.offer import Capabilities, CreateResourceOptions, TypeOffer
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import Market
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Capability
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.control import InstanceControl
from runctl_tui.services.aws.identity import Caller
from runctl_tui.services.aws.images import ImageFinder
from runctl_tui.services.aws.instances import InstancePage, InstanceReader
from runctl_tui.services.aws.offers import Offers
from runctl_tui.services.aws.parse import PROVIDER, jsonable
from runctl_tui.services.aws.pricing import AwsPrices
from runctl_tui.services.aws.settings import AwsSettings
from runctl_tui.services.aws.spot import SpotMarket
from runctl_tui.services.errors import Unsupported
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.prices import PriceBook
from runctl_tui.services.threads import BackendPool

if TYPE_CHECKING:
    from runctl_tui.services.aws.launch import Launches
    from runctl_tui.services.aws.marks import Ec2Marks
    from runctl_tui.services.aws.reach import Reach
    from runctl_tui.services.aws.s3 import S3Store
    from runctl_tui.services.aws.uploads import AwsUploads
    from runctl_tui.services.aws.volumes import EbsStore

POOL_SIZE: Final = 8
TRANSFER_THREADS: Final = 8
"""Whole files move in threads of their own, so that lists never wait behind them."""


class AwsProvider:
    """Every machine of one AWS profile."""

    name = PROVIDER
    label = "AWS"

    def __init__(self, settings: AwsSettings, clock: Clock, pool: BackendPool | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._pool = pool or BackendPool("aws", POOL_SIZE)
        self._clients = AwsClients(settings, self._pool, clock)
        self.prices = PriceBook(clock, settings.state_dir / "prices", AwsPrices(self._clients, clock))
        self._bulk = AwsClients(settings, BackendPool("transfers", TRANSFER_THREADS), clock)
        self._images = ImageFinder(self._clients)
        self._caller = Caller(self._clients, settings, clock)
        self._reader = InstanceReader(self._clients, settings, clock, self.prices)
        self._control = InstanceControl(self._clients, self._reader, clock)
        self._offers = Offers(self._reader.catalog, SpotMarket(self._clients, clock), self.prices)

    @cached_property
    def store(self) -> S3Store:
        """S3, for lists and small objects."""
        from runctl_tui.services.aws.s3 import S3Store

        return S3Store(self._clients, self._settings)

    @cached_property
    def transfers(self) -> S3Store:
        """S3, for whole files."""
        from runctl_tui.services.aws.s3 import S3Store

        return S3Store(self._bulk, self._settings)

    @cached_property
    def uploads(self) -> AwsUploads:
        """Unfinished uploads in S3."""
        from runctl_tui.services.aws.objects import AwsObjects
        from runctl_tui.services.aws.uploads import AwsUploads

        return AwsUploads(self.store, AwsObjects(lambda: self.store), self.prices, self._clock)

    @cached_property
    def volumes(self) -> EbsStore:
        """EBS volumes and snapshots."""
        from runctl_tui.services.aws.volumes import EbsStore

        return EbsStore(self._clients, self._settings, self._clock, self.prices)

    @cached_property
    def marks(self) -> Ec2Marks:
        """Tags and locks of instances, volumes and snapshots."""
        from runctl_tui.services.aws.marks import Ec2Marks

        return Ec2Marks(self._clients)

    @cached_property
    def _launches(self) -> Launches:
        from runctl_tui.services.aws.launch import Launches

        return Launches(self._clients, self._settings, self._clock, self._reader, self._images)

    @cached_property
    def _reach(self) -> Reach:
        from runctl_tui.services.aws.reach import Reach

        return Reach(self._clients, self._settings, self._images)

    @property
    def capabilities(self) -> Capabilities:
        """Everything that this product asks of a provider, but for logs of machines."""
        return Capabilities({Capability.LOGS: "EC2 has no live log of a machine: open a shell on it"})

    def regions(self) -> tuple[str, ...]:
        """The regions in use."""
        return self._settings.regions

    async def identity(self) -> Fact[Identity]:
        """Return who the credentials belong to."""
        return await self._caller.identity()

    async def list_resources(self) -> Snapshot[tuple[Instance, ...]]:
        """Return every instance of all regions; a region that fails is named in `missing`."""
        return await self._reader.list_all()

    def iter_pages(self, region: str) -> AsyncIterator[InstancePage]:
        """Yield one region's instances as they come, so that the first are shown early."""
        return self._reader.pages(region)

    async def get_resource_status(self, resource_id: str, region: str = "") -> Instance:
        """Return one instance, read afresh with its disks."""
        return await self._reader.get(resource_id, region)

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        """Return EC2's own words about an instance."""
        _, raw = await self._reader.raw(resource_id, region)
        return cast("Mapping[str, object]", jsonable(raw))

    async def offers(self, region: str) -> tuple[TypeOffer, ...]:
        """Return the types of the current generation, accelerated ones first."""
        return await self._offers.all(region)

    async def estimate_cost(self, region: str, type_name: str, market: Market) -> Fact[Price]:
        """Return what a type costs per hour; spot prices are estimates."""
        return await self._offers.price(region, type_name, market)

    async def check_create(self, options: CreateResourceOptions) -> tuple[str, ...]:
        """Return warnings; raises where the launch cannot work, as far as EC2's dry run tells."""
        return await self._launches.check(options)

    async def create_resource(self, options: CreateResourceOptions, token: str) -> Instance:
        """Create one instance; raises NoCapacity where the market has none."""
        return await self._launches.create(options, token)

    async def start(self, resource_id: str, region: str = "") -> None:
        """Start a stopped instance."""
        await self._control.change(Operation.START, resource_id, region)

    async def stop(self, resource_id: str, region: str = "") -> None:
        """Stop a running instance."""
        await self._control.change(Operation.STOP, resource_id, region)

    async def terminate(self, resource_id: str, region: str = "") -> None:
        """Terminate an instance; its protections are never cleared."""
        await self._control.change(Operation.TERMINATE, resource_id, region)

    async def dry_run(self, operation: Operation, resource_id: str, region: str = "") -> None:
        """Ask EC2 whether it would carry an operation out; raises what it would raise."""
        await self._control.change(operation, resource_id, region, dry=True)

    def logs(self, resource_id: str, follow: bool = True) -> AsyncIterator[str]:
        """Raise: there is no log of a machine."""
        raise Unsupported(f"{resource_id} has no log", self.capabilities.why_not(Capability.LOGS))

    async def protections(self, resource_id: str, region: str = "") -> Fact[ApiProtection]:
        """Return EC2's own locks on an instance."""
        return await self._control.protections(resource_id, region)

    async def find_by_token(self, token: str, region: str = "") -> Instance | None:
        """Return the instance that a create with this token made."""
        return await self._reader.find_by_token(token, region)

    async def ssh_target(self, instance: Instance) -> SshTarget | None:
        """Return how an instance is reached."""
        return await self._reach.target(instance)

    async def host_keys(self, instance: Instance) -> tuple[str, ...]:
        """Return the host keys that the console told."""
        return await self._reach.host_keys(instance)

    def forget_credentials(self) -> None:
        """Read the credentials anew at the next call, after a login."""
        self._clients.forget()
        self._bulk.forget()

    def close(self) -> None:
        """Let go of the pool without waiting for any call."""
        self._pool.close()
        self._bulk.pool.close()
