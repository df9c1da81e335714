"""The first start without any credentials: what can be done now and how to go on, until there are machines."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.volume import Storage
from runctl_tui.services.ports import Finding
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, at_keyboard
from tests.ui.fakes import World


async def test_without_credentials_the_first_steps_stand_under_the_table() -> None:
    async with at_keyboard(World().alone()) as person:
        await person.sees("No cloud answers", "train on this machine", "runctl-tui --sandbox", "aws sso login")
        await person.sees("What doctor found", "✗", "no usable credentials", "→ set aws.s3_bucket")
        await person.sees("t train here", "D doctor")


async def test_the_first_steps_fit_a_small_terminal() -> None:
    async with at_keyboard(World().alone(), NARROW) as person:
        await person.sees("this machine", "t  ", "S  ", "D  ", "aws configure sso", "no usable credentials")


async def test_findings_that_there_is_no_room_for_are_counted_with_the_key_that_shows_them() -> None:
    world = World().alone()
    world.findings = tuple(Finding("aws", False, f"finding {number}") for number in range(9))
    async with at_keyboard(world, NARROW) as person:
        await person.sees("finding 0", "▾ 5 more lines: D shows everything that doctor found")
        assert "finding 8" not in person.text()
    async with at_keyboard(world) as person:
        await person.sees("finding 8")
        assert "more line" not in person.text()


async def test_what_is_no_key_does_not_look_like_one() -> None:
    async with at_keyboard(World().alone(), NARROW) as person:
        await person.sees("No cloud answers")
        ways = [line for line in person.text().splitlines() if re.search("AWS: aws|another profile:|RunPod: R", line)]
        assert [line.split()[0] for line in ways] == ["·", "·", "·"]


async def test_they_vanish_when_machines_arrive_and_their_keys_with_them() -> None:
    async with at_keyboard(World().alone()) as person:
        await person.sees("No cloud answers")
        person.world.fleet.push(data.fleet())
        await person.sees("llama-7b")
        await person.until(lambda: "No cloud answers" not in person.text(), "the panel is gone")
        await person.press("t")
        assert not person.dialog
        assert "t train here" not in person.text()


async def test_t_opens_the_launch_form_for_this_machine() -> None:
    async with at_keyboard(World().alone()) as person:
        await person.sees("No cloud answers")
        await person.press("t")
        await person.until(lambda: person.dialog == "LaunchDialog", "the form is open")
        await person.sees("(•) one that is running", "this machine")


async def test_s_copies_the_command_and_d_shows_everything_that_the_doctor_says() -> None:
    async with at_keyboard(World().alone()) as person:
        await person.sees("No cloud answers")
        await person.press("S")
        await person.sees("copied runctl-tui --sandbox")
        await person.press("D")
        await person.until(lambda: person.dialog == "TextView", "the findings are open")
        await person.sees("✓ terminal  fine")


async def test_a_throttled_region_or_the_sandbox_is_no_first_start() -> None:
    async with at_keyboard(World().partial()) as person:
        assert "No cloud answers" not in person.text()
    world = World()
    here = tuple(row for row in data.fleet() if row.instance.provider == "local")
    world.fleet.push(here, (Problem("x", "no answer"),))
    async with at_keyboard(world) as person:
        await person.sees("no answer")
        assert "No cloud answers" not in person.text()


async def test_a_list_that_was_never_asked_for_says_so_with_the_next_step_and_shows_no_zero() -> None:
    world = World().alone()
    unread = (data.NO_CREDENTIALS,)
    world.volumes.push(Storage(), unread)
    world.runs.push((), unread)
    world.checkpoints.push((), unread)
    nothing = dict.fromkeys(("burn_per_hour", "today", "month", "forecast"), Decimal(0))
    world.costs.push(replace(data.COST, **nothing, excluded=("AWS (not connected)",), unread=True, budget=None))  # type: ignore[arg-type] # fields by name
    async with at_keyboard(world, NARROW) as person:
        for key in ("2", "4", "5", "6"):
            await person.press(key)
            await person.sees("✗ not known: AWS is not", "→ run `aws sso login`")
            await person.sees("● ?/h  today ?  Nov ? → ?  without AWS (not connected)")
            assert "$0" not in person.text()
            assert "no volumes" not in person.text()
            assert "yet" not in person.text().replace("no loss in the log yet", "")
        await person.sees("today ?", "burn ?/h", "forecast ?", "▲ without AWS (not connected)")
        await person.press("2", "tab")
        await person.sees("Snapshots", "✗ not known: AWS is not connected: no usable credentials")


async def test_what_is_certainly_nothing_is_called_nothing() -> None:
    world = World().alone()
    world.volumes.push(Storage())
    async with at_keyboard(world) as person:
        await person.press("2")
        await person.sees("no volumes; x opens the actions")


async def test_what_the_doctor_found_stands_in_columns_and_is_never_cut() -> None:
    world = World()
    long = "SSH will be open to the whole internet, keys only: " * 3
    world.findings = (Finding("configuration", True, "files are right"), Finding("aws", False, f"{long}end", "log in"))
    async with at_keyboard(world) as person:
        await person.press("colon")
        await person.type("doctor")
        await person.press("enter")
        await person.sees("✓ configuration  files are right", "✗ aws            SSH will", "end", "do: log in")
