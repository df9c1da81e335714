"""Tunnels: ports of hosts that are reachable on this machine's loopback interface."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

LOOPBACK: Final = "127.0.0.1"
PRESETS: Final = (("TensorBoard", 6006), ("Jupyter", 8888), ("MLflow", 5000), ("Gradio", 7860))
"""What people look at on hosts, with the port that it has unless told otherwise."""
FIRST_PORT: Final = 1024


class TunnelState(StrEnum):
    """What a tunnel is at."""

    OPENING = "opening"
    OPEN = "open"
    LOST = "link lost"
    """Its own port still listens, and the link is tried again."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One port of one machine."""

    id: str
    machine: str
    """Key of the machine: provider and id."""
    name: str
    """Of the machine."""
    remote_port: int
    local_port: int
    since: datetime
    kept: bool = False
    """Whether it outlives this program, in a process of its own."""
    state: TunnelState = TunnelState.OPENING
    note: str = ""
    """Why it does not work, in words."""
    connections: int = 0
    """Open now."""
    served: int = 0
    """Connections so far."""
    received: int = 0
    """Bytes from the host."""
    sent: int = 0

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        return f"http://{LOOPBACK}:{self.local_port}/"

    @property
    def service(self) -> str:
        """What usually has this port, or nothing."""
        return next((name for name, port in PRESETS if port == self.remote_port), "")


def gateway_command(tunnel: Tunnel, gateway: str) -> str:
    """Return what to type on one's own machine to reach a tunnel of the machine that one is logged in to."""
    return f"ssh -N -L {tunnel.local_port}:{LOOPBACK}:{tunnel.local_port} {gateway}"
