"""The configuration's schema as data: every section and key with its type, default, help and limits.

`services/config` fills it from files, environment and flags; the documentation and the sample file are made from it.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from runctl_tui.domain import validation
from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.domain.secret import Secret
from runctl_tui.domain.setting_spec import Limits, Section, SettingSpec, at_least, ours, runctl, specs_of, table

_ATTEMPTS: Final = Limits(minimum=1, maximum=10)


class AwsSection(Section):
    """Amazon's cloud."""

    profile: str | None = ours(None, "profile of the AWS configuration; without it boto3's own chain decides")
    region: str = runctl("us-east-1", "region of new instances", Limits(check=validation.region))
    regions: tuple[str, ...] = ours((), "regions that are shown; empty: `aws.region`", Limits(check=validation.region))
    default_instance_type: str = runctl(
        "t3.medium", "type that a launch starts with", Limits(check=validation.instance_type)
    )
    default_ami: str | None = runctl(
        None, "image; without it the newest that suits the type", Limits(check=validation.image_id)
    )
    use_spot: bool = runctl(True, "whether the launch form starts with spot")
    spot_max_price: Decimal | None = runctl(
        None, "most dollars per hour for spot; without it the on-demand price", at_least(0)
    )
    iam_instance_profile: str | None = runctl(
        None, "instance profile of new instances: SSM, and S3 without presigned URLs"
    )
    s3_bucket: str | None = runctl(None, "bucket that checkpoints are uploaded to", Limits(check=validation.bucket))
    default_project_name: str | None = runctl(
        None, "project; without it the folder's name", Limits(check=validation.project_name)
    )
    user_id: str | None = runctl(None, "runctl's name for `owner`")
    ssh_cidr: str = ours(
        "0.0.0.0/0", "addresses that may reach port 22 of new instances", Limits(check=validation.cidr)
    )
    key_name: str | None = ours(None, "key pair of new instances; without it one of our own")
    security_groups: tuple[str, ...] = ours(
        (), "security groups of new instances; empty: `runctl-ssh`", Limits(check=validation.security_group_id)
    )
    subnet: str | None = ours(None, "subnet of new instances", Limits(check=validation.subnet_id))
    jump_host: str | None = ours(
        None, "user@host:port that instances are reached through", Limits(check=validation.ssh_address)
    )


class RunpodSection(Section):
    """RunPod."""

    api_key: Secret | None = runctl(None, "API key; better in the environment as RUNPOD_API_KEY")
    default_gpu: str = runctl("NVIDIA GeForce RTX 4080 SUPER", "GPU that a launch starts with")
    default_disk_gb: int = runctl(30, "disk of new pods in GB", at_least(1))
    default_image: str = runctl("runpod/pytorch:2.1.0-py3.10-cuda11.8.0-devel-ubuntu22.04", "image of new pods")


class LocalSection(Section):
    """This machine."""

    default_device: str = runctl("auto", "what runs on this machine find in TRAINCTL_DEVICE")
    checkpoint_dir: str = runctl(
        "checkpoints", "checkpoint folder of runs on this machine", Limits(check=validation.folder)
    )


class CheckpointSection(Section):
    """Checkpoints."""

    dir: str = runctl(
        "checkpoints", "folder below the project that training writes checkpoints into", Limits(check=validation.folder)
    )
    save_interval: int = runctl(
        5, "epochs between checkpoints, told to training as TRAINCTL_SAVE_INTERVAL", at_least(1)
    )
    keep_last_n: int = runctl(
        10, "checkpoints to keep, told to training as TRAINCTL_KEEP_LAST_N; nothing here deletes any", at_least(1)
    )
    folders: tuple[str, ...] = ours(
        (), "further folders on this machine whose checkpoints are shown", Limits(check=validation.path)
    )


class MonitoringSection(Section):
    """Watching."""

    log_dir: str = runctl("logs", "folder of the project that logs are exported to", Limits(check=validation.folder))
    update_interval_secs: int = runctl(10, "seconds between two looks at the fleet", Limits(minimum=1, maximum=3600))
    enable_warnings: bool = runctl(True, "whether warnings about idle and forgotten machines are shown")
    log_level: str = ours(
        "info", "what goes into this program's own log", Limits(choices=("debug", "info", "warning", "error"))
    )
    metrics_file: str | None = ours(
        None, "file that the full screen keeps its figures in, every 15 seconds, as Prometheus reads them from a folder"
    )


class SshSection(Section):
    """Reaching hosts."""

    overrides: Mapping[str, str] = table(
        "instance id = user@host:port, instead of the address that the provider reports",
        Limits(check=validation.ssh_address),
    )


class RetrySection(Section):
    """Trying reads again: calls that change something are sent once."""

    cloud_attempts: int = ours(5, "attempts of a read from AWS; botocore chooses the waits", _ATTEMPTS)
    cloud_deadline_secs: int = ours(120, "seconds after which a read from AWS, but for S3, is given up", at_least(1))
    http_attempts: int = ours(3, "attempts of a read from RunPod", _ATTEMPTS)
    http_initial_ms: int = ours(100, "milliseconds before the second attempt; each further wait doubles", at_least(1))
    http_cap_secs: int = ours(30, "most seconds between two attempts, jitter included", at_least(1))
    http_deadline_secs: int = ours(60, "seconds after which no further attempt begins", at_least(1))
    ssh_attempts: int = ours(3, "attempts of a read from a host whose link was lost", _ATTEMPTS)
    ssh_initial_ms: int = ours(100, "milliseconds before the second attempt; each further wait doubles", at_least(1))
    ssh_cap_secs: int = ours(30, "most seconds between two attempts, jitter included", at_least(1))
    ssh_deadline_secs: int = ours(60, "seconds after which no further attempt begins", at_least(1))

    @property
    def http(self) -> ExponentialBackoffPolicy:
        """How reads over HTTP are tried again."""
        first, cap = self.http_initial_ms / 1000, float(self.http_cap_secs)
        return ExponentialBackoffPolicy(self.http_attempts, first, maximum=cap, deadline=self.http_deadline_secs)

    @property
    def ssh(self) -> ExponentialBackoffPolicy:
        """How reads over SSH are tried again."""
        first, cap = self.ssh_initial_ms / 1000, float(self.ssh_cap_secs)
        return ExponentialBackoffPolicy(self.ssh_attempts, first, maximum=cap, deadline=self.ssh_deadline_secs)


class UiSection(Section):
    """The screens."""

    theme: str = ours(
        "runctl-dark", "colours", Limits(choices=("runctl-dark", "runctl-light", "runctl-ansi", "runctl-ansi-light"))
    )
    mouse: bool = ours(False, "whether the mouse is captured; without it the terminal selects text as usual")
    keymap: Mapping[str, str] = table("binding id = keys with commas between them")


class CostsSection(Section):
    """Money."""

    monthly_budget: Decimal | None = ours(None, "dollars per month; the cost bar shows what is left", at_least(0))
    project_budgets: Mapping[str, Decimal] = table(
        "project = dollars per calendar month (UTC); Costs by project says what is left",
        Limits(minimum=0, check=validation.project_name),
    )
    cap_per_hour: Decimal | None = ours(None, "dollars per hour from which a launch wants a reason", at_least(0))
    hard_cap_per_hour: Decimal | None = ours(None, "dollars per hour that no launch may exceed", at_least(0))


class SafetySection(Section):
    """What may be done."""

    read_only: bool = ours(False, "whether every change is refused")
    production_accounts: tuple[str, ...] = ours((), "accounts that start read-only", Limits(check=validation.account))
    ordinary_accounts: tuple[str, ...] = ours(
        (), "accounts that are known to be no production", Limits(check=validation.any_account)
    )
    arming: bool = ours(True, "whether changes in a production account may be allowed for a while by :arm")
    acknowledge: bool = ours(True, "whether what stands against an operation may be acknowledged, with a reason")
    max_instances_warn: int = ours(10, "running instances from which a launch warns", at_least(1))
    max_instances_block: int = ours(50, "running instances from which a launch is refused", at_least(1))


class Configuration(Section):
    """The effective configuration; `origins` says for each key where its value comes from."""

    owner: str | None = ours(
        None,
        "who resources belong to; without it `aws.user_id`, else the login name",
        Limits(check=validation.tag_value),
    )
    aws: AwsSection = AwsSection()
    runpod: RunpodSection = RunpodSection()
    local: LocalSection = LocalSection()
    checkpoint: CheckpointSection = CheckpointSection()
    monitoring: MonitoringSection = MonitoringSection()
    ssh: SshSection = SshSection()
    retry: RetrySection = RetrySection()
    ui: UiSection = UiSection()
    costs: CostsSection = CostsSection()
    safety: SafetySection = SafetySection()
    origins: Mapping[str, str] = types.MappingProxyType({})
    """default, sandbox, user, project, file, environment or flag, with the file or variable; absent: default."""

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that are shown, the one of new instances first where none is listed."""
        return self.aws.regions or (self.aws.region,)


SECTIONS: Final[Mapping[str, type[Section]]] = types.MappingProxyType(
    {
        "aws": AwsSection,
        "runpod": RunpodSection,
        "local": LocalSection,
        "checkpoint": CheckpointSection,
        "monitoring": MonitoringSection,
        "ssh": SshSection,
        "retry": RetrySection,
        "ui": UiSection,
        "costs": CostsSection,
        "safety": SafetySection,
    }
)
SCHEMA: Final[tuple[SettingSpec, ...]] = specs_of(Configuration, "") + tuple(
    spec for name, section in SECTIONS.items() for spec in specs_of(section, f"{name}.")
)
SPECS: Final[Mapping[str, SettingSpec]] = types.MappingProxyType({spec.key: spec for spec in SCHEMA})
AT_ONCE: Final = frozenset(
    {
        "ui.theme",
        "ui.keymap",
        "costs.monthly_budget",
        "costs.project_budgets",
        "costs.cap_per_hour",
        "costs.hard_cap_per_hour",
        "safety.ordinary_accounts",
        "safety.acknowledge",
        "monitoring.enable_warnings",
        "monitoring.log_dir",
        "aws.default_instance_type",
        "aws.default_project_name",
        "aws.use_spot",
        "aws.spot_max_price",
    }
)
"""Keys that a running program heeds as soon as they are written; the others count from its next start."""
