"""The Monitor screen: one run followed live, without gap or repeat; lost links in words; panes; actions."""

from __future__ import annotations

from decimal import Decimal

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.run import LogChunk, RunUpdate
from runctl_tui.screens.following import Following
from runctl_tui.screens.log_pane import LogPane
from runctl_tui.widgets.log_view import LogView
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import World


def log_of(person: Person) -> LogView:
    return person.app.screen_stack[0].query_one(LogPane).log_view


async def test_monitor_shows_runs_curve_facts_host_and_log() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("● llama-7b", "✓ tiny-2", "✗ llama-nan", "step 4110/9000 | loss: ", "following ▼")
        await person.sees("41,110 tok/s", "$406.26 so far · $22.57/h", "S3 7 done", "cpu 31 %", "gpu 1")
        await person.until(lambda: "⡀" in person.text() or "⠁" in person.text() or "⣀" in person.text(), "a curve")


async def test_the_first_cents_of_a_run_are_not_said_to_be_nothing() -> None:
    async with at_keyboard(World(run_costs={data.LLAMA_RUN.id: Decimal("0.004")})) as person:
        await person.press("5")
        await person.sees("<$0.01 so far · $22.57/h")


async def test_new_lines_and_a_lost_link_are_shown_and_the_link_mends() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("step 4110/9000")
        chunk = LogChunk(len(person.world.log), b"step 4111/9000 | loss: 1.75\n")
        person.world.updates.put_nowait(RunUpdate(chunk=chunk, link="link lost, next try in 4 s"))
        await person.sees("loss: 1.75", "▲ link lost, next try in 4 s")
        person.world.updates.put_nowait(RunUpdate())
        await person.until(lambda: "link lost" not in person.text(), "the link is back")


async def test_a_lost_link_is_one_whole_sentence_on_a_narrow_screen_and_machines_have_names() -> None:
    lost = "link to forgotten-bench lost, next try in 10 s"
    async with at_keyboard(size=NARROW) as person:
        await person.press("5")
        await person.sees("llama-7b on llama-7b")
        person.world.updates.put_nowait(RunUpdate(link=lost))
        await person.until(lambda: f"▲ {lost}" in person.text().splitlines()[2], "the title says it whole")


async def test_a_replaced_log_begins_anew() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("step 4110/9000")
        person.world.updates.put_nowait(RunUpdate(chunk=LogChunk(0, b"fresh start\n", restarted=True)))
        await person.until(lambda: len(log_of(person).buffer) == 1, "only the new line")
        await person.sees("fresh start", "no loss in the log yet")


async def test_coming_back_goes_on_where_it_was() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("step 4110/9000")
        before = len(log_of(person).buffer)
        person.world.log = b""
        await person.press("1", "5")
        await person.until(lambda: len(person.world.followed) == 2, "followed again")
        assert len(log_of(person).buffer) == before


async def test_moving_the_cursor_follows_another_run() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("step 4110/9000")
        await person.press("j")
        await person.until(lambda: person.world.followed[-1] == data.LORA_RUN.id, "the other run is followed")
        await person.sees("sdxl-lora on sdxl-lora", "no credentials on the host")


async def test_panes_take_turns_and_one_can_be_large() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("following ▼", "ETA")
        await person.press("l")
        await person.until(lambda: "ETA" not in person.text(), "the log alone")
        await person.press("escape")
        await person.sees("ETA")
        await person.press("escape", "m")
        await person.until(lambda: "following" not in person.text(), "the runs alone")
        await person.press("m", "tab")
        assert person.app.focused is not None
        assert person.app.focused.id == "chart"


async def test_log_can_be_searched() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("step 4110/9000")
        await person.press("l", "slash")
        await person.type("shards")
        await person.press("enter")
        await person.sees("warning: 3 shards are missing", "/shards")


async def test_stop_run_is_planned_for_the_run_at_hand() -> None:
    async with at_keyboard() as person:
        await person.press("5", "x")
        await person.sees("Stop run…", "Resume from last checkpoint…")
        await person.type("stop run")
        await person.press("enter")
        await person.until(lambda: person.world.planned == [(Operation.RUN_STOP, (data.LLAMA_RUN.id,))], "planned")


async def test_the_menu_leads_to_the_host_of_the_run_and_to_a_tunnel() -> None:
    async with at_keyboard() as person:
        await person.press("5", "x")
        await person.sees("Processes, CPU, memory, GPUs", "Tunnel to a port…")
        await person.type("tunnel")
        await person.press("enter")
        await person.until(lambda: person.dialog == "TunnelDialog", "the form is open")
        await person.press("escape", "x")
        await person.type("processes")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "hosts", "the host is shown")
        await person.sees("Host llama-7b")


async def test_resume_opens_the_form_with_the_safest_copy_of_the_newest_checkpoint() -> None:
    async with at_keyboard() as person:
        await person.press("5", "x")
        await person.type("resume")
        await person.press("enter")
        await person.sees("RESUME llama-7b", "one that is running", "/home/ubuntu/llama/checkpoints/step_4000")


async def test_hostile_log_is_inert() -> None:
    world = World(log=data.HOSTILE.encode() + b"\n\x1b[2J\x9b31m[bold]x[/]\n")
    async with at_keyboard(world) as person:
        await person.press("5")
        await person.sees("[bold]x[/]")
        assert "\x1b" not in person.text()


async def test_no_runs_say_what_to_do() -> None:
    async with at_keyboard(World().empty()) as person:
        await person.press("5")
        await person.sees("no runs yet; x, Launch… starts one")


async def test_narrow_monitor_still_has_a_curve_and_a_log() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("5")
        await person.sees("8.1 s/step", "gpu 0-1", "step 4110/9000", "11 h 00 min")


def test_following_takes_pieces_of_any_size_without_losing_a_line() -> None:
    whole = data.log_text(50)
    following = Following("r-1")
    for start in range(0, len(whole), 7):
        list(following.take(RunUpdate(chunk=LogChunk(start, whole[start : start + 7]))))
    lines, restarted = following.lines()
    assert lines == whole.decode().splitlines()
    assert not restarted
    assert following.offset == len(whole)
    assert following.progress.step == 4110
