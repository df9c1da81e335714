"""Makes plans of facts: effect in one sentence, price, lines, parameters; and tells two plans apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.money import dollars
from runctl_tui.domain.plan import Operation, Plan, PlanLine, Step, Verdict
from runctl_tui.domain.safety import SafetyFacts, plan_lines, reversibility
from runctl_tui.domain.safety.cleanup import already_done
from runctl_tui.domain.safety.processes import process_effect
from runctl_tui.domain.safety.reasons import buys, count
from runctl_tui.domain.safety.run_uploads import run_upload_effect
from runctl_tui.domain.safety.stakes import stakes
from runctl_tui.domain.safety.uploads import upload_effect
from runctl_tui.domain.states import ON_PROCESSES, ON_UPLOADS

Parameters = tuple[tuple[str, str], ...]


def plan_of(
    operation: Operation, batch: Sequence[SafetyFacts], verdict: Verdict, effect: str, parameters: Parameters = ()
) -> Plan:
    """Return the frozen plan of an operation on one or many targets."""
    prices = [facts.price for facts in batch]
    buying = any(buys(operation, facts) for facts in batch)
    known = [price.value.usd_per_hour for price in prices if isinstance(price, Known)]
    price_unknown = buying and len(known) < len(prices)
    accounts = _accounts(batch)
    return Plan(
        operation=operation,
        targets=tuple(facts.target for facts in batch),
        effect=effect,
        reversibility=reversibility(operation),
        verdict=verdict,
        made_at=max((facts.at for facts in batch), default=_NEVER),
        lines=_lines(operation, batch),
        usd_per_hour=sum(known, Decimal(0)) if buying and not price_unknown else None,
        price_unknown=price_unknown,
        account=", ".join(dict.fromkeys(account for _, account in accounts if account)),
        accounts=accounts if len(accounts) > 1 else (),
        who=batch[0].policy.who if batch else "",
        parameters=parameters,
        stakes=tuple(one for facts in batch for one in stakes(operation, facts)),
    )


def _accounts(batch: Sequence[SafetyFacts]) -> tuple[tuple[str, str], ...]:
    """Return (provider, account) of each provider in the batch; an account that nobody knows is empty."""
    found: dict[str, str] = {}
    for facts in batch:
        known = facts.account.value if isinstance(facts.account, Known) else ""
        found[facts.target.provider] = found.get(facts.target.provider) or known
    return tuple(sorted(found.items()))


def effect_of(operation: Operation, facts: SafetyFacts) -> str:
    """Return one sentence about one target; no ages, ports or times in it."""
    if operation in ON_PROCESSES:
        return process_effect(operation, facts)
    if operation in ON_UPLOADS:
        return upload_effect(facts)
    name = f' "{facts.target.name}"' if facts.target.name else ""
    what = f"{facts.target.id}{name}"
    if (done := already_done(operation, facts)) is not None:
        return f"nothing on {what}: {done.text}"
    if operation is Operation.RUN_STOP:
        return f"stop run {what}"
    if operation is Operation.RUN_UPLOAD:
        return run_upload_effect(facts)
    if operation is not Operation.TERMINATE:
        return f"{operation.value} {what}"
    if isinstance(facts.disks, Unknown):
        return f"terminate {what} and delete its disks (how many is unknown)"
    dying = [disk for disk in facts.disks.value if disk.delete_on_termination is not False]
    return f"terminate {what}" + (f" and delete {count(len(dying), 'disk')}" if dying else "")


def call_steps(plan: Plan, end: str) -> tuple[Step, ...]:
    """Return the visible steps of one call per target; `end` says in words what is waited for."""
    return tuple(
        step
        for target in plan.targets
        for name in [target.name or target.id]
        for step in (
            Step(f"ask:{target.id}", f"ask whether {name} may be changed"),
            Step(f"call:{target.id}", f"{plan.operation.verb} {name}"),
            Step(f"wait:{target.id}", f"wait until {end.format(name=name)}"),
        )
    )


def launch_effect(request: LaunchRequest, target: str) -> str:
    """Return one sentence about a launch, a start of training, or a resume."""
    options, job = request.options, request.job
    machine = (
        f"on {target}"
        if options is None
        else (f'{options.type} "{options.name}" in {options.region}, {options.market.value}')
    )
    if job is None:
        return f"create {machine}"
    command = " ".join((job.script, *job.args))
    if request.resumes:
        origin = job.resume_from.rstrip("/").rpartition("/")[2] or "no checkpoint"
        words = f"resume {job.name or 'training'} from {origin}: {command} " + (
            machine if options is None else f"on a new {machine}"
        )
    else:
        words = f"train {command} {machine}" if options is None else f"create {machine}, and train {command}"
    return words + (", then terminate it" if request.terminate_after else "")


def launch_operation(request: LaunchRequest) -> Operation:
    """Return which changing verb a request is."""
    if request.resumes:
        return Operation.RUN_RESUME
    return Operation.LAUNCH if request.options is not None else Operation.RUN_START


def launch_parameters(request: LaunchRequest) -> Parameters:
    """Return what a launch needs beyond its target, in a stable order and without secrets."""
    found: dict[str, object] = {"spot_fallback": request.spot_fallback, "terminate_after": request.terminate_after}
    if request.options is not None:
        found.update({name: getattr(request.options, name) for name in _OPTIONS})
        found["environment"] = tuple(name for name, _ in request.options.environment)
    if (job := request.job) is not None:
        found.update({f"job.{name}": getattr(job, name) for name in _JOB})
        found["job.secrets"] = tuple(name for name, _ in job.secrets)
    return tuple((name, str(value)) for name, value in sorted(found.items()) if value not in (None, "", (), False))


def differences(before: Plan, after: Plan) -> tuple[str, ...]:
    """Return in words what a fresh plan has that the confirmed one had not; less trouble is no difference."""
    known = {reason.code for reason in before.verdict.reasons}
    words = [reason.text for reason in after.verdict.reasons if reason.code not in known]
    if after.effect != before.effect:
        words.append(f"the plan would now be: {after.effect}")
    if after.targets != before.targets:
        words.append("the targets are others now")
    if dict(after.parameters) != dict(before.parameters):
        words.append("what it is about is another now")
    words += [f"now {one}" for one in after.stakes if one not in before.stakes]
    if after.account != before.account:
        words.append(f"the account is {after.account or 'unknown'} now, not {before.account or 'unknown'}")
    if after.verdict.level > before.verdict.level:
        words.append("it asks for more than was confirmed")
    if after.price_unknown and not before.price_unknown:
        words.append("its price is not known any more")
    if before.usd_per_hour is not None and after.usd_per_hour is not None and after.usd_per_hour > before.usd_per_hour:
        words.append(f"it costs {dollars(after.usd_per_hour)} per hour now, not {dollars(before.usd_per_hour)}")
    return tuple(dict.fromkeys(words))


def _lines(operation: Operation, batch: Sequence[SafetyFacts]) -> tuple[PlanLine, ...]:
    return tuple(line for facts in batch for line in plan_lines(operation, facts))


_NEVER: Final = datetime.min
_OPTIONS: Final = (
    "type", "market", "spot_max_price", "root_gib", "data_gib", "image", "key_name", "security_groups", "subnet",
    "zone", "profile", "project", "tags", "volume", "template", "ports",
)  # fmt: skip
_JOB: Final = (
    "script", "args", "project", "launcher", "gpus", "data_source", "checkpoint_dir", "output_dest", "environment",
    "resume_from", "parent",
)  # fmt: skip
