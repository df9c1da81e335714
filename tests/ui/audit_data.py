"""An audit log as the screens see one."""

from __future__ import annotations

from dataclasses import replace

from runctl_tui.domain.audit import AuditEntry, AuditEvent
from tests.ui.fake_data import ago

_ALICE = AuditEntry(
    ago(hours=3),
    AuditEvent.CONFIRMED,
    'terminate i-0aaa00000000000b1 "sdxl-tune"',
    operation="terminate",
    targets=("aws/i-0aaa00000000000b1",),
    names=("sdxl-tune",),
    account="123456789012",
    plan_hash="3fb71b26c1f0",
    verdict="warn",
    level="name",
    codes=("root_dies",),
    answer="yes, sdxl-tune",
    user="alice",
    login="alice",
    ssh="198.51.100.7 53122 10.0.0.4 22",
    tty="/dev/pts/3",
    caller="arn:aws:iam::123456789012:user/alice",
)


def audit() -> tuple[AuditEntry, ...]:
    """Return what happened, oldest first."""
    refused = replace(
        _ALICE,
        at=ago(minutes=50),
        event=AuditEvent.REFUSED,
        effect='terminate i-0aaa00000000000d1 "prod-api"',
        targets=("aws/i-0aaa00000000000d1",),
        names=("prod-api",),
        verdict="block",
        level="never",
        codes=("tag_protected", "training_running"),
        answer="",
        result="the tag runctl:protected=true protects it",
        code="tag_protected",
    )
    done = replace(
        _ALICE,
        at=ago(hours=2, minutes=58),
        event=AuditEvent.DONE,
        result="sdxl-tune is terminated",
        job="j-7",
        requests=("6f0b6d5e-90b1-4b1c-8a2f-0c5be6a0a001",),
    )
    cancelled = replace(
        _ALICE,
        at=ago(minutes=4),
        event=AuditEvent.CANCELLED,
        effect='stop 3574226b1d8a1b "vision-lora"',
        operation="stop",
        names=("vision-lora",),
        answer="",
        ssh="",
    )
    return (_ALICE, done, refused, cancelled)
