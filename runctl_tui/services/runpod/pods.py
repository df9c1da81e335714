"""The account's pods as machines: the list, one of them, the one that a token made, and those that we ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain import validation
from runctl_tui.domain.clock import Clock
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.resource import BILLED_STATES, ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import ResourceNotFound, TrainctlError
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.catalog import Catalog
from runctl_tui.services.runpod.parse import COMMUNITY, PROVIDER, SECURE, NetworkVolume, instance, rate_of, token_of
from runctl_tui.services.runpod.settings import RunpodSettings
from runctl_tui.services.runpod.web import RunpodWeb

LIST: Final = "RunPod's pods could not be listed"
SHOWN_FOR: Final = 3600.0
"""Seconds for which a terminated pod stays in the list."""
LOOKS: Final = 10
"""How often it is looked whether a pod is gone, before it is said that it is not."""
NAP: Final = 0.5
EXTRAS: Final = 5.0
"""Seconds that pods wait for what makes them complete."""


class PodReader:
    """Reads pods; a pod that was terminated from here is remembered, because RunPod forgets it at once."""

    def __init__(self, web: RunpodWeb, settings: RunpodSettings, clock: Clock, catalog: Catalog) -> None:
        self._web = web
        self._settings = settings
        self._clock = clock
        self._catalog = catalog
        self._centers: set[str] = set()
        self._rates: dict[tuple[str, str], Decimal] = {}
        self._ended: dict[str, Instance] = {}
        self._ended_at: dict[str, float] = {}

    def regions(self) -> tuple[str, ...]:
        """Return both clouds, and the data centres that pods were seen in."""
        return (SECURE, COMMUNITY, *sorted(self._centers - {SECURE, COMMUNITY}))

    def rate(self, region: str, type_name: str) -> Decimal | None:
        """Return what a running pod of this kind was said to cost per hour at the last look."""
        return self._rates.get((region, type_name))

    async def list_all(self) -> Snapshot[tuple[Instance, ...]]:
        """Return every pod; without the catalog some facts stay unknown, and that is all."""
        taken_at = self._clock.now()
        pods, volumes = await asyncio.gather(self.raw_all(), self._furnish())
        found = tuple(self._instance(raw, volumes) for raw in pods)
        self._rates = {
            (one.region, one.type): rate
            for one, raw in zip(found, pods, strict=True)
            if one.state in BILLED_STATES and (rate := rate_of(raw)) is not None
        }
        return Snapshot((*found, *self._just_ended({one.id for one in found})), taken_at, (PROVIDER,))

    async def raw_all(self) -> list[dict[str, Any]]:
        """Return every pod in RunPod's own words."""
        return [raw for raw in await self._web.rows(LIST, "pods", "pods") if raw.get("status") != "TERMINATED"]

    async def raw(self, pod_id: str) -> Mapping[str, Any]:
        """Return one pod in RunPod's own words; ResourceNotFound where there is none."""
        what = f"The pod {pod_id} could not be read"
        try:
            validation.pod_id(pod_id)
        except ValueError as error:
            raise faults.not_found(f"There is no pod {pod_id}", str(error)) from None
        try:
            return await self._web.one(what, "pods", pod_id)
        except ResourceNotFound:
            raise faults.not_found(f"There is no pod {pod_id}", "RunPod does not know it") from None

    async def get(self, pod_id: str) -> Instance:
        """Return one pod, read afresh; one that we terminated is told as terminated."""
        try:
            raw, volumes = await asyncio.gather(self.raw(pod_id), self._furnish())
            return self._instance(raw, volumes)
        except ResourceNotFound:
            if pod_id in self._ended:
                return self._ended[pod_id]
            raise

    async def find_by_token(self, token: str) -> Instance | None:
        """Return the pod that a create with this token made."""
        for raw in await self.raw_all():
            if token and token_of(raw) == token:
                return self._instance(raw, await self._furnish())
        return None

    async def see_ended(self, what: str, pod: Instance) -> None:
        """Remember a pod as terminated once RunPod knows it no longer; raises where it still does after some looks."""
        for _ in range(LOOKS):
            seen = await self._left(pod.id)
            if not seen:
                self.note_ended(pod)
                return
            await asyncio.sleep(NAP)
        raise faults.unclear(what, f"RunPod took the call, but {seen}")

    async def _left(self, pod_id: str) -> str:
        """Return what speaks against a pod's end, empty where nothing does."""
        try:
            found = await self.raw(pod_id)
        except ResourceNotFound:
            return ""
        except TrainctlError as error:
            return f"its end was not seen: {error}"
        return "" if found.get("status") == "TERMINATED" else "the pod is still there"

    def note_ended(self, pod: Instance) -> None:
        """Remember that a pod was terminated from here."""
        self._ended[pod.id] = replace(pod, state=ResourceState.TERMINATED, public_ip="", disks=())
        self._ended_at[pod.id] = self._clock.monotonic()

    def _just_ended(self, listed: Set[str]) -> Iterator[Instance]:
        """Yield the pods that were terminated from here a while ago, shown as long as AWS shows its own."""
        now = self._clock.monotonic()
        for pod_id, pod in self._ended.items():
            if pod_id not in listed and now - self._ended_at[pod_id] < SHOWN_FOR:
                yield pod

    async def _furnish(self) -> Mapping[str, NetworkVolume]:
        """Return the network volumes and have the catalog read; pods are shown without what these know."""
        try:
            async with asyncio.timeout(EXTRAS):
                _, volumes = await asyncio.gather(self._catalog.kinds(SECURE), self._catalog.volumes())
        except (TrainctlError, TimeoutError):
            return {}
        return volumes

    def _instance(self, raw: Mapping[str, Any], volumes: Mapping[str, NetworkVolume]) -> Instance:
        with faults.understood(f"The pod {raw.get('id', '')} could not be read"):
            found = instance(raw, self._settings.owner, self._catalog.known(), volumes)
        self._centers.add(found.region)
        return found
