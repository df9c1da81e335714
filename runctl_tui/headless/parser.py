"""The grammar of the command line: global flags anywhere, one noun's module loaded at a time."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from runctl_tui.domain import validation
from runctl_tui.services.errors import ValidationError

PROGRAM: Final = "runctl-tui"
NOUNS: Final = {
    "instances": ("runctl_tui.headless.instances", "machines: list, show, launch, start, stop, terminate, wait, ssh"),
    "processes": ("runctl_tui.headless.processes", "what a machine is doing: processes, CPU, memory, disks, GPUs; end"),
    "tunnels": ("runctl_tui.headless.tunnels", "ports of machines, reachable here: list, open, close"),
    "pods": ("runctl_tui.headless.pods", "RunPod's pods: list, show, create, start, stop, terminate, logs"),
    "volumes": ("runctl_tui.headless.volumes", "volumes: list, show, create, attach, detach, modify, snapshot, delete"),
    "snapshots": ("runctl_tui.headless.snapshots", "snapshots of volumes: list, show, restore, copy, delete"),
    "runs": ("runctl_tui.headless.runs", "training runs: list, show, logs, start, stop, upload, resume"),
    "train": ("runctl_tui.headless.train", "the whole way: launch, train, keep the checkpoints, terminate"),
    "checkpoints": ("runctl_tui.headless.checkpoints", "checkpoints on hosts and in S3: list, info"),
    "resources": ("runctl_tui.headless.resources", "everything that costs: list, summary, insights, cleanup, stop-all"),
    "cost": ("runctl_tui.headless.cost", "what everything costs: now, this month, by day, project, run, owner, tag"),
    "export": ("runctl_tui.headless.export", "rows of a list as a file: CSV, JSON, HTML or Markdown"),
    "s3": ("runctl_tui.headless.s3", "objects in S3: ls, cp, mv, sync, rm, presign"),
    "local": ("runctl_tui.headless.local", "train on this machine"),
    "exec": ("runctl_tui.headless.local", "run any command on this machine as a run"),
    "audit": ("runctl_tui.headless.audit", "who wanted to change what, and what came of it: list, verify"),
    "doctor": ("runctl_tui.headless.doctor", "what is missing, and how to get it"),
    "config": ("runctl_tui.headless.config", "configuration: show, set, validate"),
    "init": ("runctl_tui.headless.init", "write a commented .runctl.toml into this folder"),
    "sandbox": ("runctl_tui.headless.sandbox", "the embedded cloud: start, stop, status, cut, interrupt"),
    "relay": ("runctl_tui.headless.relay", "give hosts without S3 credentials presigned URLs; starts by itself"),
}
_CHOICE: Final = r"(?s)argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)"
_EXAMPLES: Final = """\
examples:
  runctl-tui                                   the full screen
  runctl-tui --sandbox                         the same, on an embedded cloud without an account
  runctl-tui instances list --json             rows for scripts
  runctl-tui train train.py --type g5.xlarge --spot -- --epochs 3
  runctl-tui instances terminate NAME          shows the plan; acts with --yes --plan-hash HASH --name NAME

exit codes: 0 done, 1 the request cannot be carried out, 2 a provider or this system failed, 3 configuration
"""

Nouns = argparse._SubParsersAction  # argparse publishes the type of add_subparsers() under no other name


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help with room for the longest flags beside their words."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


class UsageError(ValidationError):
    """Words that the command line does not understand."""

    default_code = "usage"


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises `UsageError` with the nearest word instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        if match := re.fullmatch(_CHOICE, message):
            name, word, listed = match.groups()
            choices = [choice.strip(" '") for choice in listed.split(",")]
            nearest = validation.nearest(word, choices)
            todo = f"did you mean {nearest}?" if nearest else f"one of: {', '.join(choices)}"
            raise UsageError(f"{word!r} is no {name.lower()} of '{self.prog}'", todo=todo)
        raise UsageError(message, todo=f"'{self.prog} --help' explains it")


def add_global_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that may stand before and after the noun."""
    group = parser.add_argument_group("global flags, before or after the noun")
    group.add_argument("--json", action="store_true", help="answer with exactly one JSON object on standard output")
    group.add_argument("--sandbox", action="store_true", help="use the embedded cloud; no account, no cost")
    group.add_argument("--fresh", action="store_true", help="with --sandbox: begin its world anew")
    group.add_argument("--state-dir", metavar="DIR", default="", help="folder of ledger, journal, keys and sandbox")
    group.add_argument("--config", metavar="FILE", default="", help="the one configuration file to read")
    group.add_argument("--profile", metavar="PROFILE", default="", help="profile of the AWS configuration")
    group.add_argument(
        "--region", metavar="REGION", action="append", default=[], help="region; may be given several times"
    )
    group.add_argument("--read-only", action="store_true", help="refuse every change")


def global_parser() -> Parser:
    """Return the parser that picks the global flags out of a command line."""
    parser = Parser(prog=PROGRAM, add_help=False, allow_abbrev=False)
    add_global_flags(parser)
    return parser


def global_flag(words: Sequence[str]) -> str:
    """Return the first global flag among words; empty where there is none."""
    flags = {flag for action in global_parser()._actions for flag in action.option_strings}  # argparse has no list
    return next((word for word in words if word.partition("=")[0] in flags), "")


def repeat_regions(words: Sequence[str]) -> list[str]:
    """Rewrite '--region a b' and '--region a,b' to one flag per region."""
    result: list[str] = []
    taking = False
    for word in words:
        if taking and validation.is_region(word) and result[-1] != "--region":
            result.append("--region")
        elif word.startswith("-"):
            taking = word == "--region" or word.startswith("--region=")
        elif not validation.is_region(word) and result[-1:] != ["--region"]:
            taking = False
        parts = word.split(",") if taking and not word.startswith("-") else [word]
        for index, part in enumerate(parts):
            result.extend(["--region", part] if index else [part])
    return result


def noun_parser(noun: str = "", version: str = "") -> Parser:
    """Return the parser of all nouns, with the verbs of one of them; '*' loads every noun."""
    parser = Parser(
        prog=PROGRAM,
        allow_abbrev=False,
        description="Launch, watch, pay for, keep and clean up machine-learning training; without a noun: the screen.",
        epilog=_EXAMPLES,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {version}")
    add_global_flags(parser)
    nouns: Nouns[Parser] = parser.add_subparsers(title="nouns", dest="noun", metavar="NOUN", required=True)
    for name, (module, help_text) in NOUNS.items():
        if noun in (name, "*"):
            importlib.import_module(module).register(nouns, name, help_text)
        else:
            nouns.add_parser(name, help=help_text, add_help=False)
    return parser


def add_noun(nouns: Nouns[Parser], name: str, help_text: str) -> Parser:
    """Add a noun that has flags of its own."""
    return nouns.add_parser(
        name,
        help=help_text,
        description=help_text[0].upper() + help_text[1:] + ".",
        formatter_class=_Help,
        epilog="Global flags such as --json, --sandbox and --region: runctl-tui --help",
        allow_abbrev=False,
    )


def add_target(parser: Parser, kind: str, *, many: bool = False, metavar: str = "") -> None:
    """Add the argument that names what a verb is about: `kind`, or several as `kinds`."""
    words = "id, key or unique name"
    if many:
        parser.add_argument(f"{kind}s", metavar=metavar or kind.upper(), nargs="+", help=words)
    else:
        parser.add_argument(kind, metavar=metavar or kind.upper(), help=words)


def add_verbs(parser: Parser, *, required: bool = True) -> Nouns[Parser]:
    """Give a noun verbs; where none is required, the noun alone is a command too."""
    return parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=required, parser_class=Parser)


def check_noun(words: Sequence[str]) -> str:
    """Return the noun among the words; UsageError names the nearest where it is none."""
    for word in words:
        if not word.startswith("-"):
            if word not in NOUNS:
                nearest = validation.nearest(word, NOUNS)
                todo = f"did you mean {nearest}?" if nearest else f"the nouns are {', '.join(NOUNS)}"
                raise UsageError(f"{word!r} is no noun", todo=todo)
            return word
    return ""


_PASSING_ON: Final = {"exec": "command", "local": "script", "train": "script"}
"""Nouns that start something with words of its own."""


def check_leftovers(parser: Parser, noun: str, words: Sequence[str]) -> None:
    """Raise UsageError for words that no parser took, with the nearest flag."""
    if not words:
        return
    flags = sorted({flag for _, flag, _ in walk(parser) if flag.startswith("--")})
    word = words[0].partition("=")[0]
    nearest = validation.nearest(word, flags) if word.startswith("-") and word not in flags else ""
    todo = f"did you mean {nearest}?" if nearest else ""
    if noun in _PASSING_ON:
        follow = f"words for the {_PASSING_ON[noun]} itself follow '--': {PROGRAM} {noun} … -- {' '.join(words)}"
        todo = f"{todo} {follow}".lstrip()
    todo = todo or f"'{' '.join(filter(None, (PROGRAM, noun)))} --help' lists what there is"
    raise UsageError(f"{words[0]!r} is not understood here", todo=todo)


def walk(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, str]]:
    """Yield (command, flag or argument, help) of a parser and everything below it."""
    for action in parser._actions:  # argparse offers no public list
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from walk(inner)
            continue
        for name in action.option_strings or [str(action.metavar or action.dest).upper()]:
            yield parser.prog, name, action.help or ""
