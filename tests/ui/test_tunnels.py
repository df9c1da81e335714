"""The Tunnels screen and its form: opening, taken ports, copying, closing, and the way from a bastion."""

from __future__ import annotations

from dataclasses import replace

from runctl_tui.services.errors import ValidationError
from tests.ui import host_data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fake_feed import FakeFeed
from tests.ui.fakes import World
from tests.ui.tunnel_data import BROKEN, JUPYTER, TENSORBOARD


def line_of(person: Person, word: str) -> str:
    return next(line for line in person.text().splitlines() if word in line)


async def to_tunnels(person: Person) -> None:
    await person.press("colon")
    await person.type("tunnels")
    await person.press("enter")
    await person.sees("URL HERE")


async def test_tunnels_are_listed_with_state_url_and_use() -> None:
    async with at_keyboard() as person:
        await to_tunnels(person)
        await person.sees("Tunnels   3", "http://127.0.0.1:6006/", "▲ link lost", "✗ ended")
        line = line_of(person, "6006 TensorBoard")
        assert "48.2 MB" in line
        assert "kept" not in line
        assert "kept" in line_of(person, "8888 Jupyter")
        assert "on your own machine" not in person.text()
        assert "its process is gone" not in person.text()
        await person.press("G")
        await person.sees("▲ its process is gone")


async def test_a_narrow_list_keeps_machine_service_and_url_whole() -> None:
    async with at_keyboard(size=NARROW) as person:
        named = replace(TENSORBOARD, name="old-notebook", local_port=16006)
        person.world.tunnels.feed = FakeFeed((named, replace(JUPYTER, local_port=18888)))
        await to_tunnels(person)
        await person.sees("old-notebook", "6006 TensorBoard", "http://127.0.0.1:16006/", "▲ link lost", "kept")


async def test_the_form_opens_a_preset_and_leads_to_the_list() -> None:
    async with at_keyboard() as person:
        await person.press("T")
        await person.sees("Tunnel to llama-7b", "(•) TensorBoard", "127.0.0.1 of this machine only")
        await person.press("right", "ctrl+r")
        await person.until(lambda: person.app.current_mode == "tunnels")
        assert person.world.tunnels.opened == [(host_data.BIG, 8888, 0, False)]
        await person.sees("port 8888 of llama-7b is at http://127.0.0.1:18888/, a free port")
        await person.until(lambda: person.table.cursor_key == "t-8888-new")


async def test_another_port_a_local_port_and_keeping() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("T")
        await person.sees("Port there")
        await person.press("left", "enter", "ctrl+r")
        await person.sees("a whole number from 1 to 65,535")
        await person.type("9000")
        await person.press("enter")
        await person.type("80")
        await person.press("ctrl+r")
        await person.sees("a whole number from 1,024 to 65,535")
        await person.type("80")
        await person.press("enter", "space", "ctrl+r")
        await person.until(lambda: person.world.tunnels.opened == [(host_data.BIG, 9000, 8080, True)])
        await person.sees("port 9000 of llama-7b is at http://127.0.0.1:8080/")
        assert "a free port" not in person.text()


async def test_a_taken_port_is_said_and_nothing_hangs() -> None:
    async with at_keyboard() as person:
        person.world.tunnels.error = ValidationError("Port 6006 of this machine is taken", "", "name another")
        await person.press("T", "ctrl+r")
        await person.sees("Port 6006 of this machine is taken; name another")
        assert "opening a tunnel" not in person.text()


async def test_copying_and_the_way_from_ones_own_machine() -> None:
    world = World()
    world.tunnels.gateway = "alice@203.0.113.5"
    async with at_keyboard(world) as person:
        await to_tunnels(person)
        await person.sees("on your own machine:   ssh -N -L 6006:127.0.0.1:6006 alice@203.0.113.5", "C copy ssh line")
        await person.press("c")
        assert person.app.clipboard == TENSORBOARD.url
        await person.press("j", "C")
        assert person.app.clipboard == "ssh -N -L 18888:127.0.0.1:18888 alice@203.0.113.5"
        await person.sees("ssh -N -L 18888:127.0.0.1:18888")
        await person.press("enter")
        await person.sees("when it is closed", "0 connections now, 4 so far", "the link was lost")


async def test_closing_asks_with_what_is_open_and_ends_exactly_these() -> None:
    async with at_keyboard() as person:
        await to_tunnels(person)
        await person.press("ctrl+d")
        await person.sees("port 6006 of llama-7b: 2 connections are open now")
        await person.press("escape")
        assert len(await person.world.tunnels.now()) == 3
        await person.press("ctrl+d", "enter")
        await person.sees("closed port 6006 of llama-7b")
        assert await person.world.tunnels.now() == (JUPYTER, BROKEN)


async def test_one_that_has_ended_goes_without_a_question() -> None:
    async with at_keyboard() as person:
        await to_tunnels(person)
        await person.press("G", "ctrl+d")
        await person.sees("closed port 7860")
        assert person.dialog == ""


async def test_no_tunnels_say_how_to_get_one() -> None:
    world = World()
    world.tunnels.feed.push(())
    async with at_keyboard(world) as person:
        await person.press("colon")
        await person.type("tunnels")
        await person.press("enter")
        await person.sees("no tunnels; on 1 Instances, T opens one to a machine")


async def test_from_the_monitor_to_host_and_tunnel() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("llama-7b")
        await person.press("T")
        await person.sees("Tunnel to llama-7b")
        await person.press("escape", "h")
        await person.sees("Host llama-7b", "train.py")
        await person.press("T", "ctrl+r")
        await person.until(lambda: person.world.tunnels.opened == [(host_data.BIG, 6006, 0, False)])
