"""Creates instances: looks first, arranges what is missing, then one RunInstances with a token of ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.offer import NO_PROFILE, OF_PODS, CreateResourceOptions
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.aws import images, request
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.codes import DRY_RUN_PASSED
from runctl_tui.services.aws.images import Image, ImageFinder
from runctl_tui.services.aws.instances import InstanceReader
from runctl_tui.services.aws.keys import KeyPairs
from runctl_tui.services.aws.network import EVERYBODY, Network, Place
from runctl_tui.services.aws.parse import TypeFacts
from runctl_tui.services.aws.request import Decided
from runctl_tui.services.aws.settings import AwsSettings
from runctl_tui.services.errors import (
    AwsError,
    CredentialsError,
    Refused,
    ResourceExists,
    ResourceNotFound,
    TrainctlError,
    ValidationError,
)


@dataclass(frozen=True, slots=True)
class _Look:
    """What both looking and creating begin with."""

    facts: TypeFacts
    image: Image
    place: Place

    @property
    def gpu(self) -> bool:
        """Whether the machine has accelerators."""
        return self.facts.gpu is not None


class Launches:
    """Creates one instance at a time."""

    def __init__(
        self, clients: AwsClients, settings: AwsSettings, clock: Clock, reader: InstanceReader, finder: ImageFinder
    ) -> None:
        self._clients = clients
        self._settings = settings
        self._clock = clock
        self._reader = reader
        self._images = finder
        self._keys = KeyPairs(clients, settings.keys, settings.owner)
        self._network = Network(clients, settings.launch)

    async def check(self, options: CreateResourceOptions) -> tuple[str, ...]:
        """Return warnings, having asked EC2 whether it would allow the launch; changes nothing."""
        self._validate(options)
        crowded = await self._count()
        look = await self._look(options)
        decided = await self._found(options, look)
        await self._run(options, decided, "check", dry=True)
        return (*crowded, *self._warnings(options, look))

    async def create(self, options: CreateResourceOptions, token: str) -> Instance:
        """Create the instance, or return the one that this token made before."""
        self._validate(options)
        before = await self._reader.find_by_token(token, options.region)
        if before is not None:
            return _still_there(before)
        look = await self._look(options)
        decided = await self._arranged(options, look)
        raw = await self._run(options, decided, token)
        return await self._reader.adopt(options.region, raw)

    def _validate(self, options: CreateResourceOptions) -> None:
        if not options.type or not options.region:
            raise ValidationError("A launch needs a machine type and a region", "", "give --type and --region")
        if (name := options.foreign(OF_PODS)) != "":
            why, todo = "only RunPod's pods have that", "leave it out, or launch a pod: --provider runpod"
            raise ValidationError(f"An instance of AWS has no {name.replace('volume', 'network volume')}", why, todo)
        sizes = (("root", options.root_gib, 1, 65536), ("data", options.data_gib, 1, 65536))
        for word, size, least, most in sizes:
            if size is not None and not least <= size <= most:
                raise ValidationError(f"A {word} disk of {size} GiB is not possible", f"{least} to {most} GiB are")
        if options.spot_max_price is not None and options.spot_max_price <= 0:
            raise ValidationError("A maximum spot price must be more than zero")

    async def _count(self) -> tuple[str, ...]:
        """Warn of, or refuse, one more machine beside many."""
        regions, limits = self._settings.regions, self._settings.launch
        counts = await asyncio.gather(*map(self._reader.count_alive, regions), return_exceptions=True)
        total, warnings = 0, []
        for region, count in zip(regions, counts, strict=True):
            if isinstance(count, TrainctlError):
                warnings.append(f"{region}: how many instances run there is not known: {count}")
            elif isinstance(count, BaseException):
                raise count
            else:
                total += count
        if total >= limits.block_at:
            why = f"{total} instances run; from {limits.block_at} on no more are launched"
            raise Refused("One more instance is refused", why, "terminate some, or raise safety.max_instances_block")
        if total >= limits.warn_at:
            warnings.append(f"{total} instances run already")
        return tuple(warnings)

    async def _look(self, options: CreateResourceOptions) -> _Look:
        region = options.region
        facts = await self._reader.catalog.facts(region, options.type)
        if facts is None:
            todo = "choose another type, or another region"
            raise ResourceNotFound(f"{region} has no machine type {options.type}", "", todo, code="InvalidInstanceType")
        image = await self._image(options, facts)
        if image.architecture not in facts.architectures:
            why = f"the image is for {image.architecture}, the machine is {' or '.join(facts.architectures)}"
            raise ValidationError(f"{image.id} does not start on {options.type}", why, "give another image, or none")
        request.root_gib(options, image, gpu=facts.gpu is not None)
        subnet = options.subnet or self._settings.launch.subnet
        return _Look(facts, image, await self._network.place(region, subnet))

    async def _image(self, options: CreateResourceOptions, facts: TypeFacts) -> Image:
        given = options.image or self._settings.launch.image
        if given:
            return await self._images.by_id(options.region, given)
        wanted = "arm64" if "arm64" in facts.architectures else "x86_64"
        return await self._images.choose(options.region, wanted, gpu=facts.gpu is not None)

    async def _found(self, options: CreateResourceOptions, look: _Look) -> Decided:
        """What exists already; what would be made is left out."""
        limits, region = self._settings.launch, options.region
        key = options.key_name or limits.key_name
        if key and not await self._keys.exists(region, key):
            raise ResourceNotFound(
                f"There is no key pair {key} in {region}", "", "give another, or none to have one made"
            )
        names = options.security_groups or limits.security_groups
        groups = await self._network.resolve(region, look.place.vpc, names)
        if not names:
            own = await self._network.own_group(region, look.place.vpc)
            groups = [own] if own else []
        return await self._decided(options, look, key or await self._keys.own_name(region), groups)

    async def _arranged(self, options: CreateResourceOptions, look: _Look) -> Decided:
        """What exists and what is made here."""
        limits, region = self._settings.launch, options.region
        key = options.key_name or limits.key_name or await self._keys.ensure(region)
        names = options.security_groups or limits.security_groups
        groups = await self._network.resolve(region, look.place.vpc, names)
        return await self._decided(
            options, look, key, groups or [await self._network.ensure_group(region, look.place.vpc)]
        )

    async def _decided(self, options: CreateResourceOptions, look: _Look, key: str, groups: list[str]) -> Decided:
        return Decided(
            image=look.image,
            gpu=look.gpu,
            encrypted=await self._encrypted(options.region),
            owner=self._settings.owner,
            created_at=self._clock.now(),
            key_name=key,
            security_groups=tuple(groups),
            subnet=options.subnet or self._settings.launch.subnet,
            profile=self._profile(options),
        )

    def _profile(self, options: CreateResourceOptions) -> str:
        if options.profile == NO_PROFILE:
            return ""
        return options.profile or self._settings.launch.instance_profile

    async def _encrypted(self, region: str) -> bool:
        """Whether the account encrypts by default; EC2 does so by itself where we may not ask."""
        what = f"{region}: the default encryption could not be read"
        try:
            answer = await self._clients.ec2(region, what, lambda ec2: ec2.get_ebs_encryption_by_default())
        except CredentialsError:
            raise
        except AwsError:
            return False
        return bool(answer.get("EbsEncryptionByDefault"))

    async def _run(self, options: CreateResourceOptions, decided: Decided, token: str, *, dry: bool = False) -> Any:
        asked = {**request.run_request(options, decided, token), "DryRun": dry}
        if dry:
            asked.pop("ClientToken")
        what = f"{options.region}: {options.type} could not be launched"
        try:
            answer: Any = await self._clients.ec2(
                options.region, what, lambda ec2: ec2.run_instances(**asked), changes=True
            )
        except AwsError as error:
            if dry and error.code == DRY_RUN_PASSED:
                return {}
            raise
        return answer["Instances"][0]

    def _warnings(self, options: CreateResourceOptions, look: _Look) -> tuple[str, ...]:
        limits = self._settings.launch
        found = []
        if not self._profile(options):
            found.append(
                "no instance profile: no SSM shell, and checkpoints reach S3 only by presigned URLs through the relay"
            )
        if not (options.security_groups or limits.security_groups) and self._network.cidr == EVERYBODY:
            found.append(
                "SSH will be open to the whole internet (keys only): set aws.ssh_cidr to your own network to narrow it"
            )
        if not (look.place.public or self._settings.ssh.jump_host or self._settings.ssh.private):
            found.append("this subnet gives no public address: SSH needs aws.jump_host or a VPN")
        if look.gpu and options.type.startswith(images.NO_OPEN_DRIVER) and not (options.image or limits.image):
            found.append(f"the NVIDIA driver of {look.image.name} does not serve {options.type}: give an image")
        if look.gpu and (options.image or limits.image) and "deep learning" not in look.image.name.lower():
            found.append(f"{look.image.name or look.image.id} may hold no GPU driver")
        return tuple(found)


def _still_there(instance: Instance) -> Instance:
    if instance.state in (ResourceState.TERMINATED, ResourceState.TERMINATING):
        why = f"its machine {instance.id} is {instance.state.value}"
        raise ResourceExists("This launch was carried out before", why, "launch again")
    return instance
