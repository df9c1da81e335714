"""The Instances screen: rows, cursor by id, actions on the ids at the key press, errors, hostile names."""

from __future__ import annotations

from dataclasses import replace

from runctl_tui.domain.fleet import mine_at_work
from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.ports import ShellCommand
from runctl_tui.widgets.key_hints import KeyHints
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, at_keyboard
from tests.ui.fakes import World

EVAL, LLAMA = "aws/i-0aaa00000000000e1", "aws/i-0abc12de34f567890"


async def test_fleet_shows_money_states_and_what_runs() -> None:
    async with at_keyboard() as person:
        text = person.text()
        for words in ("● running", "◐ starting", "○ stopped", "p4d.24xlarge", "8 A100", "us-east-1d", "412.77"):
            assert words in text
        assert "46 %  eta 11h" in text
        assert "▲ idle 38m" in text
        database = next(line for line in text.splitlines() if "db-primary" in line)
        assert database.count("?") == 2, "an unknown price is never a zero"
        assert "foreign" in database


async def test_cursor_stays_on_its_machine_over_refreshes() -> None:
    async with at_keyboard() as person:
        await person.press("j")
        assert person.table.cursor_key == EVAL
        person.world.fleet.push((*tuple(reversed(data.fleet()))[:5], data.fleet()[1], data.fleet()[0]))
        await person.pilot.pause(0.05)
        assert person.table.cursor_key == EVAL
        person.world.fleet.push(tuple(row for row in data.fleet() if row.key != EVAL))
        await person.until(lambda: person.table.cursor_key != EVAL, "the row is gone")
        assert person.table.cursor_key is not None


async def test_cursor_stays_at_the_top_while_rows_arrive_until_the_first_key() -> None:
    world = World()
    world.fleet.push(data.fleet()[4:5])
    async with at_keyboard(world) as person:
        assert person.table.cursor_key == "aws/i-0cce00000000000c1"
        world.fleet.push(data.fleet())
        await person.until(lambda: person.table.cursor_key == LLAMA, "the dearest row")
        await person.press("j")
        world.fleet.push(data.fleet()[1:])
        await person.until(lambda: person.table.model.total == 6, "a row went")
        assert person.table.cursor_key == EVAL


async def test_terminate_is_about_the_marked_machines_at_the_key_press() -> None:
    async with at_keyboard() as person:
        await person.press("space", "space", "ctrl+d")
        await person.until(lambda: person.dialog == "ConfirmDestroy", "the plan is shown")
        person.world.fleet.push(())
        assert person.world.planned == [(Operation.TERMINATE, (LLAMA, EVAL))]
        await person.type("terminate 2")
        assert not person.world.committed


async def test_terminate_needs_the_exact_name_and_cancel_has_the_focus() -> None:
    async with at_keyboard() as person:
        await person.press("j", "ctrl+d")
        await person.until(lambda: person.dialog == "ConfirmDestroy", "the plan is shown")
        await person.sees("DIES", "STAYS", "UNDO", "Type llama-eval to terminate:", "seen ")
        assert person.app.focused is not None
        assert person.app.focused.id == "cancel"
        act = person.app.screen.query_one("#act")
        await person.type("llama-ev")
        field = person.app.screen.query_one("#name")
        await person.until(lambda: field.has_focus, "what is typed goes where it belongs")
        await person.sees("terminate:   llama-ev")
        assert act.disabled
        await person.type("al")
        await person.until(lambda: not act.disabled, "the button wakes on the exact name")
        await person.sees("[ Cancel ]    [ Terminate ]")
        assert "wakes" not in person.text()
        await person.press("enter", "enter")
        await person.until(lambda: person.world.committed, "the plan is committed")
        plan, confirmation = person.world.committed[0]
        assert confirmation.plan_hash == plan.hash
        assert confirmation.name == "llama-eval"


async def test_enter_on_a_fresh_terminate_dialog_cancels() -> None:
    async with at_keyboard() as person:
        await person.press("ctrl+d")
        await person.until(lambda: person.dialog, "the plan is shown")
        await person.press("enter")
        await person.until(lambda: not person.dialog, "the dialog is closed")
        assert not person.world.committed


async def test_a_plan_longer_than_the_screen_keeps_its_buttons_in_sight_and_scrolls() -> None:
    reasons = tuple(
        Reason(f"r{number}", Severity.BLOCK, f"reason number {number}", Level.NEVER) for number in range(20)
    )
    async with at_keyboard(World(reasons=reasons), size=NARROW) as person:
        await person.press("ctrl+d")
        await person.sees("TERMINATE", "reason number 0", "[ Close ]")
        assert "reason number 19" not in person.text()
        await person.press(*["pagedown"] * 4)
        await person.sees("reason number 19", "[ Close ]")


async def test_keys_pressed_before_the_dialog_was_seen_do_nothing() -> None:
    async with at_keyboard() as person:
        person.app._front.change(Operation.START, [EVAL])  # type: ignore[attr-defined] # a screen that changes things
        await person.until(lambda: person.dialog == "ConfirmStart", "the plan is shown")
        await person.pilot.press("y", "enter")
        await person.sees("just opened: press again")
        assert person.dialog == "ConfirmStart"
        assert not person.world.committed


async def test_blocked_plan_offers_only_the_way_out() -> None:
    async with at_keyboard(World(reasons=data.BLOCKED)) as person:
        await person.press("ctrl+d")
        await person.sees("✗ blocked", "training is running", "do: stop the run first", "▲ careful", "[ Close ]")
        assert person.text().count("do: ") == 1
        assert not person.app.screen.query("#act, Input")
        await person.press("y", "enter")
        await person.until(lambda: not person.dialog, "closed")
        assert not person.world.committed


async def test_start_shows_its_price_and_y_confirms() -> None:
    async with at_keyboard() as person:
        person.app._front.change(Operation.START, [EVAL])  # type: ignore[attr-defined] # a screen that changes things
        await person.sees("$1.01/h, $24.24 per day", "y  start, costs money")
        await person.press("y")
        await person.until(lambda: person.world.committed, "the plan is committed")
        assert person.world.committed[0][1].yes


async def test_unknown_price_asks_for_a_cap() -> None:
    async with at_keyboard(World(price_unknown=True)) as person:
        person.app._front.change(Operation.START, [EVAL])  # type: ignore[attr-defined] # a screen that changes things
        await person.sees("The price is unknown")
        await person.press("y")
        assert not person.world.committed
        await person.type("1.50")
        await person.press("enter", "enter")
        await person.until(lambda: person.world.committed, "the plan is committed")
        assert str(person.world.committed[0][1].typed_cap) == "1.50"


async def test_action_menu_greys_what_is_not_possible_with_the_reason() -> None:
    async with at_keyboard() as person:
        person.table.move_to("local/local")
        await person.press("x")
        await person.sees("Terminate…", "this machine is yours; only its runs can be changed")
        await person.type("term")
        await person.press("enter")
        assert person.dialog == "Pick"
        assert not person.world.planned


async def test_action_menu_is_about_the_row_at_its_opening() -> None:
    async with at_keyboard() as person:
        await person.press("j", "x")
        await person.until(lambda: person.dialog == "Pick", "the menu is open")
        person.world.fleet.push((data.fleet()[0],))
        await person.type("stop")
        await person.press("enter")
        await person.until(lambda: person.world.planned == [(Operation.STOP, (EVAL,))], "stop is planned")


async def test_read_only_greys_changes_and_has_no_keys_for_them() -> None:
    async with at_keyboard(World(facts=replace(data.FACTS, lock="read-only: :arm 10m first"))) as person:
        await person.sees("READ-ONLY")
        await person.until(lambda: "ctrl+d" not in person.text() and "s shell" not in person.text(), "no such keys")
        await person.press("ctrl+d", "s", "x")
        await person.sees("read-only: :arm 10m first")
        assert person.world.planned == []
    async with at_keyboard() as person:
        await person.sees("ctrl+d terminate")


async def test_partial_fleet_says_what_is_missing_and_how_old() -> None:
    async with at_keyboard(World().partial()) as person:
        await person.sees(
            "▲ us-west-2: throttled; rows from 45 s ago, next try in 12 s [RequestLimitExceeded]", "! why"
        )
        await person.press("exclamation_mark")
        await person.sees("What is missing, and why", "EC2 answered RequestLimitExceeded", "8f1c-77aa", ".log")


async def test_errors_keep_the_rows() -> None:
    async with at_keyboard() as person:
        person.world.mode = "error"
        await person.press("y")
        await person.sees("EC2 said no", "llama-7b", "412.77")


async def test_empty_fleet_says_what_to_do() -> None:
    async with at_keyboard(World().empty()) as person:
        await person.sees("no machines; x opens the actions")
        grey = {hint.id for hint in person.app.screen.query_one(KeyHints).hints if not hint.enabled}
        assert grey >= {"table.open", "table.mark", "instances.terminate", "instances.logs"}
        assert "screen.actions" not in grey
        person.world.fleet.push(data.fleet())
        await person.sees("412.77")
        await person.until(lambda: all(hint.enabled for hint in person.app.screen.query_one(KeyHints).hints))


async def test_no_rows_are_not_taken_for_none_where_nothing_could_be_asked() -> None:
    world = World()
    world.fleet.push((), (data.THROTTLED,))
    async with at_keyboard(world) as person:
        await person.sees("Instances   ?", "✗ not known: us-west-2: throttled: EC2 answered RequestLimitExceeded")
        assert "no machines" not in person.text()


async def test_hostile_names_are_inert() -> None:
    world = World()
    world.fleet.push((data.hostile_row(), *data.fleet()))
    world.runs.push(data.hostile_row().runs)
    async with at_keyboard(world) as person:
        person.table.move_to("aws/i-0bad000000000bad0")
        for keys in (("enter", "escape"), ("d", "escape"), ("C", "escape"), ("x", "escape"), ("ctrl+d", "escape")):
            await person.press(*keys)
            assert "\x1b" not in person.text()
            assert "\u202e" not in person.text()
        await person.press("5")
        await person.sees("[/]x[red]y")
        assert not person.app._exit


async def test_filter_narrows_and_escape_clears() -> None:
    async with at_keyboard() as person:
        await person.press("slash")
        await person.type("state:stopped")
        await person.press("enter")
        await person.sees("1 of 7", "/ state:stopped")
        assert "llama-eval" not in person.text()
        await person.press("escape")
        await person.sees("llama-eval")


async def test_describe_and_raw() -> None:
    async with at_keyboard() as person:
        await person.press("d")
        await person.sees("us-east-1d", "runctl-training")
        await person.press("escape", "y")
        await person.sees('"InstanceType": "p4d.24xlarge"')


async def test_copy_uses_the_terminals_clipboard() -> None:
    async with at_keyboard() as person:
        await person.press("c")
        assert person.app.clipboard == "i-0abc12de34f567890"
        await person.sees("✓ copied i-0abc12de34f567890")
        await person.press("C")
        await person.type("public")
        await person.press("enter")
        await person.until(lambda: person.app.clipboard == "203.0.113.7", "the address is copied")


async def test_logs_open_the_newest_run_in_the_monitor() -> None:
    async with at_keyboard() as person:
        person.table.move_to("aws/i-0fed00000000000a1")
        await person.press("l")
        await person.until(lambda: person.app.current_mode == "monitor", "the monitor is open")
        await person.until(lambda: person.table.cursor_key == data.LORA_RUN.id, "the cursor is on the run")


async def test_a_pod_without_a_run_shows_what_it_prints_itself() -> None:
    world = World().with_pods()
    world.fleet.push((data.pod_row(),))
    async with at_keyboard(world) as person:
        await person.sees("vision-lora")
        await person.press("l")
        await person.sees("LOG of vision-lora", "Pod Started", "Setting up SSH...", "the pod is gone")
        await person.sees("the log has ended", "q close")
        assert "following" not in person.text()
        assert "\x1b" not in person.text()
        await person.press("c")
        assert person.app.clipboard.splitlines()[0] == "Pod Started"
        await person.press("q")
        await person.until(lambda: person.dialog == "")


async def test_shell_that_cannot_be_opened_is_said() -> None:
    async with at_keyboard(World(shell=ShellCommand(("no-such-program",), {}))) as person:
        await person.press("s")
        await person.sees("this terminal cannot be lent")


async def test_waiting_for_a_plan_is_said_and_escape_gives_up() -> None:
    async with at_keyboard() as person:
        person.world.mode = "hang"
        await person.press("ctrl+d")
        await person.sees("looking at what terminate would do…")
        await person.press("escape")
        await person.until(lambda: "looking at" not in person.text(), "given up")
        person.world.mode = "ok"
        await person.press("ctrl+d")
        await person.until(lambda: person.dialog == "ConfirmDestroy", "a new plan can be made")


async def test_refresh_asks_the_feed_again() -> None:
    async with at_keyboard() as person:
        await person.press("ctrl+r")
        assert person.world.fleet.refreshed == 1


async def test_states_are_words_and_symbols() -> None:
    rows = tuple(
        replace(row, instance=replace(row.instance, state=state))
        for row, state in zip(data.fleet(), ResourceState, strict=False)
    )
    world = World()
    world.fleet.push(rows)
    async with at_keyboard(world) as person:
        for words in ("◐ stopping", "◐ terminat", "· terminated", "✗ error"):
            assert words in person.text()


async def test_narrow_screen_keeps_the_columns_that_matter() -> None:
    async with at_keyboard(size=NARROW) as person:
        head = person.text().splitlines()[3]
        assert [word for word in ("NAME", "STATE", "TYPE", "$/h", "SO FAR", "RUN") if word not in head] == []
        assert "REGION" not in head


async def test_all_of_mine_are_stopped_by_one_plan_without_what_may_not_be() -> None:
    world = World()
    mine = [row.key for row in mine_at_work(data.fleet())]
    assert len(mine) > 2
    spot = Reason("cannot_stop", Severity.BLOCK, "a one-time spot instance cannot be stopped", Level.NEVER)
    world.refused = {mine[1]: spot}
    async with at_keyboard(world) as person:
        await person.press("x")
        await person.sees("Stop all of mine…", f"{len(mine)} running machines")
        await person.type("all of mine")
        await person.press("enter")
        await person.until(lambda: person.dialog == "ConfirmStop", "the plan is shown")
        await person.sees("SPARED", "a one-time spot instance cannot be stopped")
        assert world.planned[-1] == (Operation.STOP, tuple(key for key in mine if key != mine[1]))
        await person.press("y")
        await person.until(lambda: world.committed, "the plan is confirmed")
        assert len(world.committed[0][0].targets) == len(mine) - 1


async def test_nothing_of_mine_to_stop_is_said_in_the_menu() -> None:
    world = World()
    world.fleet.push(
        tuple(row for row in data.fleet() if row.key not in {one.key for one in mine_at_work(data.fleet())})
    )
    async with at_keyboard(world) as person:
        await person.press("x")
        await person.sees("Stop all of mine…", "nothing of yours is running")
