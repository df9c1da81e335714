"""The main job as a newcomer does it: by keyboard alone, in a real terminal, on real parts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.driving import (
    choose,
    command,
    confirm_what_was_typed,
    dismiss,
    fleet_is_there,
    go_to_monitor,
    go_to_row,
    go_to_screen,
    launch,
    pause_for_deaf_dialog,
    start,
)
from tests.e2e.terminal import Terminal
from tests.e2e.world import World, until

pytestmark = pytest.mark.e2e

NAME = "newcomer"


def test_the_main_job(world: World) -> None:
    with world.screen() as screen:
        fleet_is_there(screen)
        instance, run = launch_by_wizard(screen)
        log = world.host_log(instance, run)
        watch(screen)
        checkpoints_reach_s3(screen)
        refuse_to_terminate_while_it_trains(screen)
        spent = today(screen)
        screen.press("ctrl+q")
        assert screen.ended() == 0
        assert "The sandbox stays" in screen.text
    uploads_go_on_while_nobody_looks(log)
    with world.screen() as screen:
        fleet_is_there(screen)
        assert today(screen) >= spent > 0
        come_back_to_the_run(screen)
        cut_the_link_and_have_it_back(screen, log)
        stop_the_run(screen)
        until(lambda: mirror(world, run).read_bytes() == log.read_bytes(), "the whole log, byte for byte")
        last = last_step(log)
        resumed_on, resumed = resume_elsewhere(screen)
        assert resumed_on != instance
        again = world.host_log(resumed_on, resumed)
        until(lambda: last_step(again) > last, "the resumed run beyond the first")
        assert f"step {last}/" not in again.read_text()
        terminate_by_name(screen)
    until(lambda: not world.home_of(instance).exists(), "the end of its disk")
    assert world.confirmed("runs", "stop", resumed).code == 0


def launch_by_wizard(screen: Terminal) -> tuple[str, str]:
    choose(screen, "Launch")
    screen.wait("LAUNCH", "g5.xlarge", "$/DAY")
    ids = launch(screen, Name=NAME, Arguments="--steps 4000 --sleep 0.1 --save-every 20")
    go_to_monitor(screen)
    return ids


def watch(screen: Terminal) -> None:
    screen.wait("Monitor", f"● {NAME}", "/4000 | loss", "Saved checkpoint", "cpu", "tok/s")
    screen.until(lambda text: re.search(r"cost +<?\$\d", text) is not None, "the cost so far")
    screen.until(lambda text: re.search(r"left +\d", text) is not None, "a time left")
    screen.until(lambda text: re.search(r"[⠁-⣿]{3}", text) is not None, "a curve")


def checkpoints_reach_s3(screen: Terminal) -> None:
    go_to_screen(screen, "4", "Checkpoints")
    screen.wait(NAME)
    row = rf"{NAME} +\d+ .*● present +✓ verified"
    screen.until(lambda text: re.search(row, text) is not None, "a checkpoint on the host and verified in S3")


def refuse_to_terminate_while_it_trains(screen: Terminal) -> None:
    go_to_screen(screen, "1", "Instances")
    go_to_row(screen, NAME)
    screen.press("ctrl+d")
    screen.wait("TERMINATE", "RUNNING", "DIES", "STAYS", "UNDO", "I know: training is running", "Stop the run first")
    dismiss(screen, "TERMINATE")


def today(screen: Terminal) -> float:
    found = re.search(r"today \$([\d.]+)", screen.text)
    assert found, screen.text
    return float(found.group(1))


def uploads_go_on_while_nobody_looks(log: Path) -> None:
    before = last_saved(log)
    until(lambda: last_saved(log) > before, "a checkpoint written while the program is closed")
    name = f"step_{last_saved(log):06}.json"
    uploads = log.with_name("uploads.json")
    until(lambda: '"verified_at"' in json.dumps(json.loads(uploads.read_text())) and name in uploads.read_text(), name)


def come_back_to_the_run(screen: Terminal) -> None:
    screen.press("5")
    screen.wait("Monitor", f"● {NAME}")
    go_to_row(screen, f"● {NAME}")
    screen.wait(f"{NAME} on {NAME}", "tok/s")


def cut_the_link_and_have_it_back(screen: Terminal, log: Path) -> None:
    command(screen, f"sandbox cut {NAME} 3")
    screen.wait("next try in")
    screen.gone("next try in")
    beyond = last_step(log)
    screen.until(lambda text: shown_step(text) > beyond, "the log going on after the cut")
    steps = [int(step) for step in re.findall(r"step (\d+)/4000", screen.text)]
    assert steps == list(range(steps[0], steps[-1] + 1, 5))


def stop_the_run(screen: Terminal) -> None:
    choose(screen, "Stop run")
    screen.wait("STOP RUN", "y  stop run")
    pause_for_deaf_dialog(screen)
    screen.press("y")
    screen.wait("cancelled", "exit code 143")


def resume_elsewhere(screen: Terminal) -> tuple[str, str]:
    choose(screen, "Resume")
    screen.wait("RESUME", "forgotten-bench", "s3://")
    screen.press("tab")
    go_to_row(screen, "forgotten-bench")
    screen.press("ctrl+r")
    screen.wait("PLAN", "y  resume")
    ids = start(screen)
    go_to_monitor(screen)
    return ids


def terminate_by_name(screen: Terminal) -> None:
    go_to_screen(screen, "1", "Instances")
    go_to_row(screen, NAME)
    screen.press("ctrl+d")
    screen.wait("TERMINATE", f"Type {NAME} to terminate")
    pause_for_deaf_dialog(screen)
    screen.press("tab")
    screen.type(NAME)
    screen.wait("Terminate")
    confirm_what_was_typed(screen)
    screen.gone("Type ")
    screen.until(lambda text: re.search(rf"{NAME} +\S+ termina", text) is not None or NAME not in text, "terminated")


def mirror(world: World, run: str) -> Path:
    return world.state / "sandbox" / "runs" / "logs" / f"{run}.log"


def last_step(log: Path) -> int:
    return max((int(step) for step in re.findall(r"^step (\d+)/", log.read_text(), re.MULTILINE)), default=0)


def last_saved(log: Path) -> int:
    return max((int(step) for step in re.findall(r"step_(\d+)\.json", log.read_text())), default=0)


def shown_step(text: str) -> int:
    return max((int(step) for step in re.findall(r"step (\d+)/\d+ \|", text)), default=0)
