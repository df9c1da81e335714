"""The page of one machine, what belongs to it one key away, and the way back to the same row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.history import History
from runctl_tui.domain.instance import ApiProtection
from runctl_tui.domain.run import ResourceUsage
from runctl_tui.domain.volume import Storage
from runctl_tui.screens.instance_past import usage_facts
from runctl_tui.widgets.key_hints import live_keys
from tests.fakes import START
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import World
from tests.ui.volume_data import storage

LLAMA, LORA = "aws/i-0abc12de34f567890", "aws/i-0fed00000000000a1"


async def at(person: Person, mode: str) -> None:
    await person.until(lambda: person.app.current_mode == mode, f"{mode} is open")


async def test_the_page_tells_facts_money_states_runs_checkpoints_and_deeds() -> None:
    async with at_keyboard() as person:
        await person.press("enter")
        await person.sees("i-0abc12de34f567890", "States and prices", "$412.77", "○ stopped", "not seen")
        await person.sees("today       $276.42", "$406.26  run llama-7b", "step 4,000", "vol-0scratch")
        await person.sees("✓ start by alice", "failed: EC2 said no")


async def test_back_leads_to_the_same_row() -> None:
    async with at_keyboard() as person:
        person.table.move_to(LORA)
        await person.press("enter")
        await at(person, "instance")
        await person.press("q")
        await at(person, "instances")
        assert person.table.cursor_key == LORA
        await person.press("enter", "escape")
        await at(person, "instances")
        assert person.table.cursor_key == LORA


async def test_what_belongs_to_it_is_one_key_away_and_so_is_the_way_back() -> None:
    async with at_keyboard() as person:
        await person.press("enter", "m")
        await at(person, "monitor")
        await person.sees("of llama-7b, escape shows all")
        assert set(person.table.model.view) == {data.LLAMA_RUN.id, data.BROKEN_RUN.id}
        await person.press("q")
        await at(person, "instance")
        await person.press("p")
        await at(person, "checkpoints")
        await person.until(lambda: person.table.model.total == len(data.checkpoints()), "its checkpoints")
        await person.press("q")
        await at(person, "instance")
        await person.press("dollar_sign")
        await at(person, "costs")
        await person.until(lambda: "machine" in [one[0] for one in person.world.reports], "asked")
        await person.sees("by machine")


async def test_volumes_are_those_of_the_machine_until_escape() -> None:
    kept = storage()
    attached = replace(kept.volumes[0].attachments[0], instance_id=LLAMA.rpartition("/")[2])
    world = World()
    world.volumes.push(Storage((replace(kept.volumes[0], attachments=(attached,)), *kept.volumes[1:]), kept.snapshots))
    async with at_keyboard(world) as person:
        await person.press("v")
        await at(person, "volumes")
        await person.until(lambda: person.table.model.total == 1, "one volume")
        await person.press("escape")
        await person.until(lambda: person.table.model.total == len(kept.volumes), "all volumes")
        await person.press("1")
        person.table.move_to(LORA)
        await person.press("v")
        await person.sees("nothing here belongs to sdxl-lora; escape shows all")
        await person.press("1", "2")
        await person.until(lambda: person.table.model.total == len(kept.volumes), "a digit shows all again")


async def test_what_is_unknown_says_why() -> None:
    async with at_keyboard() as person:
        person.table.move_to("local/local")
        await person.press("enter")
        await person.sees("this machine", "machines of others", "nothing by this program")
        await person.sees("the ledger has not seen it", "tiny-2", "none known")


async def test_a_machine_that_is_gone_stays_as_it_was_seen_last() -> None:
    async with at_keyboard() as person:
        await person.press("enter")
        await person.sees("i-0abc12de34f567890")
        person.world.fleet.push(data.fleet()[1:])
        await person.sees("▲ no longer listed, shown as last seen", "i-0abc12de34f567890")


async def test_a_change_shows_at_once_and_the_other_machine_replaces_the_first() -> None:
    async with at_keyboard() as person:
        await person.press("enter")
        await person.sees("p4d.24xlarge, on-demand")
        first = data.fleet()[0]
        changed = replace(first, instance=replace(first.instance, type="p5.48xlarge"))
        person.world.fleet.push((changed, *data.fleet()[1:]))
        await person.sees("p5.48xlarge, on-demand")
        await person.press("q", "j", "enter")
        await person.sees("g5.xlarge, on-demand")
        assert "p5.48xlarge" not in person.text()


async def test_a_silent_ledger_leaves_the_rest_of_the_page() -> None:
    async with at_keyboard() as person:
        person.world.mode = "error"
        await person.press("enter")
        await person.sees("EC2 said no", "i-0abc12de34f567890", "reading the ledger…")


async def test_sections_stand_under_each_other_when_narrow_and_tab_goes_through_them() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("enter")
        await person.sees("Machine", "esc back")
        assert "States and prices" not in person.text()
        await person.press("tab", "tab", "tab", "tab")
        await person.sees("States and prices")
        await person.press("G", "tab")
        await person.sees("Machine")


async def test_actions_and_copies_are_about_this_machine() -> None:
    async with at_keyboard() as person:
        await person.press("enter", "c")
        assert person.app.clipboard == "i-0abc12de34f567890"
        await person.press("ctrl+d")
        await person.until(lambda: person.world.planned, "a plan")
        assert person.world.planned[0][1] == (LLAMA,)


async def test_the_page_is_exported_as_shown_and_keys_of_tables_are_not_offered() -> None:
    async with at_keyboard() as person:
        await person.press("enter")
        await person.sees("States and prices")
        await person.press("ctrl+s")
        await person.sees("exported to")
        ((name, text),) = person.world.exported
        assert name == "llama-7b.txt"
        lines = text.splitlines()
        assert lines[0].startswith("llama-7b   ● running")
        assert "States and prices, UTC" in lines
        assert any(line.split()[:2] == ["id", "i-0abc12de34f567890"] for line in lines)
        offered = {hint.id for hint in live_keys(person.app.screen)}
        assert "screen.export" in offered
        assert not offered & {"list.views", "table.filter", "table.mark"}, "the page is no table"


async def test_the_way_back_and_forth_leads_through_the_machines_that_were_open() -> None:
    async with at_keyboard() as person:
        await person.press("enter")
        await person.sees("p4d.24xlarge, on-demand")
        await person.press("q", "j", "enter")
        await person.sees("g5.xlarge, on-demand")
        await person.press("m")
        await at(person, "monitor")
        await person.press("left_square_bracket")
        await person.sees("g5.xlarge, on-demand")
        await person.press("right_square_bracket")
        await at(person, "monitor")
        await person.sees("of llama-eval, escape shows all")
        await person.press("minus")
        await at(person, "instance")
        await person.press("minus")
        await at(person, "monitor")


def test_how_busy_a_host_was_is_drawn_from_what_was_kept() -> None:
    usage = tuple(
        ResourceUsage(data.ago(minutes=59 - minute), cpu_percent=0.0 if minute < 30 else 100.0) for minute in range(60)
    )
    (fact,) = usage_facts(History("aws/i-1", Unknown("-"), (), usage))
    assert (fact.label, fact.value) == ("cpu was", f"{'▁' * 12}{'█' * 12}  50 % on average, at most 100 %, 59 min")
    assert usage_facts(History("aws/i-1", Unknown("-"), (), usage[:2])) == usage_facts(None) == ()


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        (Known(ApiProtection(termination=False, stop=False), START, "EC2"), "nothing protects it"),
        (
            Known(ApiProtection(termination=True, stop=True), START, "EC2"),
            "termination protection on, stop",
        ),
        (Unknown("denied"), "the provider's locks are not known"),
    ],
)
async def test_the_page_tells_what_keeps_the_machine_from_its_end(lock: Fact[ApiProtection], words: str) -> None:
    async with at_keyboard(World(lock=lock)) as person:
        await person.press("enter")
        await person.sees("protected", *words.split(", "))
