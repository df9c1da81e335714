"""The application as a whole: start, quit, screens, keymap, problems, crash."""

from __future__ import annotations

import time

import pytest
from textual.binding import Binding

from runctl_tui import theme
from runctl_tui.app import RunctlApp
from runctl_tui.commands.bindings import known_bindings, read_keymap
from runctl_tui.domain.problem import Problem
from runctl_tui.messages import Faulted, Told
from runctl_tui.widgets.header import HeaderBar
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import World

MODES = {"1": "Instances", "4": "Checkpoints", "5": "Monitor", "7": "Tasks"}


async def test_first_frame_needs_no_backend() -> None:
    async with at_keyboard(World().hanging()) as person:
        await person.sees("SANDBOX", "1 Instances", "loading", "? help")


@pytest.mark.parametrize(("chosen", "worn"), [(theme.DARK, theme.ANSI), (theme.LIGHT, theme.ANSI_LIGHT)])
def test_a_terminal_of_16_colours_gets_a_theme_that_is_legible_there(
    monkeypatch: pytest.MonkeyPatch, chosen: str, worn: str
) -> None:
    world = World()
    world.settings["ui.theme"] = chosen
    assert RunctlApp(world.services()).theme == chosen
    monkeypatch.setenv("TERM", "screen")
    assert RunctlApp(world.services()).theme == worn


@pytest.mark.parametrize("chosen", [theme.DARK, theme.ANSI])
async def test_without_colours_no_text_has_the_colour_of_its_ground(
    monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    world = World()
    world.settings["ui.theme"] = chosen
    async with at_keyboard(world) as person:
        strips = person.app.screen._compositor.render_strips(person.app.size)
        filters = [each for each in person.app._filters if each.enabled]
        for strip in strips:
            for _, style, _ in strip.apply_filter(filters[-1], person.app.screen.background_colors[0]):
                assert style is None or style.color is None or style.color.is_default or style.color != style.bgcolor


async def test_start_words_are_shown_and_feeds_wait_for_the_start() -> None:
    world = World(start_words=("starting the sandbox",), mode="hang")
    async with at_keyboard(world) as person:
        await person.sees("starting the sandbox…")
        assert world.fleet.watchers == 0
        assert person.table.model.total == 0


async def test_leaving_for_another_screen_before_the_start_is_done_harms_nothing() -> None:
    world = World(start_words=("starting the sandbox",))
    app = RunctlApp(world.services())
    async with app.run_test(size=NARROW) as pilot:
        person = Person(pilot, app, world)
        await pilot.press("5", "7", "4")
        await person.sees("4,000")
        assert app.shared.notes == ()


async def test_feeds_begin_after_the_start() -> None:
    world = World(start_words=("starting the sandbox",))
    async with at_keyboard(world) as person:
        await person.sees("llama-7b", "$25.01/h")
        assert "starting" not in person.text().splitlines()[2]
        assert world.fleet.watchers == 1


async def test_the_header_tells_the_age_of_what_its_own_screen_shows() -> None:
    world = World()
    assert world.fleet.latest is not None
    world.fleet.push(world.fleet.latest.value, taken_at=data.ago(seconds=20))
    async with at_keyboard(world) as person:
        await person.sees("20 s ago")


async def test_failed_start_says_why_and_the_rest_goes_on() -> None:
    async with at_keyboard(World(mode="error")) as person:
        await person.sees("EC2 said no", "ask for ec2:*", "llama-7b")


@pytest.mark.parametrize("place", [(), ("5",), ("ctrl+d",), ("x",), ("colon",), ("slash",), ("question_mark",)])
async def test_ctrl_q_quits_at_once_from_everywhere_while_backends_hang(place: tuple[str, ...]) -> None:
    async with at_keyboard() as person:
        await person.press(*place)
        person.world.mode = "hang"
        began = time.monotonic()
        await person.press("ctrl+q")
        await person.until(lambda: person.app._exit, "the app leaves")
        assert time.monotonic() - began < 1
        assert person.world.closed == 1


async def test_quit_closes_without_waiting_for_hanging_feeds() -> None:
    world = World().hanging()
    async with at_keyboard(world) as person:
        await person.press("5", "7", "ctrl+q")
        await person.until(lambda: person.app._exit, "the app leaves")
    assert world.closed == 1


async def test_quit_says_what_stays_in_the_sandbox() -> None:
    async with at_keyboard(World(leaving="the sandbox stays for run tiny, 30 minutes at most")) as person:
        await person.press("ctrl+q")
        await person.until(lambda: person.app._exit, "the app leaves")
        assert [str(each) for each in person.app._exit_renderables] == [person.world.leaving]


async def test_ctrl_c_never_quits() -> None:
    async with at_keyboard() as person:
        await person.press("ctrl+c")
        await person.sees("ctrl+q quits")
        assert not person.app._exit


async def test_q_goes_back_then_quits() -> None:
    async with at_keyboard() as person:
        await person.press("5", "q")
        assert person.app.current_mode == "instances"
        assert not person.app._exit
        await person.press("q")
        await person.until(lambda: person.app._exit, "the app leaves")


async def test_digits_open_screens_and_build_them_only_then() -> None:
    async with at_keyboard() as person:
        assert list(person.app._screen_stacks) == ["instances"]
        for key, name in MODES.items():
            await person.press(key)
            await person.until(lambda name=name: person.text().splitlines()[2].lstrip().startswith(name), name)  # type: ignore[misc] # bound at once


async def test_history_and_last_view() -> None:
    async with at_keyboard() as person:
        await person.press("4", "5", "minus")
        assert person.app.current_mode == "checkpoints"
        await person.press("left_square_bracket")
        assert person.app.current_mode == "monitor"
        await person.press("right_square_bracket")
        assert person.app.current_mode == "checkpoints"


async def test_only_the_screen_in_front_is_fed() -> None:
    async with at_keyboard() as person:
        world = person.world
        assert world.fleet.watchers == 1
        await person.press("4")
        await person.until(lambda: world.checkpoints.watchers == 1 and world.fleet.watchers == 0, "feeds moved")
        await person.press("1")
        await person.until(lambda: world.checkpoints.watchers == 0 and world.fleet.watchers == 1, "feeds moved back")


async def test_user_keymap_moves_a_key_and_unknown_names_are_told() -> None:
    world = World()
    world.settings["ui.keymap"] = {"app.monitor": "f5", "app.monitr": "f6"}
    async with at_keyboard(world) as person:
        await person.sees("there is no app.monitr", "did you mean app.monitor?")
        await person.press("5")
        assert person.app.current_mode == "instances"
        await person.press("f5")
        assert person.app.current_mode == "monitor"


def test_keymap_clashes_are_told() -> None:
    keymap, wrong = read_keymap({"instances.shell": "l"})
    assert keymap == {"instances.shell": "l"}
    assert wrong == ("ui.keymap: l would do both instances.logs and instances.shell",)


def test_keys_are_checked_and_named_as_textual_names_them() -> None:
    keymap, wrong = read_keymap({"app.quit": "f10, ?", "app.monitor": "ctrl+zz", "app.costs": "F5", "app.tasks": ""})
    assert keymap == {"app.quit": "f10,question_mark"}
    assert wrong[:3] == (
        "ui.keymap: there is no ctrl+zz; did you mean ctrl+z?",
        "ui.keymap: there is no F5; did you mean f5?",
        "ui.keymap: there is no key without a name",
    )
    for key in ("a", "A", ".", "full_stop", "plus", "ctrl+plus", "alt+ctrl+f24", "ctrl+shift+left", "ctrl+backslash"):
        assert read_keymap({"app.quit": key})[0], key
    for key in ("ctrl+", "control+a", "f25", "a+b", "ctrl++"):
        assert not read_keymap({"app.quit": key})[0], key


def test_every_key_of_our_own_exists() -> None:
    for name, binding in known_bindings().items():
        assert read_keymap({name: binding.key})[0] == {name: binding.key}


async def test_problems_follow_from_screen_to_screen_until_read() -> None:
    async with at_keyboard() as person:
        person.app.post_message(Faulted(Problem("state.damaged", "the state file was damaged", "it was cut off")))
        await person.sees("the state file was damaged", "state.damaged")
        await person.press("5")
        await person.sees("the state file was damaged")
        await person.press("exclamation_mark")
        await person.sees("it was cut off", "runctl-tui.log")
        await person.press("escape")
        await person.until(lambda: "file was damaged" not in person.text(), "the problem is gone")
        await person.press("1")
        await person.until(lambda: "file was damaged" not in person.text(), "the problem is gone here too")


async def test_what_one_key_press_failed_with_goes_with_the_next_screen() -> None:
    async with at_keyboard() as person:
        person.world.mode = "error"
        await person.press("ctrl+d")
        await person.sees("EC2 said no", "UnauthorizedOperation")
        person.world.mode = "ok"
        await person.press("5")
        await person.until(lambda: "EC2 said no" not in person.text(), "nobody waits for it any more")


async def test_what_one_key_press_failed_with_goes_when_the_next_one_succeeds() -> None:
    async with at_keyboard() as person:
        person.world.mode = "error"
        await person.press("ctrl+d")
        await person.sees("EC2 said no")
        await person.press("down", "ctrl+d")
        await person.sees("EC2 said no")
        person.world.mode = "ok"
        await person.press("C")
        await person.press("enter")
        await person.until(lambda: "EC2 said no" not in person.text(), "something else was done")


async def test_a_long_problem_is_read_in_full_on_a_narrow_screen() -> None:
    async with at_keyboard(size=(80, 24)) as person:
        todo = "do one thing, then another, and when all of that has been done look again: " + "runctl-tui doctor"
        person.app.post_message(Faulted(Problem("code", "it failed", "for a reason", f"{todo} THE END")))
        await person.sees("it failed")
        await person.press("exclamation_mark")
        await person.sees("THE END")


async def test_a_bug_in_a_worker_is_told_and_the_app_goes_on() -> None:
    async with at_keyboard() as person:

        async def broken() -> None:
            raise ZeroDivisionError("secret-token-123")

        person.app._front.work(broken, group="test")
        await person.sees("something in this program failed")
        assert "secret-token-123" not in person.text()
        await person.press("exclamation_mark")
        await person.sees("ZeroDivisionError", "/runctl-tui.log")
        await person.press("escape", "5")
        assert person.app.current_mode == "monitor"


async def test_crash_says_a_few_words_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    app = RunctlApp(World().services())

    def broken() -> None:
        raise ZeroDivisionError("secret-token-123")

    async def crash() -> None:
        async with app.run_test() as pilot:
            app.call_later(broken)
            await pilot.pause(0.2)

    with pytest.raises(ZeroDivisionError):
        await crash()
    words = " ".join(capsys.readouterr().err.split())
    assert words == "runctl-tui had to stop: ZeroDivisionError. Details: " + app.services.log_path


async def test_header_tells_production_arming() -> None:
    from dataclasses import replace

    world = World(facts=replace(data.FACTS, lock="read-only: :arm 10m first", armed_for=None, sandbox=False))
    async with at_keyboard(world) as person:
        await person.sees("READ-ONLY")
        assert "SANDBOX" not in person.text()
        await person.press("colon")
        await person.type("arm 5")
        await person.press("enter")
        await person.until(lambda: world.armed == [300.0], "armed for five minutes")


async def test_header_ages_in_steps_and_stays_still_between() -> None:
    async with at_keyboard() as person:
        header = person.app.screen.query_one(HeaderBar)
        before = header.facts
        person.world.clock.advance(1)
        person.app._front.tick()
        assert header.facts == before
        person.world.clock.advance(10)
        person.app._front.tick()
        assert header.facts.data_age == 10


async def test_everything_fits_80_columns() -> None:
    async with at_keyboard(size=NARROW) as person:
        for key in MODES:
            await person.press(key)
            lines = person.text().splitlines()
            assert "SANDBOX" in lines[0]
            assert "▲ partial" in lines[-1]
            assert all(len(line) <= 80 for line in lines)


def test_every_binding_has_an_id_and_changing_verbs_have_no_plain_key() -> None:
    changing = {"terminate", "stop", "start", "delete", "launch"}
    for name, binding in known_bindings().items():
        words = {binding.action.partition("(")[0].rpartition(".")[2]}
        if words & changing:
            assert all("ctrl+" in key for key in binding.key.split(",")), name
    assert known_bindings()["instances.terminate"].key == "ctrl+d"
    assert "ctrl+z" not in {key for binding in known_bindings().values() for key in binding.key.split(",")}
    assert all(isinstance(binding, Binding) for binding in known_bindings().values())


async def test_what_is_told_while_the_program_ends_is_nobodys_error() -> None:
    async with at_keyboard() as person:
        app = person.app
    app.show_word(Told("a job ended"))
    app.show_fault(Faulted(Problem("late", "nobody looks")))
