"""The last line of every screen: what is burning now, what was spent, where the month will end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from textual.reactive import reactive

from runctl_tui.domain.money import dollars
from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.status_row import StatusRow
from runctl_tui.widgets.text import Piece

WIDE: Final = 110
"""Cells from which the budget has a bar of its own."""
BAR: Final = 14
_MONTH: Final = safe("month")


@dataclass(frozen=True, slots=True)
class CostFacts:
    """What the bar says, in dollars; None is unknown and shown as `?`, never as zero."""

    burn: Decimal | None = None
    """Per hour now."""
    burn_is_partial: bool = False
    """Something runs at an unknown price, so that the burn is at least this."""
    today: Decimal | None = None
    month: Decimal | None = None
    """So far this month."""
    month_name: SafeText = _MONTH
    """`Nov`."""
    forecast: Decimal | None = None
    """At the end of the month."""
    budget: Decimal | None = None
    """None where there is no budget."""
    excluded: tuple[SafeText, ...] = ()
    """What the figures leave out."""
    balance: SafeText = EMPTY
    """What a prepaid account has left; empty where there is none."""
    balance_low: bool = False
    estimate: bool = False
    """Some price is an estimate."""


class CostBar(StatusRow):
    """Draws `facts`; the caller sets them at most once a second."""

    facts: reactive[CostFacts] = reactive(CostFacts(), repaint=False)

    def watch_facts(self) -> None:
        """Draw what changed."""
        self.redraw()

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return the long form where there is room, else whole dollars and a sign for what is left out."""
        facts = self.facts
        wide = width >= WIDE
        out = [_burn(facts), Piece(safe(f"today {dollars(facts.today)}"), "", 80)]
        out.append(_month(facts, wide))
        if wide:
            out += _budget(facts)
        if facts.balance:
            words = f"▲ {facts.balance}" if facts.balance_low else str(facts.balance)
            out.append(Piece(safe(words), "$danger" if facts.balance_low else "", 65 if facts.balance_low else 30))
        if facts.estimate:
            out.append(Piece(safe("* estimate"), "$muted", 5))
        if facts.excluded:
            words = f"without {', '.join(facts.excluded)}"
            in_full = wide or facts.burn is None
            out.append(Piece(safe(words if in_full else "▲ partial"), "$warn", 60, safe("▲ partial")))
        return out


def whole(amount: Decimal | None) -> str:
    """Return dollars without cents, `?` for unknown."""
    return "?" if amount is None else f"${amount.quantize(Decimal(1), ROUND_HALF_UP):,}"


def budget_bar(spent: Decimal, forecast: Decimal | None, budget: Decimal, cells: int = BAR) -> str:
    """Return a bar of what is spent (█), what the forecast adds (▒) and what is left (░)."""

    def share(amount: Decimal) -> int:
        return min(cells, int((amount / budget * cells).to_integral_value(ROUND_HALF_UP)))

    full = share(spent)
    ahead = max(0, share(forecast) - full) if forecast is not None else 0
    return "█" * full + "▒" * ahead + "░" * (cells - full - ahead)


def _burn(facts: CostFacts) -> Piece:
    idle = facts.burn == 0 and not facts.burn_is_partial
    rate = f"{dollars(facts.burn)}/h"
    if facts.burn_is_partial and facts.burn is not None:
        rate += " + ?"
    return Piece(safe(f"{'○' if idle else '●'} {rate}"), "$muted" if idle else "$cost bold", 99)


def _month(facts: CostFacts, wide: bool) -> Piece:
    over = facts.budget is not None and facts.forecast is not None and facts.forecast > facts.budget
    so_far = dollars(facts.month) if wide else whole(facts.month)
    words = f"{facts.month_name} {so_far} → {whole(facts.forecast)}"
    full = words if wide or facts.budget is None else f"{words} of {whole(facts.budget)}"
    return Piece(safe(full), "$warn" if over else "", 70, safe(f"{facts.month_name} {so_far}"))


def _budget(facts: CostFacts) -> list[Piece]:
    if not facts.budget or facts.month is None:
        return []
    share = int(facts.month / facts.budget * 100)
    bar = budget_bar(facts.month, facts.forecast, facts.budget)
    style = "$danger" if share >= 100 else "$warn" if share >= 80 else ""
    label = f"budget {whole(facts.budget)}"
    return [Piece(safe(f"{label} {bar} {share} %"), style, 40, safe(f"{label} {share} %"))]
