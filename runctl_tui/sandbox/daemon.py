"""The child process: brings the whole sandbox up in order, waits for its end, and takes it down without a rest."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from runctl_tui import __version__
from runctl_tui.sandbox import processes, seed, seed_runs, shims, world
from runctl_tui.sandbox.cloud import REGIONS, Cloud
from runctl_tui.sandbox.commands import Commands
from runctl_tui.sandbox.control import Control
from runctl_tui.sandbox.ec2 import Ec2
from runctl_tui.sandbox.environment import RUN_MARK, HostEnvironment
from runctl_tui.sandbox.errors import SandboxError
from runctl_tui.sandbox.folder import SandboxFolder, write_json
from runctl_tui.sandbox.front import Front, Keys
from runctl_tui.sandbox.http_server import HttpServer
from runctl_tui.sandbox.imds import Metadata
from runctl_tui.sandbox.launches import Launches
from runctl_tui.sandbox.lifetime import Lifetime
from runctl_tui.sandbox.machines import Machines
from runctl_tui.sandbox.prices import table
from runctl_tui.sandbox.pricing import Pricing
from runctl_tui.sandbox.running_training import RunningTraining
from runctl_tui.sandbox.runpod import seed as runpod_seed
from runctl_tui.sandbox.runpod.commands import RunpodCommands
from runctl_tui.sandbox.runpod.front import RunpodFront
from runctl_tui.sandbox.runpod.pods import Pods
from runctl_tui.sandbox.ssm import Ssm

LOCAL: Final = "local"
"""The id of this machine itself, whose runs live in the sandbox too."""
UPLOAD_REST_S: Final = 3.0
"""A pause in an upload this long means that it has ended."""
LOG: Final = logging.getLogger(__name__)


class Daemon:
    """Everything of one sandbox, wired together."""

    def __init__(self, folder: SandboxFolder, record: world.Record) -> None:
        self._folder = folder
        self._record = record
        self._access_key = f"AKIA{secrets.token_hex(8).upper()}"
        self._secret_key = secrets.token_urlsafe(30)
        self._token = secrets.token_urlsafe(32)
        self._http = HttpServer()
        self._imds = HttpServer()
        self._runpod = HttpServer()
        self._runpod_key = f"rpa_{secrets.token_urlsafe(30)}"
        environment = HostEnvironment(folder.root, folder.shims, self._http.url, self._imds.url)
        self._local_environment = environment.of(LOCAL, REGIONS[0], folder.home(LOCAL))
        Path(self._local_environment["TMPDIR"]).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept = False
        self._cloud = Cloud(record.seed)
        self._machines = Machines(self._cloud, folder, environment)
        self._memory = world.Memory(self._cloud, folder, record)
        keys = Keys(self._access_key)
        prices = table()
        launches = Launches(self._cloud, self._machines, prices)
        launches.tokens = record.tokens
        metadata = Metadata(self._cloud, keys, self._machines.power)
        self._front = Front(
            DomainDispatcherApplication(create_backend_app),
            self._cloud,
            keys,
            {
                "ec2": Ec2(self._cloud, self._machines, launches, prices),
                "ssm": Ssm(self._cloud, self._machines),
                "pricing": Pricing(prices),
            },
        )
        self._http.application = self._front
        self._imds.application = metadata
        self._pods = Pods(folder, environment, self._cloud.changed)
        pods = RunpodFront(self._pods, self._runpod_key)
        self._runpod.application = pods
        self._commands = Commands(self._cloud, self._machines, metadata, launches)
        mine = {"hello": self._hello, "status": self._status, "keep": self._keep, "stop": self._stop}
        theirs = RunpodCommands(self._pods, pods, self._commands).table()
        self._control = Control(self._token, {**self._commands.table(), **theirs, **mine})
        self._running: list[RunningTraining] = []
        self._trainings: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(0))
        self._lifetime = Lifetime(lambda: self._control.clients, lambda: self._control.seen, self._working, folder.card)

    async def run(self) -> None:
        """Live from the first to the last moment; everything is saved and ended on return."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._lifetime.end)
        try:
            await self._begin()
            await self._lifetime.over()
        finally:
            await self._end()

    async def _begin(self) -> None:
        root = self._folder.root
        await asyncio.to_thread(shims.write, self._folder.shims)
        await asyncio.to_thread(processes.end, lambda: processes.of_sandbox(root), grace_s=1.0)
        seed.furnish_account(self._cloud)
        if self._record.is_new:
            await asyncio.to_thread(self._furnish)
        else:
            self._memory.recall()
        self._record.runpod = self._record.runpod or runpod_seed.account(
            self._record.seed, self._record.owner, datetime.now(UTC)
        )
        self._pods.account = self._record.runpod
        self._running = [RunningTraining(self._cloud, self._machines, run) for run in self._record.runs]
        for training in self._running:
            await asyncio.to_thread(training.reopen)
        await self._machines.settle()
        await self._pods.settle()
        for server in (self._http, self._imds, self._runpod):
            server.begin()
        await self._control.open()
        await asyncio.to_thread(self._memory.begin)
        card = {
            "pid": os.getpid(),
            "port": self._control.port,
            "token": self._token,
            "started_at": datetime.now(UTC).isoformat(),
            "version": __version__,
        }
        write_json(self._folder.card, card)
        LOG.info("The sandbox is ready: %s", self._http.url)
        self._trainings = asyncio.create_task(asyncio.to_thread(self._warm_up))

    async def _end(self) -> None:
        self._folder.card.unlink(missing_ok=True)
        self._commands.cancel()
        await asyncio.gather(self._trainings, return_exceptions=True)
        await self._pods.close()
        await self._machines.close()
        for server in (self._http, self._imds, self._runpod):
            await asyncio.to_thread(server.end)
        await self._control.close()
        await asyncio.to_thread(self._memory.end)
        shutil.rmtree(self._folder.tmp, ignore_errors=True)
        LOG.info("The sandbox has ended.")

    def _furnish(self) -> None:
        """Fill a new world with machines, disks, buckets and the two seeded trainings."""
        now = datetime.now(UTC)
        finished_at = now - timedelta(days=25)
        finished = seed_runs.run_id(self._record.seed, "notebook", finished_at)
        running = seed_runs.run_id(self._record.seed, "llama", now - timedelta(hours=1))
        seed.new_world(self._cloud, self._record.owner, seed.machines(running, finished), now)
        ids = (seed.resource_id(self._cloud, "i", name) for name in ("old-notebook", "llama-eval"))
        notebook, llama = map(self._cloud.instance, ids)
        if notebook is None or llama is None:
            raise SandboxError("The new world lacks its trainings", todo="Start it again with --fresh")
        seed_runs.write_finished(self._cloud, self._machines, notebook, finished, finished_at)
        self._record.runs.append({"id": running, "instance": llama.id})

    def _warm_up(self) -> None:
        for slow in ("moto.autoscaling.models", "moto.elbv2.models"):
            importlib.import_module(slow)  # else the first TerminateInstances waits for them
        for training in self._running:
            training.begin()

    def _working(self) -> bool:
        mine = processes.of_sandbox(self._folder.root, having=RUN_MARK, without=seed_runs.SEEDED_MARK)
        return self._kept or bool(mine) or self._front.uploading(UPLOAD_REST_S)

    async def _hello(self) -> Mapping[str, Any]:
        return {
            "endpoint_url": self._http.url,
            "imds_url": self._imds.url,
            "regions": list(REGIONS),
            "access_key": self._access_key,
            "secret_key": self._secret_key,
            "runpod_url": self._runpod.url,
            "runpod_key": self._runpod_key,
            "owner": self._record.owner,
            "local_environment": self._local_environment,
            "world": self._record.seed,
            "version": __version__,
        }

    async def _status(self) -> Mapping[str, Any]:
        working = await asyncio.to_thread(self._working)
        return {"clients": self._control.clients, "working": working, "instances": self._commands.instances()}

    async def _keep(self) -> Mapping[str, Any]:
        """Go on without clients, for as long as a sandbox may."""
        self._kept = True
        return {}

    async def _stop(self) -> Mapping[str, Any]:
        self._lifetime.end()
        return {}
