"""Tunnels in memory for tests of the interface and of the command line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from runctl_tui.domain.tunnel import Tunnel, TunnelState
from runctl_tui.services.errors import ResourceNotFound, TrainctlError
from tests.ui import fake_data as data
from tests.ui.fake_feed import FakeFeed
from tests.ui.host_data import BIG

TENSORBOARD = Tunnel(
    "t-6006-a1b2c3", BIG, "llama-7b", 6006, 6006, data.ago(minutes=34), False, TunnelState.OPEN, "", 2, 31,
    48_200_000, 310_000,
)  # fmt: skip
JUPYTER = Tunnel(
    "t-8888-d4e5f6", "aws/i-0fed00000000000a1", "sdxl-lora", 8888, 18888, data.ago(hours=5), True, TunnelState.LOST,
    "the link was lost", 0, 4, 900, 20_000,
)  # fmt: skip
BROKEN = Tunnel(
    "t-7860-00ff00", BIG, "llama-7b", 7860, 7860, data.ago(days=2), True, TunnelState.ENDED, "its process is gone"
)


@dataclass
class FakeTunnels:
    """Opens and closes in memory; `error` is raised instead."""

    gateway: str = ""
    error: TrainctlError | None = None
    ends: str = ""
    """Why a tunnel ends as soon as it is open."""
    feed: FakeFeed[tuple[Tunnel, ...]] = field(default_factory=lambda: FakeFeed((TENSORBOARD, JUPYTER, BROKEN)))
    opened: list[tuple[str, int, int, bool]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    async def now(self) -> tuple[Tunnel, ...]:
        assert self.feed.latest is not None
        return self.feed.latest.value

    async def open(self, key: str, remote_port: int, local_port: int = 0, *, keep: bool = False) -> Tunnel:
        if self.error is not None:
            raise self.error
        self.opened.append((key, remote_port, local_port, keep))
        local = local_port or remote_port + 10_000
        made = Tunnel(f"t-{remote_port}-new", key, "llama-7b", remote_port, local, data.NOW, keep, TunnelState.OPEN)
        shown = replace(made, state=TunnelState.ENDED, note=self.ends) if self.ends else made
        self.feed.push((shown, *await self.now()))
        await asyncio.sleep(0)
        return made

    async def close(self, tunnel_id: str) -> Tunnel:
        found = [one for one in await self.now() if one.id == tunnel_id]
        if not found:
            raise ResourceNotFound(f"There is no tunnel {tunnel_id}")
        self.feed.push(tuple(one for one in await self.now() if one.id != tunnel_id))
        return found[0]

    async def hold(self, tunnel_id: str) -> None:
        self.held.append(tunnel_id)
