"""Where a screen's name and the word after it lead: to one row, to the rows that have the word, or nowhere, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from runctl_tui.domain.cost import DIMENSIONS, TAG
from runctl_tui.domain.objects import SCHEME
from runctl_tui.domain.settings import SPECS
from runctl_tui.domain.validation import nearest
from runctl_tui.messages import Navigate
from runctl_tui.services.errors import ResourceNotFound

if TYPE_CHECKING:
    from runctl_tui.screens.destinations import Destinations

KINDS: Final[Mapping[str, str]] = {
    "instances": "machine",
    "hosts": "machine",
    "volumes": "volume",
    "snapshots": "snapshot",
    "monitor": "run",
    "checkpoints": "run",
}
"""What a word after the name of a screen is the name of."""
ABOUT_ONE: Final = ("hosts", "checkpoints")
"""Screens that are about one thing, so that there are no rows to be filtered for its name."""
NAMED: Final = 6
"""Names that a refusal lists."""
COMPARED: Final = 500
"""Names among which the nearest is looked for: it is done at a key press, and takes its time with each."""


class Way(NamedTuple):
    """Where words lead."""

    to: Navigate
    words: str
    """What enter does, to be read after the word 'enter'."""


def looks_like_folder(reference: str) -> bool:
    """Tell whether words name a folder on this machine rather than a run."""
    return reference.startswith(("/", "~", "."))


def way_to(screen: str, word: str, places: Destinations) -> Way:
    """Return where a word after a screen's name leads; ResourceNotFound says what there is instead."""
    match screen:
        case "s3":
            address = word if word.startswith(SCHEME) else f"{SCHEME}{word}"
            return Way(Navigate(screen, address), f"go to {address}")
        case "uploads":
            address = word if word.startswith(SCHEME) else f"{SCHEME}{word}"
            return Way(Navigate(screen, address), f"show the unfinished uploads below {address}")
        case "checkpoints" if looks_like_folder(word):
            return Way(Navigate(screen, word), f"look into the folder {word}")
        case "costs":
            return _dimension(word)
        case "settings":
            return _key(word)
        case "tasks":
            return Way(Navigate(screen, filter=word), f"show the tasks with {word} in them")
    return _thing(screen, word, places)


def _dimension(word: str) -> Way:
    if word in DIMENSIONS or (word.startswith(TAG) and word != TAG):
        return Way(Navigate("costs", word), f"divide the money by {word}")
    raise _none("way to divide costs", word, (*DIMENSIONS, f"{TAG}KEY"))


def _key(word: str) -> Way:
    if word in SPECS:
        return Way(Navigate("settings", word), f"go to {word}")
    if any(word in key for key in SPECS):
        return Way(Navigate("settings", filter=word), f"show the keys with {word} in them")
    raise _none("key", word, SPECS)


def _thing(screen: str, word: str, places: Destinations) -> Way:
    """One thing of the screen's kind; a volume's snapshots; else all that have the word in a name."""
    kind = KINDS[screen]
    found = places.of_kind(kind)
    if found is None:
        return Way(Navigate(screen, word), f"look for the {kind} {word}")
    if word in found:
        return Way(Navigate(screen, found[word]), f"go to the {kind} {word}" if screen != "checkpoints" else _of(word))
    volumes = places.of_kind("volume") or {}
    if screen == "snapshots" and word in volumes:
        return Way(Navigate(screen, volumes[word].rpartition("/")[2]), f"show the snapshots of the volume {word}")
    if screen not in ABOUT_ONE and any(word.casefold() in each.casefold() for each in found):
        return Way(Navigate(screen, filter=word), f"show the {kind}s with {word} in their names")
    ids = {reference.rpartition("/")[2] for reference in found.values()}
    raise _none(kind, word, [name for name in found if name not in ids] or found)


def _of(run: str) -> str:
    return f"show the checkpoints of {run}"


def _none(kind: str, word: str, known: Iterable[str]) -> ResourceNotFound:
    names = [name for name in known if name]
    near = nearest(word, names) if len(names) <= COMPARED else ""
    plain = [name for name in names if "/" not in name]
    there = f"there are {', '.join(plain[:NAMED])}{'…' if len(plain) > NAMED else ''}" if plain else "there are none"
    return ResourceNotFound(f"there is no {kind} {word}", "", f"did you mean {near}?" if near else there)
