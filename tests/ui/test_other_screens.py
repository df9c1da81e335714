"""Checkpoints, Tasks and the command line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runctl_tui.commands.line import COMMANDS, Vocabulary, among, complete, nearest
from runctl_tui.commands.palette import Palette
from runctl_tui.services.errors import Refused
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import World


async def obey(person: Person, line: str) -> None:
    await person.press("colon")
    await person.type(line)
    await person.press("enter")


async def test_checkpoints_stand_newest_first_with_both_copies() -> None:
    async with at_keyboard() as person:
        await person.press("4")
        await person.sees("4,000", "● present", "▲ absent", "only on the host", "✓ verified", "safe in S3")
        steps = [line.split()[1] for line in person.text().splitlines() if "hf, 2 files" in line]
        assert steps[0] in ("llama-7b", "4,000")
        assert "◐ uploading" in person.text()
        assert "? unknown" in person.text()


async def test_checkpoint_details_and_location() -> None:
    async with at_keyboard() as person:
        await person.press("4", "j", "enter")
        await person.sees("On the host", "In S3", "verified", "s3://my-runs/llama/", "abababab")
        await person.press("escape", "c")
        assert person.app.clipboard == f"s3://my-runs/llama/{data.LLAMA_RUN.id}/step_3500"


async def test_resume_from_a_checkpoint_prefers_s3() -> None:
    async with at_keyboard() as person:
        await person.press("4", "j", "x", "enter")
        await person.sees("RESUME", f"s3://my-runs/llama/{data.LLAMA_RUN.id}/step_3500")


async def test_checkpoints_of_one_run_and_back() -> None:
    async with at_keyboard() as person:
        await person.press("4")
        await obey(person, "checkpoints sdxl-lora")
        await person.sees("of sdxl-lora, escape shows all", "no checkpoints yet")
        await person.press("escape")
        await person.sees("4,000")


async def test_tasks_show_steps_and_answer_questions() -> None:
    world = World()
    world.jobs.push((data.job(question="no spot capacity; on demand costs $1.01/h instead of $0.42/h"),))
    async with at_keyboard(world) as person:
        await person.press("7")
        await person.sees("? asks you", "no spot capacity", "create the instance", "sync code")
        await person.press("enter")
        await person.sees("? no spot capacity", "y  yes", "n  no")
        await person.press("y")
        await person.until(lambda: world.answered == [("j-1", True)], "answered")


async def test_a_question_can_be_refused_and_enter_refuses_nothing() -> None:
    world = World()
    world.jobs.push((data.job(question="go on?"),))
    async with at_keyboard(world) as person:
        await person.press("7", "enter")
        await person.sees("n  no")
        await person.press("enter")
        await person.until(lambda: not person.dialog, "enter closes")
        assert world.answered == []
        await person.press("enter", "n")
        await person.until(lambda: world.answered == [("j-1", False)], "refused")


async def test_questions_of_our_own_jobs_interrupt_on_any_screen() -> None:
    async with at_keyboard() as person:
        person.app.shared.own_jobs.add("j-1")
        await person.press("4")
        person.world.jobs.push((data.job(question="no spot capacity"),))
        await person.sees("? no spot capacity", "y  yes")
        await person.press("escape")
        await person.until(lambda: not person.dialog, "closed")
        person.world.jobs.push((data.job(question="no spot capacity", run_id="r-1"),))
        await person.pilot.pause(0.1)
        assert not person.dialog, "the same question does not interrupt twice"


async def test_the_end_of_our_own_jobs_is_told() -> None:
    async with at_keyboard() as person:
        person.app.shared.own_jobs.add("j-1")
        person.world.jobs.push((data.job(ended_at=data.NOW, ok=False, result="the image is gone"),))
        await person.sees("✗ launch tiny: the image is gone")


async def test_a_task_can_be_stopped() -> None:
    async with at_keyboard() as person:
        await person.press("7", "x")
        await person.type("stop it")
        await person.press("enter")
        await person.until(lambda: person.world.cancelled == ["j-1"], "asked to stop")


async def test_a_task_of_another_program_refuses_to_be_stopped_in_words() -> None:
    async with at_keyboard() as person:

        def refuse(job_id: str) -> None:
            raise Refused(f"job {job_id} is not of this program", "another one works on it, or it has ended")

        person.app.services.jobs.cancel = refuse  # type: ignore[method-assign]  # of the fake
        await person.press("7", "x")
        await person.type("stop it")
        await person.press("enter")
        await person.sees("is not of this program", "! read")


@pytest.mark.parametrize(("line", "mode"), [("tasks", "tasks"), ("monitor tiny-2", "monitor")])
async def test_commands_navigate(line: str, mode: str) -> None:
    async with at_keyboard() as person:
        await obey(person, line)
        await person.until(lambda: person.app.current_mode == mode, mode)
        if mode == "monitor":
            await person.until(lambda: person.table.cursor_key == data.TINY_RUN.id, "the run is under the cursor")


async def test_narrow_checkpoints_keep_what_matters_whole() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("4")
        await person.sees("RUN", "STEP", "SIZE", "HOST", "S3", "STATE", "only on the host", "safe in S3")
        rows = [line for line in person.text().splitlines() if " step_" in line or "4,000" in line]
        assert rows
        assert not any("…" in row for row in rows)


async def test_sandbox_commands_reach_the_sandbox_and_its_words_are_said() -> None:
    async with at_keyboard() as person:
        await obey(person, "sandbox cut llama-7b 20")
        await person.sees("✓ the link to tiny is cut for 20 s")
        assert person.world.sandbox_words == [("cut", "llama-7b", "20")]


async def test_a_cut_link_is_not_said_to_be_cut_once_it_is_back() -> None:
    async with at_keyboard() as person:
        await obey(person, "sandbox cut tiny 0.3")
        await person.press("3")
        await person.sees("✓ the link to tiny is back")
        assert "is cut" not in person.text()


async def test_sandbox_commands_outside_the_sandbox_say_how_to_get_there() -> None:
    async with at_keyboard(World(facts=replace(data.FACTS, sandbox=False))) as person:
        await obey(person, "sandbox status")
        await person.sees("this is no sandbox", "runctl-tui --sandbox")


async def test_theme_config_doctor_and_help() -> None:
    async with at_keyboard() as person:
        await obey(person, "theme runctl-light")
        assert person.app.theme == "runctl-light"
        await obey(person, "config ui.theme runctl-dark")
        await person.sees("written to")
        assert person.world.settings["ui.theme"] == "runctl-dark"
        await obey(person, "doctor")
        await person.sees("✓ terminal")
        await person.press("escape")
        await obey(person, "help")
        await person.sees("Nothing here changes anything", "everywhere")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("montior", "did you mean :monitor?"),
        ("theme nosuch", "there is no such theme"),
        ("tasks a b c", ":tasks"),
        ("config no.such", "no such key"),
        ("config runpod.api_key rpa_hunter2", "runpod.api_key is a secret"),
        ("launch 'x", "close the quote"),
        ("arm soon", "is no length of time"),
    ],
)
async def test_wrong_commands_say_what_to_do(line: str, words: str) -> None:
    async with at_keyboard() as person:
        await obey(person, line)
        await person.sees(words)


async def test_command_q_quits() -> None:
    async with at_keyboard() as person:
        await obey(person, "q")
        await person.until(lambda: person.app._exit, "left")


def test_completion_offers_what_may_stand_next() -> None:
    words = Vocabulary(
        among(lambda: ["tiny", "llama-7b"]),
        among(lambda: ["r-1"]),
        among(lambda: ["runctl-dark"]),
        among(lambda: ["ui.theme"]),
        volumes=among(lambda: ["data"]),
        snapshots=among(lambda: ["dated"]),
        columns=among(lambda: ["name", "state"]),
    )
    assert complete("instances l", words) == ["instances llama-7b"]
    assert complete("volumes d", words) == ["volumes data"]
    assert complete("snapshots dat", words) == ["snapshots dated", "snapshots data"]
    assert complete("columns name,s", words) == ["columns name,state"]
    assert complete("region us-east-1,us-west-2", words) == []
    assert complete("region us-east-1,us-we", words) == ["region us-east-1,us-west-1", "region us-east-1,us-west-2"]
    assert complete("mo", words) == ["monitor"]
    assert complete("sandbox c", words) == ["sandbox cut"]
    assert complete("sandbox cut t", words) == ["sandbox cut tiny"]
    assert complete("config ui", words) == ["config ui.theme"]
    assert complete("theme ", words) == ["theme runctl-dark"]
    assert complete("tasks ", words) == []
    assert nearest("tsks") == "did you mean :tasks?"
    assert all(word.usage.startswith(f":{name}") for name, word in COMMANDS.items())


async def test_palette_offers_what_the_keys_do() -> None:
    async with at_keyboard() as person:
        await person.press("ctrl+p")
        await person.type("describe")
        await person.sees("Describe")
        await person.press("enter")
        await person.until(lambda: person.dialog == "TextView", "the description is open")


async def test_two_enters_in_one_burst_do_what_was_chosen_once_and_end_nothing() -> None:
    async with at_keyboard() as person:
        await person.press("ctrl+p")
        await person.type("describe")
        await person.sees("Describe")
        palette = person.app.screen
        assert isinstance(palette, Palette)
        before = list(person.app.screen_stack)
        for _ in range(3):
            palette._select_or_command()
        await person.until(lambda: person.dialog == "TextView", "the description is open")
        await person.press("escape")
        await person.until(lambda: person.app.screen_stack == before[:1], "it was opened once")


async def test_help_lists_every_live_binding() -> None:
    async with at_keyboard() as person:
        live = person.app.screen.active_bindings.values()
        described = {each.binding.description for each in live if each.binding.id and not each.binding.system}
        assert {"actions", "terminate", "mark range", "quit"} <= described
        await person.press("question_mark")
        await person.sees("this list")
        body = person.app.screen.query_one("HelpBody")
        text = str(body.render())
        assert {words for words in described if words not in text} == set()


async def test_no_plain_key_changes_anything() -> None:
    plain = [*"abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ023689", "enter", "space", "delete", "backspace"]
    async with at_keyboard() as person:
        for mode in ("1", "4", "5", "7"):
            await person.press(mode)
            for key in plain:
                if key not in ("x", "s"):
                    await person.pilot.press(key)
                while len(person.app.screen_stack) > 1:
                    person.app.pop_screen()
        world = person.world
        assert (world.planned, world.committed, world.cancelled, world.answered) == ([], [], [], [])


async def test_other_screens_fit_80_columns() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("4")
        await person.sees("STEP", "S3", "4,000")
        await person.press("7")
        await person.sees("STATE", "TASK", "◐ working")
