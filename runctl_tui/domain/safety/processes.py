"""Rules about processes of a host: whose they are, what hangs on them, and what is lost with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.host import Guard, HostProcess, ProcessLook
from runctl_tui.domain.plan import Level, Operation, PlanLine, Reason, Target
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import age_words, block, known_or_none, offering, unknown, warn
from runctl_tui.domain.sizes import byte_words
from runctl_tui.domain.states import ON_PROCESSES

MIB: Final = 1024**2
SIGNALS: Final = {Operation.PROCESS_END: "TERM", Operation.PROCESS_KILL: "KILL"}
_SENDS: Final = {
    Operation.PROCESS_END: "TERM: it may save and clean up first, or not heed it",
    Operation.PROCESS_KILL: "KILL: it ends at once, and cannot clean up after itself",
}
SHELL: Final = "open a shell there (s), and look yourself"
_GUARDED: Final[Mapping[Guard, tuple[str, str]]] = MappingProxyType(
    {
        Guard.KERNEL: ("it is a thread of the kernel", "restart the machine"),
        Guard.FIRST: ("everything on the host hangs on it", "stop the machine"),
        Guard.CARRIER: ("this program reaches the host through it", "leave this program with q, or close the shell"),
        Guard.PROGRAM: ("it is a part of this program", "stop the run, close the tunnel, or leave the program instead"),
        Guard.OWNER_UNKNOWN: ("whose it is could not be told", SHELL),
        Guard.RUN: ("it belongs to a training run that has not ended", "stop the run"),
        Guard.RUN_UNKNOWN: ("whether it belongs to a training run could not be told", SHELL),
    }
)
"""Why such a process is not ended, and what to do."""
_STOP: Final = "stop the run: it can write a checkpoint first"
_IN_RUNS: Final[Mapping[Guard, tuple[str, str]]] = MappingProxyType(
    {
        Guard.RUN: ("it belongs to the run {run}", _STOP),
        Guard.RUN_UNKNOWN: ("it belongs to the run {run}, and whether that has ended could not be told", _STOP),
        Guard.PROGRAM: ("it watches the run {run}, or uploads its files", "stop the run: then it ends by itself"),
    }
)
"""The same where the run is known that it belongs to."""


def process_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A process that could not be looked at is no ground to act on."""
    if operation not in ON_PROCESSES or not isinstance(facts.process, Unknown):
        return None
    return block("process_unknown", f"it could not be looked at: {facts.process.reason}", Level.NEVER)


def process_other(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A number is given again: only number and start name a process."""
    look = _look(operation, facts)
    if look is None or look.process is not None or not look.instead:
        return None
    text = f"it has ended, and {look.instead} has the number {look.pid} now"
    return block("process_other", text, Level.NEVER, offer="choose it again from the list")


def process_guarded(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What the host, this program or its connection needs stays; what nobody can tell apart from it too."""
    look = _look(operation, facts)
    if look is None or look.process is None:
        return None
    process, guard = look.process, look.guard
    if guard is Guard.OTHER_USER or (guard is Guard.NONE and process.user and not process.own):
        text = f"it belongs to {process.user}, not to the user that we log in as"
        return block("process_other_user", text, Level.NEVER, offer=f"ask {process.user}, or use sudo in a shell (s)")
    if guard is Guard.NONE and process.user and process.start <= 0:
        text = "when it began could not be told: its number alone may be another one's by now"
        return block("process_start_unknown", text, Level.NEVER, offer=SHELL)
    if guard is Guard.NONE and not process.user:
        guard = Guard.OWNER_UNKNOWN
    if guard not in _GUARDED or (guard in _IN_RUNS and process.run_id):
        return None
    text, offer = _GUARDED[guard]
    return block(f"process_{guard.value}", text, Level.NEVER, offer=offer)


def process_of_run(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A run is stopped as a whole, so that it can write a checkpoint; what an ended one left behind may go."""
    look = _look(operation, facts)
    if look is None or look.process is None:
        return None
    run_id = look.process.run_id
    if not run_id:
        return None
    if look.guard is Guard.NONE:
        return warn("process_left", f"the run {run_id}, which has ended, left it behind")
    if look.guard not in _IN_RUNS:
        return None
    text, offer = _IN_RUNS[look.guard]
    return offering(block("process_run", text.format(run=run_id), Level.NEVER, offer=offer), Operation.RUN_STOP, run_id)


def process_done(operation: Operation, facts: SafetyFacts) -> str:
    """D46: return in words that it has ended already, or nothing."""
    look = _look(operation, facts)
    return "it has ended already" if look is not None and look.process is None and not look.instead else ""


def process_effect(operation: Operation, facts: SafetyFacts) -> str:
    """Return one sentence about the end of one process; no ages or times in it."""
    look = known_or_none(facts.process)
    where = f" on {look.host}" if look is not None else ""
    if done := process_done(operation, facts):
        return f"nothing with process {process_words(facts.target)}{where}: {done}"
    return f"{operation.verb} process {process_words(facts.target)}{where}"


def process_words(target: Target) -> str:
    """Return a process's number and name."""
    number = target.id.rpartition("/")[2].partition(":")[0]
    return f'{number} "{target.name}"' if target.name else number


def process_lines(operation: Operation, facts: SafetyFacts) -> tuple[PlanLine, ...]:
    """Return WHAT, WHOSE, USES, SENDS, LEAVES, DIES and UNDO."""
    fact = facts.process
    if isinstance(fact, Unknown):
        return (PlanLine("WHAT", f"{facts.target.id}: {unknown(fact.reason)}"),)
    look, process, at = fact.value, fact.value.process, fact.observed_at
    if process is None:
        return (PlanLine("WHAT", f"process {look.pid} on {look.host}, which has ended", at),)
    return (
        PlanLine("WHAT", process.command),
        PlanLine("WHOSE", _whose(process, look, facts)),
        PlanLine("USES", _uses(process), at),
        PlanLine("SENDS", _SENDS[operation]),
        PlanLine("LEAVES", _children(look), at),
        PlanLine("DIES", "what it has not saved"),
        PlanLine("UNDO", "none"),
    )


def _look(operation: Operation, facts: SafetyFacts) -> ProcessLook | None:
    return known_or_none(facts.process) if operation in ON_PROCESSES else None


def _whose(process: HostProcess, look: ProcessLook, facts: SafetyFacts) -> str:
    age = None if process.seconds is None else timedelta(seconds=process.seconds)
    begun = "at a time that is not known" if age is None else f"{age_words(age)} ago"
    account = known_or_none(facts.account)
    account_words = f"  account {account}" if account else ""
    return f"{process.user or 'somebody unknown'} on {look.host}, begun {begun}{account_words}"


def _uses(process: HostProcess) -> str:
    words = [f"{process.cpu_percent:.0f} % of a core", f"{byte_words(process.memory_bytes)} of memory"]
    if process.gpus or process.gpu_memory_mib is not None:
        mib = process.gpu_memory_mib
        held = unknown("the driver does not say") if mib is None else byte_words(mib * MIB)
        words.append(f"{held} on GPU {', '.join(map(str, process.gpus)) or '?'}")
    return ", ".join(words)


def _children(look: ProcessLook) -> str:
    if not look.children_total:
        return "no child processes"
    more = look.children_total - len(look.children)
    names = ", ".join(look.children) + (f" and {more} more" if more > 0 else "")
    noun = "child process that goes" if look.children_total == 1 else "child processes that go"
    return f"{look.children_total} {noun} on: {names}"
