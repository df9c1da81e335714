"""Disks that a stop loses and nothing can keep, as a pod's are: warned about, priced, and never a dead end."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from runctl_tui.domain.instance import Disk
from runctl_tui.domain.plan import Level, Operation, Severity
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.safety import plan_lines
from tests.domain.safety_facts import ROOT, facts, known, reasons

CONTAINER = Disk(
    "p/container",
    "/",
    30,
    "container",
    True,
    True,
    "container disk",
    usd_per_month="3.00",
    lost_on_stop=True,
    bound=True,
)
VOLUME = Disk(
    "p/volume",
    "/workspace",
    50,
    "volume",
    True,
    name="volume disk",
    usd_per_month="5.00",
    usd_per_month_stopped="10.00",
    bound=True,
)
NETWORK = Disk("v", "/workspace", 200, "network", False, name="network volume data", usd_per_month="14.00", apart=True)
POD = facts(disks=known((CONTAINER, VOLUME, NETWORK)), disks_per_month=Decimal(22))


def test_a_stop_says_what_goes_and_what_the_rest_costs_then() -> None:
    lines = {line.label: line.text for line in plan_lines(Operation.STOP, POD)}
    assert "container disk 30 GiB" in lines["DIES"]
    assert lines["STAYS"] == "2 disks, $24.00/mo", "the volume disk costs twice, the container disk nothing"
    lost = reasons(Operation.STOP, POD)["container_disk_lost"]
    assert (lost.severity, lost.level) == (Severity.WARN, Level.NAME)
    assert "container disk" in lost.text


def test_a_termination_wants_a_reason_and_is_possible() -> None:
    found = reasons(Operation.TERMINATE, POD)
    assert "data_volume_dies" not in found, "nothing could be done about it"
    dies = found["workspace_dies"]
    assert (dies.severity, dies.level) == (Severity.BLOCK, Level.REASON)
    lines = {line.label: line.text for line in plan_lines(Operation.TERMINATE, POD)}
    assert "(nothing can keep it)" in lines["DIES"]
    assert lines["STAYS"] == 'v "network volume data" 200 GiB, $14.00/mo'
    stays = found["netvol_stays"]
    assert (stays.severity, stays.level) == (Severity.WARN, Level.NAME)
    assert stays.text == "its network volume data stays and goes on costing $14.00 per month, mounted or not"
    assert "for $24.00/mo" in found["stop_instead"].text


def test_a_stop_says_that_the_disk_costs_twice_and_that_a_gpu_may_be_gone() -> None:
    found = reasons(Operation.STOP, POD)
    assert found["stopped_disk_costs_more"].text == (
        "its volume disk costs $10.00 per month while it is stopped, instead of $5.00"
    )
    assert "if a GPU is free there then" in found["tied_to_host"].text
    assert "netvol_stays" not in found


def test_a_start_may_find_no_gpu_also_beside_a_network_volume_alone() -> None:
    for disk in (VOLUME, NETWORK):
        stopped = facts(disks=known((disk,)), state=known(ResourceState.STOPPED))
        assert "no GPU free" in reasons(Operation.START, stopped)["tied_to_host"].text
    assert "tied_to_host" not in reasons(Operation.START, facts(disks=known((ROOT,))))


def test_a_network_volume_without_a_price_stays_at_an_unknown_one() -> None:
    priceless = facts(disks=known((replace(NETWORK, usd_per_month=""),)))
    assert "an unknown price per month" in reasons(Operation.TERMINATE, priceless)["netvol_stays"].text


def test_a_stopped_pod_with_a_network_volume_alone_keeps_paying_for_it() -> None:
    pod = facts(disks=known((NETWORK,)), disks_per_month=Decimal(0))
    lines = {line.label: line.text for line in plan_lines(Operation.STOP, pod)}
    assert lines["STAYS"] == "1 disk, $14.00/mo"


def test_one_disk_that_could_be_kept_still_blocks() -> None:
    scratch = Disk("vol-1", "/dev/sdf", 10, "gp3", True, name="scratch")
    mixed = facts(disks=known((CONTAINER, VOLUME, scratch)))
    assert reasons(Operation.TERMINATE, mixed)["data_volume_dies"].severity is Severity.BLOCK


def test_disks_of_an_instance_are_told_as_before() -> None:
    lines = {line.label: line.text for line in plan_lines(Operation.STOP, facts(disks_per_month=Decimal("2.40")))}
    assert lines["STAYS"] == "1 disk, $2.40/mo"
    assert "container_disk_lost" not in reasons(Operation.STOP, facts(disks=known((ROOT,))))
