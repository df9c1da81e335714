"""The clouds as far as they are known yet: in the sandbox only once that has started; used by the assembly."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runctl_tui.domain.cost import Billed
from runctl_tui.domain.secret import Secret
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.settings import AwsCredentials, AwsSettings, LaunchSettings, ReadSettings, SshSettings
from runctl_tui.services.errors import SandboxFailed
from runctl_tui.services.runpod.parse import PROVIDER
from runctl_tui.services.runpod.provider import LABEL, RunpodProvider
from runctl_tui.services.runpod.settings import API
from runctl_tui.wiring.ground import Place
from runctl_tui.wiring.runpod import runpod_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runctl_tui.domain.checkpoint import Checkpoint
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.sandbox.client import SandboxSession
    from runctl_tui.services.aws.s3 import S3Store
    from runctl_tui.services.prices import PriceBook
    from runctl_tui.services.registry import Registry
    from runctl_tui.services.system_clock import SystemClock

    CheckpointPoll = Callable[[], Awaitable[Snapshot[tuple[Checkpoint, ...]]]]


class Cloud:
    """AWS as far as it is known yet: in the sandbox only once that has started."""

    def __init__(self, place: Place, registry: Registry, clock: SystemClock) -> None:
        self._place = place
        self._registry = registry
        self._clock = clock
        self._provider: AwsProvider | None = None
        self._runpod: RunpodProvider | None = None
        self.session: SandboxSession | None = None
        self.forbids: Callable[[], str] = lambda: ""
        """Why nothing may be changed now; told once the session is there."""
        if not place.sandbox:
            self._register(self._settings())
            if (api_key := place.configuration.runpod.api_key) is not None:
                self._register_runpod(self._pods(api_key))

    def balance(self) -> tuple[str, bool]:
        """Return what is left at RunPod, in words, and whether that is little; empty while nobody knows."""
        return self._runpod.account.words() if self._runpod else ("", False)

    def billed(self) -> tuple[Billed, ...]:
        """Return what RunPod says itself that this month has cost, as it was told at last."""
        return (Billed(PROVIDER, LABEL, self._runpod.billing.told()),) if self._runpod else ()

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the sandbox's own files."""
        return (self.session.problem,) if self.session and self.session.problem else ()

    def store(self) -> S3Store:
        """Return the S3 client; SandboxFailed while the sandbox is not there yet."""
        if self._provider is None:
            raise SandboxFailed("The sandbox has not started yet", "", "wait a moment")
        return self._provider.store

    def transfers(self) -> S3Store:
        """Return the S3 client for whole files, whose threads nobody else waits for."""
        self.store()
        return self._provider.transfers  # type: ignore[union-attr]  # store() has just looked

    def prices(self) -> PriceBook | None:
        """Return the price book, None while there is none."""
        return self._provider.prices if self._provider else None

    async def aclose(self) -> None:
        """Close every connection."""
        if self._provider is not None:
            self._provider.close()
        if self._runpod is not None:
            self._runpod.close()
        if self.session is not None:
            await self.session.close()

    def local_environment(self) -> Mapping[str, str]:
        """Return the environment of runs on this machine: in the sandbox its own, built from nothing."""
        if not self._place.sandbox:
            return os.environ
        return self.session.endpoints.local_environment if self.session else {}

    async def attach(self) -> AsyncIterator[str]:
        """Start the sandbox, or find it running, and tell what happens."""
        from runctl_tui.sandbox.client import attach, find
        from runctl_tui.services.aws.keys import own_key, pair_name

        place = self._place
        if find(place.world) is None or place.options.fresh:
            yield "starting the sandbox"
        self.session = await attach(place.world, owner=place.owner, fresh=place.options.fresh)
        ends = self.session.endpoints
        key = await asyncio.to_thread(own_key, place.state / "keys", pair_name(place.owner))
        await self.session.command("trust", key.public)
        await asyncio.to_thread(_ship_project, place.project)
        settings = replace(
            self._settings(),
            regions=place.options.regions or ends.regions,
            endpoint_url=ends.endpoint_url,
            credentials=AwsCredentials(ends.access_key, ends.secret_key),
        )
        settings = replace(settings, ssh=replace(settings.ssh, key_files=(str(key.path),)))
        self._register(settings)
        secret = Secret(ends.runpod_key)
        self._register_runpod(self._pods(secret, ends.runpod_url, (str(key.path),)))

    def _pods(self, key: Secret, url: str = API, key_files: tuple[str, ...] = ()) -> RunpodProvider:
        settings = replace(runpod_settings(self._place, key, url, key_files), forbids=lambda: self.forbids())
        return RunpodProvider(settings, self._clock)

    def _register_runpod(self, provider: RunpodProvider) -> None:
        self._runpod = provider
        self._registry.register(provider)

    def _register(self, settings: AwsSettings) -> None:
        self._provider = AwsProvider(settings, self._clock)
        self._registry.register(self._provider)

    def _settings(self) -> AwsSettings:
        place, config = self._place, self._place.configuration
        return AwsSettings(
            state_dir=place.state,
            owner=place.owner,
            regions=config.regions,
            profile=config.aws.profile or "",
            ambient_profile=os.environ.get("AWS_PROFILE", ""),
            launch=LaunchSettings(
                image=config.aws.default_ami or "",
                key_name=config.aws.key_name or "",
                security_groups=config.aws.security_groups,
                subnet=config.aws.subnet or "",
                instance_profile=config.aws.iam_instance_profile or "",
                ssh_cidr=config.aws.ssh_cidr,
                warn_at=config.safety.max_instances_warn,
                block_at=config.safety.max_instances_block,
            ),
            forbids=lambda: self.forbids(),
            retry=ReadSettings(config.retry.cloud_attempts, config.retry.cloud_deadline_secs),
            ssh=SshSettings(overrides=config.ssh.overrides, jump_host=config.aws.jump_host or ""),
        )


def forget_old_world(state: Path) -> None:
    """Remove what is known about a sandbox's world that is begun anew: its ledger, runs, jobs and host keys."""
    for found in state.glob("state.db*"):
        found.unlink(missing_ok=True)
    (state / "known_hosts").unlink(missing_ok=True)
    shutil.rmtree(state / "runs", ignore_errors=True)


def _ship_project(folder: Path) -> None:
    """Put the tiny training project where a person may look at it and change it."""
    from runctl_tui.sandbox.folder import copy_project

    if not folder.exists():
        copy_project(folder)
