"""The first line of every screen: where, who, how long credentials last, how old the data is, whether armed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from zlib import crc32

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import reactive

from runctl_tui.domain.text import SafeText, safe
from runctl_tui.widgets.status_row import StatusRow
from runctl_tui.widgets.text import Piece, width_of

LOGIN_WARNING_MINUTES: Final = 15
STALE_SECONDS: Final = 60
PROFILE_COLOURS: Final = ("$chart-1", "$chart-2", "$chart-3", "$chart-4", "$chart-6")
STATE_STEP: Final = 6
"""Cells by which the right part grows."""


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the header says; fields that are None are left out."""

    sandbox: bool = False
    profile: SafeText | None = None
    """Profile or account label."""
    regions: tuple[SafeText, ...] = ()
    user: SafeText | None = None
    login_minutes: int | None = None
    """Minutes until the credentials expire; 0 or less once they have."""
    data_age: int | None = None
    """Seconds since the oldest data shown was true."""
    mode: Literal["open", "read-only", "armed"] = "open"
    armed_seconds: int | None = None
    """Seconds until an armed account is read-only again."""
    root: bool = False
    """The program runs as the superuser."""


class HeaderPlace(StatusRow):
    """The left part: name, badges, place and login; it rarely changes."""

    facts: reactive[HeaderFacts] = reactive(HeaderFacts(), repaint=False)

    def watch_facts(self) -> None:
        """Draw what changed."""
        self.redraw()

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return name, badges and place."""
        facts = self.facts
        out = [Piece(safe("runctl"), "$focus bold", 90)]
        if facts.sandbox:
            out.append(Piece(safe(" SANDBOX "), "$sandbox bold on $sandbox-badge", 99))
        if facts.root:
            out.append(Piece(safe(" root "), "$armed bold on $armed-badge", 95))
        return [*out, *[piece for piece in (_place(facts), _login(facts.login_minutes)) if piece is not None]]


class HeaderState(StatusRow):
    """The right part: age of the data and mode, which tick; apart, so that a tick sends no more than itself."""

    facts: reactive[HeaderFacts] = reactive(HeaderFacts(), repaint=False)

    def watch_facts(self) -> None:
        """Draw what changed, in a width that rarely changes."""
        cells = sum(width_of(piece.text) + self.gap for piece in self.pieces(0))
        self.styles.width = -(-cells // STATE_STEP) * STATE_STEP
        self.redraw()

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return age and mode."""
        age = None if self.facts.data_age is None else _age(self.facts.data_age)
        return [piece for piece in (age, _mode(self.facts)) if piece is not None]


class HeaderBar(Horizontal):
    """Draws `facts`; the caller sets them at most once a second."""

    facts: reactive[HeaderFacts] = reactive(HeaderFacts(), repaint=False)

    def compose(self) -> ComposeResult:
        """Lay out both parts."""
        yield HeaderPlace()
        yield HeaderState()

    def on_mount(self) -> None:
        """Show what was set before."""
        self.watch_facts()

    def watch_facts(self) -> None:
        """Pass the facts on."""
        for part in self.query_children(StatusRow):
            if isinstance(part, HeaderPlace | HeaderState):
                part.facts = self.facts


def span(seconds: int) -> str:
    """Return a length of time in one short word, such as `48 s`, `47 min`, `3 h`, `12 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(0, seconds)} s"


def _place(facts: HeaderFacts) -> Piece | None:
    many = len(facts.regions) > 1
    regions = " ".join(facts.regions)
    words = [word for word in (facts.profile, regions, facts.user) if word]
    short = [word for word in (facts.profile, f"{len(facts.regions)} regions" if many else regions) if word]
    if not words:
        return None
    style = profile_style(facts.profile or "")
    brief = safe(" · ".join(short))
    return Piece(safe(" · ".join(words)), "", 40, brief, key_cells=len(facts.profile or ""), key_style=style)


def profile_style(profile: str) -> str:
    """Return the colour that a profile has everywhere and always, so that another one is noticed."""
    return f"{PROFILE_COLOURS[crc32(profile.encode()) % len(PROFILE_COLOURS)]} bold"


def _login(minutes: int | None) -> Piece | None:
    if minutes is None:
        return None
    if minutes <= 0:
        return Piece(safe("▲ login expired"), "$danger bold", 85)
    low = minutes <= LOGIN_WARNING_MINUTES
    words = f"{'▲ ' if low else ''}login {span(minutes * 60) if minutes > 1 else '1 min'}"
    return Piece(safe(words), "$warn" if low else "$muted", 80 if low else 50)


def _age(seconds: int) -> Piece:
    old = seconds >= STALE_SECONDS
    words = f"{'▲ ' if old else ''}{span(seconds)} ago" if seconds else "now"
    return Piece(safe(words), "$warn" if old else "$muted", 60, safe(words.removesuffix(" ago")), right=True)


def _mode(facts: HeaderFacts) -> Piece | None:
    if facts.mode == "read-only":
        return Piece(safe("READ-ONLY"), "$muted bold", 88, right=True)
    if facts.mode == "armed":
        left = "" if facts.armed_seconds is None else f" {facts.armed_seconds // 60}:{facts.armed_seconds % 60:02}"
        return Piece(safe(f" ARMED{left} "), "$armed bold on $armed-badge", 98, right=True)
    return None
