"""What is typed into the launch form, and the request that it means; pure, used by the launch dialog."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from runctl_tui.domain import figures, validation
from runctl_tui.domain.launch import LaunchRequest, no_end
from runctl_tui.domain.location import DataLocation, LocationKind
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.resource import Market
from runctl_tui.domain.run import TrainingJob
from runctl_tui.domain.secret import Secret as Hidden
from runctl_tui.domain.text import SafeText, safe

NEW: Final = "new"
RUNPOD: Final = "runpod"
COMMUNITY: Final = "community"
EXISTING: Final = "existing"
ON_DEMAND: Final = "on-demand"
SPOT_ASK: Final = "spot-ask"
SPOT_ONLY: Final = "spot-only"
_FALLBACK: Final = {SPOT_ASK: None, SPOT_ONLY: False, ON_DEMAND: None}
Secret = Callable[[str], str | None]
"""Returns the value of a secret by its name, or None where it is not set."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Values of the form by field, and what was chosen in its tables."""

    fields: Mapping[str, str]
    where: str
    provider: str
    region: str
    type: str
    instance_key: str
    base: LaunchRequest
    terminate_after: bool = False

    def text(self, name: str) -> str:
        """Return a field without blanks around it."""
        return self.fields.get(name, "").strip()

    def words(self, name: str) -> tuple[str, ...]:
        """Return a field's words, separated by blanks or commas."""
        return tuple(self.text(name).replace(",", " ").split())

    def request(self, secret: Secret) -> LaunchRequest:
        """Return the request; call it only when every check passed."""
        options = self._options(secret) if self.where == NEW else None
        return LaunchRequest(
            options=options,
            instance_key="" if options else self.instance_key,
            job=self._job(secret) if self.text("script") else None,
            spot_fallback=_FALLBACK.get(self.text("market")),
            terminate_after=self.terminate_after and options is not None,
        )

    def _options(self, secret: Secret) -> CreateResourceOptions:
        options = CreateResourceOptions(
            provider=self.provider,
            region=self.region,
            type=self.type,
            name=self.text("name"),
            project=self.text("project"),
            market=Market.ON_DEMAND if self.text("market") == ON_DEMAND else Market.SPOT,
            root_gib=_whole(self.text("disk")),
            tags=self.base.options.tags if self.base.options else (),
        )
        return self._pod(options, secret) if self.provider == RUNPOD else self._instance(options)

    def _instance(self, options: CreateResourceOptions) -> CreateResourceOptions:
        most = self.text("max_price")
        return replace(
            options,
            spot_max_price=Decimal(most) if most else None,
            data_gib=_whole(self.text("data_disk")),
            image=self.text("image"),
            key_name=self.text("key_name"),
            security_groups=self.words("security_groups"),
            subnet=self.text("subnet"),
            zone=self.text("zone"),
            profile=self.text("profile"),
        )

    def _pod(self, options: CreateResourceOptions, secret: Secret) -> CreateResourceOptions:
        pairs = (word.partition("=") for word in shlex.split(self.text("pod_env")))
        return replace(
            options,
            region=self.text("center") or self.region,
            image=self.text("pod_image"),
            template=self.text("template"),
            data_gib=_whole(self.text("pod_disk")),
            volume=self.text("volume"),
            ports=self.words("ports"),
            environment=tuple(
                (name, Hidden.variable(name, value if equals else secret(name) or "")) for name, equals, value in pairs
            ),
        )

    def trouble(self) -> str:
        """Return what is wrong although every field is right by itself."""
        if self.where == NEW and not self.type:
            return "choose a type"
        if self.where == NEW and self.region == COMMUNITY and self.provider == RUNPOD and self.text("center"):
            return "a data centre is in the secure cloud: choose secure, or leave it out"
        if self.where == EXISTING and not self.instance_key:
            return "choose a machine"
        if self.where == EXISTING and not self.text("script"):
            return "say what to train: a script"
        return no_end(self.text("script"), self.text("output")) if self.where == NEW and self.terminate_after else ""

    def _job(self, secret: Secret) -> TrainingJob:
        job = self.base.job or TrainingJob("")
        return replace(
            job,
            script=self.text("script"),
            args=tuple(shlex.split(self.text("args"))),
            project=self.text("project"),
            name=self.text("name"),
            launcher=self.text("launcher") or job.launcher,
            gpus=self.text("gpus"),
            includes=self.words("includes"),
            data_source=self.text("data"),
            output_dest=self.text("output"),
            environment=tuple(_pair(word) for word in shlex.split(self.text("environment"))),
            secrets=tuple((name, secret(name) or "") for name in self.words("secrets")),
            resume_from=self.text("resume"),
        )


def check_name(text: str) -> SafeText | None:
    """Tell what is wrong with the name of a machine, volume or run."""
    return trouble(validation.resource_name, text)


def check_project(text: str) -> SafeText | None:
    """Tell what is wrong with the name of a project."""
    return trouble(validation.project_name, text)


def trouble(check: Callable[[str], object], text: str) -> SafeText | None:
    """Tell what a check finds wrong with a field."""
    try:
        check(text.strip())
    except ValueError as error:
        return safe(error)
    return None


def trouble_if_any(check: Callable[[str], object], text: str) -> SafeText | None:
    """Tell what a check finds wrong with a field that may be empty."""
    return trouble(check, text) if text.strip() else None


def check_size(text: str) -> SafeText | None:
    """Tell what is wrong with an optional size in GiB."""
    return trouble_if_any(figures.gib, text)


def check_price(text: str) -> SafeText | None:
    """Tell what is wrong with an optional price."""
    return trouble_if_any(figures.price, text)


def check_zone(text: str) -> SafeText | None:
    """Tell what is wrong with an optional zone or data centre."""
    return trouble_if_any(validation.zone, text)


def price_of(text: str) -> Decimal | None:
    """Return a positive, finite number of dollars, or None."""
    try:
        return figures.price(text)
    except ValueError:
        return None


def check_words(text: str) -> SafeText | None:
    """Tell whether quotes are balanced."""
    try:
        shlex.split(text)
    except ValueError as error:
        return safe(f"{error}: close the quote")
    return None


def check_environment(text: str) -> SafeText | None:
    """Tell what is wrong with NAME=value words."""
    if (problem := check_words(text)) is not None:
        return problem
    for word in shlex.split(text):
        name, equals, _ = word.partition("=")
        if problem := trouble(validation.environment_name, name):
            return problem
        if not equals:
            return safe(f"{word}: write NAME=value, with blanks between several")
    return None


def check_variables(secret: Secret) -> Callable[[str], SafeText | None]:
    """Return a check of NAME=value words, where a name alone must be set in this program's environment."""

    def check(text: str) -> SafeText | None:
        if (problem := check_words(text)) is not None:
            return problem
        words = [word.partition("=")[:2] for word in shlex.split(text)]
        if wrong := next(filter(None, (trouble(validation.environment_name, name) for name, _ in words)), None):
            return wrong
        missing = next((name for name, equals in words if not equals and secret(name) is None), None)
        return safe(f"{missing} is not set in the environment of this program: write {missing}=…") if missing else None

    return check


def check_ports(text: str) -> SafeText | None:
    """Tell which word is no port of a pod."""
    return next(filter(None, (trouble(validation.pod_port, word) for word in text.replace(",", " ").split())), None)


def check_secrets(secret: Secret) -> Callable[[str], SafeText | None]:
    """Return a check that every named secret has a value here."""

    def check(text: str) -> SafeText | None:
        missing = [name for name in text.replace(",", " ").split() if not secret(name)]
        return safe(f"{missing[0]} is not set in the environment of this program") if missing else None

    return check


def check_location(text: str) -> SafeText | None:
    """Tell what is wrong with an optional location."""
    return trouble_if_any(DataLocation.parse, text)


def check_bucket_address(text: str) -> SafeText | None:
    """Tell what is wrong with an optional s3:// address."""
    problem = check_location(text)
    if problem or not text.strip():
        return problem
    kind = DataLocation.parse(text.strip()).kind
    return None if kind is LocationKind.S3 else safe("an address such as s3://bucket/prefix, or nothing")


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value
