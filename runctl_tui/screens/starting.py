"""What stands under the fleet while no cloud has machines in it: what works now, and how to connect one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.resource import Market
from runctl_tui.domain.text import safe

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports import Finding
    from runctl_tui.widgets.facts import Fact

SANDBOX: Final = "runctl-tui --sandbox"
MORE: Final = safe("D shows everything that doctor found")
"""What leads to findings for which there is no room."""
AREAS: Final = ("aws", "s3", "runpod", "network")
"""What of the doctor's findings is about connecting a cloud."""


def alone(snapshot: Snapshot[tuple[FleetRow, ...]]) -> bool:
    """Tell whether there is only this machine, and some cloud could not be asked."""
    return bool(snapshot.missing) and all(row.instance.market is Market.LOCAL for row in snapshot.value)


def fact(label: str, value: object, style: str = "") -> Fact:
    """Return one line; doctor's words may be long."""
    from runctl_tui.widgets.facts import Fact  # no first frame shows one

    return Fact(safe(label), safe(value, 600), style)


def start_facts(findings: Sequence[Finding] | None, roomy: bool) -> tuple[Fact, ...]:
    """Return the panel's lines; `findings` is None until the doctor has answered."""
    gap = (fact("", ""),) if roomy else ()
    return (
        fact("", "No cloud answers. What can be done now:", "$heading bold"),
        fact("t", "train on this machine: log, loss curve, checkpoints; nothing is billed"),
        fact("S", f"try everything on an invented cloud: {SANDBOX} (S copies it)"),
        fact("D", "doctor: look at everything that may be missing"),
        *gap,
        fact("", "To connect a cloud", "$heading bold"),
        fact("·", "AWS: aws configure sso, then aws sso login; or aws configure with a key"),
        fact("·", "another profile: --profile NAME; for good: aws.profile in 9 Settings"),
        fact("·", "RunPod: RUNPOD_API_KEY, or runpod.api_key in 9 Settings"),
        *gap,
        *_found(findings),
    )


def _found(findings: Sequence[Finding] | None) -> Iterator[Fact]:
    if findings is None:
        yield fact("", "doctor is looking…", "$muted")
        return
    yield fact("", "What doctor found", "$heading bold")
    for each in findings:
        if each.area in AREAS and each.ok is not True:
            sign, style = ("✗", "$danger") if each.ok is False else ("?", "$warn")
            todo = f" → {each.todo}" if each.todo else ""
            yield fact(sign, f"{each.area}: {each.text}{todo}", style)
