"""The Volumes and Snapshots screens: rows, tab, menus, plans, the form with its price."""

from __future__ import annotations

from runctl_tui.domain.facts import Known
from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from runctl_tui.domain.volume import NewVolume, VolumeChange, VolumeShape
from runctl_tui.widgets.form import RadioLine
from runctl_tui.widgets.prompt import FormInput
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import World


def row_of(person: Person, name: str) -> str:
    return next(line for line in person.text().splitlines() if f" {name} " in line)


async def test_volumes_stand_dearest_first_with_what_nothing_uses_in_the_title() -> None:
    async with at_keyboard() as person:
        await person.press("2")
        await person.sees("scratch-2025", "$360.00/mo and 1 unknown, 2 unattached: $84.00/mo")
        assert person.table.model.view[0] == "aws/vol-0data"
        assert "llama-7b" in row_of(person, "data")
        assert "9d ago" in row_of(person, "data")
        assert "none" in row_of(person, "scratch-2025")
        assert row_of(person, "fresh").count("?") == 2


async def test_a_narrow_screen_keeps_what_matters() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("2")
        await person.sees("scratch-2025", "○ available", "LAST SNAP", "20.00")


async def test_tab_goes_to_the_snapshots_and_back() -> None:
    async with at_keyboard() as person:
        await person.press("2", "tab")
        await person.sees("◐ pending 37%", "gone, vol-0gone", "tab volumes")
        await person.press("tab")
        await person.sees("LAST SNAP", "tab snapshots")


async def test_details_raw_and_copy() -> None:
    async with at_keyboard() as person:
        await person.press("2", "enter")
        await person.sees("Attached to", "/dev/sdg", "stays when the machine goes", "◐ pending 37%", "$260.00/mo")
        await person.press("escape", "y")
        await person.sees('"VolumeId": "vol-0data"')
        await person.press("escape", "c")
        assert person.app.clipboard == "vol-0data"


async def test_delete_plans_exactly_the_marked_volumes() -> None:
    async with at_keyboard() as person:
        await person.press("2", "j", "space", "space", "ctrl+d")
        await person.until(lambda: person.dialog == "ConfirmDestroy")
        ((operation, keys),) = person.world.planned
        assert operation is Operation.VOLUME_DELETE
        assert keys == ("aws/vol-0sdxl", "aws/vol-0scratch")
        await person.sees("Type delete 2 to delete:")
        await person.press("escape")
        assert person.world.committed == []


async def test_without_a_snapshot_the_better_way_is_a_button() -> None:
    offer = Reason(
        "no_undo", Severity.BLOCK, "it has no snapshot", Level.REASON, offer="snapshot it first",
        offer_operation=Operation.VOLUME_SNAPSHOT, offer_references=("aws/vol-0scratch",),
    )  # fmt: skip
    async with at_keyboard(World(reasons=(offer,))) as person:
        await person.press("2", "ctrl+d")
        await person.sees("DELETE VOLUME", "Snapshot it first")
        await person.press("tab", "enter")
        await person.sees("╭─ SNAPSHOT ─")
        assert person.world.planned[-1] == (Operation.VOLUME_SNAPSHOT, ("aws/vol-0scratch",))


async def test_a_deletion_is_put_off_to_a_day_by_a_button() -> None:
    offer = Reason(
        "schedule_instead", Severity.ALLOW, "giving it a day instead deletes nothing now", Level.ENTER,
        offer_operation=Operation.SCHEDULE, offer_references=("aws/vol-0scratch",),
    )  # fmt: skip
    async with at_keyboard(World(reasons=(offer,))) as person:
        await person.press("2", "ctrl+d")
        await person.sees("DELETE VOLUME", "Schedule it")
        await person.press("tab", "enter")
        await person.sees("SCHEDULE ITS DELETION", "Nothing is deleted then by itself")
        assert person.world.marks == []
        await person.press("enter")
        await person.sees("╭─ SCHEDULE ─")
        (asked,) = person.world.marks
        assert (asked.operation, asked.kind, asked.references) == (Operation.SCHEDULE, "volume", ("aws/vol-0scratch",))
        assert asked.day is not None
        await person.press("escape", "ctrl+d")
        await person.sees("DELETE VOLUME")
        await person.press("tab", "enter")
        await person.sees("SCHEDULE ITS DELETION")
        await person.press("escape")
        await person.until(lambda: not person.dialog, "who gives up to say when deletes nothing either")
        assert person.world.committed == []


async def test_a_new_volume_is_asked_for_with_its_price_in_sight() -> None:
    async with at_keyboard() as person:
        await person.press("2", "x", "enter")
        await person.sees("NEW VOLUME", "$8.00 per month, attached or not", "us-east-1d")
        size = person.app.screen.query_one("#volume-size FormInput", FormInput)
        size.value = "500"
        await person.sees("$40.00 per month", "3,000 to 80,000")
        size.value = "5"
        person.app.screen.query_one("#volume-iops FormInput", FormInput).value = "9000"
        await person.sees("5 GiB of gp3 allow 3,000 IOPS")
        await person.press("ctrl+r")
        assert person.world.changes == []
        size.value = "500"
        await person.press("ctrl+r")
        await person.sees("CREATE VOLUME")
        shape = VolumeShape("gp3", 500, 9000, 125)
        new = NewVolume("aws", "us-east-1d", "data-2", shape, "demo")
        assert person.world.changes == [VolumeChange(Operation.VOLUME_CREATE, new=new)]


async def test_a_form_whose_name_is_taken_stands_as_it_was_filled_in() -> None:
    async with at_keyboard() as person:
        await person.press("2", "x", "enter")
        await person.sees("NEW VOLUME", "us-east-1d")
        person.app.screen.query_one("#volume-size FormInput", FormInput).value = "500"
        person.app.screen.query_one("#volume-name FormInput", FormInput).value = "scratch-2025"
        await person.press("ctrl+r")
        await person.sees("NEW VOLUME", "✗ The name 'scratch-2025' is taken: vol-1 has it", "$40.00 per month")
        person.app.screen.query_one("#volume-name FormInput", FormInput).value = "scratch-2026"
        await person.until(lambda: "is taken" not in person.text())
        await person.press("ctrl+r")
        await person.sees("CREATE VOLUME")
        new = person.world.changes[-1].new
        assert new is not None
        assert (new.name, new.shape.size_gib, len(person.world.changes)) == ("scratch-2026", 500, 2)


async def test_a_purpose_fills_iops_and_throughput_and_typing_lets_go_of_it() -> None:
    async with at_keyboard() as person:
        await person.press("2", "x", "enter")
        await person.sees("NEW VOLUME")
        use = person.app.screen.query_one("#volume-use RadioLine", RadioLine)
        use.focus()
        await person.press("right", "right")
        iops = person.app.screen.query_one("#volume-iops FormInput", FormInput)
        await person.until(lambda: (use.value, iops.value) == ("data", "50000"))
        iops.value = "4000"
        await person.until(lambda: use.value == "custom")
        assert iops.value == "4000"


async def test_a_price_that_is_unknown_is_said() -> None:
    async with at_keyboard() as person:
        await person.press("2", "tab")
        await person.sees("sdxl-datasets")
        person.table.move_to("aws/snap-0sdxl")
        await person.press("x", "enter")
        await person.sees("RESTORE", "GiB, at least 800", "price unknown: the price list of us-west-2")


async def test_attach_offers_machines_and_says_why_others_cannot() -> None:
    async with at_keyboard() as person:
        await person.press("2")
        await person.sees("scratch-2025")
        person.table.move_to("aws/vol-0scratch")
        await person.press("x")
        await person.type("attach")
        await person.press("enter")
        await person.sees("Attach scratch-2025 to", "it is in us-east-1a, the volume in us-east-1d")
        await person.press("enter")
        await person.sees("ATTACH VOLUME")
        assert person.world.changes == [
            VolumeChange(Operation.VOLUME_ATTACH, ("aws/vol-0scratch",), instance="aws/i-0abc12de34f567890")
        ]


async def test_the_menu_says_why_not() -> None:
    async with at_keyboard() as person:
        await person.press("2")
        await person.sees("db-primary")
        person.table.move_to("aws/vol-0db")
        await person.press("x")
        await person.sees("db-primary was not made by this program", "db-primary is in-use")


async def test_its_snapshots_and_its_machine_are_one_key_away() -> None:
    async with at_keyboard() as person:
        await person.press("2", "x")
        await person.type("its snap")
        await person.press("enter")
        await person.sees("Snapshots", "volume:data")
        await person.press("2", "x")
        await person.type("its mach")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "instances")
        assert person.table.cursor_key == "aws/i-0abc12de34f567890"


async def test_a_failing_region_leaves_the_rows_and_says_so() -> None:
    world = World()
    assert world.volumes.latest
    world.volumes.push(world.volumes.latest.value, (data.THROTTLED,), data.ago(seconds=48))
    async with at_keyboard(world) as person:
        await person.press("2")
        await person.sees("scratch-2025", "us-west-2: throttled")


async def test_a_hostile_name_stays_text() -> None:
    from tests.ui.volume_data import volume

    world = World()
    assert world.volumes.latest
    hostile = volume("vol-0bad", data.HOSTILE, 1, "1.00")
    world.volumes.push(type(world.volumes.latest.value)((hostile,)))
    async with at_keyboard(world) as person:
        await person.press("2")
        await person.sees("s3://b/[/]x[red")
        assert isinstance(hostile.usd_per_month, Known)


async def test_network_volumes_stand_among_the_others_with_what_runpod_cannot_do() -> None:
    async with at_keyboard(World().with_pods()) as person:
        await person.press("2")
        await person.sees("vision-datasets", "vision-lora +1", "EU-RO-1")
        assert "95.00" in row_of(person, "old-weights")
        assert row_of(person, "elsewhere").count("?") == 1
        person.table.move_to("runpod/nv2")
        await person.press("x")
        await person.sees("RunPod mounts it when a pod is created", "RunPod has no snapshots", "New network volume…")


async def test_a_network_volume_asks_for_its_data_centre_and_its_size_only() -> None:
    async with at_keyboard(World().with_pods()) as person:
        await person.press("2", "x", "down", "enter")
        await person.sees("NEW NETWORK VOLUME", "EU-RO-1", "US-TX-3", "stays when its pods end")
        assert "Throughput" not in person.text()
        await person.press("ctrl+r")
        await person.until(lambda: bool(person.world.changes))
        (change,) = person.world.changes
        assert change.new is not None
        assert (change.new.provider, change.new.zone) == ("runpod", "EU-RO-1")
        assert change.new.shape == VolumeShape("network", 100)


async def test_growing_a_network_volume_keeps_its_type() -> None:
    async with at_keyboard(World().with_pods()) as person:
        await person.press("2")
        await person.sees("old-weights")
        person.table.move_to("runpod/nv2")
        await person.press("x", "down", "down", "down", "down", "enter")
        await person.sees("MODIFY old-weights", "at least 1,500")
        person.app.screen.query_one("#volume-size FormInput", FormInput).value = "2000"
        await person.press("ctrl+r")
        await person.until(lambda: bool(person.world.changes))
        assert person.world.changes[0].shape == VolumeShape("network", 2000)


async def test_a_volume_that_would_stay_as_it_is_is_not_planned() -> None:
    async with at_keyboard(World().with_pods()) as person:
        await person.press("2")
        for key, steps, shape in (
            ("runpod/nv2", 4, "1,500 GiB network"),
            ("aws/vol-0scratch", 4, "250 GiB gp3, 3,000 IOPS, 125 MiB/s"),
        ):
            await person.sees("old-weights", "scratch")
            person.table.move_to(key)
            await person.press("x", *["down"] * steps, "enter")
            await person.sees("MODIFY", f"it has {shape} already: nothing would change")
            await person.press("ctrl+r")
            await person.sees(f"✗ it has {shape} already")
            assert (person.dialog, person.world.changes) == ("VolumeDialog", [])
            await person.press("escape")


async def test_without_runpod_nothing_offers_a_network_volume() -> None:
    async with at_keyboard() as person:
        await person.press("2", "x")
        await person.sees("New volume…")
        assert "network" not in person.text()
