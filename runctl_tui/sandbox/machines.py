"""The life of the hosts: states that take a while, homes, SSH listeners, and the processes that end with them."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from moto.ec2.models.instances import StateReason

from runctl_tui.sandbox import processes, sshd
from runctl_tui.sandbox.cloud import ADDRESS_TAG, PUBLIC_IP, Cloud
from runctl_tui.sandbox.environment import HostEnvironment
from runctl_tui.sandbox.folder import SandboxFolder

TRANSITION_S: Final = 1.5
"""How long an instance is pending, stopping or shutting down."""
GRACE_S: Final = 5.0
"""How long the processes of a stopping host may take after TERM."""
GOING: Final = {"stopping": "stopped", "shutting-down": "terminated"}
LOG: Final = logging.getLogger(__name__)
BASHRC: Final = "PS1='ubuntu@{name}:\\w\\$ '\nHISTFILE=~/.bash_history\n"


class Machines:
    """What runs behind the instances: one home and, while it runs, one SSH listener for each."""

    def __init__(self, cloud: Cloud, folder: SandboxFolder, environment: HostEnvironment) -> None:
        self._cloud = cloud
        self._folder = folder
        self._environment = environment
        self._loop = asyncio.get_running_loop()
        self._moves: dict[str, asyncio.Task[None]] = {}
        self._listeners: dict[str, sshd.HostListener] = {}
        self.transition_s = TRANSITION_S

    def begin(self, instance: Any, state: str) -> None:
        """Put an instance into a passing state now, and let it reach the end state in a while; any thread."""
        self._cloud.set_state(instance, state)
        asyncio.run_coroutine_threadsafe(self._begin(instance, state), self._loop)

    def power(self, instance: Any, act: str) -> None:
        """Let a host turn itself off or reboot; any thread."""
        if act == "reboot":
            asyncio.run_coroutine_threadsafe(self._reboot(instance), self._loop)
            return
        with self._cloud.lock:
            if instance.state != "running":
                return
            dies = instance.instance_initiated_shutdown_behavior == "terminate" or instance.lifecycle == "spot"
            (instance.terminate if dies else instance.stop)()
            instance.state_reason = StateReason(
                "Client.InstanceInitiatedShutdown: Instance initiated shutdown", "Client.InstanceInitiatedShutdown"
            )
            self.begin(instance, "shutting-down" if dies else "stopping")

    async def settle(self) -> None:
        """Bring every instance into the state that it was left in: listeners for running ones, ends for others."""
        for instance in list(self._cloud.instances()):
            if instance.state in ("pending", "running"):
                await self._open(instance)
                self._cloud.set_state(instance, "running")
            else:
                self._cloud.tag(instance, {ADDRESS_TAG: None})
                self._cloud.set_state(instance, GOING.get(instance.state, instance.state))
            if instance.state == "terminated":
                shutil.rmtree(self._folder.home(instance.id), ignore_errors=True)

    async def close(self) -> None:
        """Close every listener and end every process of every host."""
        for move in list(self._moves.values()):
            move.cancel()
        await asyncio.gather(*self._moves.values(), return_exceptions=True)
        for listener in list(self._listeners.values()):
            await listener.close()
        self._listeners.clear()
        await self._end_processes(None)

    def listener(self, instance_id: str) -> sshd.HostListener | None:
        """The SSH listener of an instance while it runs."""
        return self._listeners.get(instance_id)

    def environment(self, instance: Any) -> dict[str, str]:
        """The environment of a process on an instance."""
        return self._environment.of(instance.id, instance.region_name, self._folder.home(instance.id))

    def home(self, instance: Any) -> Path:
        """The home folder of an instance, furnished at its first use."""
        home = self._folder.home(instance.id)
        if not (home / ".ssh").exists():
            self._furnish(instance, home)
        return home

    def host_key(self, instance: Any) -> str:
        """The public half of an instance's SSH host key."""
        return sshd.host_key(self._folder.keys / f"{instance.id}_ed25519")

    def authorize(self, instance: Any, public_key: str) -> None:
        """Let the holder of a key log in to an instance."""
        keys = self.home(instance) / ".ssh" / "authorized_keys"
        lines = keys.read_text().splitlines()
        if public_key.strip() not in lines:
            keys.write_text("\n".join([*lines, public_key.strip()]) + "\n")

    async def _begin(self, instance: Any, state: str) -> None:
        previous = self._moves.pop(instance.id, None)
        if previous is not None:
            previous.cancel()
            await asyncio.gather(previous, return_exceptions=True)
        work: Coroutine[Any, Any, None] = self._rise(instance) if state == "pending" else self._fall(instance, state)
        task = asyncio.create_task(work, name=f"{instance.id} {state}")
        self._moves[instance.id] = task
        task.add_done_callback(lambda done: self._forget(instance.id, done))

    def _forget(self, instance_id: str, done: asyncio.Task[None]) -> None:
        if self._moves.get(instance_id) is done:
            del self._moves[instance_id]
        if not done.cancelled() and (error := done.exception()) is not None:
            LOG.error("%s did not change its state: %r", instance_id, error)

    async def _reboot(self, instance: Any) -> None:
        """EC2 calls a rebooting instance running; what ran on it is gone all the same."""
        listener = self._listeners.get(instance.id)
        if listener is not None:
            listener.cut_for(self.transition_s)
        await self._end_processes(instance.id)

    async def _rise(self, instance: Any) -> None:
        await asyncio.sleep(self.transition_s)
        await self._open(instance)
        self._cloud.set_state(instance, "running")

    async def _fall(self, instance: Any, state: str) -> None:
        started = time.monotonic()
        listener = self._listeners.pop(instance.id, None)
        if listener is not None:
            await listener.close()
        self._cloud.tag(instance, {ADDRESS_TAG: None})
        await self._end_processes(instance.id)
        await asyncio.sleep(max(0.0, started + self.transition_s - time.monotonic()))
        if state == "shutting-down":
            await asyncio.to_thread(shutil.rmtree, self._folder.home(instance.id), ignore_errors=True)
            (self._folder.keys / f"{instance.id}_ed25519").unlink(missing_ok=True)
        self._cloud.set_state(instance, GOING[state])

    async def _open(self, instance: Any) -> None:
        if instance.id in self._listeners or not instance.key_name:
            return  # nobody could log in without a key pair
        home = self.home(instance)
        self.host_key(instance)
        keys = home / ".ssh" / "authorized_keys"
        listener = sshd.HostListener(home, self.environment(instance), lambda: _lines(keys))
        await listener.open(self._folder.keys / f"{instance.id}_ed25519")
        self._listeners[instance.id] = listener
        self._cloud.tag(instance, {ADDRESS_TAG: f"ubuntu@{PUBLIC_IP}:{listener.port}"})

    async def _end_processes(self, instance_id: str | None) -> None:
        root = self._folder.root
        await asyncio.to_thread(processes.end, lambda: processes.of_sandbox(root, instance_id), grace_s=GRACE_S)

    def _furnish(self, instance: Any, home: Path) -> None:
        for part in (home, home / ".ssh", home / ".tmp", home / "mnt", home / "mnt" / "data"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = self._cloud.tags(instance).get("Name", instance.id)
        safe = "".join(letter for letter in name if letter.isalnum() or letter in "-._")
        (home / ".bashrc").write_text(BASHRC.format(name=safe or instance.id))
        pair = instance.ec2_backend.key_pairs.get(instance.key_name)
        (home / ".ssh" / "authorized_keys").write_text("" if pair is None else pair.public_key.strip() + "\n")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
