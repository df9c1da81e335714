"""RunPod's pods in the sandbox: records that survive restarts, and behind each running one a host with SSH."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from runctl_tui.sandbox import processes, sshd
from runctl_tui.sandbox.environment import HostEnvironment
from runctl_tui.sandbox.folder import SandboxFolder
from runctl_tui.sandbox.runpod import billing
from runctl_tui.sandbox.runpod.catalog import COMMUNITY, SECURE, TEMPLATES, GpuKind, gpu

Facts = dict[str, Any]
ADDRESS: Final = "127.0.0.1"
SSH_PORT: Final = "22/tcp"
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
SMALLEST_VOLUME: Final = 10
GRACE_S: Final = 5.0
BOOT_S: Final = 1.0
"""How long a pod is starting."""
KEPT_ON_STOP: Final = "mnt"
"""The volume disk; the rest of a stopped pod is its container disk, which is lost."""


class PodRefusal(Exception):
    """RunPod says no; the text is what it answers."""


@dataclass(frozen=True, slots=True)
class Order:
    """A pod as it was asked for."""

    name: str
    gpu: str
    count: int = 1
    cloud: str = SECURE
    center: str = ""
    image: str = ""
    disk: int = 20
    volume: int = 0
    path: str = "/workspace"
    network_volume: str = ""
    ports: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    template: str = ""
    arguments: str = ""
    """Of the container's command."""


class Pods:
    """One RunPod account: pods, network volumes, and what they cost."""

    def __init__(self, folder: SandboxFolder, environment: HostEnvironment, changed: Callable[[], None]) -> None:
        self._folder = folder
        self._environment = environment
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._listeners: dict[str, sshd.HostListener] = {}
        self._moves: dict[str, asyncio.Task[None]] = {}
        self.lock: Final = threading.RLock()
        self.account: Facts = {"pods": {}, "volumes": {}, "balance": 0.0, "email": "", "keys": []}
        """All that is remembered between starts."""
        self._charged_at = time.monotonic()
        self.sold_out: set[str] = set()
        """GPUs of which none is free, whatever the catalog says."""

    @property
    def records(self) -> dict[str, Facts]:
        """The pods by id."""
        found: dict[str, Facts] = self.account["pods"]
        return found

    def named(self, name: str) -> list[str]:
        """Return the ids of the pods with this id or name."""
        with self.lock:
            return [one["id"] for one in self.records.values() if name in (one["id"], one["name"])]

    def listener(self, pod_id: str) -> sshd.HostListener | None:
        """The SSH listener of a pod while it runs."""
        return self._listeners.get(pod_id)

    def rate(self) -> float:
        """Dollars per hour that the running pods cost together."""
        with self.lock:
            return sum((float(one["rate"]) for one in self.records.values() if one["status"] != "EXITED"), 0.0)

    def charge(self) -> None:
        """Take what the running pods have cost since the last time from the balance; call it before a rate changes."""
        with self.lock:
            now = time.monotonic()
            seconds, end = now - self._charged_at, datetime.now(UTC)
            self.account["balance"] -= self.rate() * seconds / 3600
            billing.book(self.account, end - timedelta(seconds=seconds), end, self.rate())
            self._charged_at = now

    def create(self, order: Order) -> Facts:
        """Make a pod and let it come up; PodRefusal where RunPod has none."""
        kind = self._kind(order)
        self._check(order)
        with self.lock:
            self.charge()
            pod_id = "".join(secrets.choice(LETTERS) for _ in range(14))
            record: Facts = {
                "id": pod_id,
                "name": order.name,
                "status": "PROVISIONING",
                "image": order.image,
                "disk": order.disk,
                "volume": 0 if order.network_volume else order.volume,
                "path": order.path,
                "network_volume": order.network_volume,
                "ports": list(order.ports),
                "env": dict(order.env),
                "gpu": order.gpu,
                "count": order.count,
                "cloud": order.cloud,
                "center": (order.center or kind.centers[0]) if order.cloud == SECURE else None,
                "template": order.template or None,
                "arguments": order.arguments,
                "rate": round(kind.price(order.cloud) * order.count, 4),
                "created": _now(),
                "started": None,
            }
            self.records[pod_id] = record
        self._move(pod_id, self._rise(pod_id))
        return record

    def start(self, pod_id: str) -> Facts:
        """Start a stopped pod on the machine that it is tied to."""
        record = self._get(pod_id)
        if record["gpu"] in self.sold_out:
            raise PodRefusal("There are not enough free GPUs on the host machine to start this pod.")
        if record["status"] == "EXITED":
            self.charge()
            record["status"] = "STARTING"
            self._move(pod_id, self._rise(pod_id))
        return record

    def stop(self, pod_id: str) -> Facts:
        """Stop a pod; its container disk is lost, its volume disk stays."""
        record = self._get(pod_id)
        if record["status"] == "EXITED":
            return record
        self.charge()
        record["status"] = "EXITED"
        self._move(pod_id, self._fall(pod_id, keep=True))
        return record

    def terminate(self, pod_id: str) -> None:
        """Delete a pod with its container and volume disks."""
        self._get(pod_id)
        with self.lock:
            self.charge()
            del self.records[pod_id]
        self._move(pod_id, self._fall(pod_id, keep=False))

    def trust(self, public_key: str) -> list[str]:
        """Add a key to the account, which pods without a key of their own take; returns their ids."""
        keys: list[str] = self.account["keys"]
        if public_key.strip() not in keys:
            keys.append(public_key.strip())
            self._changed()
        return [one["id"] for one in self.records.values() if "PUBLIC_KEY" not in one["env"]]

    def keep(self) -> None:
        """Have the account written down after a change of its volumes."""
        self._changed()

    def ssh(self, pod_id: str) -> tuple[str, int] | None:
        """Where a pod's SSH port is reached while it runs."""
        listener = self._listeners.get(pod_id)
        return (ADDRESS, listener.port) if listener is not None else None

    def log(self, pod_id: str) -> list[Facts]:
        """Return a pod's container log since it started."""
        record = self._get(pod_id)
        if pod_id not in self._listeners:
            return []
        key = sshd.host_key(self._folder.keys / f"{pod_id}_ed25519")
        lines = ["Pod Started", "Setting up SSH...", f"256 {fingerprint(key)} root@{pod_id[:12]} (ED25519)"]
        return [{"ts": record["started"], "source": "container", "line": line} for line in lines]

    async def settle(self) -> None:
        """Bring every pod into the state that it was left in."""
        for pod_id, record in list(self.records.items()):
            if record["status"] != "EXITED":
                await self._open(pod_id)
                record["status"] = "RUNNING"

    async def close(self) -> None:
        """Close every listener and end every process; the records stay."""
        for move in list(self._moves.values()):
            move.cancel()
        await asyncio.gather(*self._moves.values(), return_exceptions=True)
        for pod_id in list(self._listeners):
            await self._shut(pod_id)

    def _kind(self, order: Order) -> GpuKind:
        kind = gpu(order.gpu)
        if kind is None:
            raise PodRefusal(f"No GPU found with the specified ID: {order.gpu}")
        fits = kind.price(order.cloud) > 0 and order.count <= kind.most and kind.stock != "NONE"
        here = order.cloud == COMMUNITY or not order.center or order.center in kind.centers
        if order.gpu in self.sold_out or not fits or not here:
            raise PodRefusal("There are no longer any instances available with the requested specifications.")
        return kind

    def _check(self, order: Order) -> None:
        """Refuse what RunPod refuses of a pod's storage and template."""
        volume = self.account["volumes"].get(order.network_volume)
        if order.network_volume and volume is None:
            raise PodRefusal("Network volume not found")
        if volume is not None and (order.cloud == COMMUNITY or order.center not in ("", volume["center"])):
            raise PodRefusal("Network volume is not in the pod's data center")
        if 0 < order.volume < SMALLEST_VOLUME:
            raise PodRefusal(f"volumeInGb must be 0 or at least {SMALLEST_VOLUME}")
        if order.template and order.template not in {one["id"] for one in TEMPLATES}:
            raise PodRefusal("Template not found")

    def _get(self, pod_id: str) -> Facts:
        with self.lock:
            if pod_id not in self.records:
                raise PodRefusal("pod not found")
            return self.records[pod_id]

    def _move(self, pod_id: str, work: Any) -> None:
        self._changed()
        asyncio.run_coroutine_threadsafe(self._queue(pod_id, work), self._loop)

    async def _queue(self, pod_id: str, work: Any) -> None:
        """Let a pod go to its next state when it has reached the last one."""
        before = self._moves.get(pod_id)

        async def after() -> None:
            if before is not None:
                await asyncio.gather(before, return_exceptions=True)
            await work

        self._moves[pod_id] = asyncio.create_task(after(), name=f"pod {pod_id}")

    async def _rise(self, pod_id: str) -> None:
        await asyncio.sleep(BOOT_S)
        record = self.records.get(pod_id)
        if record is None or record["status"] == "EXITED":
            return
        await self._open(pod_id)
        record["status"] = "RUNNING"
        record["started"] = _now()
        self._changed()

    async def _fall(self, pod_id: str, *, keep: bool) -> None:
        await self._shut(pod_id)
        await asyncio.to_thread(self._wipe, self._folder.home(pod_id), keep)
        if not keep:
            (self._folder.keys / f"{pod_id}_ed25519").unlink(missing_ok=True)
        self._changed()

    async def _open(self, pod_id: str) -> None:
        record = self.records[pod_id]
        if pod_id in self._listeners or SSH_PORT not in record["ports"]:
            return  # RunPod maps no port that was not asked for
        home = self._furnish(record)
        key = self._folder.keys / f"{pod_id}_ed25519"
        sshd.host_key(key)
        listener = sshd.HostListener(home, self._variables(record, home), lambda: self._authorized(record))
        await listener.open(key)
        self._listeners[pod_id] = listener

    async def _shut(self, pod_id: str) -> None:
        listener = self._listeners.pop(pod_id, None)
        if listener is not None:
            await listener.close()
        root = self._folder.root
        await asyncio.to_thread(processes.end, lambda: processes.of_sandbox(root, pod_id), grace_s=GRACE_S)

    def _furnish(self, record: Facts) -> Path:
        home = self._folder.home(record["id"])
        for part in (home, home / ".tmp", home / "mnt", home / "mnt" / "data"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        safe = "".join(letter for letter in record["name"] if letter.isalnum() or letter in "-._")
        (home / ".bashrc").write_text(f"PS1='root@{safe or record['id']}:\\w# '\nHISTFILE=~/.bash_history\n")
        return home

    def _variables(self, record: Facts, home: Path) -> dict[str, str]:
        base = self._environment.of(record["id"], record["center"] or "community", home)
        base = {name: value for name, value in base.items() if not name.startswith("AWS_") or "ENDPOINT" in name}
        mine = {"USER": "root", "LOGNAME": "root", "RUNPOD_POD_ID": record["id"]}
        return {**record["env"], **base, **mine}

    def _authorized(self, record: Facts) -> list[str]:
        own = record["env"].get("PUBLIC_KEY")
        return own.splitlines() if own else list(self.account["keys"])

    @staticmethod
    def _wipe(home: Path, keep: bool) -> None:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
            return
        for part in home.iterdir() if home.exists() else ():
            if part.name == KEPT_ON_STOP:
                continue
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)


def as_v2(record: Mapping[str, Any], ssh: tuple[str, int] | None) -> Facts:
    """Return a pod as API v2 tells it."""
    stopped = record["status"] == "EXITED"
    mounts: Facts = {}
    if record["network_volume"]:
        mounts["network"] = [{"volumeId": record["network_volume"], "path": record["path"]}]
    elif record["volume"]:
        mounts["persistent"] = {"size": record["volume"], "path": record["path"]}
    direct = None
    if ssh is not None:
        host, port = ssh
        direct = {"host": host, "port": port, "username": "root", "command": f"ssh root@{host} -p {port}"}
    return {
        "id": record["id"],
        "name": record["name"],
        "status": record["status"],
        "actions": ["start", "terminate"] if stopped else ["stop", "restart", "terminate"],
        "image": record["image"],
        "args": record.get("arguments", ""),
        "disk": record["disk"],
        "ports": record["ports"],
        "env": record["env"],
        "registry": None,
        "mounts": mounts,
        "gpu": {"id": record["gpu"], "count": record["count"]},
        "cloud": record["cloud"],
        "dataCenterId": record["center"],
        "cudaVersion": "12.8",
        "ssh": {"proxy": None, "direct": direct},
        "template": record["template"],
        "cost": 0.0 if stopped else record["rate"],
        "locked": False,
        "globalNetworking": {"enabled": False},
        "runtime": None if record["status"] != "RUNNING" else {"gpus": [], "ports": []},
        "createdAt": record["created"],
        "startedAt": record["started"],
    }


def fingerprint(public_key: str) -> str:
    """Return a public key's fingerprint as OpenSSH prints it."""
    digest = hashlib.sha256(base64.b64decode(public_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
