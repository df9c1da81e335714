"""API v2's answers turned into domain values; pure, and patient with fields that are missing."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.instance import TAG_OWNER, TAG_PROJECT, TAG_RUN, TAG_SSH, Disk, Gpu, Instance
from runctl_tui.domain.money import cents
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.volume_shapes import NETWORK, NETWORK_FAST
from runctl_tui.services.runpod import prices

PROVIDER: Final = "runpod"
SECURE: Final = "secure"
"""The region of pods that RunPod may place in any of its own data centres."""
COMMUNITY: Final = "community"
"""The region of pods on other people's machines."""
TAGS: Final = "RUNCTL_TAGS"
"""The environment variable of a pod that carries our tags, since RunPod has none."""
TOKEN: Final = "RUNCTL_TOKEN"  # the name of a variable
STATES: Final = {
    "PROVISIONING": ResourceState.STARTING,
    "STARTING": ResourceState.STARTING,
    "RUNNING": ResourceState.RUNNING,
    "EXITED": ResourceState.STOPPED,
    "ERROR": ResourceState.ERROR,
    "TERMINATED": ResourceState.TERMINATED,
}
_MAKERS: Final = re.compile(r"^(?:NVIDIA |AMD )?(?:GeForce )?")
_TAGGED: Final = re.compile(r"(?P<name>.*\S) \[(?P<tags>runctl:[^\[\]]+)\]")
_COUNTED: Final = re.compile(r"(?:(?P<count>[1-9][0-9]?) ?x )?(?P<name>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GpuKind:
    """One GPU of the catalog, as one cloud offers it."""

    id: str
    name: str
    memory_gib: float | None
    secure: Decimal | None
    """Dollars per hour of one; None: not on this cloud."""
    community: Decimal | None
    most_secure: int
    most_community: int
    stock: str = ""
    """HIGH, MEDIUM, LOW, NONE; empty: not told."""
    centers: tuple[str, ...] = ()
    """Data centres that have it."""

    def price(self, region: str) -> Decimal | None:
        """Return dollars per hour of one in a region."""
        return self.community if region == COMMUNITY else self.secure

    def most(self, region: str) -> int:
        """Return how many one pod can have."""
        return self.most_community if region == COMMUNITY else self.most_secure


@dataclass(frozen=True, slots=True)
class NetworkVolume:
    """Storage of a data centre that outlives every pod."""

    id: str
    name: str
    size_gib: int
    center: str
    type: str = NETWORK
    tags: tuple[tuple[str, str], ...] = ()
    """Sorted; read from its name, since RunPod has no tags."""


def short(gpu_id: str) -> str:
    """Return a GPU's id without its makers: 'RTX 4090'."""
    return _MAKERS.sub("", gpu_id) or gpu_id


def model(gpu_id: str) -> str:
    """Return the one word that a GPU is called by, as AWS has it: '4090', 'A100'; its type says the rest."""
    return short(gpu_id).removeprefix("RTX ").partition(" ")[0].partition("-")[0]


def type_name(gpu_id: str, count: int) -> str:
    """Return the machine type of so many GPUs: '2x RTX 4090'."""
    return short(gpu_id) if count == 1 else f"{count}x {short(gpu_id)}"


def split_type(text: str) -> tuple[int, str]:
    """Return count and GPU of a machine type."""
    match = _COUNTED.fullmatch(text.strip())
    return (int(match["count"] or 1), match["name"]) if match else (1, text)


def tags_of(options: CreateResourceOptions, owner: str) -> str:
    """Return our tags as the text of one variable."""
    ours = {TAG_OWNER: owner, TAG_PROJECT: options.project, TAG_RUN: options.run}
    return urllib.parse.urlencode({**dict(options.tags), **{key: value for key, value in ours.items() if value}})


def gpu_kind(raw: Mapping[str, Any]) -> GpuKind:
    """Return one entry of the catalog."""
    told, most = _map(raw, "price"), _map(raw, "maxCount")
    return GpuKind(
        id=str(raw.get("id", "")),
        name=str(raw.get("name", "")),
        memory_gib=_number(raw.get("memory")),
        secure=_dollars(told.get("secure")) if raw.get("secure", True) else None,
        community=_dollars(told.get("community")) if raw.get("community", True) else None,
        most_secure=int(most.get("secure") or 1),
        most_community=int(most.get("community") or 1),
        stock=str(raw.get("availability") or ""),
        centers=tuple(
            str(one.get("id", "")) for one in raw.get("dataCenters") or [] if one.get("availability") != "NONE"
        ),
    )


def network_volume(raw: Mapping[str, Any]) -> NetworkVolume:
    """Return one network volume."""
    name, tags = split_name(str(raw.get("name", "")))
    return NetworkVolume(
        id=str(raw.get("id", "")),
        name=name,
        size_gib=int(raw.get("size") or 0),
        center=str(raw.get("dataCenter") or ""),
        type=NETWORK_FAST if raw.get("type") == "HIGH_PERFORMANCE" else NETWORK,
        tags=tags,
    )


def tagged_name(name: str, tags: Mapping[str, str]) -> str:
    """Return the name of a network volume with its tags behind it."""
    return f"{name} [{urllib.parse.urlencode(tags, safe=':')}]"


def split_name(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a network volume's name and the tags that stand behind it."""
    match = _TAGGED.fullmatch(text)
    if match is None:
        return text, ()
    return match["name"], tuple(sorted(urllib.parse.parse_qsl(match["tags"])))


def instance(
    raw: Mapping[str, Any], owner: str, kinds: Mapping[str, GpuKind], volumes: Mapping[str, NetworkVolume]
) -> Instance:
    """Return one pod as a machine; what the two tables do not hold stays unknown."""
    gpu, env = _map(raw, "gpu"), _map(raw, "env")
    gpu_id, count = str(gpu.get("id", "")), int(gpu.get("count") or 1)
    kind = kinds.get(gpu_id)
    state = STATES.get(str(raw.get("status", "")), ResourceState.UNKNOWN)
    center = str(raw.get("dataCenterId") or "")
    community = raw.get("cloud") == "COMMUNITY"
    host, tags = _ssh(raw), _tags(env)
    if host:
        tags[TAG_SSH] = host
    else:
        tags.pop(TAG_SSH, None)
    return Instance(
        id=str(raw.get("id", "")),
        provider=PROVIDER,
        region=COMMUNITY if community else center or SECURE,
        name=str(raw.get("name", "")),
        state=state,
        type=type_name(gpu_id, count) if gpu_id else "CPU",
        zone=center,
        gpu=Gpu(model(gpu_id), count, kind.memory_gib if kind else None) if gpu_id else None,
        launched_at=_time(raw.get("startedAt")),
        created_at=_time(raw.get("createdAt")),
        public_ip=host.rpartition("@")[2].rpartition(":")[0],
        image=str(raw.get("image") or ""),
        tags=tuple(sorted(tags.items())),
        disks=tuple(_disks(raw, state, volumes)),
        owner_label=owner,
    )


def token_of(raw: Mapping[str, Any]) -> str:
    """Return the token that a pod was created with."""
    return str(_map(raw, "env").get(TOKEN, ""))


def rate_of(raw: Mapping[str, Any]) -> Decimal | None:
    """Return the dollars per hour that a running pod really costs."""
    return _dollars(raw.get("cost")) or None


def _disks(raw: Mapping[str, Any], state: ResourceState, volumes: Mapping[str, NetworkVolume]) -> Iterator[Disk]:
    stopped = state is ResourceState.STOPPED
    mounts, pod = _map(raw, "mounts"), str(raw.get("id", ""))
    size = int(raw.get("disk") or 0)
    if size and not stopped:
        yield _container(pod, size)
    kept = mounts.get("persistent")
    if isinstance(kept, Mapping):
        yield _volume(pod, kept, stopped)
    for one in mounts.get("network") or []:
        yield _network(one, volumes.get(str(one.get("volumeId", ""))))


def _container(pod: str, size: int) -> Disk:
    month = _month(prices.CONTAINER * size)
    return Disk(
        f"{pod}/container",
        "/",
        size,
        "container",
        True,
        root=True,
        name="container disk",
        usd_per_month=month,
        lost_on_stop=True,
        bound=True,
    )


def _volume(pod: str, mount: Mapping[str, Any], stopped: bool) -> Disk:
    size = int(mount.get("size") or 0)
    month, at_rest = _month(prices.VOLUME_RUNNING * size), _month(prices.VOLUME_STOPPED * size)
    return Disk(
        f"{pod}/volume",
        str(mount.get("path", "")),
        size,
        "volume",
        True,
        name="volume disk",
        usd_per_month=at_rest if stopped else month,
        usd_per_month_stopped=at_rest,
        bound=True,
    )


def _network(mount: Mapping[str, Any], volume: NetworkVolume | None) -> Disk:
    return Disk(
        str(mount.get("volumeId", "")),
        str(mount.get("path", "")),
        volume.size_gib if volume else None,
        "network",
        False,
        name=f"network volume {volume.name}" if volume else "network volume",
        usd_per_month=_network_month(volume),
        apart=True,
    )


def month_of(volume: NetworkVolume) -> Decimal | None:
    """Return dollars per month of a network volume; None where the price of its tier is not known."""
    return prices.network_month(volume.size_gib) if volume.type == NETWORK else None


def _network_month(volume: NetworkVolume | None) -> str:
    month = month_of(volume) if volume else None
    return "" if month is None else _month(month)


def _tags(env: Mapping[str, Any]) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(str(env.get(TAGS, ""))))


def _ssh(raw: Mapping[str, Any]) -> str:
    """Return 'user@host:port' of the pod's own SSH server; nothing where its port 22 is not published."""
    direct = _map(raw, "ssh").get("direct")
    if not isinstance(direct, Mapping) or not direct.get("host") or not direct.get("port"):
        return ""
    return f"{direct.get('username') or 'root'}@{direct['host']}:{int(direct['port'])}"


def _map(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def _dollars(value: object) -> Decimal | None:
    """Return a price, None where there is none: RunPod writes 0 for what a cloud does not have."""
    return Decimal(str(value)) if isinstance(value, int | float) and value > 0 else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _month(amount: Decimal) -> str:
    return str(cents(amount))


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
