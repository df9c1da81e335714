"""Figures in the words that screens and dialogs share: ages, durations, money, sizes; pure, unknown is '?'."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from runctl_tui.domain.durations import in_a_word
from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.money import Price, PriceKind, cents
from runctl_tui.domain.plan import Reason
from runctl_tui.domain.sizes import byte_words

UNKNOWN: Final = "?"
CENT: Final = Decimal("0.01")


def duration(seconds: float | None) -> str:
    """Return a duration in two units: '34 s', '51 min', '11 h 02 min', '3 d 4 h'."""
    if seconds is None:
        return UNKNOWN
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def age(then: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in one unit; '-' where there is no time."""
    return "-" if then is None else in_a_word((now - then).total_seconds())


def seen(then: datetime, now: datetime) -> str:
    """Return how old a fact is in steps that do not flicker: 'now', '5 s ago', '10 s ago', '2 min ago'."""
    seconds = max(timedelta(0), now - then).total_seconds()
    if seconds < 5:
        return "now"
    return f"{int(seconds) // 5 * 5} s ago" if seconds < 60 else f"{duration(seconds)} ago"


def rests_on(reason: Reason, now: datetime) -> str:
    """Return what a reason was told by and how old the oldest of it is: 'state, runs 5 s ago'; what is new is 'now'."""
    known = [(one.seen_at, one.name) for one in reason.facts if one.seen_at is not None]
    if not known:
        return ""
    return f"{', '.join(name for _, name in known)} {seen(min(known)[0], now)}"


def money(amount: Decimal | None, prefix: str = "$") -> str:
    """Return dollars with cents: '$1,204.55', '<$0.01' below a cent, '?' where unknown."""
    if amount is None:
        return UNKNOWN
    if 0 < amount < CENT:
        return f"<{prefix}{CENT}"
    return f"{prefix}{cents(amount):,}"


def figure(amount: Decimal | None, cells: int) -> str:
    """Return dollars without a sign that fit into so many cells: cents, whole dollars, then thousands."""
    exact = money(amount, "")
    if amount is None or len(exact) <= cells:
        return exact
    whole = f"{amount:,.0f}"
    if len(whole) <= cells:
        return whole
    return f"{amount / 1000:,.0f}k" if amount < 10_000_000 else f"{amount / 1_000_000:,.0f}M"


def hourly(price: Fact[Price], cells: int = 12) -> str:
    """Return dollars per hour that fit into so many cells, with a star where it is an estimate."""
    if not isinstance(price, Known):
        return UNKNOWN
    if price.value.kind is PriceKind.FREE:
        return "free"
    return figure(price.value.usd_per_hour, cells - price.value.estimate) + ("*" if price.value.estimate else "")


def size(count: float | None) -> str:
    """Return a number of bytes in decimal units: '3.1 GB'."""
    return UNKNOWN if count is None else byte_words(count)


def number(value: int | None) -> str:
    """Return a count with separators, '-' where there is none."""
    return "-" if value is None else f"{value:,}"


def loss(value: float | None) -> str:
    """Return a loss with the digits that matter, '-' where there is none; 'nan' and 'inf' stay visible."""
    return "-" if value is None else f"{value:.3f}" if abs(value) < 1000 else f"{value:.3g}"


def percent(part: float, whole: float) -> str:
    """Return a share as '61 %'."""
    return f"{100 * part / whole:.0f} %" if whole else UNKNOWN


def bar(share: float, width: int = 9) -> str:
    """Return a bar of blocks for a share from 0 to 1."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")
