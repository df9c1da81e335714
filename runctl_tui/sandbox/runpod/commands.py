"""What clients may ask of the sandbox about pods: keys, cut links, faults, sold-out GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runctl_tui.sandbox.commands import LONGEST_CUT_S, Commands, the_one
from runctl_tui.sandbox.control import Command
from runctl_tui.sandbox.errors import SandboxError
from runctl_tui.sandbox.runpod.catalog import gpu
from runctl_tui.sandbox.runpod.front import FAULTS, RunpodFront
from runctl_tui.sandbox.runpod.pods import Pods


class RunpodCommands:
    """The commands `cut`, `trust` and `capacity` with pods as well as instances, and `runpod-fault`."""

    def __init__(self, pods: Pods, front: RunpodFront, instances: Commands) -> None:
        self._pods = pods
        self._front = front
        self._instances = instances

    def table(self) -> dict[str, Command]:
        """The commands by name."""
        return {"cut": self.cut, "trust": self.trust, "capacity": self.capacity, "runpod-fault": self.fault}

    async def cut(self, name: str, seconds: float) -> Mapping[str, Any]:
        """Drop a host's SSH connections and refuse new ones for some seconds."""
        chosen = the_one(name, [*self._pods.named(name), *self._instances.named(name)])
        pod = self._pods.records.get(chosen)
        if pod is None:
            return await self._instances.cut(name, seconds)
        listener = self._pods.listener(pod["id"])
        if listener is None:
            raise SandboxError(f"{name} has no link to cut", why=f"it is {pod['status']}")
        seconds = min(max(float(seconds), 0.0), LONGEST_CUT_S)
        return {"instance": pod["id"], "dropped": listener.cut_for(seconds), "seconds": seconds}

    async def trust(self, public_key: str) -> Mapping[str, Any]:
        """Let a key log in to the seeded instances, and to pods that take the keys of the account."""
        trusted = await self._instances.trust(public_key)
        return {"instances": [*trusted["instances"], *self._pods.trust(public_key)]}

    async def capacity(self, kind: str, market: str, available: bool) -> Mapping[str, Any]:
        """Make a GPU or an instance type sold out, or available again."""
        if gpu(kind) is None:
            return await self._instances.capacity(kind, market, available)
        (self._pods.sold_out.discard if available else self._pods.sold_out.add)(kind)
        return {"sold_out": sorted(self._pods.sold_out)}

    async def fault(self, name: str) -> Mapping[str, Any]:
        """Let the next call of RunPod's API fail in a certain way."""
        if name not in FAULTS:
            raise SandboxError(f"There is no fault {name!r}", todo=f"Use one of: {', '.join(FAULTS)}")
        self._front.faults.append(name)
        return {"faults": list(self._front.faults)}
