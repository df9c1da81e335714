"""What else a person does on the screens: refused machines, start and stop, help, commands, filter, sort, shell."""

from __future__ import annotations

import re

import pytest

from tests.e2e.driving import (
    choose,
    command,
    confirm_what_was_typed,
    dismiss,
    fleet_is_there,
    go_to_row,
    names,
    pause_for_deaf_dialog,
)
from tests.e2e.world import NARROW, World

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("name", "reason"),
    [("db-primary", "not made by this"), ("prod-features", "protect"), ("this machine", "this machine")],
)
def test_a_machine_that_may_not_be_terminated_says_why(world: World, name: str, reason: str) -> None:
    with world.screen() as screen:
        fleet_is_there(screen)
        go_to_row(screen, name)
        screen.press("ctrl+d")
        text = screen.wait("TERMINATE", "✗ blocked", "[ Close ]")
        assert reason in text.split("✗ blocked", 1)[1]
        pause_for_deaf_dialog(screen)
        screen.press("y", "enter")
        screen.gone("TERMINATE")
        assert re.search(rf"{name} +● running", screen.wait(name))


def test_starting_shows_the_price_and_stopping_asks(world: World) -> None:
    with world.screen() as screen:
        fleet_is_there(screen)
        go_to_row(screen, "old-notebook")
        choose(screen, "Start")
        screen.wait("START", "$0.53/h", "per day", "y  start, costs money")
        pause_for_deaf_dialog(screen)
        screen.press("y")
        screen.until(lambda text: re.search(r"old-notebook +● running", text) is not None, "running")
        go_to_row(screen, "old-notebook")
        choose(screen, "Stop")
        screen.wait("STOP", "instance-store disk is lost", "Type old-notebook to stop")
        pause_for_deaf_dialog(screen)
        screen.press("tab")
        screen.type("old-notebook")
        confirm_what_was_typed(screen)
        screen.until(lambda text: re.search(r"old-notebook +○ stopped", text) is not None, "stopped again")


def test_help_commands_filter_sort_and_describe(world: World) -> None:
    with world.screen() as screen:
        fleet_is_there(screen)
        screen.press("?")
        screen.wait("ctrl+d", "terminate", "everywhere", "raw JSON")
        dismiss(screen, "everywhere")
        screen.press("/")
        screen.type("region:us-west-2")
        screen.until(lambda _: names(screen) == {"forgotten-bench", "sdxl-spot"}, "only the second region")
        screen.press("escape")
        screen.wait("llama-eval")
        screen.press("O")
        screen.until(lambda text: text.index("old-notebook") < text.index("forgotten-b"), "the cheapest first")
        go_to_row(screen, "llama-eval")
        screen.press("d")
        screen.wait("g5.xlarge", "us-east-1")
        screen.press("G")
        screen.wait("runctl:owner")
        dismiss(screen, "runctl:owner")
        command(screen, "tasks")
        screen.wait("TASK  ", "TOOK")
        command(screen, "instnces")
        screen.wait("instances")


def test_a_shell_on_the_instance_and_back(world: World) -> None:
    with world.screen() as screen:
        fleet_is_there(screen)
        go_to_row(screen, "llama-eval")
        screen.press("s")
        screen.wait("leave it with exit")
        screen.type("echo shell-$((6*7)) $RUNCTL_SANDBOX_INSTANCE\r")
        screen.wait("shell-42 i-")
        screen.type("exit\r")
        screen.wait("llama-eval", "● $")


def test_eighty_columns_are_enough(world: World) -> None:
    with world.screen(NARROW) as screen:
        screen.wait("SANDBOX", "llama-eval", "● running", "TYPE", "$/h")
        screen.until(lambda text: "today $" in text, "the cost bar")
        for key, title in (("4", "Checkpoints"), ("5", "Monitor"), ("7", "Tasks"), ("1", "Instances")):
            screen.press(key)
            screen.until(lambda text, title=title: text.splitlines()[2].strip().startswith(title), title)  # type: ignore[misc] # the default binds the loop's value
        screen.press("x")
        screen.wait("Launch…")
        dismiss(screen, "Launch…")


def test_a_machines_page_and_other_regions_without_leaving(world: World) -> None:
    with world.screen() as screen:
        fleet_is_there(screen)
        go_to_row(screen, "llama-eval")
        screen.press("enter")
        screen.wait("States and prices", "● running", "/h", "nothing by this program")
        screen.press("v")
        screen.wait("of llama-eval, escape shows all", "llama-data")
        screen.press("q", "q")
        command(screen, "region us-west-2")
        there, elsewhere = {"forgotten-bench", "sdxl-spot"}, {"llama-eval", "db-primary"}
        screen.until(lambda _: there <= names(screen) and not elsewhere & names(screen), "the machines of that region")
        command(screen, "region us-east-1,us-west-2")
        screen.until(lambda _: there | elsewhere <= names(screen), "both regions")
