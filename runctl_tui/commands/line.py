"""The words after the colon: what exists, how it is completed; pure, used by the screens' command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from runctl_tui.domain.validation import REGIONS


@dataclass(frozen=True, slots=True)
class CommandWord:
    """One command as help shows it."""

    usage: str
    help: str


COMMANDS: Final[Mapping[str, CommandWord]] = {
    "instances": CommandWord(":instances [NAME]", "go to the machines, to one of them"),
    "host": CommandWord(":host [NAME]", "go to what a machine is doing: processes, processors, memory, GPUs"),
    "tunnels": CommandWord(":tunnels", "go to the ports of machines that are reachable here"),
    "audit": CommandWord(":audit", "go to what anybody wanted to change, and what came of it"),
    "volumes": CommandWord(":volumes [NAME]", "go to the volumes, to one of them"),
    "snapshots": CommandWord(":snapshots [NAME | VOLUME]", "go to the snapshots, to one of them, to those of a volume"),
    "s3": CommandWord(":s3 [BUCKET/PREFIX]", "go to the buckets, or below a prefix"),
    "uploads": CommandWord(":uploads [BUCKET/PREFIX]", "go to the unfinished uploads, to those below a prefix"),
    "checkpoints": CommandWord(":checkpoints [RUN | PATH]", "go to the checkpoints, of one run, in a folder here"),
    "monitor": CommandWord(":monitor [RUN]", "go to the runs, to one of them"),
    "costs": CommandWord(":costs [DIMENSION]", "go to the money, divided by project, run, tag:KEY and so on"),
    "tasks": CommandWord(":tasks [WORD]", "go to what is being done, to those with a word in them"),
    "cleanup": CommandWord(":cleanup", "go to what of yours costs and seems to be of no use"),
    "settings": CommandWord(":settings [KEY]", "go to the configuration, to one of its keys"),
    "profile": CommandWord(":profile NAME", "work with another AWS profile, without leaving"),
    "region": CommandWord(":region NAME[,NAME…]", "look at other regions, several at a time"),
    "tag": CommandWord(":tag KEY=VALUE", "show only the machines that carry a tag"),
    "view": CommandWord(":view NAME | save NAME | forget NAME", "look at a table as a saved view says"),
    "columns": CommandWord(":columns [NAME,NAME…]", "show only these columns, without a name all of them"),
    "launch": CommandWord(":launch", "open the launch form"),
    "sandbox": CommandWord(
        ":sandbox cut NAME SECONDS | interrupt NAME | status", "cut a host's link, take a spot machine away"
    ),
    "config": CommandWord(":config [KEY [VALUE]]", "show the configuration, or set a key"),
    "theme": CommandWord(":theme NAME", "change the look"),
    "doctor": CommandWord(":doctor", "look at terminal, credentials and permissions"),
    "arm": CommandWord(":arm [TIME]", "allow changes in a production account for a while"),
    "help": CommandWord(":help", "the keys of this screen"),
    "q": CommandWord(":q", "quit"),
}
SANDBOX_VERBS: Final = ("cut", "interrupt", "status")


Starting = Callable[[str], Sequence[str]]
"""Returns the words that begin with a text, in order."""


def among(words: Callable[[], Iterable[str]]) -> Starting:
    """Return a search among few words."""
    return lambda head: [word for word in words() if word.startswith(head)]


def _none(_: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words that completion offers beside the commands themselves."""

    instances: Starting
    runs: Starting
    themes: Starting
    settings: Starting
    views: Starting = _none
    things: Starting = _none
    """Ids and names that may stand in place of a command."""
    tags: Starting = _none
    profiles: Starting = _none
    volumes: Starting = _none
    snapshots: Starting = _none
    columns: Starting = _none

    def after(self, words: Sequence[str], head: str) -> Sequence[str]:
        """Return the words that may stand next and begin so."""
        of_one: Mapping[str, Starting] = {
            "host": self.instances,
            "instances": self.instances,
            "volumes": self.volumes,
            "snapshots": lambda head: (*self.snapshots(head), *self.volumes(head)),
            "columns": lambda head: _after_comma(self.columns, head),
            "theme": self.themes,
            "config": self.settings,
            "settings": self.settings,
            "monitor": self.runs,
            "checkpoints": self.runs,
            "costs": among(_dimensions),
            "tag": self.tags,
            "profile": self.profiles,
            "region": lambda head: _after_comma(among(lambda: REGIONS), head),
            "view": lambda head: (*self.views(head), *among(lambda: ("save", "forget"))(head)),
            "sandbox": among(lambda: SANDBOX_VERBS),
        }
        match list(words):
            case []:
                return (*among(lambda: COMMANDS)(head), *(self.things(head) if head else ()))
            case [command] if command in of_one:
                return of_one[command](head)
            case ["view", "forget"]:
                return self.views(head)
            case ["sandbox", "cut" | "interrupt"]:
                return self.instances(head)
        return ()


def _after_comma(words: Starting, head: str) -> Sequence[str]:
    """Return what a list with commas may become: its last part completed."""
    before, comma, last = head.rpartition(",")
    return [f"{before}{comma}{word}" for word in words(last)]


def _dimensions() -> Sequence[str]:
    from runctl_tui.domain.cost import DIMENSIONS  # no first frame needs costs

    return DIMENSIONS


def complete(line: str, vocabulary: Vocabulary) -> list[str]:
    """Return whole lines that the typed line may become, in order."""
    *before, last = line.split(" ")
    before = [word for word in before if word]
    head = " ".join(before) + (" " if before else "")
    return [head + word for word in vocabulary.after(before, last) if word != last]


def begun(word: str) -> str:
    """Return the only command that begins with a word; empty where there is none, or more than one."""
    found = [command for command in COMMANDS if command.startswith(word)]
    return found[0] if len(found) == 1 else ""


def nearest(word: str) -> str:
    """Return words about the command that was probably meant."""
    several = [f":{command}" for command in COMMANDS if command.startswith(word)]
    if len(several) > 1:
        return f"which one: {' '.join(several)}"
    found = [begun(word)] if several else get_close_matches(word, COMMANDS, 1)
    return f"did you mean :{found[0]}?" if found else "commands: " + " ".join(COMMANDS)
