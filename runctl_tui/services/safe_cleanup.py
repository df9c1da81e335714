"""The library's way to clean up: terminates what the rules let go with a yes and a name, and forces nothing."""

from __future__ import annotations

from collections.abc import Sequence

from runctl_tui.domain.plan import Confirmation, JobView, Operation
from runctl_tui.domain.safety import CleanupResult
from runctl_tui.services.errors import PlanChanged, Refused, StateError, TrainctlError
from runctl_tui.services.ports import Actions, Jobs


async def safe_cleanup(
    references: Sequence[str], actions: Actions, jobs: Jobs, *, dry_run: bool = False
) -> CleanupResult:
    """Terminate what may be terminated; what the rules refuse is skipped with the reason, and nothing is forced."""
    deleted: list[str] = []
    skipped: list[tuple[str, str]] = []
    errors: list[tuple[str, str]] = []
    for reference in dict.fromkeys(references):
        try:
            plan = await actions.plan(Operation.TERMINATE, [reference])
            if dry_run or plan.verdict.blocked:
                if not dry_run:
                    await actions.decline(plan)
                words = "; ".join(reason.text for reason in plan.verdict.blocking) or f"dry run: it would {plan.effect}"
                skipped.append((reference, words))
                continue
            job_id = await actions.commit(plan, Confirmation(plan.hash, yes=True, name=plan.name_to_type))
            view = await last_view(jobs, job_id)
        except (Refused, PlanChanged) as error:
            skipped.append((reference, str(error)))
        except TrainctlError as error:
            errors.append((reference, str(error)))
        else:
            if view.ok:
                deleted.append(reference)
            else:
                errors.append((reference, view.result))
    return CleanupResult(tuple(deleted), tuple(skipped), tuple(errors))


async def last_view(jobs: Jobs, job_id: str) -> JobView:
    """Return how a job ended, once it has."""
    ended: JobView | None = None
    async for view in jobs.watch(job_id):
        ended = view
    if ended is None:
        raise StateError(f"job {job_id} was never seen")
    return ended
