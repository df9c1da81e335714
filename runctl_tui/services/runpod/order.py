"""A pod as it was asked for: what cannot be combined, what RunPod is told, and its truths about it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runctl_tui.domain import validation
from runctl_tui.domain.money import dollars
from runctl_tui.domain.offer import OF_INSTANCES, CreateResourceOptions
from runctl_tui.services.errors import NoCapacity, ValidationError
from runctl_tui.services.runpod import prices
from runctl_tui.services.runpod.catalog import is_center
from runctl_tui.services.runpod.parse import COMMUNITY, TAGS, TOKEN, GpuKind, NetworkVolume, month_of
from runctl_tui.services.runpod.sdk import cannot_be_sent
from runctl_tui.services.runpod.settings import RunpodSettings
from runctl_tui.services.runpod.templates import Template

SSH_PORT: Final = "22/tcp"
VOLUME_PATH: Final = "/workspace"
"""Where RunPod mounts a volume disk, or the network volume that takes its place."""
KEY: Final = "PUBLIC_KEY"
SMALLEST_VOLUME: Final = 10
"""GB of the smallest volume disk that RunPod makes."""
NOTHING_STAYS: Final = "without a volume everything on the pod is lost when it stops or ends: only S3 keeps it"
TIED: Final = "once stopped, the pod can start again only where its disk is, if a GPU is free there"


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that decides about a pod."""

    options: CreateResourceOptions
    kind: GpuKind
    count: int
    volume: NetworkVolume | None = None
    template: Template | None = None

    @property
    def volume_gib(self) -> int:
        """The size of its volume disk; 0: it has none."""
        if self.volume is not None:
            return 0
        return self.options.data_gib or (self.template.volume_gib if self.template else 0)

    @property
    def disk_gib(self) -> int | None:
        """The size of its container disk as far as it was asked for."""
        return self.options.root_gib or (self.template.disk_gib if self.template else None)

    @property
    def path(self) -> str:
        """Where its volume is mounted."""
        return (self.template.path if self.template else "") or VOLUME_PATH

    @property
    def ports(self) -> tuple[str, ...]:
        """SSH's own, the template's, and those that were asked for."""
        template = self.template.ports if self.template else ()
        return tuple(dict.fromkeys((SSH_PORT, *template, *self.options.ports)))

    @property
    def center(self) -> str:
        """The data centre that it must be in; empty: any."""
        if self.volume is not None:
            return self.volume.center
        return self.options.region if is_center(self.options.region) else ""

    def environment(self) -> dict[str, str]:
        """Return the variables that were asked for over those of the template."""
        template = dict(self.template.environment) if self.template else {}
        return template | {name: value.reveal() for name, value in self.options.environment}


def check_options(options: CreateResourceOptions) -> None:
    """Raise ValidationError where options contradict each other, before anybody is asked."""
    if (name := options.foreign(OF_INSTANCES)) != "":
        what = f"A pod has no {name.replace('_', ' ').rstrip('s').replace('profile', 'IAM profile')}"
        raise ValidationError(what, "only AWS's instances have that", "leave it out")
    if options.image.startswith("ami-"):
        raise ValidationError(f"{options.image} is no container image", "it is AWS's", "such as runpod/pytorch:TAG")
    if options.image and options.template:
        raise ValidationError("A pod has a template or an image", "the template names its own", "leave one out")
    if options.volume and options.data_gib:
        why = "RunPod mounts a network volume in the place of the volume disk"
        raise ValidationError("A pod has a network volume or a volume disk", why, "leave one out")
    if options.data_gib is not None and options.data_gib < SMALLEST_VOLUME:
        raise ValidationError(f"A volume disk of {options.data_gib} GB is too small", f"{SMALLEST_VOLUME} GB or more")
    if options.volume and options.region == COMMUNITY:
        why = "network volumes are in RunPod's own data centres"
        raise ValidationError("A community pod has no network volume", why, "choose the secure cloud")
    _check_ports(options.ports)
    _check_environment(options)


def check_place(asked: Asked) -> None:
    """Raise where the pod cannot be where it would have to be."""
    kind, region, volume = asked.kind, asked.options.region, asked.volume
    if volume is not None and is_center(region) and volume.center != region:
        what = f"{volume.name or volume.id} is in {volume.center}"
        raise ValidationError(
            what, f"the pod would be in {region}", f"leave the data centre out, or say {volume.center}"
        )
    if kind.price(region) is None:
        raise ValidationError(
            f"{kind.name} is not in {region}", "this cloud does not have it", "choose the other cloud"
        )
    if asked.count > kind.most(region):
        raise ValidationError(f"{asked.count} {kind.name} are too many", f"one pod has at most {kind.most(region)}")
    if asked.center and kind.centers and asked.center not in kind.centers:
        why = f"the network volume {volume.name or volume.id} is there; " if volume else ""
        where = f"{why}{kind.name} is free in {', '.join(kind.centers)}"
        raise NoCapacity(f"RunPod has no {kind.name} in {asked.center}", where, "choose another GPU or data centre")


def order_of(asked: Asked, settings: RunpodSettings, own: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of the SDK's `create_pod`; `own` are the variables that this program needs itself."""
    options, template = asked.options, asked.template
    order: dict[str, Any] = {
        "name": options.name,
        "image_name": (template.image if template else options.image) or settings.image,
        "gpu_type_id": asked.kind.id,
        "gpu_count": asked.count,
        "cloud_type": "COMMUNITY" if options.region == COMMUNITY else "SECURE",
        "container_disk_in_gb": asked.disk_gib or settings.disk_gib,
        "volume_in_gb": asked.volume_gib,
        "volume_mount_path": asked.path,
        "ports": ",".join(asked.ports),
        "env": asked.environment() | dict(own),
    }
    if template is not None:
        order |= {"template_id": template.id, "docker_args": template.arguments}
    if asked.volume is not None:
        order["network_volume_id"] = asked.volume.id
    if asked.center:
        order["data_center_id"] = asked.center
    return order


def truths(asked: Asked, settings: RunpodSettings) -> Iterator[str]:
    """Yield what a person should know about this pod before it is made."""
    if asked.template is not None:
        yield asked.template.words()
    if asked.volume is not None:
        yield _of_network(asked.volume)
    elif asked.volume_gib:
        yield _of_disk(asked.volume_gib)
        yield TIED
    else:
        yield NOTHING_STAYS
    disk = asked.disk_gib or settings.disk_gib
    month = dollars(prices.CONTAINER * disk)
    yield f"the container disk ({disk} GB) is lost when the pod stops or ends; {month} per month while it runs"
    if asked.kind.stock == "LOW":
        yield f"few {asked.kind.name} are left: the create may find none"


def _of_disk(size: int) -> str:
    running, stopped = dollars(prices.VOLUME_RUNNING * size), dollars(prices.VOLUME_STOPPED * size)
    return (
        "the volume disk is deleted with the pod, and costs twice as much while the pod is stopped:"
        f" {stopped} instead of {running} per month"
    )


def _of_network(volume: NetworkVolume) -> str:
    month = month_of(volume)
    price = "how much is unknown" if month is None else f"{dollars(month)} per month"
    return f"the network volume stays when the pod ends, and goes on costing: {price}"


def _check_ports(ports: tuple[str, ...]) -> None:
    for port in ports:
        try:
            validation.pod_port(port)
        except ValueError as error:
            raise ValidationError(str(error), "", "such as 8888/http or 6006/tcp") from None
    numbers = ["22", *(port.partition("/")[0] for port in ports if port != SSH_PORT)]
    twice = next((number for number in numbers if numbers.count(number) > 1), "")
    if twice:
        why = "port 22 is published as 22/tcp for SSH" if twice == "22" else "a port is published once"
        raise ValidationError(f"Port {twice} is named twice", why, "leave one out")


def _check_environment(options: CreateResourceOptions) -> None:
    """Look at names and values; no message tells a value."""
    names = [name for name, _ in options.environment]
    for name, value in options.environment:
        try:
            validation.environment_name(name)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if name in (KEY, TAGS, TOKEN):
            raise ValidationError(f"{name} cannot be set", "this program sets it itself", "leave it out")
        if names.count(name) > 1:
            raise ValidationError(f"{name} is set twice", "", "leave one out")
        if cannot_be_sent(value.reveal()):
            why = "control characters cannot be sent to RunPod"
            raise ValidationError(f"The value of {name} cannot be sent", why, "put a secret into RunPod's console")
