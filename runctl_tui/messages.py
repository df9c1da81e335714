"""Textual messages that cross screens; each carries one value and nobody's widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from runctl_tui.domain.problem import Problem


@dataclass
class Navigate(Message):
    """Somebody wants to see another screen."""

    mode: str
    reference: str = ""
    """The run, instance or job to put the cursor on."""
    machine: str = ""
    """The key of the machine whose belongings alone are wanted; empty: everything."""
    view: str = ""
    """The name of a saved view of that screen."""
    filter: str = ""
    """What its table is filtered by."""


@dataclass
class Faulted(Message):
    """Something failed and a person must be told."""

    problem: Problem
    passing: bool = False
    """Whether a key press began what failed."""


@dataclass
class Told(Message):
    """Something went well and a person should know: 'copied i-0abc…'."""

    text: str


@dataclass
class SettingWritten(Message):
    """A configuration key was written; whoever uses it looks again."""

    key: str


@dataclass
class Moved(Message):
    """Somebody wants to work for another profile or in other regions; an empty one stays as it is."""

    profile: str = ""
    regions: tuple[str, ...] = ()
