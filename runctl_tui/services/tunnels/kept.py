"""Tunnels that outlive the program, as files: what was asked for, what its process says, and whether that lives.

A tunnel's request is deleted to end it; its process looks, and ends. Its lock is held as long as its process lives.
"""

from __future__ import annotations

import contextlib
import json
import re
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from runctl_tui.domain.tunnel import Tunnel, TunnelState
from runctl_tui.services.errors import StateError
from runctl_tui.services.locks import held
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.whole_file import write_whole

_ID: Final = re.compile(r"t-[0-9a-z-]{1,40}")
GONE: Final = "its process is gone; close it, or open it anew"


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """What a tunnel's process needs to know."""

    tunnel: Tunnel
    target: SshTarget


class KeptTunnels:
    """The folder of kept tunnels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, tunnel_id: str) -> Path:
        """Return where a tunnel's process writes what it says."""
        return self._path(tunnel_id, "log")

    def ask(self, request: KeptRequest) -> None:
        """Write down what is asked for."""
        self._write(request.tunnel.id, "request", {"tunnel": _row(request.tunnel), "target": asdict(request.target)})

    def request(self, tunnel_id: str) -> KeptRequest | None:
        """Return what was asked for; None when it was closed, or never asked for."""
        row = self._read(tunnel_id, "request")
        try:
            target = {**row["target"], "key_files": tuple(row["target"]["key_files"])}
            return KeptRequest(_tunnel(row["tunnel"]), SshTarget(**target))
        except (KeyError, TypeError, ValueError):
            return None

    def tell(self, tunnel: Tunnel) -> None:
        """Write down what a tunnel is at; only its own process does."""
        self._write(tunnel.id, "state", _row(tunnel))

    def all(self) -> list[Tunnel]:
        """Return every tunnel that was not closed, as its process says, or ended where that is gone."""
        names = [path.name.removesuffix(".request") for path in self.folder.glob("t-*.request")]
        found = (self._one(name) for name in sorted(names) if _ID.fullmatch(name))
        return [tunnel for tunnel in found if tunnel is not None]

    def forget(self, tunnel_id: str) -> None:
        """Delete what was asked for, so that the tunnel's process ends; what it left behind goes when it is gone."""
        with contextlib.suppress(FileNotFoundError):
            self._path(tunnel_id, "request").unlink()
        with self.held(tunnel_id) as ours:
            if ours:
                self._sweep(tunnel_id)

    def held(self, tunnel_id: str) -> AbstractContextManager[bool]:
        """Hold a tunnel's lock, where nobody holds it."""
        return held(self._path(tunnel_id, "lock"))

    def _one(self, tunnel_id: str) -> Tunnel | None:
        request = self.request(tunnel_id)
        if request is None:
            return None
        with contextlib.suppress(KeyError, TypeError, ValueError):
            request = replace(request, tunnel=_tunnel(self._read(tunnel_id, "state")))
        if request.tunnel.state is TunnelState.OPENING:
            return request.tunnel
        with self.held(tunnel_id) as ours:
            alone = ours
        if alone:
            note = request.tunnel.note if request.tunnel.state is TunnelState.ENDED else ""
            return replace(request.tunnel, state=TunnelState.ENDED, note=note or GONE, connections=0)
        return request.tunnel

    def _sweep(self, tunnel_id: str) -> None:
        for kind in ("state", "log", "lock"):
            with contextlib.suppress(FileNotFoundError):
                self._path(tunnel_id, kind).unlink()

    def _path(self, tunnel_id: str, kind: str) -> Path:
        if not _ID.fullmatch(tunnel_id):
            raise StateError(f"{tunnel_id!r} is no tunnel's id")
        return self.folder / f"{tunnel_id}.{kind}"

    def _read(self, tunnel_id: str, kind: str) -> Any:
        try:
            return json.loads(self._path(tunnel_id, kind).read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    def _write(self, tunnel_id: str, kind: str, row: dict[str, Any]) -> None:
        path = self._path(tunnel_id, kind)
        try:
            write_whole(path, json.dumps(row))
        except OSError as error:
            raise StateError(f"The tunnel's file {path} cannot be written", str(error)) from error


def _row(tunnel: Tunnel) -> dict[str, Any]:
    return {**asdict(tunnel), "since": tunnel.since.isoformat()}


def _tunnel(row: dict[str, Any]) -> Tunnel:
    return Tunnel(**{**row, "since": datetime.fromisoformat(row["since"]), "state": TunnelState(row["state"])})
