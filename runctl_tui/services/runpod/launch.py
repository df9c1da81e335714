"""Creating a pod: looks before, one call, and looks after a lost answer before anything is said to have failed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.resource import BILLED_STATES, Market
from runctl_tui.services.aws.keys import KeyFile, own_key, pair_name
from runctl_tui.services.errors import NoCapacity, Refused, TrainctlError, Unsupported, ValidationError
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.account import Account
from runctl_tui.services.runpod.catalog import NO_SPOT, Catalog
from runctl_tui.services.runpod.order import KEY, Asked, check_options, check_place, order_of, truths
from runctl_tui.services.runpod.parse import TAGS, TOKEN, NetworkVolume, tags_of
from runctl_tui.services.runpod.pods import PodReader
from runctl_tui.services.runpod.sdk import RunpodSdk, check_texts
from runctl_tui.services.runpod.settings import RunpodSettings
from runctl_tui.services.runpod.templates import find_template
from runctl_tui.services.runpod.web import RunpodWeb
from runctl_tui.services.threads import BackendPool

LOOK_SECONDS: Final = 30.0
"""How long a pod is looked for whose create was not answered."""
NAP: Final = 1.0


class Launches:
    """The rules of a launch on RunPod."""

    def __init__(
        self,
        parts: tuple[RunpodSettings, Clock, BackendPool, RunpodWeb],
        reader: PodReader,
        catalog: Catalog,
        sdk: RunpodSdk,
        account: Account,
    ) -> None:
        self._settings, self._clock, self._pool, self._web = parts
        self._reader = reader
        self._catalog = catalog
        self._sdk = sdk
        self._account = account
        self._gate = asyncio.Lock()
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def check(self, options: CreateResourceOptions) -> tuple[str, ...]:
        """Return warnings; raises where the launch cannot work."""
        asked = await self._asked(options)
        kind = asked.kind
        if options.market is Market.SPOT:
            raise Unsupported("RunPod: spot is not possible", NO_SPOT, "launch it on demand")
        if kind.stock == "NONE":
            todo = "choose another GPU, or the other cloud"
            raise NoCapacity(f"RunPod has no {kind.name} at the moment", f"stock in {options.region}: none", todo)
        check_place(asked)
        check_texts(order_of(asked, self._settings, {}))
        running = sum(one.state in BILLED_STATES for one in (await self._reader.list_all()).value)
        if running >= self._settings.block_at:
            todo = "raise safety.max_instances_block"
            raise Refused(f"{running} pods are running", f"the limit is {self._settings.block_at}", todo)
        crowd = (f"{running} pods are running already",) if running >= self._settings.warn_at else ()
        return (*truths(asked, self._settings), *crowd, *await self._account.warnings())

    async def create(self, options: CreateResourceOptions, token: str) -> Instance:
        """Create one pod; the same token never creates two."""
        check_options(options)
        async with self._gate:
            made = await self._reader.find_by_token(token)
            if made is not None:
                return made
            what = f"{options.type} could not be created in {options.region}"
            order = await self._order(options, token)
            try:
                pod_id = await self._sdk.create(what, order)
            except TrainctlError as error:
                return await self._found_after(error, token)
            try:
                return await self._reader.get(pod_id)
            except TrainctlError as error:
                unread = faults.unclear(what, f"RunPod made {pod_id} and does not tell of it: {error}")
                return await self._found_after(unread, token)

    async def _found_after(self, error: TrainctlError, token: str) -> Instance:
        """Return the pod that was made although the answer was an error; raise the error where there is none."""
        if error.code != faults.UNCLEAR and not error.retryable:
            raise error
        deadline = self._clock.monotonic() + LOOK_SECONDS
        while self._clock.monotonic() < deadline:
            with contextlib.suppress(TrainctlError):  # the launch's own error tells more than that of a look
                made = await self._reader.find_by_token(token)
                if made is not None:
                    return made
            await self.sleep(NAP)
        raise error

    async def _order(self, options: CreateResourceOptions, token: str) -> Mapping[str, Any]:
        asked = await self._asked(options)
        check_place(asked)
        key: KeyFile = await self._pool.run(own_key, self._settings.keys, pair_name(self._settings.owner))
        own = {KEY: key.public, TAGS: tags_of(options, self._settings.owner), TOKEN: token}
        return order_of(asked, self._settings, own)

    async def _asked(self, options: CreateResourceOptions) -> Asked:
        """Return everything that decides about the pod; raises where it contradicts itself or is not there."""
        check_options(options)
        kind, count = await self._catalog.find(options.region, options.type)
        template = await find_template(self._web, options.template) if options.template else None
        return Asked(options, kind, count, await self._volume(options.volume), template)

    async def _volume(self, wanted: str) -> NetworkVolume | None:
        """Return the network volume that the launch names, by id or name."""
        if not wanted:
            return None
        volumes = await self._catalog.volumes()
        found = [one for one in volumes.values() if wanted in (one.id, one.name)]
        if len(found) != 1:
            there = ", ".join(one.name or one.id for one in volumes.values()) or "none"
            raise ValidationError(f"There is no network volume {wanted!r}", f"there is: {there}", "name one by its id")
        return found[0]
