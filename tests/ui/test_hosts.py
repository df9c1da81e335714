"""The Host screen: bars, processes, neighbours, lost links, and that nothing works while nobody looks."""

from __future__ import annotations

from dataclasses import replace

from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from tests.ui import fake_data as data
from tests.ui import host_data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import World


def line_of(person: Person, word: str) -> str:
    return next(line for line in person.text().splitlines() if word in line)


async def test_the_busiest_process_stands_first_under_the_bars() -> None:
    async with at_keyboard() as person:
        await person.press("h")
        await person.sees("Host llama-7b", "6 of 312", "load 12.4 11.9 11.0", "up 18 h 00 min")
        await person.sees("31 % ███▅▄▁▁▁", "↓ 48.2 MB/s  ↑ 1.3 MB/s", "97 % 74.4/85.9 GB 74° 398W")
        assert "does not answer" in line_of(person, "/mnt/shared")
        assert "412.3" in line_of(person, "train.py")
        assert "148.9 GB" in line_of(person, "train.py")
        assert "llama-7b" in line_of(person, "dataloader")
        assert "?" in line_of(person, "nvidia-persistenced")
        assert person.table.model.view[0] == "4711:5711"


async def test_processes_are_ordered_by_memory_and_filtered() -> None:
    async with at_keyboard() as person:
        await person.press("h")
        await person.sees("train.py")
        await person.press("shift+right", "slash")
        await person.sees("by MEM ▼")
        await person.type("root")
        await person.press("enter")
        await person.sees("3 of 312", "dockerd")
        assert "train.py" not in person.text()


async def test_details_of_process_and_host() -> None:
    async with at_keyboard() as person:
        await person.press("h", "enter")
        await person.sees("412.3 % of a core", "on GPU 0, 1", "--api-key •••", "llama-7b")
        await person.press("escape", "d")
        await person.sees("412.3 % of a core")
        await person.press("escape", "i")
        await person.sees("ip-10-0-0-7", "File systems", "129.9 GB of 214.7 GB", "ens5", "does not answer")
        await person.press("escape", "c")
        assert person.app.clipboard == "4711"
        await person.press("l")
        await person.until(lambda: person.app.current_mode == "monitor")


async def test_a_process_as_it_is_held_hides_what_its_command_hides() -> None:
    async with at_keyboard() as person:
        await person.press("h")
        await person.sees("train.py")
        await person.press("y")
        await person.sees('"pid": 4711', '"run_id": "r-')
        assert "•••" in person.text()


async def test_the_last_figures_stay_when_the_link_is_lost() -> None:
    async with at_keyboard() as person:
        await person.press("h")
        await person.sees("train.py")
        feed = person.world.hosts.of(host_data.BIG)
        feed.push(host_data.reading(), (host_data.LOST,), data.ago(seconds=40))
        await person.sees("The link to llama-7b was lost", "next try in 4 s", "rows from 40 s ago", "train.py")


async def test_a_machine_that_is_off_says_so_and_shows_no_zeros() -> None:
    async with at_keyboard() as person:
        await person.press("colon")
        await person.type("host old-notebook")
        key = "aws/i-0cce00000000000c1"
        person.world.hosts.of(key).push(host_data.unheard(key), (host_data.OFF,))
        await person.press("enter")
        await person.sees("Host old-notebook", "it is stopped; start it first")
        assert "CPU " not in person.text().replace("CPU %", "")


async def test_the_screen_begins_with_this_machine_and_goes_to_its_neighbours() -> None:
    async with at_keyboard() as person:
        await person.press("colon")
        await person.type("host")
        await person.press("enter")
        await person.sees("Host this machine", "no nvidia-smi here", "tensorboard")
        await person.press("greater_than_sign")
        await person.sees("Host llama-7b", "train.py")
        await person.press("less_than_sign")
        await person.sees("Host this machine")
        assert "train.py" not in person.text()


async def test_a_machine_is_watched_only_while_somebody_looks() -> None:
    async with at_keyboard() as person:
        await person.press("h")
        big, here = person.world.hosts.of(host_data.BIG), person.world.hosts.of(host_data.HERE)
        await person.until(lambda: big.watchers == 1)
        await person.press("less_than_sign")
        await person.until(lambda: (big.watchers, here.watchers) == (0, 1))
        await person.press("1")
        await person.until(lambda: here.watchers == 0)


async def test_an_unknown_machine_is_said() -> None:
    async with at_keyboard() as person:
        await person.press("colon")
        await person.type("host nobody")
        await person.press("enter")
        await person.sees("there is no machine nobody")


async def test_the_action_menu_leads_there_and_back() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("x")
        await person.type("processes")
        await person.press("enter")
        await person.sees("Host llama-7b", "412.3")
        await person.press("x")
        await person.sees("Open its run in the monitor")
        await person.type("go to")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "instances")


async def test_hostile_processes_do_no_harm() -> None:
    async with at_keyboard() as person:
        bad = host_data.process(13, 999.0, 1, data.HOSTILE, user=data.HOSTILE, run_id=data.HOSTILE)
        person.world.hosts.of(host_data.BIG).push(replace(host_data.reading(), processes=(bad,), hostname=data.HOSTILE))
        await person.press("h")
        await person.sees("999.0")
        await person.press("enter")
        await person.sees("Command")
        assert "\x1b" not in person.text()


async def test_a_process_is_ended_by_plan() -> None:
    async with at_keyboard() as person:
        await person.press("h")
        await person.sees("tensorboard")
        await person.type("/tensorboard")
        await person.press("enter", "ctrl+d")
        key = person.table.cursor_key
        wanted = (Operation.PROCESS_END, (f"{host_data.BIG}/{key}",))
        await person.until(lambda: person.dialog == "ConfirmStop", "the plan")
        assert person.world.planned[-1] == wanted
        await person.sees("END PROCESS", "y  end process")
        await person.press("escape")
        assert person.world.committed == []
        await person.press("ctrl+d")
        await person.until(lambda: person.dialog == "ConfirmStop", "the plan again")
        await person.press("y")
        await person.until(lambda: person.world.committed, "committed")


async def test_marked_processes_are_killed_from_the_menu_alone() -> None:
    async with at_keyboard() as person:
        await person.press("h")
        await person.sees("train.py")
        await person.press("space", "down", "space")
        marked = tuple(f"{host_data.BIG}/{key}" for key in person.table.marks)
        await person.press("x")
        await person.sees("End the processes (TERM)…", "Kill the processes (KILL)…", "2 processes")
        await person.type("kill")
        await person.press("enter")
        await person.until(lambda: person.world.planned, "planned")
        assert person.world.planned == [(Operation.PROCESS_KILL, marked)]
        assert len(marked) == 2


async def test_a_plan_about_a_process_of_a_run_leads_to_the_run() -> None:
    world = World()
    offer = Reason("process_run", Severity.BLOCK, "it belongs to the run r-1", Level.NEVER, offer="stop the run")
    offer = replace(offer, offer_operation=Operation.RUN_STOP, offer_references=(data.LLAMA_RUN.id,))
    world.refused = {f"{host_data.BIG}/4711:5711": offer}
    async with at_keyboard(world) as person:
        await person.press("h")
        await person.sees("train.py")
        await person.press("ctrl+d")
        await person.sees("it belongs to the run r-1", "Stop the run first")
        await person.press("tab", "enter")
        await person.until(lambda: world.planned[-1] == (Operation.RUN_STOP, (data.LLAMA_RUN.id,)), "the run's plan")


async def test_what_cannot_be_ended_is_grey_with_the_reason() -> None:
    async with at_keyboard() as person:
        await person.press("h")
        await person.sees("dockerd")
        await person.type("/dockerd")
        await person.press("enter", "x")
        await person.sees("belongs to root")
        await person.type("end the")
        await person.press("enter")
        assert person.world.planned == []


async def test_read_only_ends_nothing() -> None:
    world = World(facts=replace(data.FACTS, lock="read-only: :arm 10m first"))
    async with at_keyboard(world) as person:
        await person.press("h")
        await person.sees("train.py")
        await person.press("x")
        await person.sees("End the process (TERM)…", "read-only: :arm 10m first")
