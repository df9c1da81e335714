"""Which processes of a host may be ended, what the plan says about them, and what is refused with which way out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.host import Guard, process_reference, split_reference
from runctl_tui.domain.plan import Level, Operation, Severity
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.safety import CleanupSafety, Policy, plan_lines, reversibility
from runctl_tui.domain.safety.processes import process_effect
from runctl_tui.domain.states import ON_PROCESSES
from tests.domain.safety_facts import LOOK, PROCESS, facts, known, reasons

END, KILL = Operation.PROCESS_END, Operation.PROCESS_KILL


def looked(**changes: Any) -> Any:
    """The facts with another look at the process, or with other words about it."""
    of_process = {name: changes.pop(name) for name in list(changes) if name in PROCESS.__slots__ and name != "pid"}
    return facts(process=known(replace(LOOK, **{"process": replace(PROCESS, **of_process), **changes})))


@pytest.mark.parametrize("operation", sorted(ON_PROCESSES))
def test_a_process_of_ours_is_ended_with_a_yes_and_never_a_name(operation: Operation) -> None:
    verdict = CleanupSafety().judge(operation, facts())
    assert (verdict.level, verdict.reasons) == (Level.YES, ())
    assert reversibility(operation).value == "R2"


@pytest.mark.parametrize(
    ("guard", "code", "words"),
    [
        (Guard.KERNEL, "process_kernel", "thread of the kernel"),
        (Guard.FIRST, "process_first", "everything on the host hangs on it"),
        (Guard.CARRIER, "process_carrier", "reaches the host through it"),
        (Guard.PROGRAM, "process_program", "part of this program"),
        (Guard.OWNER_UNKNOWN, "process_owner_unknown", "whose it is could not be told"),
        (Guard.OTHER_USER, "process_other_user", "belongs to ubuntu, not to the user"),
        (Guard.RUN_UNKNOWN, "process_run_unknown", "training run could not be told"),
    ],
)
def test_what_the_host_guards_is_refused_with_a_better_way(guard: Guard, code: str, words: str) -> None:
    (reason,) = reasons(END, looked(guard=guard)).values()
    assert (reason.code, reason.severity, reason.level) == (code, Severity.BLOCK, Level.NEVER)
    assert words in reason.text
    assert reason.offer


@pytest.mark.parametrize("guard", [Guard.RUN, Guard.RUN_UNKNOWN, Guard.PROGRAM])
def test_what_belongs_to_a_run_offers_to_stop_the_run(guard: Guard) -> None:
    (reason,) = reasons(KILL, looked(guard=guard, run_id="r-1")).values()
    assert (reason.code, reason.severity) == ("process_run", Severity.BLOCK)
    assert "the run r-1" in reason.text
    assert (reason.offer_operation, reason.offer_references) == (Operation.RUN_STOP, ("r-1",))


def test_what_an_ended_run_left_behind_may_go() -> None:
    verdict = CleanupSafety().judge(END, looked(run_id="r-1"))
    assert not verdict.blocked
    assert "the run r-1, which has ended, left it behind" in verdict.reasons[0].text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"user": ""}, "process_owner_unknown"),
        ({"start": 0}, "process_start_unknown"),
        ({"own": False, "user": "root"}, "process_other_user"),
    ],
)
def test_unknown_owner_or_start_and_other_users_are_refused_without_a_guard_too(
    changes: dict[str, Any], code: str
) -> None:
    assert list(reasons(END, looked(**changes))) == [code]


def test_a_process_that_could_not_be_looked_at_is_refused() -> None:
    (reason,) = reasons(END, facts(process=Unknown("the link was lost"))).values()
    assert (reason.code, reason.level) == ("process_unknown", Level.NEVER)
    stale = facts(process=known(LOOK, age=31))
    assert "process_unknown" in reasons(END, stale)


def test_a_number_that_was_given_again_is_another_process() -> None:
    given = facts(process=known(replace(LOOK, process=None, instead="nginx")))
    (reason,) = reasons(END, given).values()
    assert reason.severity is Severity.BLOCK
    assert "nginx has the number 4711 now" in reason.text


def test_a_process_that_has_ended_needs_nothing() -> None:
    gone = facts(process=known(replace(LOOK, process=None)))
    assert list(reasons(END, gone)) == ["already_done"]
    assert "has ended already" in process_effect(END, gone)


def test_on_another_persons_machine_a_plan_says_so() -> None:
    theirs = facts(ownership=known(Ownership.OTHER), tags=known((("runctl:owner", "bob"),)))
    verdict = CleanupSafety().judge(END, theirs)
    assert not verdict.blocked
    assert "belongs to bob" in verdict.reasons[0].text


def test_read_only_forbids_it() -> None:
    assert "ro_mode" in reasons(END, facts(policy=Policy(read_only="asked for")))


def test_the_plan_says_what_whose_how_much_and_what_is_left() -> None:
    given = looked(gpus=(0, 1), gpu_memory_mib=142_000.0, children=("4712 python", "4713 sh"), children_total=3)
    lines = {line.label: line.text for line in plan_lines(END, given)}
    assert list(lines) == ["WHAT", "WHOSE", "USES", "SENDS", "LEAVES", "DIES", "UNDO"]
    assert lines["WHAT"] == "python bench.py --api-key •••"
    assert lines["WHOSE"].startswith("ubuntu on llama, begun 2 h ago")
    assert lines["USES"] == "42 % of a core, 3.1 GB of memory, 148.9 GB on GPU 0, 1"
    assert lines["LEAVES"] == "3 child processes that go on: 4712 python, 4713 sh and 1 more"
    assert lines["UNDO"] == "none"
    kill = {line.label: line.text for line in plan_lines(KILL, looked(gpus=(0,)))}
    assert lines["SENDS"].startswith("TERM")
    assert kill["SENDS"].startswith("KILL: it ends at once")
    assert kill["LEAVES"] == "no child processes"
    assert "unknown (the driver does not say) on GPU 0" in kill["USES"]


def test_many_processes_say_each_reason_with_its_process() -> None:
    verdict = CleanupSafety().judge_batch(END, [facts()] * 11)
    assert verdict.blocked
    assert verdict.way_out == "select at most 10"


def test_a_reference_names_machine_number_and_start() -> None:
    assert split_reference(process_reference("aws/i-1", 47, 11)) == ("aws/i-1", 47, 11)
    assert split_reference(process_reference("aws/i-1", 47, None)) == ("aws/i-1", 47, None)
    with pytest.raises(ValueError, match="invalid literal"):
        split_reference("aws/i-1/x")
