"""One plan for many: what may be changed goes into it, and what may not is left out with the reason.

`resources stop-all`, `resources cleanup` and the fleet's action menu use it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from runctl_tui.domain.plan import Operation, Plan, PlanLine
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.ports import Actions

PROTECTED: Final = "tag_protected"
"""What carries a protecting tag is changed only by somebody who names it."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One thing that may not be changed, and why."""

    reference: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Bulk:
    """What may be changed together, and what was left out."""

    plan: Plan | None
    """None: there is nothing that may be changed."""
    left_out: tuple[LeftOut, ...] = ()
    each: tuple[Plan, ...] = ()
    """The plans of what goes into it, one by one."""

    @property
    def why_not(self) -> str:
        """Why each thing that was left out was."""
        return "; ".join(f"{one.name}: {one.why}" for one in self.left_out)


async def plan_for_all(actions: Actions, operation: Operation, references: Sequence[str]) -> Bulk:
    """Plan an operation on everything that it is allowed on; the plan's lines say what was left out."""
    wanted = tuple(dict.fromkeys(references))
    looked = await asyncio.gather(*(_alone(actions, operation, one) for one in wanted))
    left_out = tuple(one for one in looked if isinstance(one, LeftOut))
    each = tuple(one for one in looked if isinstance(one, Plan))
    if not each:
        return Bulk(None, left_out)
    plan = await actions.plan(operation, [one for one, made in zip(wanted, looked, strict=True) if made in each])
    return Bulk(replace(plan, lines=(*spared(left_out), *plan.lines)), left_out, each)


def spared(left_out: Sequence[LeftOut]) -> tuple[PlanLine, ...]:
    """Return the lines of a plan that say what it leaves out."""
    return tuple(PlanLine("" if number else "SPARED", f"{one.name}: {one.why}") for number, one in enumerate(left_out))


async def _alone(actions: Actions, operation: Operation, reference: str) -> Plan | LeftOut:
    try:
        plan = await actions.plan(operation, [reference])
    except TrainctlError as error:
        return LeftOut(reference, reference, str(error))
    protected = tuple(reason for reason in plan.verdict.reasons if reason.code == PROTECTED)
    if forbidden := plan.verdict.blocking or protected:
        name = plan.targets[0].name if plan.targets else ""
        return LeftOut(reference, name or reference, "; ".join(reason.text for reason in forbidden))
    return plan
