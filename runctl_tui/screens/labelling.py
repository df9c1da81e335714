"""Asks once for each account what it is, before anything is destroyed in it for the first time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from textual.app import App

from runctl_tui import modals
from runctl_tui.domain.plan import Plan
from runctl_tui.domain.text import safe
from runctl_tui.services.ports_services import Services

ORDINARY: Final = "safety.ordinary_accounts"
_WORDS: Final = (
    "Nothing was destroyed in account {account} before. Is it no production account? Then type its number. "
    "If it is one, cancel, and add it to safety.production_accounts in Settings."
)


async def plan_in_known_accounts(app: App[Any], services: Services, make: Callable[[], Awaitable[Plan]]) -> Plan:
    """Return a plan, made again once every account that it is about is labelled; as it is where somebody gives up."""
    plan = await make()
    while unlabelled := _unlabelled(plan):
        if not await _label(app, services, unlabelled):
            break
        plan = await make()
    return plan


def _unlabelled(plan: Plan) -> str:
    reasons = [one for one in plan.verdict.reasons if one.code == "account_unlisted"]
    return next((account for one in reasons for account in one.offer_references), "")


async def _label(app: App[Any], services: Services, account: str) -> bool:
    def check(text: str) -> str:
        return "" if text == account else f"type exactly: {account}"

    words = safe(_WORDS.format(account=account), 500)
    said = await app.push_screen_wait(modals.Entry(services.clock, safe("WHOSE ACCOUNT"), words, "", check))
    if said is None:
        return False
    known = services.settings.value(ORDINARY)
    labels = [*(known if isinstance(known, tuple) else ()), account]
    services.settings.set(ORDINARY, ",".join(labels))
    return True
