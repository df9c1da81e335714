"""--dry-run on every verb that changes something: it shows what would be done, and nothing is done, --yes or not."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from runctl_tui.domain.plan import Level, Operation, Verdict
from runctl_tui.headless.parser import noun_parser
from tests.headless.conftest import Runctl
from tests.headless.fakes import World, machine, plan

READING = {
    "checkpoints info": "",
    "checkpoints list": "",
    "config show": "",
    "config validate": "",
    "audit list": "",
    "audit verify": "",
    "cost": "",
    "doctor": "",
    "export": "it writes a new file that is named, and never over another",
    "instances describe": "",
    "instances list": "",
    "instances show": "",
    "instances ssh": "what is done there is the person's own doing",
    "instances wait": "",
    "pods list": "",
    "pods logs": "",
    "pods show": "",
    "processes": "",
    "relay": "it serves what was begun elsewhere, and has no end to show",
    "resources insights": "",
    "resources list": "",
    "resources summary": "",
    "runs list": "",
    "runs logs": "",
    "runs show": "",
    "s3 ls": "",
    "s3 uploads": "",
    "s3 presign": "it makes a URL and changes nothing in the bucket",
    "sandbox status": "",
    "snapshots list": "",
    "snapshots show": "",
    "tunnels hold": "it is the process of a tunnel that was opened elsewhere",
    "tunnels list": "",
    "volumes list": "",
    "volumes show": "",
}
"""Commands that change nothing at a provider, on a host or in a file; with the reason where it is not plain."""
MARKABLE = {"instances": "llama-7b", "volumes": "scratch-2025", "snapshots": "snap-0data"}
MARKS: dict[str, tuple[str, ...]] = {
    "claim": (), "protect": (), "unprotect": (), "schedule": ("--after", "2099-01-01"), "unschedule": (),
}  # fmt: skip
CHANGING = {
    "config set": ("aws.region", "us-west-2"),
    "exec": ("nvidia-smi",),
    "init": (),
    "instances launch": ("--type", "g5.xlarge"),
    "instances start": ("llama-7b",),
    **{f"{noun} {verb}": (name, *more) for noun, name in MARKABLE.items() for verb, more in MARKS.items()},
    "instances stop": ("llama-7b",),
    "instances terminate": ("llama-7b",),
    "local": ("train.py",),
    "pods create": ("--type", "RTX 4090"),
    "pods start": ("pod",),
    "pods stop": ("pod",),
    "pods terminate": ("pod",),
    "processes llama-7b end": ("4711",),
    "resources cleanup": (),
    "resources stop-all": (),
    "runs resume": ("r-01",),
    "runs start": ("train.py", "--on", "llama-7b"),
    "runs stop": ("r-01",),
    "runs upload": ("r-01",),
    "s3 abort": ("s3://my-data/corpus/web.tar", "--upload-id", "up1"),
    "s3 cp": ("train.py", "s3://my-data/train.py"),
    "s3 mv": ("train.py", "s3://my-data/train.py"),
    "s3 rm": ("s3://my-data/README.md",),
    "s3 sync": (".", "s3://my-data/code", "--delete"),
    "sandbox cut": ("tiny", "20"),
    "sandbox interrupt": ("tiny",),
    "sandbox start": (),
    "sandbox stop": (),
    "snapshots copy": ("snap-0data", "--to", "us-west-2"),
    "snapshots delete": ("snap-0data",),
    "snapshots restore": ("snap-0data", "--new-name", "again", "--zone", "us-east-1a"),
    "tunnels close": ("t-8888-d4e5f6",),
    "tunnels open": ("llama-7b", "6006"),
    "train": ("train.py", "--type", "g5.xlarge"),
    "volumes attach": ("scratch-2025", "--to", "llama-7b"),
    "volumes create": ("--new-name", "v", "--size", "10", "--zone", "us-east-1a"),
    "volumes delete": ("scratch-2025",),
    "volumes detach": ("scratch-2025",),
    "volumes modify": ("scratch-2025", "--size", "900"),
    "volumes snapshot": ("scratch-2025",),
}
"""Commands that change something, each with words that it can be called with on the fake services."""


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its own parser: nouns that need no verb, and verbs."""
    deeper = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not any(action.required for action in deeper):
        yield parser.prog.removeprefix("runctl-tui ").replace("INSTANCE", "llama-7b"), parser
    for action in deeper:
        for inner in action.choices.values():
            yield from commands(inner)


def files(home: Path) -> list[Path]:
    """What lies in the home folder and in the current one."""
    return sorted([*home.rglob("*"), *Path.cwd().rglob("*")])


PARSERS = dict(commands(noun_parser("*")))


def test_every_command_is_known_to_read_or_to_change() -> None:
    assert sorted(PARSERS) == sorted([*READING, *CHANGING])


@pytest.mark.parametrize("command", sorted(PARSERS))
def test_every_changing_verb_takes_it_and_no_other_pretends_to(command: str) -> None:
    flags = PARSERS[command]._option_string_actions
    assert ("--dry-run" in flags) is (command in CHANGING)
    if command.startswith("s3 ") and command in CHANGING:
        assert flags["--dryrun"] is flags["--dry-run"]


@pytest.mark.parametrize("command", sorted(CHANGING))
def test_nothing_is_done_whatever_else_is_said(runctl: Runctl, world: World, own_home: Path, command: str) -> None:
    world.machines = (machine(), machine(id="p0d", name="pod", provider="runpod"))
    before = files(own_home)
    words = (*command.split(), *CHANGING[command], "--dry-run", "--json")
    said = runctl(*words)
    assert said.data["dry_run"] is True
    hashes = [one["plan_hash"] for one in said.data.get("plans", [said.data]) if "plan_hash" in one]
    if "--yes" in PARSERS[command]._option_string_actions:
        assert said.data["yes_was_ignored"] is False
        insisting = runctl(*words, "--yes", "--plan-hash", hashes[0], "--confirm-name", "llama-7b")
        assert insisting.data["yes_was_ignored"] is True
        assert [one["plan_hash"] for one in insisting.data.get("plans", [insisting.data])] == hashes
    assert (world.committed, world.sandbox_words) == ([], [])
    assert files(own_home) == before
    if command.startswith("sandbox"):
        assert world.started == 0


def test_a_dry_run_of_init_writes_no_file_and_says_where_one_is(runctl: Runctl) -> None:
    assert "would be written" in runctl("init", "--dry-run").out
    assert runctl("init").code == 0
    assert "exists" in runctl("init", "--dry-run", "--json").error["message"]


def test_the_answer_says_that_it_wins_over_yes_and_how_to_do_it(runctl: Runctl, world: World) -> None:
    done = plan(Operation.TERMINATE).hash
    said = runctl("instances", "terminate", "llama-7b", "--dry-run", "--yes", "--plan-hash", done).out
    assert "--dry-run wins over --yes" in said
    command = shlex.split(said.splitlines()[-1])
    assert "--dry-run" not in command
    assert (command.count("--yes"), command.count("--plan-hash")) == (1, 1)
    assert runctl(*command[1:]).code == 0
    assert len(world.committed) == 1


def test_the_aws_word_holds_a_copy_back_that_would_act_at_once(runctl: Runctl, world: World) -> None:
    world.plan_changes = {"verdict": Verdict((), Level.ENTER)}
    for word in ("--dryrun", "--dry-run"):
        assert runctl("s3", "cp", "a", "s3://my-data/a", word).out.startswith("(dryrun) ")
    assert world.committed == []
    assert runctl("s3", "cp", "a", "s3://my-data/a").code == 0
    assert len(world.committed) == 1
