"""`DoctorService`: terminal, state, configuration, credentials and permissions; what is missing and how to get it.

Every look is harmless: reads, and EC2's own dry run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from runctl_tui.domain.facts import Known
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.resource import Market
from runctl_tui.domain.settings import Configuration
from runctl_tui.domain.states import Capability
from runctl_tui.services import doctor_machine
from runctl_tui.services.errors import CredentialsError, TrainctlError
from runctl_tui.services.ports import Finding, ProviderRegistry, Settings, TrainingProvider
from runctl_tui.services.registry import CONNECT

LOOK_SECONDS: Final = 30.0


class BucketProbe(Protocol):
    """Who can tell whether a bucket is there."""

    async def bucket_exists(self, bucket: str) -> bool:
        """Whether it exists and may be read."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One more harmless call that a permission is needed for."""

    area: str
    what: str
    """'SSM parameters can be read (ssm:GetParameter)'."""
    todo: str
    call: Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class DoctorParts:
    """What the doctor looks at."""

    registry: ProviderRegistry
    configuration: Configuration
    settings: Settings
    state_dir: Path
    environ: Mapping[str, str]
    sandbox: bool = False
    buckets: Callable[[], BucketProbe] | None = None
    """Returns who to ask about buckets, made only when somebody is asked."""
    probes: Sequence[Probe] = ()


class DoctorService:
    """Implements the port `Doctor`."""

    def __init__(self, parts: DoctorParts) -> None:
        self._parts = parts

    async def examine(self) -> tuple[Finding, ...]:
        """Look at everything at once; the answer is in the order in which to mend things."""
        looks: list[Coroutine[object, object, list[Finding]]] = [self._machine(), self._configuration()]
        looks += [self._provider(provider) for provider in self._parts.registry.all()]
        looks += [self._not_connected(), self._bucket(), *map(self._probe, self._parts.probes)]
        groups = await asyncio.gather(*(_bounded(look) for look in looks))
        return tuple(finding for group in groups for finding in group)

    async def _machine(self) -> list[Finding]:
        parts = self._parts
        return await asyncio.to_thread(
            lambda: [
                *doctor_machine.terminal(parts.environ),
                *doctor_machine.software(parts.environ),
                *doctor_machine.state_folder(parts.state_dir),
            ]
        )

    async def _configuration(self) -> list[Finding]:
        problems = self._parts.settings.validate()
        wrong = [Finding("configuration", False, f"{p.what}{f': {p.why}' if p.why else ''}", p.todo) for p in problems]
        return wrong or [Finding("configuration", True, "files, environment and flags are right")]

    async def _provider(self, provider: TrainingProvider) -> list[Finding]:
        identity = await provider.identity()
        if not isinstance(identity, Known):
            return [Finding(provider.name, False, identity.reason, identity.todo)]
        who = identity.value
        findings = [Finding(provider.name, True, f"{provider.label}: account {who.account}, {who.caller}")]
        findings.append(await _allowed(provider.name, "machines can be listed", _list(provider)))
        if provider.name == "aws" and not provider.capabilities.why_not(Capability.CREATE):
            findings += await asyncio.gather(self._price(provider), self._launch(provider))
            findings.append(self._profile(provider))
        return findings

    async def _not_connected(self) -> list[Finding]:
        """Say what could be connected and is not; nobody needs every cloud."""
        there = {provider.name for provider in self._parts.registry.all()}
        return [Finding(name, None, "not connected, there is no key", todo)
                for name, todo in CONNECT.items() if name not in there]  # fmt: skip

    async def _price(self, provider: TrainingProvider) -> Finding:
        aws = self._parts.configuration.aws
        try:
            price = await provider.estimate_cost(aws.region, aws.default_instance_type, Market.ON_DEMAND)
        except TrainctlError as error:
            return _failed(provider.name, "prices cannot be read", error)
        if isinstance(price, Known):
            return Finding(provider.name, True, f"prices: {aws.default_instance_type} from {price.value.source}")
        todo = "allow pricing:GetProducts, or accept unknown prices with a cap at each launch"
        return Finding(provider.name, None, f"no price for {aws.default_instance_type}: {price.reason}", todo)

    async def _launch(self, provider: TrainingProvider) -> Finding:
        aws = self._parts.configuration.aws
        options = CreateResourceOptions(
            provider.name,
            aws.region,
            aws.default_instance_type,
            "doctor",
            "doctor",
            profile=aws.iam_instance_profile or "",
        )
        try:
            warnings = await provider.check_create(options)
        except TrainctlError as error:
            return _failed(provider.name, "a launch would fail (dry run of ec2:RunInstances)", error)
        return Finding(provider.name, True, "; ".join(("a launch would be allowed", *warnings)))

    def _profile(self, provider: TrainingProvider) -> Finding:
        name = self._parts.configuration.aws.iam_instance_profile
        if name:
            return Finding(provider.name, True, f"instance profile: {name}")
        text = "no instance profile: no SSM, and S3 only by presigned URLs while this machine is on"
        return Finding(provider.name, None, text, "set aws.iam_instance_profile; docs/aws-setup.md has the policy")

    async def _bucket(self) -> list[Finding]:
        name = self._parts.configuration.aws.s3_bucket
        if not name:
            if self._parts.sandbox:
                return [Finding("s3", True, "the sandbox uses its own bucket")]
            return [Finding("s3", False, "no bucket for checkpoints: 'train' refuses", "set aws.s3_bucket")]
        if self._parts.buckets is None:
            return [Finding("s3", None, f"bucket {name}: nobody could look")]
        try:
            there = await self._parts.buckets().bucket_exists(name)
        except TrainctlError as error:
            return [_failed("s3", f"bucket {name} cannot be read", error)]
        todo = "" if there else f"aws s3 mb s3://{name}, or set aws.s3_bucket to one that exists"
        return [Finding("s3", there, f"bucket {name} {'can be read' if there else 'does not exist'}", todo)]

    async def _probe(self, probe: Probe) -> list[Finding]:
        try:
            await probe.call()
        except TrainctlError as error:
            return [Finding(probe.area, False, f"not: {probe.what} ({error})", error.todo or probe.todo)]
        return [Finding(probe.area, True, probe.what)]


async def _list(provider: TrainingProvider) -> None:
    snapshot = await provider.list_resources()
    if snapshot.missing:
        first = snapshot.missing[0]
        raise TrainctlError(first.what, first.why, first.todo, code=first.code)


async def _allowed(area: str, what: str, call: Coroutine[object, object, None]) -> Finding:
    try:
        await call
    except TrainctlError as error:
        return _failed(area, f"not: {what}", error)
    return Finding(area, True, what)


def _failed(area: str, what: str, error: TrainctlError) -> Finding:
    todo = error.todo or ("aws sso login" if isinstance(error, CredentialsError) else "docs/security.md has the policy")
    return Finding(area, False, f"{what}: {error} [{error.code}]", todo)


async def _bounded(look: Coroutine[object, object, list[Finding]]) -> list[Finding]:
    try:
        return await asyncio.wait_for(look, LOOK_SECONDS)
    except TimeoutError:
        return [Finding("network", None, f"no answer within {LOOK_SECONDS:.0f} s", "look at proxies and firewalls")]
    except TrainctlError as error:
        return [_failed("network", "a look failed", error)]
