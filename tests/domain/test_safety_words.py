"""What plans say about machines and volumes, and what settles their facts: words and corners that no rule decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.host import Guard
from runctl_tui.domain.instance import Disk
from runctl_tui.domain.money import PriceKind
from runctl_tui.domain.plan import Operation, PlanLine
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run import TrainingStatus
from runctl_tui.domain.safety import SafetyFacts, plan_lines
from runctl_tui.domain.safety.facts import fact_names
from runctl_tui.domain.safety.lines import per_hour
from runctl_tui.domain.safety.processes import process_effect
from runctl_tui.domain.safety.reasons import age_words, ago, what
from tests.domain.safety_facts import FREE, LOOK, POLICY, PROCESS, ROOT, SAFE, SAVED, STORED, facts, known, reasons
from tests.fakes import START, a_price, a_run, an_instance

V = TypeVar("V")
T, S, O = Operation.TERMINATE, Operation.STOP, Operation  # noqa: E741 - short, because every line names one


def lines(operation: Operation, **changes: object) -> dict[str, str]:
    return {line.label: line.text for line in plan_lines(operation, facts(**changes))}


def test_a_description_settles_what_it_tells_and_doubt_stays_doubt() -> None:
    box = replace(an_instance(), created_at=None, launched_at=START, parent="eks: pool", market=Market.SPOT)
    bare = SafetyFacts(START, SAFE.target, POLICY)

    def told(value: V) -> Known[V]:
        return Known(value, START, "EC2")

    assert bare.with_instance(box, START, "EC2") == replace(
        bare,
        state=told(ResourceState.RUNNING),
        tags=told(box.tags),
        ownership=told(Ownership.OURS),
        created_at=told(START),
        disks=told(box.disks),
        market=told(Market.SPOT),
        parent=told("eks: pool"),
        type="m5.large",
    )
    for state in (ResourceState.UNKNOWN, ResourceState.ERROR):
        doubtful = SAFE.with_instance(replace(box, state=state, launched_at=None), START, "EC2")
        assert doubtful.state == Unknown(f"EC2 says {state.value}")
        assert doubtful.created_at == Unknown("the provider does not tell")
    lost = SAFE.without_instance("throttled")
    unknown = (lost.state, lost.tags, lost.ownership, lost.created_at, lost.disks, lost.market, lost.parent)
    assert set(map(str, unknown)) == {str(Unknown("throttled"))}
    born = replace(box, created_at=START - timedelta(days=9))
    assert bare.with_instance(born, START, "EC2").created_at == told(START - timedelta(days=9))


def test_the_facts_that_may_be_unknown_are_known_by_name() -> None:
    assert fact_names() == (
        "account", "out_of_capacity_at", "state", "tags", "ownership", "created_at", "protection", "disks", "market",
        "parent", "sessions", "work", "checkpoints", "objects", "process", "upload", "destination", "price",
            "fallback",
    )  # fmt: skip


def test_what_runs_is_told_with_its_step_and_state() -> None:
    run = a_run(an_instance())
    stepped = replace(run, progress=replace(run.progress, step=1200, total_steps=9000))
    endless = replace(run, script="", progress=replace(run.progress, step=7, total_steps=None))
    stopping = replace(run, status=TrainingStatus.STOPPING, progress=replace(run.progress, step=None))
    told = lines(T, sessions=known((stepped, endless, stopping)))["RUNNING"]
    assert told == (
        f"{run.script}, run {run.id}, step 1,200 of 9,000; a run, run {run.id}, step 7; "
        f"{run.script}, run {run.id}, stopping"
    )
    assert lines(O.RUN_STOP, sessions=known((run,)))["DIES"] == "the work since the last checkpoint"


def test_disks_are_told_with_what_keeps_them() -> None:
    fresh = Disk("vol-1", "/dev/sdf", 10, "gp3", True, name="data", last_snapshot_at=START - timedelta(hours=3))
    bare = Disk("vol-2", "/dev/sdg", 10, "gp3", None)
    told = lines(T, disks=known((fresh, bare)))["DIES"]
    assert '"data" 10 GiB (snapshot 3 h old)' in told
    assert "delete on termination unknown (not told)" in told
    lost = lines(T, disks=Unknown("throttled"))
    assert (lost["DIES"], lost["STAYS"]) == ("unknown (throttled)", "unknown (throttled)")
    assert per_hour(None) is None
    assert per_hour(Decimal(730)) == 1


def test_storage_costs_by_the_month_and_a_change_of_it_more() -> None:
    price = replace(a_price("0.01"), kind=PriceKind.STORAGE)
    assert reasons(O.VOLUME_CREATE, facts(price=known(price)))["costs_money"].text == (
        "it costs $7.30 per month from now on, used or not"
    )
    larger = replace(STORED, shape=replace(FREE.shape, size_gib=200))
    grown = reasons(O.VOLUME_MODIFY, facts(price=known(price), storage=larger))
    assert "$7.30 more per month" in grown["costs_money"].text


def test_processes_of_no_run_of_a_guard_without_words_and_of_no_name() -> None:
    other = facts(ownership=known(Ownership.OTHER), tags=known(()), process=known(LOOK))
    assert "belongs to somebody else" in reasons(O.PROCESS_END, other)["other_owner"].text
    unknown = facts(process=Unknown("no way there"))
    assert lines(O.PROCESS_END, process=Unknown("no way there")) == {
        "WHAT": f"{SAFE.target.id}: unknown (no way there)"
    }
    named = replace(unknown, target=replace(SAFE.target, name="python", id="pods/p-1/4711"))
    assert process_effect(O.PROCESS_END, named) == 'end process 4711 "python"'
    gone = replace(LOOK, process=None)
    assert lines(O.PROCESS_END, process=known(gone))["WHAT"] == f"process {gone.pid} on {gone.host}, which has ended"
    kernel = replace(LOOK, guard=Guard.KERNEL, process=replace(PROCESS, run_id="r-1"))
    found = reasons(O.PROCESS_END, facts(process=known(kernel)))
    assert "process_kernel" in found
    assert "process_run" not in found
    nameless = facts(process=known(gone), target=replace(SAFE.target, name="", id="i-1/4711:5"))
    assert process_effect(O.PROCESS_END, nameless) == f"nothing with process 4711 on {gone.host}: it has ended already"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (-5, "0 s"), (59, "59 s"), (60, "1 min"), (119, "1 min"), (7199, "119 min"), (7200, "2 h"),
     (172_799, "47 h"), (172_800, "2 d")],
)  # fmt: skip
def test_an_age_is_told_in_its_largest_fitting_unit(seconds: int, words: str) -> None:
    assert age_words(timedelta(seconds=seconds)) == words
    assert ago(START - timedelta(seconds=seconds), START) == words


def test_an_age_that_nobody_knows_and_a_person_that_nobody_told() -> None:
    assert ago(None, START) == "unknown"
    anonymous = facts(policy=replace(POLICY, who=""), account=Unknown("expired"))
    assert what(anonymous) == 'i-0abc "llama"  m5.large  us-east-1  account unknown (expired)'


def test_a_disk_that_somebody_runs_from_stays_and_one_of_a_stopped_machine_may_go() -> None:
    host = replace(an_instance(), name="llama", disks=(replace(ROOT, volume_id=FREE.id),))
    stopped = replace(STORED, host=known(replace(host, state=ResourceState.STOPPED)))
    found = reasons(O.VOLUME_DETACH, facts(storage=stopped))
    assert found.get("already_done")  # it is attached to nothing
    held = replace(stopped, volume=known(replace(FREE, state=type(FREE.state).IN_USE)))
    assert "cannot start without it" in reasons(O.VOLUME_DETACH, facts(storage=held))["root_disk"].text
    lost = replace(held, host=Unknown("throttled"))
    assert (
        "whether its machine runs could not be told"
        in reasons(O.VOLUME_DETACH, facts(storage=lost))["maybe_mounted"].text
    )
    unasked = facts(storage=replace(held, host=known(host)), sessions=Unknown("no way there"))
    assert "whether training runs could not be told" in reasons(O.VOLUME_DETACH, unasked)["training_unknown"].text


def test_a_volume_that_is_gone_or_unknown_has_no_place_and_snapshots_no_sum() -> None:
    gone = lines(O.VOLUME_DELETE, storage=replace(STORED, volume=known(None)))
    assert "WHERE" not in gone
    assert (
        lines(O.VOLUME_DELETE, storage=replace(STORED, volume=Unknown("throttled")))["WHERE"] == "unknown (throttled)"
    )
    priceless = (SAVED, replace(SAVED, id="snap-2", usd_per_month=Unknown("no price")))
    assert "unknown (no price)" in lines(O.VOLUME_DELETE, storage=replace(STORED, snapshots=known(priceless)))["STAYS"]
    assert isinstance(plan_lines(O.SNAPSHOT_DELETE, SAFE)[0], PlanLine)
