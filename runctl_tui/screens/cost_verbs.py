"""What may be done about a finding, or about what money was spent on; pure, used by the Costs screen's action menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runctl_tui import modals
from runctl_tui.domain.insights import Insight
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.screens.columns.costs import ShareRow

MONTHLY: Final = "costs.monthly_budget"
BY_PROJECT: Final = "costs.project_budgets"
_GENERAL: Final = (
    modals.PickItem("divide", safe("Divide by…"), safe("project, run, type, owner, any tag")),
    modals.PickItem(MONTHLY, safe("Set the budget…"), safe(MONTHLY)),
    modals.PickItem(BY_PROJECT, safe("Set the budgets of projects…"), safe(BY_PROJECT)),
)


def about_finding(one: Insight | None) -> Sequence[modals.PickItem]:
    """Return what fits the remark at hand."""
    nothing = EMPTY if one else safe("no finding here")
    about = safe(one.text if one else "")
    no_plan = nothing or (EMPTY if one and one.operation else safe("nothing to end here"))
    no_machine = nothing or (EMPTY if one and one.reference else safe("it is about no single machine"))
    verb = one.operation.verb.capitalize() if one and one.operation else "End it"
    thing = "volume" if one and one.about_volume else "machine"
    return (
        modals.PickItem("act", safe(f"{verb}…"), about, no_plan),
        modals.PickItem("machine", safe(f"Go to the {thing}"), about, no_machine),
        *_GENERAL,
    )


def about_share(row: ShareRow | None, place: str) -> Sequence[modals.PickItem]:
    """Return what fits the share at hand, which leads to a screen."""
    nothing = EMPTY if row else safe("nothing was spent")
    label = safe("Go to the run" if place == "monitor" else "Go to the machines")
    return modals.PickItem("share", label, safe(row.name if row else ""), nothing), *_GENERAL
