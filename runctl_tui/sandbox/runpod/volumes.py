"""The network volumes of the sandbox's RunPod: made, grown and deleted as API v2 does it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from runctl_tui.sandbox.runpod.catalog import CENTERS
from runctl_tui.sandbox.runpod.pods import LETTERS, Facts, PodRefusal, Pods

SMALLEST: Final = 10
LARGEST: Final = 4_096


def change(pods: Pods, method: str, parts: Sequence[str], asked: Facts) -> tuple[int, Facts | None]:
    """Return status and answer of a changing call; PodRefusal where RunPod says no."""
    with pods.lock:
        if method == "POST" and not parts:
            return 201, as_v2(_create(pods, asked))
        if method == "PATCH" and len(parts) == 1:
            return 200, as_v2(_grow(pods, parts[0], asked))
        if method == "DELETE" and len(parts) == 1:
            _delete(pods, parts[0])
            return 204, None
    raise PodRefusal("that path was not found")


def find(pods: Pods, volume_id: str) -> Facts:
    """Return a network volume; PodRefusal where there is none."""
    found: Facts | None = pods.account["volumes"].get(volume_id)
    if found is None:
        raise PodRefusal("network volume not found")
    return found


def as_v2(record: Facts) -> Facts:
    """Return a network volume as API v2 tells it."""
    return {
        "id": record["id"],
        "name": record["name"],
        "size": record["size"],
        "dataCenter": record["center"],
        "type": record.get("type", "STANDARD"),
    }


def _create(pods: Pods, asked: Facts) -> Facts:
    if asked.get("dataCenter") not in CENTERS:
        raise PodRefusal(f"data center must be one of {', '.join(CENTERS)}")
    record = {
        "id": "".join(secrets.choice(LETTERS) for _ in range(10)),
        "name": str(asked.get("name", "")),
        "size": _size(asked),
        "center": asked["dataCenter"],
        "type": asked.get("type", "STANDARD"),
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    pods.account["volumes"][record["id"]] = record
    pods.keep()
    return record


def _grow(pods: Pods, volume_id: str, asked: Facts) -> Facts:
    record = find(pods, volume_id)
    record["name"] = str(asked.get("name", record["name"]))
    if "size" in asked:
        if _size(asked) < record["size"]:
            raise PodRefusal("size may only increase")
        record["size"] = _size(asked)
    pods.keep()
    return record


def _delete(pods: Pods, volume_id: str) -> None:
    find(pods, volume_id)
    users = [one["id"] for one in pods.records.values() if one["network_volume"] == volume_id]
    if users:
        raise PodRefusal(f"network volume is in use by pods {', '.join(users)}")
    del pods.account["volumes"][volume_id]
    pods.keep()


def _size(asked: Facts) -> int:
    size = asked.get("size")
    if not isinstance(size, int) or not SMALLEST <= size <= LARGEST:
        raise PodRefusal(f"size must be between {SMALLEST} and {LARGEST}")
    return size
