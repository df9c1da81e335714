"""What a newcomer finds at the sandbox's RunPod: a pod of ours with its volume disk, and a network volume."""

from __future__ import annotations

import hashlib
import urllib.parse
from datetime import datetime, timedelta
from typing import Final

from runctl_tui.domain.instance import TAG_OWNER, TAG_PROJECT
from runctl_tui.sandbox.runpod import billing
from runctl_tui.sandbox.runpod.catalog import SECURE, gpu
from runctl_tui.sandbox.runpod.pods import SSH_PORT, Facts

NAME: Final = "vision-lora"
GPU: Final = "NVIDIA GeForce RTX 4090"
CENTER: Final = "EU-RO-1"
AGE: Final = timedelta(hours=3.2)
VOLUME_AGE: Final = timedelta(days=21)


def account(seed: str, owner: str, now: datetime) -> Facts:
    """Return the account of a new world; its ids are always the same in one world."""
    pod = _pod(_id(seed, "pod", 14), owner, now)
    made = (now - VOLUME_AGE).strftime("%Y%m%dT%H%M%SZ")
    tags = urllib.parse.urlencode({TAG_OWNER: owner, TAG_PROJECT: "vision", "runctl:made": made}, safe=":")
    tagged = f"vision-datasets [{tags}]"
    volume = {"id": _id(seed, "volume", 10), "name": tagged, "size": 200, "center": CENTER}
    volume["created"] = (now - VOLUME_AGE).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {
        "id": f"user_{_id(seed, 'user', 20)}",
        "email": f"{owner}@sandbox.invalid",
        "balance": 42.5,
        "pods": {pod["id"]: pod},
        "volumes": {volume["id"]: volume},
        "keys": [],
    }
    billing.book(found, now - AGE, now, pod["rate"])
    return found


def _pod(pod_id: str, owner: str, now: datetime) -> Facts:
    kind = gpu(GPU)
    began = (now - AGE).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": pod_id,
        "name": NAME,
        "status": "RUNNING",
        "image": "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404",
        "disk": 30,
        "volume": 50,
        "path": "/workspace",
        "network_volume": "",
        "ports": [SSH_PORT, "8888/http"],
        "env": {"RUNCTL_TAGS": urllib.parse.urlencode({TAG_OWNER: owner, TAG_PROJECT: "vision"})},
        "gpu": GPU,
        "count": 1,
        "cloud": SECURE,
        "center": CENTER,
        "template": None,
        "rate": kind.secure if kind else 0.0,
        "created": began,
        "started": began,
    }


def _id(seed: str, what: str, length: int) -> str:
    return hashlib.sha256(f"{seed}/runpod/{what}".encode()).hexdigest()[:length]
