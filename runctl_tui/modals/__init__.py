"""Dialogs that return one value; they know no services.

What screens open is named here and imported when first used, because the first frame needs no dialog.
"""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runctl_tui.modals.ask import Ask as Ask
    from runctl_tui.modals.ask import AskFirst as AskFirst
    from runctl_tui.modals.confirm import Instead as Instead
    from runctl_tui.modals.confirm import dialog_for as dialog_for
    from runctl_tui.modals.describe import Describe as Describe
    from runctl_tui.modals.describe import Section as Section
    from runctl_tui.modals.describe import fact as fact
    from runctl_tui.modals.edit_setting import EditSetting as EditSetting
    from runctl_tui.modals.entry import Entry as Entry
    from runctl_tui.modals.follow_view import FollowView as FollowView
    from runctl_tui.modals.help import Help as Help
    from runctl_tui.modals.launch import LaunchDialog as LaunchDialog
    from runctl_tui.modals.launch_steps import JobHandle as JobHandle
    from runctl_tui.modals.launch_steps import LaunchSteps as LaunchSteps
    from runctl_tui.modals.pick import Pick as Pick
    from runctl_tui.modals.pick import PickItem as PickItem
    from runctl_tui.modals.text_view import TextView as TextView
    from runctl_tui.modals.tunnel_form import TunnelDialog as TunnelDialog
    from runctl_tui.modals.volume_form import VolumeDialog as VolumeDialog
    from runctl_tui.modals.waiting import Waiting as Waiting

_HOMES = {
    "Ask": "runctl_tui.modals.ask",
    "AskFirst": "runctl_tui.modals.ask",
    "Describe": "runctl_tui.modals.describe",
    "EditSetting": "runctl_tui.modals.edit_setting",
    "Entry": "runctl_tui.modals.entry",
    "FollowView": "runctl_tui.modals.follow_view",
    "Help": "runctl_tui.modals.help",
    "Instead": "runctl_tui.modals.confirm",
    "JobHandle": "runctl_tui.modals.launch_steps",
    "LaunchDialog": "runctl_tui.modals.launch",
    "LaunchSteps": "runctl_tui.modals.launch_steps",
    "Pick": "runctl_tui.modals.pick",
    "PickItem": "runctl_tui.modals.pick",
    "Section": "runctl_tui.modals.describe",
    "TextView": "runctl_tui.modals.text_view",
    "TunnelDialog": "runctl_tui.modals.tunnel_form",
    "Waiting": "runctl_tui.modals.waiting",
    "VolumeDialog": "runctl_tui.modals.volume_form",
    "dialog_for": "runctl_tui.modals.confirm",
    "fact": "runctl_tui.modals.describe",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for; a module of the package that nobody imported yet is no attribute."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = pkgutil.resolve_name(f"{_HOMES[name]}:{name}")
    return value
