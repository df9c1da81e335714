"""Machine types as EC2 describes them, remembered per type because they never change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.parse import TypeFacts, type_facts

PAGE: Final = 100


class TypeCatalog:
    """Looks machine types up, many at once."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._known: dict[str, TypeFacts] = {}
        self._absent: set[tuple[str, str]] = set()
        self._regional: dict[str, tuple[str, ...]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    @property
    def known(self) -> Mapping[str, TypeFacts]:
        """What was looked up so far."""
        return self._known

    async def learn(self, region: str, names: Iterable[str]) -> None:
        """Make sure that these types are in `known`; one that EC2 does not describe is not asked for again."""
        async with self._locks.setdefault(region, asyncio.Lock()):
            wanted = {name for name in names if name and name not in self._known}
            new = sorted(name for name in wanted if (region, name) not in self._absent)
            for start in range(0, len(new), PAGE):
                batch = new[start : start + PAGE]
                filters = [{"Name": "instance-type", "Values": batch}]
                async for _ in self._pages(region, filters):
                    """Each page is remembered as it comes."""
                self._absent |= {(region, name) for name in batch if name not in self._known}

    async def facts(self, region: str, name: str) -> TypeFacts | None:
        """Return one type's facts; None where the region has no such type."""
        await self.learn(region, [name])
        return None if (region, name) in self._absent else self._known.get(name)

    async def sold(self, region: str) -> tuple[str, ...]:
        """Return the names of the types that a region offers for training.

        Those of the current generation, and accelerated ones of any, because EC2 calls types 'previous' that are
        still the cheapest GPUs it sells.
        """
        async with self._locks.setdefault(f"sold {region}", asyncio.Lock()):
            if region not in self._regional:
                filters = [{"Name": "processor-info.supported-architecture", "Values": ["x86_64", "arm64"]}]
                names = [name async for page in self._pages(region, filters) for name in page]
                self._regional[region] = tuple(name for name in names if _is_offered(self._known[name]))
            return self._regional[region]

    async def _pages(self, region: str, filters: list[dict[str, Any]]) -> AsyncIterator[tuple[str, ...]]:
        what = f"{region}: the machine types could not be read"
        request = {"Filters": filters, "MaxResults": PAGE}
        async for page in self._clients.ec2_pages(region, what, "describe_instance_types", request):
            found = {raw["InstanceType"]: type_facts(raw) for raw in page.get("InstanceTypes", [])}
            self._known.update(found)
            yield tuple(found)


def _is_offered(facts: TypeFacts) -> bool:
    return not facts.bare_metal and (facts.current or facts.gpu is not None)
