"""How the screens and dialogs look: the normal state dark and light, the other states at 80x24, 16 colours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.app import RunctlApp
from runctl_tui.domain.cost import Bill, Billed, ProjectBudget
from runctl_tui.domain.facts import Known
from runctl_tui.domain.plan import Operation
from runctl_tui.screens.base import BaseScreen
from runctl_tui.widgets.facts import FactList
from runctl_tui.widgets.table import ResourceTable
from tests.ui import fake_data as data
from tests.ui import host_data
from tests.ui.driving import NARROW, WIDE, Person
from tests.ui.fakes import World
from tests.ui.launching import open_pod_form

Compare = Callable[..., bool]
Act = Callable[[Person], Awaitable[None]]
MEDIUM = (100, 28)
EVAL = "aws/i-0aaa00000000000e1"


def compare(snap_compare: Compare, world: World, size: tuple[int, int], *act: str | Act, theme: str = "") -> bool:
    """Press keys and do things, then compare; what begins with a question mark is waited for."""
    if theme:
        world.settings["ui.theme"] = theme
    app = RunctlApp(world.services())

    async def before(pilot: Any) -> None:
        person = Person(pilot, app, world)
        if world.mode == "ok" and world.fleet.latest is not None:
            await person.until(lambda: person.table.model.total == len(world.fleet.latest.value))  # type: ignore[union-attr] # checked above
        await do(person, act)

    return snap_compare(app, terminal_size=size, run_before=before)


async def do(person: Person, act: Iterable[str | Act]) -> None:
    """Press keys, wait for words and do things, then let ages and what settles late come to rest."""
    for each in act:
        if callable(each):
            await each(person)
        elif each.startswith("?"):
            await person.sees(each[1:])
        else:
            await person.press(each)
    for screen in person.app.screen_stack:
        if isinstance(screen, BaseScreen):
            screen.tick()
        for table in screen.query(ResourceTable):
            table.recompute()
    await person.pilot.pause(0.3)


@pytest.mark.parametrize(
    ("size", "theme"),
    [(WIDE, "runctl-dark"), (WIDE, "runctl-light"), (NARROW, "runctl-dark"), (NARROW, "runctl-ansi")],
    ids=["wide-dark", "wide-light", "narrow-dark", "narrow-ansi"],
)
@pytest.mark.parametrize(
    ("key", "sign"),
    [
        ("1", "?412.77"),
        ("4", "?4,000"),
        ("5", "?step 4110/9000"),
        ("6", "?812.40"),
        ("7", "?SSH up"),
        ("8", "?old-home"),
        ("9", "?t3.medium"),
    ],
    ids=["instances", "checkpoints", "monitor", "costs", "tasks", "cleanup", "settings"],
)
def test_screen(snap_compare: Compare, size: tuple[int, int], theme: str, key: str, sign: str) -> None:
    assert compare(snap_compare, World(), size, key, sign, theme=theme)


@pytest.mark.parametrize(
    "key", ["1", "4", "5", "7", "8"], ids=["instances", "checkpoints", "monitor", "tasks", "cleanup"]
)
def test_empty(snap_compare: Compare, key: str) -> None:
    assert compare(snap_compare, World().empty(), NARROW, key)


def test_costs_before_the_ledger_begins(snap_compare: Compare) -> None:
    assert compare(snap_compare, World().empty(), NARROW, "6", "less_than_sign", "?nothing is recorded before")


def test_start_without_credentials(snap_compare: Compare) -> None:
    assert compare(snap_compare, World().alone(), WIDE, "?→ set aws.s3_bucket")


def test_start_without_credentials_narrow(snap_compare: Compare) -> None:
    assert compare(snap_compare, World().alone(), NARROW, "?→ set aws.s3_bucket")


def test_edit_setting(snap_compare: Compare) -> None:
    async def type_wrong(person: Person) -> None:
        await person.type("x")

    assert compare(snap_compare, World(), NARROW, "9", "j", "j", "enter", "?us-east-1", type_wrong, "enter", "?▲")


def test_loading(snap_compare: Compare) -> None:
    assert compare(
        snap_compare, World(start_words=("starting the sandbox",)).hanging(), NARROW, "?starting the sandbox…"
    )


def test_partial(snap_compare: Compare) -> None:
    assert compare(snap_compare, World().partial(), NARROW, "?throttled")


def test_error(snap_compare: Compare) -> None:
    async def fail(person: Person) -> None:
        person.world.mode = "error"

    assert compare(snap_compare, World(), NARROW, fail, "ctrl+d", "?EC2 said no")


def test_marks_filter_and_command_line(snap_compare: Compare) -> None:
    async def search(person: Person) -> None:
        await person.type("running")

    assert compare(snap_compare, World(), NARROW, "space", "space", "slash", search, "enter", "colon", "s", "a")


def test_hostile_names(snap_compare: Compare) -> None:
    world = World()
    world.fleet.push((data.hostile_row(), *data.fleet()))
    assert compare(snap_compare, world, WIDE)


def test_terminate(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), MEDIUM, "j", "ctrl+d", "?Type llama-eval")


def test_terminate_blocked(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(reasons=data.BLOCKED), MEDIUM, "ctrl+d", "?blocked")


def test_terminate_against_reasons(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(reasons=data.AGAINST), NARROW, "ctrl+d", "?Why all the same")


def test_start_at_unknown_price(snap_compare: Compare) -> None:
    async def start(person: Person) -> None:
        person.app._front.change(Operation.START, [EVAL])  # type: ignore[attr-defined] # a screen that changes things

    assert compare(snap_compare, World(price_unknown=True), NARROW, start, "?Accept at most")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_launch_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert compare(snap_compare, World(), size, "x", "enter", "?t3.micro")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_launch_form_of_a_pod(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert compare(snap_compare, World(), size, open_pod_form)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_costs_with_budgets_and_a_bill(snap_compare: Compare, size: tuple[int, int]) -> None:
    world = World(budgets={"llama": Decimal(1000), "sdxl": Decimal(150)})
    over = ProjectBudget("sdxl", Decimal(150), Decimal("201.15"), Decimal(260))
    bill = Bill(data.NOW, Decimal("2.46"), Decimal("11.87"), (("pods", Decimal("2.21")),))
    billed = Billed("runpod", "RunPod", Known(bill, data.NOW, "RunPod API v2 billing"))
    world.costs.push(replace(data.COST, projects=(over,), billed=(billed,)))
    assert compare(snap_compare, world, size, "6", "?over 51.15")


def test_launch_preview(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), NARROW, "x", "enter", "?t3.micro", "ctrl+r", "?142 files")


def test_job_asks(snap_compare: Compare) -> None:
    world = World()
    world.jobs.push((data.job(question="no spot capacity; on demand costs $1.01/h instead of $0.42/h"),))
    assert compare(snap_compare, world, NARROW, "7", "enter", "?y  yes")


def test_action_menu(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), NARROW, "x", "?Terminate…")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_machine_page(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def history(person: Person) -> None:
        await person.until(lambda: person.app.screen.query("#page-deeds"))
        await person.until(lambda: "alice" in str(person.app.screen.query_one("#page-deeds", FactList).facts))

    assert compare(snap_compare, World(), size, "enter", history)


def test_page_of_this_machine(snap_compare: Compare) -> None:
    async def open_it(person: Person) -> None:
        person.table.move_to("local/local")
        await person.press("enter")

    assert compare(snap_compare, World(), WIDE, open_it, "?none known", "?nothing by this program")


def test_link_lost(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(link="link to llama-7b lost, next try in 4 s"), NARROW, "5", "?llama-7b lost")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("keys", [("2",), ("2", "tab")], ids=["volumes", "snapshots"])
def test_storage(snap_compare: Compare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    assert compare(snap_compare, World(), size, *keys, "?sdxl-datasets")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_volume_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert compare(snap_compare, World(), size, "2", "x", "enter", "?$8.00 per month")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_host(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert compare(snap_compare, World(), size, "h", "?train.py")


def test_what_a_pod_prints(snap_compare: Compare) -> None:
    world = World().with_pods()
    world.fleet.push((data.pod_row(),))
    assert compare(snap_compare, world, NARROW, "?vision-lora", "l", "?the pod is gone")


def test_host_link_lost(snap_compare: Compare) -> None:
    async def lose(person: Person) -> None:
        person.world.hosts.of(host_data.BIG).push(host_data.reading(), (host_data.LOST,), data.ago(seconds=40))

    assert compare(snap_compare, World(), NARROW, "h", "?train.py", lose, "?next try in 4 s")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_tunnels(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def go(person: Person) -> None:
        await person.type("tunnels")

    world = World()
    world.tunnels.gateway = "alice@203.0.113.5"
    assert compare(snap_compare, world, size, "colon", go, "enter", "?18888")


def test_tunnel_form(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), NARROW, "T", "?Port there")


def test_export_choice(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), NARROW, "ctrl+s", "?for spreadsheets")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_network_volumes(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert compare(snap_compare, World().with_pods(), size, "2", "?old-weights")


def test_network_volume_form(snap_compare: Compare) -> None:
    assert compare(snap_compare, World().with_pods(), WIDE, "2", "x", "down", "enter", "?$8.00 per month")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_audit(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def go(person: Person) -> None:
        await person.type("audit")

    assert compare(snap_compare, World(), size, "colon", go, "enter", "?prod-api")
