"""Every key of the configuration changes what the program does; a key without a check here is a key that lies."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import pytest

from runctl_tui.domain.resource import Market
from runctl_tui.domain.run import TrainingJob
from runctl_tui.domain.secret import Secret
from runctl_tui.domain.settings import SPECS
from runctl_tui.options import Options
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.threads import BackendPool
from runctl_tui.wiring.assembly import Assembly
from runctl_tui.wiring.ground import Ground
from runctl_tui.wiring.runpod import runpod_settings

Look = Callable[[Assembly], object]


def aws(read: Callable[[Any], object]) -> Look:
    """Look at what the AWS provider was told."""
    return lambda made: read(made.core.cloud._settings())


def pods(read: Callable[[Any], object]) -> Look:
    """Look at what the RunPod provider is told."""
    return lambda made: read(
        runpod_settings(made.core.place, made.core.place.configuration.runpod.api_key or Secret("k"))
    )


def hosts(read: Callable[[Any], object]) -> Look:
    """Look at how reads from hosts are tried again."""
    return lambda made: read(cast("Any", made.core.hosts)._retry)


def here(made: Assembly) -> tuple[str, tuple[tuple[str, str], ...]]:
    """How a job that says nothing runs on this machine."""
    job = made.desks.here().apply(TrainingJob("t.py", checkpoint_dir=made.core.place.configuration.checkpoint.dir))
    return job.checkpoint_dir, job.environment


def wish(name: str) -> Look:
    """Look at what a launch begins with."""
    return lambda made: getattr(cast("Any", made.services().launcher.defaults().options), name)


def trains(name: str) -> Look:
    """Look at what a training job begins with."""
    return lambda made: getattr(cast("Any", made.services().launcher.defaults().job), name)


def shown(key: str) -> Look:
    """Look at what the screens read."""
    return lambda made: made.core.place.settings.value(key)


CHECKS: Final[dict[str, tuple[str, Look, object]]] = {
    "owner": ("ada", lambda made: made.core.place.owner, "ada"),
    "aws.profile": ("work", aws(lambda told: told.profile), "work"),
    "aws.region": ("eu-west-1", wish("region"), "eu-west-1"),
    "aws.regions": ("us-west-2,us-east-1", aws(lambda told: told.regions), ("us-west-2", "us-east-1")),
    "aws.default_instance_type": ("g5.2xlarge", wish("type"), "g5.2xlarge"),
    "aws.default_ami": ("ami-0123456789abcdef0", aws(lambda told: told.launch.image), "ami-0123456789abcdef0"),
    "aws.use_spot": ("false", wish("market"), Market.ON_DEMAND),
    "aws.spot_max_price": ("0.40", lambda made: str(wish("spot_max_price")(made)), "0.40"),
    "aws.iam_instance_profile": ("trainer", wish("profile"), "trainer"),
    "aws.s3_bucket": ("my-bucket", trains("output_dest"), "s3://my-bucket/runs"),
    "aws.default_project_name": ("llama", wish("project"), "llama"),
    "aws.user_id": ("bob", lambda made: made.core.place.owner, "bob"),
    "aws.ssh_cidr": ("10.0.0.0/8", aws(lambda told: told.launch.ssh_cidr), "10.0.0.0/8"),
    "aws.key_name": ("mine", aws(lambda told: told.launch.key_name), "mine"),
    "aws.security_groups": (
        "sg-0123456789abcdef0", aws(lambda told: told.launch.security_groups), ("sg-0123456789abcdef0",)
    ),
    "aws.subnet": ("subnet-0123456789abcdef0", aws(lambda told: told.launch.subnet), "subnet-0123456789abcdef0"),
    "aws.jump_host": ("me@bastion:22", aws(lambda told: told.ssh.jump_host), "me@bastion:22"),
    "runpod.api_key": ("rpa_key", pods(lambda told: told.key.reveal()), "rpa_key"),
    "runpod.default_gpu": (
        "NVIDIA L40S", lambda made: made.services().launcher.default_type("runpod"), "L40S"
    ),
    "runpod.default_disk_gb": ("55", pods(lambda told: told.disk_gib), 55),
    "runpod.default_image": ("mine/torch:1", pods(lambda told: told.image), "mine/torch:1"),
    "local.default_device": ("cuda:1", lambda made: dict(here(made)[1])["TRAINCTL_DEVICE"], "cuda:1"),
    "local.checkpoint_dir": ("mine", lambda made: here(made)[0], "mine"),
    "checkpoint.dir": ("out", trains("checkpoint_dir"), "out"),
    "checkpoint.save_interval": (
        "9", lambda made: dict(cast("Any", trains("environment")(made)))["TRAINCTL_SAVE_INTERVAL"], "9"
    ),
    "checkpoint.keep_last_n": (
        "3", lambda made: dict(cast("Any", trains("environment")(made)))["TRAINCTL_KEEP_LAST_N"], "3"
    ),
    "checkpoint.folders": (
        "/mnt/kept, /mnt/old",
        lambda made: [str(one) for one in made.desks.checkpoint_folders()[-2:]],
        ["/mnt/kept", "/mnt/old"],
    ),
    "monitoring.log_dir": ("exports", shown("monitoring.log_dir"), "exports"),
    "monitoring.update_interval_secs": (
        "44", lambda made: cast("Any", made.core.fleet.feed)._pace.interval, 44.0
    ),
    "monitoring.log_level": ("error", shown("monitoring.log_level"), "error"),
    "monitoring.metrics_file": ("figures.prom", shown("monitoring.metrics_file"), "figures.prom"),
    "monitoring.enable_warnings": ("false", lambda made: made.core.fleet._warnings(), False),
    "ssh.overrides": (
        "i-0123456789abcdef0=me@host:22",
        aws(lambda told: dict(told.ssh.overrides)),
        {"i-0123456789abcdef0": "me@host:22"},
    ),
    "retry.cloud_attempts": ("7", aws(lambda told: told.retry.attempts), 7),
    "retry.cloud_deadline_secs": ("70", aws(lambda told: told.retry.deadline), 70),
    "retry.http_attempts": ("4", pods(lambda told: told.retry.max_attempts), 4),
    "retry.http_initial_ms": ("250", pods(lambda told: told.retry.initial), 0.25),
    "retry.http_cap_secs": ("9", pods(lambda told: told.retry.maximum), 9.0),
    "retry.http_deadline_secs": ("20", pods(lambda told: told.retry.deadline), 20),
    "retry.ssh_attempts": ("4", hosts(lambda told: told.max_attempts), 4),
    "retry.ssh_initial_ms": ("250", hosts(lambda told: told.initial), 0.25),
    "retry.ssh_cap_secs": ("9", hosts(lambda told: told.maximum), 9.0),
    "retry.ssh_deadline_secs": ("20", hosts(lambda told: told.deadline), 20),
    "ui.theme": ("runctl-light", shown("ui.theme"), "runctl-light"),
    "ui.mouse": ("true", shown("ui.mouse"), True),
    "ui.keymap": ("app.quit=f10", lambda made: dict(cast("Any", shown("ui.keymap")(made))), {"app.quit": "f10"}),
    "costs.monthly_budget": ("100", lambda made: str(cast("Any", made.core.costs)._others.budget()), "100"),
    "costs.project_budgets": (
        "llama=120", lambda made: dict(cast("Any", made.core.costs)._others.project_budgets()), {"llama": Decimal(120)}
    ),
    "costs.cap_per_hour": ("5", lambda made: str(made.desks.policy().cap_per_hour), "5"),
    "costs.hard_cap_per_hour": ("60", lambda made: str(made.desks.policy().hard_cap_per_hour), "60"),
    "safety.ordinary_accounts": (
        "123456789012", lambda made: made.desks.policy().ordinary_accounts, frozenset({"123456789012"})
    ),
    "safety.arming": ("false", lambda made: refusal_of(lambda: made.core.session.arm(60)), "Refused"),
    "safety.acknowledge": ("false", lambda made: made.desks.policy().acknowledgeable, False),
    "safety.read_only": ("true", lambda made: bool(made.desks.policy().read_only), True),
    "safety.production_accounts": (
        "123456789012", lambda made: made.desks.policy().production_accounts, frozenset({"123456789012"})
    ),
    "safety.max_instances_warn": ("3", aws(lambda told: told.launch.warn_at), 3),
    "safety.max_instances_block": ("60", aws(lambda told: told.launch.block_at), 60),
}  # fmt: skip


def refusal_of(change: Callable[[], None]) -> str:
    try:
        change()
    except TrainctlError as error:
        return type(error).__name__
    return ""


def assembled(folder: Path, **flags: str) -> Assembly:
    return Assembly(Ground(Options(state_dir=str(folder), flags=flags)))


@pytest.mark.parametrize("key", sorted(set(SPECS)))
def test_the_key_changes_what_happens(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text, look, wanted = CHECKS[key]
    usual = assembled(tmp_path / "usual")
    changed = assembled(tmp_path / "changed", **{key: text})
    try:
        assert look(changed) == wanted
        assert _or_nothing(look, usual) != wanted
    finally:
        usual.close()
        changed.close()


def _or_nothing(look: Look, made: Assembly) -> object:
    try:
        return look(made)
    except KeyError:
        return None


def test_no_check_is_for_a_key_that_is_gone() -> None:
    assert set(CHECKS) == set(SPECS)


def test_the_sandbox_looks_at_its_fleet_every_three_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = Assembly(
        Ground(Options(sandbox=True, state_dir=str(tmp_path), flags={"monitoring.update_interval_secs": "60"}))
    )
    assert cast("Any", made.core.fleet.feed)._pace.interval == 3.0
    made.close()


@pytest.mark.parametrize(("own", "named"), [({}, "lab"), ({"aws.profile": "work"}, "work")])
def test_what_renews_a_login_names_the_profile_that_is_used(
    own: dict[str, str], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "lab")
    monkeypatch.chdir(tmp_path)
    made = assembled(tmp_path, **own)
    try:
        clients = AwsClients(made.core.cloud._settings(), BackendPool("test", 1), made.core.clock)
        assert clients.faults.log_in == f"aws sso login --profile {named}"
    finally:
        made.close()
