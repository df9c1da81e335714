"""The machine images of the sandbox: deep-learning, Ubuntu and Amazon Linux images and their public parameters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from moto.ec2.models.amis import Ami

AMAZON: Final = "898082745236"
CANONICAL: Final = "099720109477"


@dataclass(frozen=True, slots=True)
class ImageFact:
    """A machine image as AWS publishes it."""

    name: str
    parameter: str
    """Name of the SSM public parameter that resolves to it."""
    owner: str
    alias: str | None
    created: datetime
    root_device: str
    root_gib: int
    architecture: str = "x86_64"
    description: str = ""

    def id_in(self, region: str) -> str:
        """The image's id in a region: another one in each, as on AWS."""
        return "ami-0" + hashlib.sha256(f"{region}/{self.name}".encode()).hexdigest()[:16]


DEEP_LEARNING: Final = "/aws/service/deeplearning/ami/x86_64"
IMAGES: Final = (
    ImageFact(
        "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20260620",
        f"{DEEP_LEARNING}/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id",
        AMAZON,
        "amazon",
        datetime(2026, 6, 20, 8, 12, tzinfo=UTC),
        "/dev/sda1",
        65,
        description="NVIDIA driver, CUDA, EFA, Docker. Supported: G4dn, G5, G6, G6e, P4d, P5",
    ),
    ImageFact(
        "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20260620",
        f"{DEEP_LEARNING}/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id",
        AMAZON,
        "amazon",
        datetime(2026, 6, 20, 8, 40, tzinfo=UTC),
        "/dev/sda1",
        65,
        description="NVIDIA driver, CUDA, EFA, Docker. Supported: G5, G6, G6e, P4d, P5, P6",
    ),
    ImageFact(
        "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.9 (Ubuntu 22.04) 20260612",
        f"{DEEP_LEARNING}/oss-nvidia-driver-gpu-pytorch-2.9-ubuntu-22.04/latest/ami-id",
        AMAZON,
        "amazon",
        datetime(2026, 6, 12, 9, 5, tzinfo=UTC),
        "/dev/sda1",
        75,
        description="PyTorch in /opt/pytorch, NVIDIA driver, CUDA, NCCL",
    ),
    ImageFact(
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20260610",
        "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        CANONICAL,
        None,
        datetime(2026, 6, 10, 4, 30, tzinfo=UTC),
        "/dev/sda1",
        8,
        description="Canonical, Ubuntu, 22.04 LTS, amd64 jammy image",
    ),
    ImageFact(
        "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260610",
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        CANONICAL,
        None,
        datetime(2026, 6, 10, 4, 45, tzinfo=UTC),
        "/dev/sda1",
        8,
        description="Canonical, Ubuntu, 24.04 LTS, amd64 noble image",
    ),
    ImageFact(
        "al2023-ami-2023.8.20260615.0-kernel-6.1-x86_64",
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64",
        "137112412989",
        "amazon",
        datetime(2026, 6, 15, 17, 2, tzinfo=UTC),
        "/dev/xvda",
        8,
        description="Amazon Linux 2023 AMI 2023.8.20260615.0 x86_64 HVM kernel-6.1",
    ),
)
BASE_IMAGE: Final = IMAGES[0]
ALIASES: Final = {
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64": IMAGES[5],
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp3/ami-id": IMAGES[3],
}


class _Image(Ami):
    """An image whose root volume has the size and type that AWS publishes."""

    root_gib = 8

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        volume = {
            "SnapshotId": self.ebs_snapshot.id,
            "VolumeSize": self.root_gib,
            "DeleteOnTermination": True,
            "VolumeType": "gp3",
            "Encrypted": False,
        }
        return [{"DeviceName": self.root_device_name, "Ebs": volume}]


def publish(backend: Any, region: str) -> None:
    """Register every image in a region's backend."""
    for fact in IMAGES:
        image = _Image(
            backend,
            fact.id_in(region),
            name=fact.name,
            description=fact.description,
            owner_id=fact.owner,
            owner_alias=fact.alias,
            public=True,
            virtualization_type="hvm",
            architecture=fact.architecture,
            creation_date=fact.created,
            image_location=f"{fact.alias or fact.owner}/{fact.name}",
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name=fact.root_device,
            region_name=f"{region}a",
        )
        image.root_gib = fact.root_gib
        backend.amis[image.id] = image


def parameter(name: str, region: str) -> tuple[str, datetime] | None:
    """Return the image id that a public parameter resolves to and since when, or None if we have none."""
    found = next((fact for fact in IMAGES if fact.parameter == name), ALIASES.get(name))
    return None if found is None else (found.id_in(region), found.created)
