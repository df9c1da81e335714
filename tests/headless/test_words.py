"""The words of the command line: usage errors, help, configuration nouns, exit codes, the terminal's own questions."""

from __future__ import annotations

import asyncio
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui import __version__
from runctl_tui.domain import money
from runctl_tui.domain.plan import Confirmation, Operation
from runctl_tui.headless import output
from runctl_tui.headless.console import Console
from runctl_tui.headless.parser import NOUNS, noun_parser, repeat_regions
from runctl_tui.headless.reply import Call
from runctl_tui.services.errors import Refused, UserError
from tests.headless.conftest import Runctl, Said
from tests.headless.fakes import BLOCKED, World, plan, services


def test_what_has_cost_next_to_nothing_is_not_shown_as_nothing() -> None:
    few = Decimal("0.00002")
    assert output.cell(few) == output.cell(float(few)) == "<0.0001"
    assert output.dollars(few) == money.dollars(few) == "<$0.0001"
    assert (output.cell(Decimal(0)), output.dollars(Decimal(0)), money.dollars(Decimal(0))) == ("0", "$0.00", "$0.00")
    assert output.cell(Decimal("0.0057")) == "0.0057"


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (["0.768", "1.006", "0"], ["0.768", "1.006", "0.000"]),
        (["338.70123", "6.86012", "0.004", None], ["338.70", "6.86", "<0.01", "?"]),
        (["1234.5", "-"], ["1,234.50", "-"]),
    ],
)
def test_the_figures_of_a_column_stand_point_under_point(column: list[str | None], shown: list[str]) -> None:
    rows = [{"usd": Decimal(each) if each not in (None, "-") else each} for each in column]
    lines = output.table(rows, {"USD": "usd"}, "").splitlines()[1:]
    assert [line.strip() for line in lines] == shown
    assert len({len(line) for line in lines}) == 1, "to the right"


def test_whole_numbers_stay_whole() -> None:
    assert output.table([{"n": 3}, {"n": 1200}, {"n": None}], {"N": "n"}, "").split() == ["N", "3", "1200", "?"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("instnces", "list"), "did you mean instances?"),
        (("instances", "lst"), "did you mean list?"),
        (("instances", "list", "--jsn"), "did you mean --json?"),
        (("instances", "launch", "--tpye", "g5.xlarge"), "did you mean --type?"),
        (("instances", "launch", "--ami", "img"), "'runctl-tui instances launch --help' explains it"),
        (("instances", "list", "--region", "mars-1"), "regions are us-east-1, us-east-2, us-west-1"),
        (("instances", "list", "--region", "eu-central1"), "did you mean eu-central-1?"),
        (("instances",), "'runctl-tui instances --help' explains it"),
        (("cost", "--by", "projct"), "did you mean project?"),
        (("exec", "echo", "hi"), "follow '--': runctl-tui exec … -- hi"),
        (("train", "x.py", "--epochs", "3"), "follow '--': runctl-tui train … -- --epochs 3"),
        (("instances", "list", "--", "x"), ""),
        (("zzz",), "the nouns are instances"),
        ((), "runctl-tui instances list --json"),
    ],
)
def test_a_usage_error_is_one_json_object_with_the_nearest_word(
    runctl: Runctl, world: World, words: tuple[str, ...], hint: str
) -> None:
    said = runctl("--json", *words)
    assert said.code == 1
    assert said.error["type"] == "UsageError"
    assert said.error["code"] == "usage"
    assert hint in said.error["hint"]
    assert world.started == 0
    if words:
        plain = runctl(*words)
        assert plain.code == 1
        assert plain.out == ""
        assert "Traceback" not in plain.err


def test_without_a_terminal_the_screen_says_what_to_do(runctl: Runctl) -> None:
    said = runctl()
    assert said.code == 1
    assert said.out == ""
    assert "needs a terminal" in said.err
    assert "instances list --json" in said.err


def test_version_and_help(runctl: Runctl) -> None:
    assert runctl("--version").out == f"runctl-tui {__version__}\n"
    text = runctl("--help").out
    assert all(noun in text for noun in NOUNS)
    assert "exit codes: 0 done" in text


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_has_help_with_words_for_every_flag(runctl: Runctl, noun: str) -> None:
    from runctl_tui.headless.parser import walk

    assert runctl(noun, "--help").code == 0
    entries = [entry for entry in walk(noun_parser(noun)) if entry[0].startswith(f"runctl-tui {noun}")]
    assert entries
    assert [entry for entry in entries if not entry[2]] == []


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("--region us-east-1 us-west-2 instances list", "--region us-east-1 --region us-west-2 instances list"),
        ("--region us-east-1,us-west-2 x", "--region us-east-1 --region us-west-2 x"),
        ("--region us-east-1 runs list", "--region us-east-1 runs list"),
        ("runs list --region us-east-1 --json", "runs list --region us-east-1 --json"),
    ],
)
def test_several_regions_after_one_flag(words: str, meant: str) -> None:
    assert repeat_regions(words.split()) == meant.split()


def test_init_writes_a_private_sample_once(runctl: Runctl) -> None:
    assert runctl("init", "--json").code == 0
    path = Path(".runctl.toml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("# mine\n")
    said = runctl("init", "--json")
    assert (said.code, said.error["type"]) == (1, "ResourceExists")
    assert path.read_text() == "# mine\n"
    assert runctl("config", "validate").code == 0


def test_config_nouns_work_while_the_file_is_wrong(runctl: Runctl, world: World) -> None:
    Path(".runctl.toml").write_text('[aws]\nregon = "x"\nkey_name = "k"\n')
    shown = runctl("config", "show", "--json")
    assert {row["key"]: row["value"] for row in shown.data}["aws.key_name"] == "k"
    said = runctl("config", "validate", "--json")
    assert said.code == 3
    assert "aws.region" in said.error["hint"]
    assert runctl("init", "--config-path", "other.toml").code == 0
    assert world.started == 0


def test_config_validate_names_bindings_and_keys_that_do_not_exist(runctl: Runctl) -> None:
    Path(".runctl.toml").write_text('[ui.keymap]\n"app.monitr" = "f5"\n"app.quit" = "ctrl+zz"\n')
    said = runctl("config", "validate", "--json")
    assert (said.code, said.error["code"]) == (3, "config.keymap")
    assert "there is no app.monitr; did you mean app.monitor?" in said.error["message"]
    assert "there is no ctrl+zz; did you mean ctrl+z?" in said.error["message"]
    assert "docs/keys.md" in said.error["hint"]
    Path(".runctl.toml").write_text('[ui.keymap]\n"instances.shell" = "l"\n')
    assert "do both" in runctl("config", "validate", "--json").error["message"]
    Path(".runctl.toml").write_text('[ui.keymap]\n"app.monitor" = "f5, ctrl+shift+f12"\n')
    assert runctl("config", "validate", "--json").code == 0
    assert runctl("config", "set", "ui.keymap", "nope.nope=f5", "--json").code == 3


def test_config_set_and_show(runctl: Runctl) -> None:
    assert runctl("config", "set", "aws.region", "eu-west-1", "--json").data["value"] == "eu-west-1"
    (row,) = runctl("config", "show", "aws.region", "--json").data
    assert row["origin"].startswith("user (")
    assert (
        "still in force is 'us-east-1', from flag"
        in runctl("config", "set", "aws.region", "eu-west-2", "--region", "us-east-1").out
    )
    said = runctl("config", "set", "aws.regon", "x", "--json")
    assert (said.code, said.error["hint"]) == (3, "did you mean aws.region?")


def test_a_missing_explicit_file_is_a_configuration_error(runctl: Runctl) -> None:
    for verb in ("validate", "show"):
        said = runctl("config", verb, "--config", "nowhere.toml", "--json")
        assert (said.code, said.error["type"]) == (3, "ConfigNotFound")
        assert "nowhere.toml" in said.error["message"]


def test_the_sandbox_reads_neither_the_projects_nor_the_users_file(runctl: Runctl) -> None:
    Path(".runctl.toml").write_text('[aws]\nkey_name = "mine"\n')
    (row,) = runctl("config", "show", "aws.key_name", "--json", "--sandbox").data
    assert (row["value"], row["origin"]) == ("", "default")


def test_errors_for_people_say_what_and_what_to_do(runctl: Runctl) -> None:
    said: Said = runctl("runs", "show", "nobody")
    assert said.out == ""
    assert said.err.startswith("starting the sandbox\nrunctl-tui: no run 'nobody'")


@contextmanager
def terminal(typed: str) -> Iterator[Console]:
    """A console on a pseudo-terminal on which somebody has typed."""
    keys, screen = os.openpty()
    os.write(keys, typed.encode())
    with open(screen, encoding="utf-8", closefd=False) as stdin, open(screen, "w", encoding="utf-8") as stderr:
        yield Console(False, stdin, io.StringIO(), stderr)
    os.close(keys)


def ask(world: World, typed: str, *words: str) -> object:
    """Call a changing verb as somebody who sits at a terminal and types this."""

    async def run(console: Console) -> object:
        args = noun_parser("instances").parse_args(["instances", *words])
        call = Call(args, console, ("instances", *words))
        return await args.handler(services(world), call)

    with terminal(typed) as console:
        return asyncio.run(asyncio.wait_for(run(console), 10))


def test_on_a_terminal_the_name_is_asked_for(world: World) -> None:
    ask(world, "llama-7b\n", "terminate", "llama-7b")
    expected = Confirmation(plan(Operation.TERMINATE).hash, True, "llama-7b")
    assert [confirmation for _, confirmation in world.committed] == [expected]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("llama\n", ("terminate", "llama-7b")),
        ("n\n", ("start", "llama-7b")),
        ("\n", ("start", "llama-7b")),
        ("x\n", ("stop", "llama-7b")),
        ("\x04", ("terminate", "llama-7b")),
    ],
)
def test_on_a_terminal_any_other_answer_changes_nothing(world: World, typed: str, words: tuple[str, ...]) -> None:
    with pytest.raises(UserError):
        ask(world, typed, *words)
    assert world.committed == []


@pytest.mark.parametrize(("typed", "words"), [("y\n", ("start", "llama-7b")), ("\n", ("stop", "llama-7b"))])
def test_on_a_terminal_yes_or_enter_goes_on(world: World, typed: str, words: tuple[str, ...]) -> None:
    ask(world, typed, *words)
    assert len(world.committed) == 1


def test_on_a_terminal_a_refused_plan_is_not_even_asked_about(world: World) -> None:
    world.plan_changes = {"verdict": BLOCKED}
    with pytest.raises(Refused):
        ask(world, "llama-7b\n", "terminate", "llama-7b")
    assert world.committed == []


def test_on_a_terminal_a_cap_is_asked_for_where_the_price_is_unknown(world: World) -> None:
    world.plan_changes = {"usd_per_hour": None, "price_unknown": True}
    ask(world, "2.5\ny\n", "start", "llama-7b")
    assert str(world.committed[0][1].typed_cap) == "2.5"


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0", "less than $0.01/mo"), ("0.0099", "less than $0.01/mo"), ("0.01", "$0.01/mo"), ("1200", "$1,200.00/mo")],
)
def test_what_is_paid_per_month(amount: str, words: str) -> None:
    assert money.month_words(Decimal(amount)) == words
