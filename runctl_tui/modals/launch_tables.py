"""The two tables of the launch form, types to buy and machines that are there, and the price line; pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.text import SafeText, safe
from runctl_tui.modals.launch_draft import ON_DEMAND
from runctl_tui.modals.words import figure, hourly, money
from runctl_tui.widgets.columns import Cell, Column

if TYPE_CHECKING:
    from runctl_tui.domain.money import Price
    from runctl_tui.domain.offer import TypeOffer
    from runctl_tui.modals.launch_source import MachineChoice


def offer_columns() -> tuple[Column[TypeOffer], ...]:
    """Return the columns of the types."""
    return (
        Column("type", "TYPE", lambda offer: _cell(offer.type, "$strong"), 14, wide=18, priority=100,
               sort_key=lambda offer: offer.type),
        Column("gpu", "GPU", lambda offer: _cell(_gpu(offer)), 14, wide=16, priority=80,
               sort_key=lambda offer: offer.gpu.count if offer.gpu else 0, descending=True),
        Column("vcpu", "vCPU", lambda offer: _cell(offer.vcpus or "?"), 4, "right", 50,
               sort_key=lambda offer: offer.vcpus),
        Column("mem", "MEM GB", lambda offer: _cell(_memory(offer)), 6, "right", 40,
               sort_key=lambda offer: offer.memory_gib),
        Column("hour", "$/h", lambda offer: _price(offer.on_demand), 8, "right", 90,
               sort_key=lambda offer: _dollars(offer.on_demand)),
        Column("day", "$/DAY", lambda offer: _day(offer.on_demand), 8, "right", 60,
               sort_key=lambda offer: _dollars(offer.on_demand)),
        Column("spot", "SPOT $/h", lambda offer: _price(offer.spot), 8, "right", 70,
               sort_key=lambda offer: _dollars(offer.spot)),
        Column("zone", "ZONE OR STOCK", lambda offer: _cell(offer.spot_zone or "-", "$muted"), 13, priority=20,
               flexible=True),
    )  # fmt: skip


def machine_columns() -> tuple[Column[MachineChoice], ...]:
    """Return the columns of the machines."""
    return (
        Column("name", "MACHINE", lambda each: _cell(each.name, "$strong"), 14, wide=24, priority=100),
        Column("type", "TYPE", lambda each: _cell(each.type), 12, wide=14, priority=80),
        Column("where", "REGION", lambda each: _cell(each.where), 10, priority=50),
        Column("hour", "$/h", lambda each: _cell(each.usd_per_hour, "$cost"), 7, "right", 90),
        Column("busy", "RUNS", lambda each: _cell(each.busy or "nothing", "$warn" if each.busy else "$muted"), 12,
               priority=70, flexible=True),
    )  # fmt: skip


def price_words(offer: TypeOffer | None, market: str, budget_left: str) -> tuple[SafeText, bool]:
    """Return the price line of a type and whether the price that counts is known."""
    if offer is None:
        return safe("choose a type to see its price"), False
    on_demand, spot = _dollars(offer.on_demand), _dollars(offer.spot)
    counts = on_demand if market == ON_DEMAND else spot
    parts = [f"{offer.type}:"]
    if market == ON_DEMAND:
        parts.append(_rate("on-demand", on_demand))
        parts.append(f"(spot {money(spot)}/h now)" if spot is not None else "")
    else:
        parts.append(_rate("spot now", spot))
        parts.append(f"(on-demand {money(on_demand)}/h)")
    if counts is None:
        parts.append("▲ a typed cap will be asked for")
    if budget_left:
        parts.append(f"  budget left {budget_left}")
    return safe(" ".join(part for part in parts if part)), counts is not None


def _rate(label: str, amount: Decimal | None) -> str:
    return f"{label} {money(amount)}/h" + (f" = {money(amount * 24)} per day" if amount is not None else "")


def _cell(value: object, style: str = "") -> Cell:
    return Cell(safe(value), style)


def _gpu(offer: TypeOffer) -> str:
    gpu = offer.gpu
    if gpu is None:
        return "-"
    memory = f" {gpu.memory_gib:.0f} GB" if gpu.memory_gib else ""
    return f"{gpu.count} {gpu.name}{memory}"


def _memory(offer: TypeOffer) -> str:
    return "?" if offer.memory_gib is None else f"{offer.memory_gib:g}"


def _dollars(price: Fact[Price]) -> Decimal | None:
    return price.value.usd_per_hour if isinstance(price, Known) else None


def _price(price: Fact[Price]) -> Cell:
    text = hourly(price, 8)
    return Cell(safe(text), "$warn" if text == "?" else "$cost")


def _day(price: Fact[Price]) -> Cell:
    amount = _dollars(price)
    return _cell(figure(None if amount is None else amount * 24, 8))
