"""What all screens of one application share: readiness, the jobs started here, what was heard last."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runctl_tui.screens.kept import Kept, Stance

if TYPE_CHECKING:
    from runctl_tui.domain.problem import Problem
    from runctl_tui.modals import Ask
    from runctl_tui.services.ports import SessionFacts
    from runctl_tui.widgets.status_line import StatusNote


@dataclass(slots=True)
class Shared:
    """One per application; the screens read and change it, the application owns it."""

    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the services may be asked."""
    starting: str = ""
    """What is being made ready, in words; empty before and after."""
    facts: SessionFacts | None = None
    """The header's facts as heard last."""
    facts_code: str = ""
    """The error that the header's facts met last, so that it is told once."""
    login_dialog: Ask | None = None
    """What asks for a login that has ended, open or closed; None while none has ended."""
    returns: int = 0
    """Returns of credentials that were told."""
    own_jobs: set[str] = field(default_factory=set)
    """Jobs started in this session; their questions interrupt."""
    asked: set[tuple[str, str]] = field(default_factory=set)
    """(job id, question) already shown."""
    watched_jobs: set[str] = field(default_factory=set)
    """Jobs whose dialog is open and shows their questions itself."""
    at_work: set[str] = field(default_factory=set)
    """Jobs seen at work last, so that their end is noticed once."""
    working: int = 0
    """Jobs at work, for the tab line."""
    notes: tuple[StatusNote, ...] = ()
    """Problems that have not been read yet; they follow the person from screen to screen."""
    commands: list[str] = field(default_factory=list)
    """What was entered after `:` in this session, on whatever screen, oldest first."""
    kept: Kept = field(default_factory=Kept)
    """What outlives this session: filters, views and how tables were left."""
    stances: Mapping[str, Stance] = field(default_factory=dict)
    """How each screen was left at this profile and in these regions, by its mode."""
    problems: dict[StatusNote, Problem] = field(default_factory=dict)
    """What is behind a note, for reading it in full."""
