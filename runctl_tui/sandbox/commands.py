"""What clients may ask of the sandbox over the control channel: faults on demand, its state, its end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from moto.ec2.models.instances import StateReason

from runctl_tui.sandbox.cloud import ADDRESS_TAG, Cloud
from runctl_tui.sandbox.control import Command
from runctl_tui.sandbox.errors import SandboxError
from runctl_tui.sandbox.imds import Metadata, Notice
from runctl_tui.sandbox.launches import Launches
from runctl_tui.sandbox.machines import Machines

NOTICE: Final = timedelta(seconds=120)
"""How long before the interruption AWS gives notice."""
LONGEST_CUT_S: Final = 3600.0
MARKETS: Final = ("spot", "on-demand")
SEEDED_KEY: Final = "runctl-sandbox"
"""Name of the key pair of the seeded instances, whose private half nobody has."""


class Commands:
    """The commands `cut`, `interrupt`, `trust` and `capacity`."""

    def __init__(self, cloud: Cloud, machines: Machines, metadata: Metadata, launches: Launches) -> None:
        self._cloud = cloud
        self._machines = machines
        self._metadata = metadata
        self._launches = launches
        self._interruptions: set[asyncio.Task[None]] = set()

    def table(self) -> dict[str, Command]:
        """The commands by name."""
        return {
            "cut": self.cut,
            "interrupt": self.interrupt,
            "trust": self.trust,
            "capacity": self.capacity,
        }

    async def cut(self, name: str, seconds: float) -> Mapping[str, Any]:
        """Drop an instance's SSH connections and refuse new ones for some seconds."""
        instance = self._find(name)
        listener = self._machines.listener(instance.id)
        if listener is None:
            raise SandboxError(f"{name} has no link to cut", why=f"it is {instance.state}")
        seconds = _number(seconds, LONGEST_CUT_S)
        return {"instance": instance.id, "dropped": listener.cut_for(seconds), "seconds": seconds}

    async def interrupt(self, name: str, seconds: float = 120.0) -> Mapping[str, Any]:
        """Give a spot instance its notice now, and take it away at most two minutes later."""
        instance = self._find(name)
        if instance.lifecycle != "spot":
            raise SandboxError(f"{name} is no spot instance", why="AWS interrupts only those")
        if instance.state != "running":
            raise SandboxError(f"{name} cannot be interrupted", why=f"it is {instance.state}")
        delay = min(_number(seconds, NOTICE.total_seconds()), NOTICE.total_seconds())
        at = datetime.now(UTC) + NOTICE
        self._metadata.notices[instance.id] = Notice("terminate", at)
        task = asyncio.create_task(self._take_away(instance, delay))
        self._interruptions.add(task)
        task.add_done_callback(self._interruptions.discard)
        return {"instance": instance.id, "notice_for": at.isoformat(), "seconds": delay}

    async def trust(self, public_key: str) -> Mapping[str, Any]:
        """Let a key log in to the seeded instances."""
        kind, _, rest = public_key.strip().partition(" ")
        if "\n" in public_key.strip() or not kind.startswith(("ssh-", "ecdsa-", "sk-")) or not rest:
            raise SandboxError("That is no OpenSSH public key", todo="Give one line such as 'ssh-ed25519 AAAA...'")
        trusted = []
        for instance in list(self._cloud.instances()):
            if instance.key_name == SEEDED_KEY and instance.state != "terminated":
                await asyncio.to_thread(self._machines.authorize, instance, public_key)
                trusted.append(instance.id)
        return {"instances": trusted}

    async def capacity(self, kind: str, market: str, available: bool) -> Mapping[str, Any]:
        """Make an instance type sold out on one market, or available again."""
        if market not in MARKETS:
            raise SandboxError(f"There is no market {market!r}", todo=f"Use {' or '.join(MARKETS)}")
        if available:
            self._launches.sold_out.discard((kind, market))
        else:
            self._launches.sold_out.add((kind, market))
        return {"sold_out": sorted(map(list, self._launches.sold_out))}

    def named(self, name: str) -> list[str]:
        """The ids of the living instances with this id or Name tag."""
        return self._cloud.named(name)

    def instances(self) -> list[dict[str, Any]]:
        """One row per living instance."""
        return [
            {
                "id": instance.id,
                "name": self._cloud.tags(instance).get("Name", ""),
                "region": instance.region_name,
                "state": instance.state,
                "ssh": self._cloud.tags(instance).get(ADDRESS_TAG, ""),
            }
            for instance in self._cloud.instances()
            if instance.state != "terminated"
        ]

    def cancel(self) -> None:
        """Call off every interruption that has not happened yet."""
        for task in self._interruptions:
            task.cancel()

    async def _take_away(self, instance: Any, delay: float) -> None:
        await asyncio.sleep(delay)
        with self._cloud.lock:
            if instance.state in ("terminated", "shutting-down"):
                return
            instance.terminate()
            instance.state_reason = StateReason(
                "Server.SpotInstanceTermination: Spot instance termination", "Server.SpotInstanceTermination"
            )
            instance._reason = "Server.SpotInstanceTermination"
        self._machines.begin(instance, "shutting-down")

    def _find(self, name: str) -> Any:
        found = self._cloud.instance(the_one(name, self._cloud.named(name)))
        if found is None:
            raise SandboxError(f"The sandbox has no instance {name!r}", todo="Give an instance's Name tag or its id")
        return found


def the_one(name: str, ids: Collection[str]) -> str:
    """Return the id that a name means among those it fits, empty where there is none; SandboxError for several."""
    if name in ids:
        return name
    if len(ids) > 1:
        raise SandboxError(f"{name!r} is the name of more than one machine", why=", ".join(ids), todo="Give one's id")
    return next(iter(ids), "")


def _number(value: float, most: float) -> float:
    number = float(value)
    if not math.isfinite(number) or not 0 <= number <= most:
        raise SandboxError(f"{value} is not a time", todo=f"Give seconds from 0 to {most:g}")
    return number
