"""All services put together: the core at once, the rest with the first of it that is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.local.provider import LocalProvider
from runctl_tui.services.ports_services import Services
from runctl_tui.services.runpod.provider import RunpodProvider
from runctl_tui.wiring.core import Core

if TYPE_CHECKING:
    from runctl_tui.services.journal_rows import Row
    from runctl_tui.wiring.desks import Desks
    from runctl_tui.wiring.ground import Ground

_LOG: Final = logging.getLogger(__name__)
_DESKS: Final = "runctl_tui.wiring.desks"
COUNT_SECONDS: Final = 10.0
"""Seconds between two looks at a fleet that no screen shows."""
TOLD_EVERY: Final = 15.0
"""Seconds between two writings of the file with this program's figures."""
SETTLING_HOLDS_UP: Final = 2.0
"""Seconds that what an earlier program left open may hold up a start; each resource waits for its own, however long."""
HEAD_START: Final = 1.0
"""Seconds that the first rows have for themselves before hosts are asked about runs."""


class Assembly:
    """The services of one program, and their beginning and end."""

    def __init__(self, ground: Ground) -> None:
        self.core = Core(ground)
        self._desks: Desks | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def desks(self) -> Desks:
        """What acts, and what is asked later than the first rows."""
        if self._desks is None:
            self._desks = importlib.import_module(_DESKS).Desks(self.core)
        return self._desks

    def services(self) -> Services:
        """Return what screens and commands see."""
        core, desks = self.core, self.desks
        return Services(
            clock=core.clock,
            session=core.session,
            registry=core.registry,
            fleet=core.fleet,
            runs=core.runs,
            checkpoints=desks.checkpoints,
            volumes=desks.volumes,
            launcher=desks.launcher,
            objects=desks.objects,
            uploads=desks.uploads,
            actions=desks.actions,
            jobs=core.jobs,
            costs=core.costs,
            histories=desks.histories,
            memory=core.memory,
            shells=desks.shells,
            hosts=desks.hosts,
            tunnels=desks.tunnels,
            settings=core.place.settings,
            doctor=desks.doctor,
            sandbox=core.sandbox,
            exports=desks.exports,
            audit=core.audit,
            log_path=str(core.place.log),
            start=self.start,
            warm_up=self.warm_up,
            relay=core.relay.work,
            close=self.close,
            troubles=core.troubles,
            touch=core.touch,
        )

    async def start(self) -> AsyncIterator[str]:
        """Make everything ready and tell what is being done; called once, after the first paint."""
        core = self.core
        if core.place.sandbox and core.cloud.session is None:
            async for words in core.cloud.attach():
                yield words
        await core.enter_world()
        await core.jobs.load()
        settling = asyncio.create_task(core.journal.reconcile(core.registry))
        self._watching = asyncio.create_task(self._keep_watching(settling))
        await asyncio.wait([settling], timeout=SETTLING_HOLDS_UP)
        if settling.done():
            settling.result()

    async def warm_up(self) -> None:
        """Import what only a later key press needs, so that it need not wait."""
        await asyncio.to_thread(importlib.import_module, _DESKS)

    def close(self) -> None:
        """Let go of everything at once, without waiting for any backend."""
        if self._watching is not None:
            with contextlib.suppress(RuntimeError):  # its loop may be closed
                self._watching.cancel()
        if self._desks is not None:
            self._desks.tunnels.abort()
        self.core.hosts.abort()
        for provider in self.core.registry.all():
            if isinstance(provider, (AwsProvider, LocalProvider, RunpodProvider)):
                provider.close()
        if self._desks is not None:
            self._desks.folders.close()
        self.core.store.close()
        self.core.audit.close()

    async def aclose(self) -> None:
        """Let go and wait until every connection is closed: for a program that goes on afterwards."""
        self.close()
        if self._watching is not None:
            await asyncio.wait([self._watching])
        await self.core.hosts.close()
        await self.core.cloud.aclose()

    async def _keep_watching(self, settling: asyncio.Task[tuple[Row, ...]]) -> None:
        watching = (self._keep_watching_runs(), self._keep_counting(), self._keep_telling())
        await asyncio.gather(_ended(settling), *watching)

    async def _keep_telling(self) -> None:
        """Keep the figures in a file, where the configuration names one, for whoever collects them."""
        while True:
            await asyncio.sleep(TOLD_EVERY)
            if path := self.core.place.configuration.monitoring.metrics_file:
                from runctl_tui.services.telemetry import write_figures

                await write_figures(self.services(), path)

    async def _keep_counting(self) -> None:
        """Let the ledger, and with it the cost bar, hear of the fleet also while no screen shows it."""
        fleet, feed, pace = self.core.fleet, self.core.fleet_feed, self.core.pace(COUNT_SECONDS)
        while True:
            await asyncio.sleep(pace.wait())
            if feed.latest is None or feed.polling:
                continue
            try:
                feed.push(await fleet.now())
            except TrainctlError as error:
                _LOG.info("the fleet could not be counted: %s", error)

    async def _keep_watching_runs(self) -> None:
        """Keep the register fresh whatever screen is shown, and see to it that a relay works where one is needed."""
        core = self.core
        await asyncio.sleep(HEAD_START)
        async with contextlib.aclosing(core.runs.feed.watch()) as changes:  # type: ignore[type-var]  # a feed's generator
            first = True
            async for snapshot in changes:
                if first:
                    core.fleet.feed.refresh()  # its rows say nothing about runs until the runs are known
                    first = False
                try:
                    if await core.relay.needed_by(snapshot.value):
                        core.begin_relay()
                except TrainctlError as error:
                    _LOG.warning("nobody knows whether a relay is needed: %s", error)


async def _ended(settling: asyncio.Task[tuple[Row, ...]]) -> None:
    """Wait for what is settled, also where it holds up the start no longer."""
    try:
        await settling
    except TrainctlError as error:
        _LOG.warning("what an earlier program left open could not be settled: %s", error)
