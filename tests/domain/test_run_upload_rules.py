"""What the plan of bringing a run's checkpoints to S3 says in a sentence and of its cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from runctl_tui.domain.facts import Fact, Unknown
from runctl_tui.domain.plan import Operation, Target
from runctl_tui.domain.run_uploads import Destination
from runctl_tui.domain.safety import SafetyFacts, plan_lines
from runctl_tui.domain.safety.run_uploads import run_upload_effect
from tests.domain.safety_facts import GOES, SAFE, known

UPLOAD = replace(SAFE, target=Target("run", "r-000001", "llama", "aws", "us-east-1"))


def lines(facts: SafetyFacts) -> dict[str, str]:
    return {line.label: line.text for line in plan_lines(Operation.RUN_UPLOAD, facts)}


@pytest.mark.parametrize(
    ("name", "destination", "sentence"),
    [
        ("llama", known(GOES), 'upload the checkpoints of r-000001 "llama" to s3://my-runs/team'),
        ("", known(GOES), "upload the checkpoints of r-000001 to s3://my-runs/team"),
        ("llama", Unknown("nobody has said where"), 'upload the checkpoints of r-000001 "llama" to S3'),
    ],
)
def test_the_sentence_names_the_run_and_the_place(name: str, destination: Fact[Destination], sentence: str) -> None:
    target = replace(UPLOAD.target, name=name)
    assert run_upload_effect(replace(UPLOAD, target=target, destination=destination)) == sentence


@pytest.mark.parametrize(
    ("month", "told"),
    [
        (known(Decimal(0)), "nothing more in S3"),
        (known(Decimal("0.009")), "less than $0.01/mo for what is sent (test)"),
        (known(Decimal("0.01")), "$0.01/mo for what is sent (test)"),
        (Unknown("throttled"), "storage in S3: unknown (throttled)"),
    ],
)
def test_the_cost_of_keeping_what_is_sent(month: Fact[Decimal], told: str) -> None:
    assert lines(replace(UPLOAD, destination=known(replace(GOES, usd_per_month=month))))["COST"] == told
