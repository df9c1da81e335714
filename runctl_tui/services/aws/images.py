"""Chooses the machine image of a launch and tells which user its hosts are entered as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.errors import ResourceNotFound, TrainctlError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import ImageTypeDef

_DEEP: Final = "/aws/service/deeplearning/ami/{arch}/base-oss-nvidia-driver-gpu-{system}/latest/ami-id"
_UBUNTU: Final = "/aws/service/canonical/ubuntu/server/{version}/stable/current/{arch}/hvm/ebs-{disk}/ami-id"
_AMAZON: Final = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}"
_SYSTEMS: Final = ("ubuntu-22.04", "ubuntu-24.04", "amazon-linux-2023")
GPU_NAMES: Final = (
    "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu*",
    "Deep Learning OSS Nvidia Driver AMI GPU PyTorch*(Ubuntu*",
    "Deep Learning Base AMI*(Ubuntu*",
    "Deep Learning*(Ubuntu*",
    "Deep Learning*",
)
GPU_NAMES_ARM: Final = ("Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI*", "Deep Learning ARM64*")
CPU_NAMES: Final = ("ubuntu/images/hvm-ssd*/ubuntu-*-22.04-*-server-*", "al2023-ami-2023*")
OWNERS: Final = ("amazon", "099720109477")
"""Amazon and Canonical: nobody else's image of such a name is taken."""
NO_OPEN_DRIVER: Final = ("p2.", "p3.", "p3dn.", "g3.", "g3s.")
"""Machines whose GPUs the driver of these images does not serve."""


@dataclass(frozen=True, slots=True)
class Image:
    """A machine image as far as a launch depends on it."""

    id: str
    name: str
    architecture: str
    root_device: str
    root_gib: int
    """The smallest root disk that holds it."""
    user: str
    """Login name."""
    platform: str = ""
    """'windows' or empty."""


class ImageFinder:
    """Looks images up; what was found is remembered, because an image never changes."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._known: dict[tuple[str, str], Image] = {}

    async def by_id(self, region: str, image_id: str) -> Image:
        """Return an image of a region; raises ResourceNotFound."""
        key = (region, image_id)
        if key not in self._known:
            what = f"{region}: the image {image_id} could not be read"
            answer = await self._clients.ec2(region, what, lambda ec2: ec2.describe_images(ImageIds=[image_id]))
            if not answer.get("Images"):
                todo = "AMIs belong to one region: give one of this region, or none to have it chosen"
                raise ResourceNotFound(f"There is no image {image_id} in {region}", "", todo)
            self._known[key] = _image(answer["Images"][0])
        return self._known[key]

    async def choose(self, region: str, architecture: str, *, gpu: bool) -> Image:
        """Return the newest suitable image: by public parameter, else by name; raises ResourceNotFound."""
        refused: TrainctlError | None = None
        for parameter in _parameters(architecture, gpu=gpu):
            try:
                return await self.by_id(region, await self._resolve(region, parameter))
            except ResourceNotFound:
                continue
            except TrainctlError as error:
                refused = error
                break
        found = await self._by_name(region, architecture, gpu=gpu)
        if found is not None:
            return found
        why = str(refused) if refused else "no public parameter and no image of a known name exists there"
        kind = "deep-learning" if gpu else "Ubuntu or Amazon Linux"
        raise ResourceNotFound(f"{region}: no {kind} image for {architecture} was found", why, "give one with --ami")

    async def _resolve(self, region: str, parameter: str) -> str:
        what = f"{region}: the public parameter {parameter} could not be read"
        answer = await self._clients.ssm(region, what, lambda ssm: ssm.get_parameter(Name=parameter))
        return answer["Parameter"].get("Value", "")

    async def _by_name(self, region: str, architecture: str, *, gpu: bool) -> Image | None:
        arm = architecture == "arm64"
        for pattern in (GPU_NAMES_ARM if arm else GPU_NAMES) if gpu else CPU_NAMES:
            request = {
                "Owners": [*OWNERS],
                "Filters": [
                    {"Name": "name", "Values": [pattern]},
                    {"Name": "architecture", "Values": [architecture]},
                    {"Name": "state", "Values": ["available"]},
                ],
            }
            what = f"{region}: the images could not be listed"
            found: list[ImageTypeDef] = []
            async for page in self._clients.ec2_pages(region, what, "describe_images", request):
                found += page.get("Images", [])
            if found:
                newest = _image(max(found, key=lambda raw: raw.get("CreationDate", "")))
                self._known[region, newest.id] = newest
                return newest
        return None


def _parameters(architecture: str, *, gpu: bool) -> tuple[str, ...]:
    if gpu:
        return tuple(_DEEP.format(arch=architecture, system=system) for system in _SYSTEMS)
    arch = "amd64" if architecture == "x86_64" else architecture
    return (
        _UBUNTU.format(version="22.04", arch=arch, disk="gp2"),
        _UBUNTU.format(version="24.04", arch=arch, disk="gp3"),
        _AMAZON.format(arch=architecture),
    )


def _image(raw: ImageTypeDef) -> Image:
    root = raw.get("RootDeviceName", "")
    sizes = [
        mapping.get("Ebs", {}).get("VolumeSize", 0)
        for mapping in raw.get("BlockDeviceMappings", [])
        if mapping.get("DeviceName") == root
    ]
    return Image(
        id=raw.get("ImageId", ""),
        name=raw.get("Name", ""),
        architecture=raw.get("Architecture", "x86_64"),
        root_device=root,
        root_gib=max(sizes, default=0),
        user=login_user(" ".join([raw.get("Name", ""), raw.get("Description", "")]), raw.get("OwnerId", "")),
        platform=raw.get("Platform", "").lower(),
    )


def login_user(words: str, owner: str = "") -> str:
    """Return the login name that images of this description have."""
    words = words.lower()
    if "ubuntu" in words or owner == "099720109477":
        return "ubuntu"
    if "debian" in words or owner == "136693071363":
        return "admin"
    if "rocky" in words:
        return "rocky"
    return "ec2-user"
