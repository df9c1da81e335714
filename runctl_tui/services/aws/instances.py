"""Reads instances: all regions at once, page after page, enriched with types and disks as far as those are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Known
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.money import cents
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.aws import parse
from runctl_tui.services.aws.catalog import TypeCatalog
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.disks import VolumeReader
from runctl_tui.services.aws.newborn import Newborns
from runctl_tui.services.aws.settings import AwsSettings
from runctl_tui.services.errors import AwsError, CredentialsError, ResourceNotFound, TrainctlError
from runctl_tui.services.prices import PriceBook, bundled
from runctl_tui.services.volume_prices import attached_month

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

PAGE: Final = 100
"""Small, because parsing an answer of 1,000 instances holds up everything else for 150 ms."""
TAG_OP: Final = "runctl:op"
"""Holds the token of the launch that made an instance."""
ALIVE: Final = ["pending", "running"]


@dataclass(frozen=True, slots=True)
class InstancePage:
    """Some instances of one region, and what could not be told about them."""

    region: str
    instances: tuple[Instance, ...]
    problems: tuple[Problem, ...] = ()


class InstanceReader:
    """Everything that is read about instances."""

    def __init__(self, clients: AwsClients, settings: AwsSettings, clock: Clock, prices: PriceBook) -> None:
        self._clients = clients
        self._settings = settings
        self._clock = clock
        self._prices = prices
        self.catalog = TypeCatalog(clients)
        self._volumes = VolumeReader(clients, clock)
        self._newborns = Newborns(clock)
        self._region_of: dict[str, str] = {}

    async def list_all(self) -> Snapshot[tuple[Instance, ...]]:
        """Return the instances of all regions; what failed is in `missing`."""
        taken_at = self._clock.now()
        parts = await asyncio.gather(*(self._region(region, taken_at) for region in self._settings.regions))
        instances = [one for part in parts for one in part.value]
        return Snapshot(
            value=tuple(sorted(instances, key=lambda one: (one.region, one.id))),
            taken_at=taken_at,
            scope=tuple(scope for part in parts for scope in part.scope),
            missing=tuple(problem for part in parts for problem in part.missing),
            silent=tuple(scope for part in parts for scope in part.silent),
        )

    async def _region(self, region: str, taken_at: datetime) -> Snapshot[list[Instance]]:
        scope = (_scope(region),)
        instances: list[Instance] = []
        problems: dict[str, Problem] = {}
        try:
            async for page in self.pages(region):
                instances += page.instances
                problems |= {problem.what: problem for problem in page.problems}
        except TrainctlError as error:
            return Snapshot(instances, taken_at, scope, (error.to_problem(scope=scope[0]),), silent=scope)
        return Snapshot([*instances, *self._newborns.of(region)], taken_at, scope, tuple(problems.values()))

    async def pages(self, region: str) -> AsyncIterator[InstancePage]:
        """Yield a region's instances page by page; raises where a page cannot be read."""
        async for raw in self._raw_pages(region, {"MaxResults": PAGE}):
            yield await self._enriched(region, raw)

    async def get(self, instance_id: str, region: str = "", *, strong: bool = True) -> Instance:
        """Return one instance; raises ResourceNotFound, but not for one that was created a moment ago."""
        try:
            region, raw = await self.raw(instance_id, region)
        except ResourceNotFound:
            if newborn := self._newborns.get(instance_id):
                return newborn
            raise
        page = await self._enriched(region, [raw], strong=strong)
        return page.instances[0]

    async def raw(self, instance_id: str, region: str = "") -> tuple[str, InstanceTypeDef]:
        """Return an instance's region and EC2's own words about it."""
        for place in self._places(instance_id, region):
            what = f"{place}: {instance_id} could not be read"
            try:
                answer = await self._clients.ec2(
                    place, what, lambda ec2: ec2.describe_instances(InstanceIds=[instance_id])
                )
            except ResourceNotFound:
                continue
            found = _flat(answer)
            if found:
                self._region_of[instance_id] = place
                return place, found[0]
        where = region or ", ".join(self._settings.regions)
        what = f"There is no instance {instance_id}"
        raise ResourceNotFound(
            what, f"EC2 knows none in {where}", "refresh the list", code="InvalidInstanceID.NotFound"
        )

    async def adopt(self, region: str, raw: InstanceTypeDef) -> Instance:
        """Return the instance that a create call answered with; its disks are told by a later read."""
        made = (await self._enriched(region, [raw])).instances[0]
        self._newborns.add(made)
        return made

    async def region_of(self, instance_id: str, region: str = "") -> str:
        """Return the region of an instance; asks EC2 only where it was never seen."""
        if region:
            return region
        known = self._region_of.get(instance_id)
        return known or (await self.raw(instance_id))[0]

    async def find_by_token(self, token: str, region: str = "") -> Instance | None:
        """Return the instance that a launch with this token made; None where there is none anywhere.

        Our own tag comes with the create call and decides; EC2's client token is asked too where the endpoint has it.
        """
        for place in (region,) if region else self._settings.regions:
            found = await self._made_by(place, f"tag:{TAG_OP}", token)
            try:
                found = found or await self._made_by(place, "client-token", token)
            except CredentialsError:
                raise
            except AwsError:
                """An endpoint without that filter answers with an error."""
            if found:
                return (await self._enriched(place, found)).instances[0]
        return None

    async def _made_by(self, region: str, name: str, token: str) -> list[InstanceTypeDef]:
        found = []
        async for raw in self._raw_pages(region, {"Filters": [{"Name": name, "Values": [token]}]}):
            found += [one for one in raw if _has_token(one, token)]
        return found

    async def count_alive(self, region: str) -> int:
        """Return how many instances of a region run or start."""
        wanted = [{"Name": "instance-state-name", "Values": ALIVE}]
        count = 0
        async for raw in self._raw_pages(region, {"Filters": wanted, "MaxResults": PAGE}):
            count += len(raw)
        return count

    async def _raw_pages(self, region: str, request: Mapping[str, Any]) -> AsyncIterator[list[InstanceTypeDef]]:
        what = f"{region}: the instances could not be listed"
        async for page in self._clients.ec2_pages(region, what, "describe_instances", request):
            yield _flat(page)

    async def _enriched(self, region: str, raw: Sequence[InstanceTypeDef], *, strong: bool = False) -> InstancePage:
        ids = [
            mapping.get("Ebs", {}).get("VolumeId", "") for one in raw for mapping in one.get("BlockDeviceMappings", [])
        ]
        kinds = [one.get("InstanceType", "") for one in raw]
        volumes, unlearned = await asyncio.gather(
            self._volumes.read(region, ids, strong=strong), self._learn(region, kinds)
        )
        problems = [error.to_problem(scope=_scope(region)) for error in (*volumes.errors, *unlearned)]
        types, owner = self.catalog.known, self._settings.owner
        found = [parse.instance(one, region, owner, types, volumes.facts) for one in raw]
        self._region_of |= {one.id: region for one in found}
        self._newborns.seen(one.id for one in found)
        return InstancePage(region, tuple(self._priced(one) for one in found), tuple(problems))

    async def _learn(self, region: str, kinds: Sequence[str]) -> tuple[TrainctlError, ...]:
        try:
            await self.catalog.learn(region, kinds)
        except TrainctlError as error:
            return (error,)
        return ()

    def _priced(self, instance: Instance) -> Instance:
        disks = []
        for disk in instance.disks:
            month = attached_month(self._prices, instance.region, disk)
            disks.append(replace(disk, usd_per_month=f"{cents(month.value)}") if isinstance(month, Known) else disk)
        gpu = instance.gpu or bundled().gpus.get(instance.type)
        return replace(instance, disks=tuple(disks), gpu=gpu)

    def _places(self, instance_id: str, region: str) -> tuple[str, ...]:
        if region:
            return (region,)
        known = self._region_of.get(instance_id)
        rest = tuple(place for place in self._settings.regions if place != known)
        return (known, *rest) if known else rest


def _flat(answer: Mapping[str, Any]) -> list[InstanceTypeDef]:
    return [one for reservation in answer.get("Reservations", []) for one in reservation.get("Instances", [])]


def _has_token(raw: InstanceTypeDef, token: str) -> bool:
    """Some endpoints ignore the filter by client token and answer with every instance."""
    return raw.get("ClientToken") == token or (TAG_OP, token) in parse.tag_pairs(raw.get("Tags"))


def _scope(region: str) -> str:
    return f"{parse.PROVIDER}/{region}"
