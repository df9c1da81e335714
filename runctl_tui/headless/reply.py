"""What a noun's handler is given and what it returns."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.headless.console import Console
from runctl_tui.services.errors import unread
from runctl_tui.services.ports_services import Services

T = TypeVar("T")


class Needs(StrEnum):
    """What must be built before a handler is called; it is its first argument."""

    SERVICES = "services"
    """The services, started."""
    ASLEEP = "services, not started"
    SETTINGS = "settings"
    """The configuration alone, also where it is wrong."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the command line."""

    args: argparse.Namespace
    console: Console
    argv: tuple[str, ...] = ()
    """The words before '--', to be repeated in hints."""
    rest: tuple[str, ...] = ()
    """The words after '--': arguments of the training script."""
    environ: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    """The current folder."""
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler found: for programs and for people."""

    data: object
    text: str = ""
    missing: tuple[Problem, ...] = ()
    """What could not be read; a partial answer says so."""
    scope: tuple[str, ...] = ()
    """What was asked, such as 'aws/us-east-1'."""
    exit_code: int = 0
    """Of a command that was passed on; else 0."""


def listed(snapshot: Snapshot[object], rows: Sequence[object], text: str) -> Reply:
    """Return the rows of a list as an answer, where anybody answered."""
    require_sight(snapshot, rows)
    return Reply(rows, text, snapshot.missing, snapshot.scope)


def require_sight(snapshot: Snapshot[object], found: Sequence[object]) -> None:
    """Raise what those who were asked said where nothing was found because none of them answered."""
    if not found and snapshot.blind:
        raise unread("nothing could be read", snapshot.missing)


def check_provider(services: Services, name: str) -> None:
    """Raise ResourceNotFound where a provider is named that there is not: none of its machines would be good news."""
    if name:
        services.registry.get(name)


def about(fleet: Snapshot[T], provider: str) -> Snapshot[T]:
    """Return the fleet as an answer about one provider: what could not be read elsewhere is nothing to it."""
    if not provider:
        return fleet

    def concerns(scope: str) -> bool:
        return not scope or scope.partition("/")[0] == provider

    return replace(
        fleet,
        scope=tuple(filter(concerns, fleet.scope)),
        missing=tuple(problem for problem in fleet.missing if concerns(problem.scope)),
    )
