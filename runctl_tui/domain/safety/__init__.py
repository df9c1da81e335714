"""Safety: what may be done to a machine or a run, judged from three-valued facts; used by `services/actions`."""

from __future__ import annotations

from runctl_tui.domain.safety.cleanup import RULES, CleanupSafety, reversibility
from runctl_tui.domain.safety.facts import AccountLabel, Policy, SafetyFacts
from runctl_tui.domain.safety.lines import plan_lines
from runctl_tui.domain.safety.result import CleanupResult

__all__ = [
    "RULES",
    "AccountLabel",
    "CleanupResult",
    "CleanupSafety",
    "Policy",
    "SafetyFacts",
    "plan_lines",
    "reversibility",
]
