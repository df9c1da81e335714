"""One plan for things that want different operations, carried out one by one; what fails stops nothing else.

The Cleanup screen uses it. Each part is a plan of one target and goes the whole way of its operation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runctl_tui.domain.plan import Confirmation, Operation, Plan, Reversibility, Step, Verdict
from runctl_tui.domain.safety.cleanup import together
from runctl_tui.services.bulk import Bulk, plan_for_all, spared
from runctl_tui.services.errors import CloudProviderError, TrainctlError

if TYPE_CHECKING:
    from runctl_tui.services.jobs import JobHandle
    from runctl_tui.services.ports import Actions

Do = Callable[[Plan, Confirmation, "JobHandle"], Awaitable[str]]
"""Carries out one confirmed plan as a part of a job and returns what came of it."""


async def plan_clean_up(actions: Actions, wanted: Sequence[tuple[Operation, str]]) -> Bulk:
    """Plan each operation on its things and join them; what may not be changed is left out with the reason."""
    operations = dict.fromkeys(operation for operation, _ in wanted)
    bulks = [
        await plan_for_all(actions, operation, [key for other, key in wanted if other is operation])
        for operation in operations
    ]
    left_out = tuple(one for bulk in bulks for one in bulk.left_out)
    plans = [bulk.plan for bulk in bulks if bulk.plan is not None]
    if not plans:
        return Bulk(None, left_out)
    parts = tuple(part for bulk in bulks for part in bulk.each)
    plan = _joined(plans, parts) if len(plans) > 1 else plans[0]
    untold = spared([one for bulk in bulks if bulk.plan is None for one in bulk.left_out])
    return Bulk(replace(plan, lines=(*untold, *plan.lines)), left_out, parts)


def check_step(plan: Plan) -> Step:
    """Return the step in which one part is looked at again."""
    target = plan.targets[0]
    return Step(f"check:{target.id}", f"look at {target.name or target.id} again")


async def clean_up(plan: Plan, confirmation: Confirmation, do: Do, job: JobHandle) -> str:
    """Carry out each part and return what came of all; CloudProviderError says what failed, and what did not."""
    done: list[str] = []
    failed: list[str] = []
    for part in plan.parts:
        job.check()
        try:
            done.append(await do(part, _answer(part, confirmation), job))
        except TrainctlError as error:
            target = part.targets[0]
            failed.append(f"{target.name or target.id}: {error}")
    if failed:
        what = f"{len(failed)} of {len(plan.parts)} failed"
        raise CloudProviderError(what, "; ".join([*failed, *done]), code="partly-failed")
    return "; ".join(done)


def _joined(plans: Sequence[Plan], parts: tuple[Plan, ...]) -> Plan:
    """Return one plan that asks for no less than any of the others does."""
    verdicts = [one.verdict for one in (*plans, *parts)]
    reasons = tuple(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons))
    if (many := together(len(parts))) is not None and all(reason.code != many.code for reason in reasons):
        reasons = (many, *reasons)
    accounts = dict(pair for part in parts for pair in _accounts(part))
    return replace(
        plans[0],
        operation=Operation.CLEAN_UP,
        targets=tuple(target for part in parts for target in part.targets),
        effect="; ".join(one.effect for one in plans),
        reversibility=max((one.reversibility for one in plans), key=list(Reversibility).index),
        verdict=Verdict(reasons, max(verdict.base_level for verdict in verdicts)),
        lines=tuple(line for one in plans for line in one.lines),
        account=", ".join(dict.fromkeys(account for account in accounts.values() if account)),
        accounts=tuple(sorted(accounts.items())) if len(accounts) > 1 else (),
        parameters=(),
        stakes=tuple(one for part in parts for one in part.stakes),
        parts=parts,
    )


def _accounts(part: Plan) -> tuple[tuple[str, str], ...]:
    return part.accounts or tuple((target.provider, part.account) for target in part.targets)


def _answer(part: Plan, given: Confirmation) -> Confirmation:
    """Return what was said to the whole as an answer to one part."""
    return replace(given, plan_hash=part.hash, yes=True, name=part.name_to_type)
