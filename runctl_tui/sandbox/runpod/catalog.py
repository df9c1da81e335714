"""What the sandbox's RunPod sells: GPUs with list prices as published in late 2026, and where they are in stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

SECURE: Final = "SECURE"
COMMUNITY: Final = "COMMUNITY"
CENTERS: Final = ("EU-RO-1", "US-KS-2", "US-TX-3")


@dataclass(frozen=True, slots=True)
class GpuKind:
    """A GPU as the catalog lists it; a price of 0 means that this cloud does not have it."""

    id: str
    name: str
    memory: int
    secure: float
    community: float
    most: int
    stock: str
    centers: tuple[str, ...]
    vcpus: int = 8
    ram: int = 48

    def price(self, cloud: str) -> float:
        """Dollars per hour of one GPU in a cloud."""
        return self.secure if cloud == SECURE else self.community

    def as_v2(self, stock: str | None) -> dict[str, Any]:
        """Return it as API v2 tells it, with stock where that was asked for."""
        found: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "pool": None,
            "manufacturer": "NVIDIA",
            "memory": self.memory,
            "secure": self.secure > 0,
            "community": self.community > 0,
            "price": {"secure": self.secure, "community": self.community},
            "maxCount": {"secure": self.most, "community": max(self.most // 2, 1)},
        }
        if stock is not None:
            found["availability"] = stock
            found["dataCenters"] = [{"id": one, "name": one, "availability": stock} for one in self.centers]
        return found

    def as_graphql(self) -> dict[str, Any]:
        """Return it as GraphQL tells it, prices of spot included."""
        return {
            "maxGpuCount": self.most,
            "id": self.id,
            "displayName": self.name,
            "manufacturer": "Nvidia",
            "memoryInGb": self.memory,
            "cudaCores": 0,
            "secureCloud": self.secure > 0,
            "communityCloud": self.community > 0,
            "securePrice": self.secure or None,
            "communityPrice": self.community or None,
            "oneMonthPrice": None,
            "threeMonthPrice": None,
            "oneWeekPrice": None,
            "communitySpotPrice": None,
            "secureSpotPrice": None,
            "lowestPrice": {
                "minimumBidPrice": round((self.community or self.secure) * 0.6, 2),
                "uninterruptablePrice": self.community or self.secure,
                "minVcpu": self.vcpus,
                "minMemory": self.ram,
                "stockStatus": self.stock.title(),
            },
        }


GPUS: Final = (
    GpuKind("NVIDIA H200", "H200 SXM", 141, 4.59, 0, 8, "LOW", ("US-TX-3",), 24, 188),
    GpuKind("NVIDIA H100 80GB HBM3", "H100 SXM", 80, 3.99, 2.69, 8, "LOW", ("US-KS-2", "US-TX-3"), 20, 125),
    GpuKind("NVIDIA A100 80GB PCIe", "A100 PCIe", 80, 1.79, 1.19, 8, "MEDIUM", CENTERS, 12, 83),
    GpuKind("NVIDIA L40S", "L40S", 48, 0.86, 0.79, 8, "HIGH", CENTERS, 12, 62),
    GpuKind("NVIDIA A40", "A40", 48, 0.44, 0, 8, "HIGH", ("US-KS-2",), 9, 50),
    GpuKind("NVIDIA GeForce RTX 4090", "RTX 4090", 24, 0.69, 0.34, 8, "HIGH", CENTERS, 6, 41),
    GpuKind("NVIDIA RTX A6000", "RTX A6000", 48, 0.44, 0.32, 4, "MEDIUM", ("EU-RO-1",), 9, 50),
    GpuKind("NVIDIA RTX A5000", "RTX A5000", 24, 0.27, 0.16, 8, "MEDIUM", ("EU-RO-1",), 9, 25),
    GpuKind("NVIDIA GeForce RTX 3090", "RTX 3090", 24, 0.44, 0.22, 4, "NONE", ("EU-RO-1",), 8, 24),
)


def gpu(gpu_id: str) -> GpuKind | None:
    """Return the GPU with this id, or None."""
    return next((one for one in GPUS if one.id == gpu_id), None)


TEMPLATES: Final = (
    {
        "id": "tpl-pytorch",
        "name": "PyTorch 2.8",
        "image": "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404",
        "args": "",
        "disk": 40,
        "mounts": {"persistent": {"size": 20, "path": "/workspace"}},
        "ports": ["8888/http", "22/tcp"],
        "env": {"JUPYTER_ENABLE_LAB": "yes"},
        "registry": None,
        "serverless": False,
        "public": True,
    },
    {"id": "tpl-worker", "name": "Worker", "image": "runpod/worker:1", "serverless": True, "public": True},
)
"""Public templates, as API v2 tells them."""
