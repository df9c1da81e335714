"""The commented sample of `.runctl.toml` that `init` writes and the documentation shows; made from the schema."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from runctl_tui.domain.setting_spec import Kind, SettingSpec
from runctl_tui.domain.settings import SCHEMA, SECTIONS

_HEAD = """\
# Configuration of runctl-tui for this project. Every section and key is optional; what is commented out shows the
# default, or an example where there is none. Stronger than this file: flags, then the environment
# (RUNCTL_TUI_AWS_REGION and so on). Check it with: runctl-tui config validate
"""
_EXAMPLES = {
    "owner": '"me"',
    "aws.profile": '"research"',
    "aws.regions": '["us-east-1", "us-west-2"]',
    "aws.default_ami": '"ami-0123456789abcdef0"',
    "aws.spot_max_price": "0.50",
    "aws.iam_instance_profile": '"training"',
    "aws.s3_bucket": '"my-checkpoints"',
    "aws.default_project_name": '"my-project"',
    "aws.user_id": '"me"',
    "aws.key_name": '"my-key"',
    "aws.security_groups": '["sg-0123456789abcdef0"]',
    "aws.subnet": '"subnet-0123456789abcdef0"',
    "aws.jump_host": '"me@bastion.example.org:22"',
    "runpod.api_key": '"..."',
    "ssh.overrides": '{ "i-0123456789abcdef0" = "ubuntu@10.0.0.7:22" }',
    "ui.keymap": '{ "instances.launch" = "ctrl+n" }',
    "checkpoint.folders": '["/mnt/checkpoints"]',
    "costs.monthly_budget": "200",
    "costs.project_budgets": '{ "my-project" = 50 }',
    "costs.cap_per_hour": "5",
    "costs.hard_cap_per_hour": "60",
    "monitoring.metrics_file": '"/var/lib/node_exporter/runctl_tui.prom"',
    "safety.production_accounts": '["123456789012"]',
    "safety.ordinary_accounts": '["210987654321"]',
}


def sample() -> str:
    """Return the sample: valid TOML in which every key is explained and commented out."""
    parts = [_HEAD, *_keys("")]
    for section, owner in SECTIONS.items():
        parts.append(f"\n# {owner.__doc__}\n[{section}]\n")
        parts.extend(_keys(section))
    return "".join(parts)


def example(spec: SettingSpec) -> str:
    """Return the key's default as TOML, or an example where the default is nothing."""
    if spec.key in _EXAMPLES:
        return _EXAMPLES[spec.key]
    match spec.kind:
        case Kind.SWITCH:
            return "true" if spec.default else "false"
        case Kind.INTEGER | Kind.AMOUNT:
            return str(spec.default)
    return json.dumps(spec.default)


def _keys(section: str) -> Iterator[str]:
    for spec in SCHEMA:
        if spec.section == section:
            choices = f" ({', '.join(spec.limits.choices)})" if spec.limits.choices else ""
            yield textwrap.fill(spec.help + choices, 118, initial_indent="# ", subsequent_indent="# ") + "\n"
            yield f"#{spec.name} = {example(spec)}\n"
