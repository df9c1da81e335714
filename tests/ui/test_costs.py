"""The Costs screen: figures with their sources, divisions, months, and findings whose plans are one key away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from runctl_tui.domain.cost import Bill, Billed, ProjectBudget
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.plan import Operation
from runctl_tui.widgets.table import ResourceTable
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, at_keyboard
from tests.ui.fakes import World

EVAL = "aws/i-0aaa00000000000e1"
NOTEBOOK = "aws/i-0cce00000000000c1"


async def test_figures_say_their_source_their_age_and_what_is_left_out() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees(
            "today $88.20", "burn $25.01/h*", "forecast $1,890*", "budget $2,500", "left $1,295, lasts 2 d"
        )
        await person.sees("ledger since 1 Nov 2026", "prices: bundled table, read 3 min ago", "days are UTC")
        await person.sees("without us-west-2, S3 requests, db-primary (m6i.4xlarge): price unknown")
        await person.press("d")
        await person.sees("Finding", "GPU 0 %, 1 min ago", "$737.30/mo  $1.01/h")
        await person.sees("Left out", "db-primary (m6i.4xlarge): its price is unknown", "sum of the ledger's priced")


async def test_what_a_provider_billed_itself_stands_beside_our_figure_with_source_and_age() -> None:
    world = World()
    bill = Bill(data.NOW, Decimal("0.50"), Decimal("12.34"), (("pods", Decimal("12.34")),))
    told = Billed("runpod", "RunPod", Known(bill, data.NOW - timedelta(minutes=2), "RunPod API v2 billing"))
    world.costs.push(replace(data.COST, billed=(told,)))
    async with at_keyboard(world) as person:
        await person.press("6")
        await person.sees("RunPod billed $12.34, ours")
        await person.press("d")
        await person.sees(
            "$12.34 this month (pods $12.34), $0.50 today; ours", "RunPod API v2 billing; the whole account"
        )
        await person.sees("2 min ago")
        await person.press("escape")
        silent = replace(told, bill=Unknown("RunPod did not answer within 5 s"))
        world.costs.push(replace(data.COST, billed=(silent,)))
        await person.sees("RunPod billed ?")
        await person.press("d")
        await person.sees("unknown: RunPod did not answer within 5 s")


async def test_the_same_figures_fit_a_small_terminal() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("6")
        await person.sees("today $88.20", "Nov $1,204.55", "left $1,295", "llama", "812.40", "old-notebook stopped")
        await person.sees("price unknown")


async def test_before_anything_was_looked_at_nothing_is_zero() -> None:
    world = World()
    world.costs.push(replace(data.COST, known=False, month=Decimal(0), budget=None))
    async with at_keyboard(world) as person:
        await person.press("6")
        await person.sees("today ?", "burn ?/h", "Nov so far ?", "forecast ?", "no budget")
        assert "$0.00" not in person.text()


async def test_a_key_divides_by_the_next_dimension_and_another_by_any_tag() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("by project", "sdxl")
        await person.press("b", "b")
        await person.sees("by type", "p4d.24xlarge")
        (unpriced,) = (line for line in person.text().splitlines() if "m6i.4xlarge   " in line)
        assert unpriced.partition("m6i.4xlarge")[2].split()[:2] == ["?", "?"]
        await person.press("B")
        await person.sees("tag:team")
        assert "tag:runctl:" not in person.text(), "owner and project are dimensions already"
        await person.type("team")
        await person.press("enter")
        await person.sees("by tag:team", "(none)")
        assert [asked[0] for asked in person.world.reports] == ["project", "run", "type", "tag:team"]


async def test_the_table_that_has_the_keys_is_marked_without_colour() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("▏  llama ", "▌  ▲ llama-eval idle")
        await person.press("tab")
        await person.sees("▌  llama ", "▏  ▲ llama-eval idle")


async def test_an_earlier_month_is_shown_and_the_future_is_not() -> None:
    async with at_keyboard() as person:
        await person.press("6", "greater_than_sign")
        await person.sees("November 2026")
        await person.press("less_than_sign")
        await person.sees("October 2026   by project   ?", "nothing is recorded before 1 Nov 2026")
        _, since, until = person.world.reports[-1]
        assert (str(since), str(until)) == ("2026-10-01 00:00:00+00:00", "2026-11-01 00:00:00+00:00")
        await person.press("greater_than_sign")
        await person.sees("November 2026", "812.40")


async def test_enter_on_an_idle_machine_opens_the_plan_to_stop_it_and_does_nothing_else() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("llama-eval idle: no run for 38 min, $0.64 since; CPU 2 %, GPU 0 %", "737.30    1.01")
        await person.press("enter")
        await person.until(lambda: person.dialog == "ConfirmStop", "the plan is shown")
        assert person.world.planned == [(Operation.STOP, (EVAL,))]
        assert not person.world.committed


async def test_enter_on_a_stopped_machine_opens_the_plan_to_terminate_it() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("old-notebook stopped; its disks keep costing", "SAVES $/MO", "8.00       -")
        await person.press("j", "j", "j", "enter")
        await person.sees("Type old-notebook")
        assert person.world.planned == [(Operation.TERMINATE, (NOTEBOOK,))]


async def test_a_volume_that_nothing_uses_is_a_finding_with_its_plan_and_its_place() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("scratch-2025 unattached, 250 GiB, 41 d old, no snapshot", "20.00       -")
        await person.press("j", "j", "enter")
        await person.sees("Type scratch-2025")
        assert person.world.planned == [(Operation.VOLUME_DELETE, ("aws/vol-0scratch",))]
        await person.press("escape")
        await person.until(lambda: not person.dialog, "the dialog is closed")
        await person.press("x")
        await person.sees("Delete…", "Go to the volume")
        await person.press("down", "enter")
        await person.until(lambda: person.app.current_mode == "volumes", "the volumes are shown")
        assert person.table.cursor_key == "aws/vol-0scratch"


async def test_a_finding_leads_to_its_machine() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("llama-eval idle")
        await person.press("x")
        await person.sees("Stop…", "Go to the machine", "Set the budget…")
        await person.press("down", "enter")
        await person.until(lambda: person.app.current_mode == "instances", "the machines are shown")
        await person.until(lambda: person.table.cursor_key == EVAL, "the cursor is on it")


async def test_strangers_machines_are_no_finding() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("llama-eval idle")
        assert "db-primary up" not in person.text()


async def test_the_table_with_the_keys_is_exported() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("812.40")
        await person.press("tab", "ctrl+s")
        await person.sees("Export as", "costs-by-project")
        await person.press("enter")
        await person.sees("exported to")
        await person.press("tab", "ctrl+s", "enter")
        await person.until(lambda: len(person.world.exported) == 2, "both are exported")
        (shares, shares_text), (findings, findings_text) = sorted(person.world.exported, key=lambda each: each[0])
        assert (shares, findings) == ("costs-by-project.csv", "costs.csv")
        assert '"llama","812.40","67"' in shares_text
        assert "llama-eval idle" in findings_text


async def test_keys_act_on_the_table_that_has_them() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await person.sees("812.40", "scratch-2025 unattached")
        shares = person.app.screen_stack[0].query_one("#shares", ResourceTable)
        await person.press("tab", "c")
        await person.sees("copied llama ")
        await person.press("y")
        await person.sees('"usd": "812.40"')
        await person.press("escape", "C")
        await person.sees("SPENT ON", "812.40", "Copy")
        await person.press("escape", "slash")
        await person.type("sdxl")
        await person.press("enter")
        await person.sees("/ spent on: sdxl", "scratch-2025 unattached")
        assert (list(shares.model.view), person.app.focused) == (["sdxl"], shares)
        await person.press("shift+right", "O")
        assert shares.sort == ("name", True)
        assert person.table.sort == (None, False)
        await person.press("x")
        await person.sees("Go to the machines", "sdxl")
        assert "Stop…" not in person.text()
        await person.press("escape", "V")
        await person.sees("✓ SPENT ON")
        await person.press("escape", "escape")
        await person.until(lambda: len(shares.model) > 1, "escape clears the filter of the table at hand")
        await person.press("tab", "c")
        await person.sees("copied i-0aaa00000000000e1")
        await person.press("slash")
        await person.type("old")
        await person.press("enter")
        await person.sees("/ findings: old", "812.40")
        assert person.app.focused is person.table


async def test_costs_stay_readable_while_the_ledger_cannot_be_read() -> None:
    async with at_keyboard() as person:
        person.world.mode = "error"
        await person.press("6")
        await person.sees("EC2 said no", "today $88.20", "llama-eval idle")


async def test_the_command_line_divides_too() -> None:
    async with at_keyboard() as person:
        await person.press("colon")
        await person.type("costs owner")
        await person.press("enter")
        await person.sees("by owner")


async def test_budgets_of_projects_say_what_is_left_and_in_words_what_is_over() -> None:
    world = World(budgets={"llama": Decimal(1000), "sdxl": Decimal(150)})
    project = ProjectBudget("sdxl", Decimal(150), Decimal("201.15"), Decimal(260))
    world.costs.push(replace(data.COST, projects=(project,)))
    async with at_keyboard(world) as person:
        await person.press("6")
        await person.sees("BUDGET", "LEFT", "187.60", "over 51.15", "project sdxl is $51.15 over its budget of $150.00")
        await person.press(*"jjjjj")
        await person.until(lambda: "project sdxl" in str(person.table.cursor_row), "the finding is at hand")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "settings", "the settings are shown")
        await person.until(lambda: person.table.cursor_key == "costs.project_budgets", "the key is at hand")


async def test_what_is_left_stays_on_a_small_terminal_and_goes_away_where_nothing_has_a_budget() -> None:
    async with at_keyboard(World(budgets={"llama": Decimal(1000)}), size=NARROW) as person:
        await person.press("6")
        await person.sees("LEFT", "187.60")
        await person.press("b")
        await person.sees("by run")
        assert "LEFT" not in person.text()


async def test_runs_are_called_by_their_names_and_lead_to_the_monitor_by_their_ids() -> None:
    async with at_keyboard() as person:
        await person.press("6", "b")
        await person.sees("by run", "r-older", "(none)")
        shares = person.app.screen.query_one("#shares", ResourceTable)
        shares.move_to(data.LORA_RUN.id)
        assert str(shares.model.cells(data.LORA_RUN.id)[0].text) == data.LORA_RUN.name
        await person.press("tab", "enter")
        await person.until(lambda: person.app.current_mode == "monitor", "its run is shown")
        await person.until(lambda: person.table.cursor_key == data.LORA_RUN.id, "the run is at hand")
