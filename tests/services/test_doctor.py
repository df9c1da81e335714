"""The doctor: what is missing, and how to get it; every look is harmless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.identity import Identity
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.domain.offer import Capabilities
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.settings import AwsSection, Configuration
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Capability
from runctl_tui.services import doctor_machine
from runctl_tui.services.doctor import DoctorParts, DoctorService, Probe
from runctl_tui.services.errors import AwsError, NoCapacity
from runctl_tui.services.ports import Finding, ProviderRegistry, Settings, TrainingProvider

NOW = datetime(2026, 11, 20, tzinfo=UTC)
WHO = Known(Identity("123456789012", "arn:aws:iam::123456789012:user/me", "research"), NOW, "STS")
PRICE = Known(Price(Decimal("0.04"), PriceKind.ON_DEMAND, "bundled table", date(2026, 11, 1)), NOW, "table")


class FakeProvider:
    """A provider that answers what it is told to."""

    def __init__(self, name: str = "aws", identity: Fact[Identity] = WHO) -> None:
        self.name = name
        self.label = name.upper()
        self.capabilities = Capabilities({} if name == "aws" else {Capability.CREATE: "this machine is there already"})
        self.told = identity
        self.missing: tuple[Problem, ...] = ()
        self.launch_error: AwsError | None = None
        self.price: Fact[Price] = PRICE

    async def identity(self) -> Fact[Identity]:
        return self.told

    async def list_resources(self) -> Snapshot[tuple[object, ...]]:
        return Snapshot((), NOW, (), self.missing)

    async def estimate_cost(self, *_: object) -> Fact[Price]:
        return self.price

    async def check_create(self, _: object) -> tuple[str, ...]:
        if self.launch_error is not None:
            raise self.launch_error
        return ()


class FakeSettings:
    def __init__(self, *problems: Problem) -> None:
        self.problems = problems

    def validate(self) -> tuple[Problem, ...]:
        return self.problems


class FakeBuckets:
    def __init__(self, there: bool) -> None:
        self.there = there

    async def bucket_exists(self, bucket: str) -> bool:
        return self.there


class FakeRegistry:
    def __init__(self, *providers: FakeProvider) -> None:
        self.providers = providers

    def all(self) -> tuple[TrainingProvider, ...]:
        return cast(Any, self.providers)  # type: ignore[no-any-return]  # the doctor uses four of the methods


def parts(folder: Path, *providers: FakeProvider, **changes: Any) -> DoctorParts:
    base = DoctorParts(
        registry=cast(ProviderRegistry, FakeRegistry(*(providers or (FakeProvider(),)))),
        configuration=Configuration(),
        settings=cast(Settings, FakeSettings()),
        state_dir=folder,
        environ={"PATH": "/nowhere"},
    )
    return replace(base, **changes)


async def findings(wanted: DoctorParts, area: str) -> list[Finding]:
    return [finding for finding in await DoctorService(wanted).examine() if finding.area == area]


def texts(found: list[Finding], ok: bool | None) -> str:
    return "\n".join(finding.text for finding in found if finding.ok is ok)


async def test_missing_credentials_say_how_to_get_some(tmp_path: Path) -> None:
    nobody = FakeProvider(identity=Unknown("no credentials were found", "run `aws sso login`"))
    (found,) = await findings(parts(tmp_path, nobody), "aws")
    assert (found.ok, found.text, found.todo) == (False, "no credentials were found", "run `aws sso login`")


async def test_a_cloud_that_nobody_connected_is_told_and_no_failure(tmp_path: Path) -> None:
    told = [one for one in await findings(parts(tmp_path), "runpod") if "not connected" in one.text]
    assert [(one.ok, "RUNPOD_API_KEY" in one.todo) for one in told] == [(None, True)]
    connected = await findings(parts(tmp_path, FakeProvider(name="runpod")), "runpod")
    assert not any("not connected" in one.text for one in connected)


async def test_allowed_looks_are_named(tmp_path: Path) -> None:
    found = await findings(parts(tmp_path), "aws")
    assert "account 123456789012" in texts(found, True)
    assert "machines can be listed" in texts(found, True)
    assert "a launch would be allowed" in texts(found, True)
    assert "bundled table" in texts(found, True)
    assert "no instance profile" in texts(found, None)


async def test_what_is_not_allowed_carries_the_services_own_code(tmp_path: Path) -> None:
    provider = FakeProvider()
    provider.missing = (
        Problem("UnauthorizedOperation", "us-east-1: not listed", "ec2:DescribeInstances is not allowed"),
    )
    provider.launch_error = NoCapacity("no launch", "not allowed", code="UnauthorizedOperation")
    provider.price = Unknown("pricing:GetProducts is not allowed")
    found = await findings(parts(tmp_path, provider), "aws")
    refused = texts(found, False)
    assert "[UnauthorizedOperation]" in refused
    assert "ec2:DescribeInstances is not allowed" in refused
    assert "a launch would fail" in refused
    assert "pricing:GetProducts" in texts(found, None)
    assert all(finding.todo for finding in found if finding.ok is False)


async def test_a_provider_that_creates_nothing_is_not_asked_to(tmp_path: Path) -> None:
    found = await findings(parts(tmp_path, FakeProvider("local")), "local")
    assert "launch" not in "\n".join(finding.text for finding in found)


@pytest.mark.parametrize(
    ("bucket", "there", "ok", "words"),
    [(None, True, False, "no bucket"), ("b-1", True, True, "can be read"), ("b-1", False, False, "does not exist")],
)
async def test_the_bucket(tmp_path: Path, bucket: str | None, there: bool, ok: bool, words: str) -> None:
    configuration = Configuration(aws=AwsSection(s3_bucket=bucket))
    (found,) = await findings(parts(tmp_path, configuration=configuration, buckets=lambda: FakeBuckets(there)), "s3")
    assert (found.ok, words in found.text) == (ok, True)
    assert bool(found.todo) is not ok


async def test_the_sandbox_needs_no_bucket(tmp_path: Path) -> None:
    (found,) = await findings(parts(tmp_path, sandbox=True), "s3")
    assert found.ok is True


async def test_problems_of_the_configuration_are_findings(tmp_path: Path) -> None:
    settings = FakeSettings(Problem("config.value", ".runctl.toml: aws.region cannot be used", "moon", "mend it"))
    (found,) = await findings(parts(tmp_path, settings=settings), "configuration")
    assert (found.ok, found.todo) == (False, "mend it")
    assert "moon" in found.text


async def test_further_probes(tmp_path: Path) -> None:
    async def fine() -> None: ...

    async def refused() -> None:
        raise AwsError("ssm said no", "denied", code="AccessDeniedException")

    probes = (
        Probe("ssm", "images can be looked up", "", fine),
        Probe("ssm", "commands can be sent", "allow ssm:*", refused),
    )
    found = await findings(parts(tmp_path, probes=probes), "ssm")
    assert [finding.ok for finding in found] == [True, False]
    assert found[1].todo == "allow ssm:*"


def test_a_state_folder_that_others_can_read_is_named_with_the_command(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    first, *_ = doctor_machine.state_folder(tmp_path)
    assert (first.ok, first.todo) == (False, f"chmod 700 '{tmp_path}'")
    tmp_path.chmod(0o700)
    assert [finding.ok for finding in doctor_machine.state_folder(tmp_path)] == [True, True]
    assert doctor_machine.state_folder(tmp_path / "later")[0].ok is True


def test_a_missing_git_is_fine_and_a_missing_ssh_is_not() -> None:
    found = doctor_machine.software({"PATH": "/nowhere"})
    assert next(finding for finding in found if "git" in finding.text).ok is True
    assert next(finding for finding in found if "ssh client" in finding.text).ok is False


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "TMUX": "x"}, "true colour, inside tmux"),
        (
            {"TERM": "screen-256color", "SSH_CONNECTION": "x", "STY": "y"},
            "256 colours, inside screen and an SSH session",
        ),
        ({"TERM": "linux"}, "16 colours"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "no colours"),
        ({"TERM": "dumb"}, "nothing can be drawn"),
    ],
)
def test_the_terminal(environ: Mapping[str, str], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert words in "\n".join(finding.text for finding in doctor_machine.terminal(environ))


def test_output_that_is_no_terminal_is_told() -> None:
    (found,) = doctor_machine.terminal({"TERM": "xterm"})
    assert found.ok is None
