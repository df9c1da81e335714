"""The application: modes, global keys, theme, problem policy; no I/O of its own."""

from __future__ import annotations

import logging
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from runctl_tui import paths, theme
from runctl_tui.screens.base import BaseScreen
from runctl_tui.screens.instances import InstancesScreen
from runctl_tui.screens.shared import Shared
from runctl_tui.services.ports import Services

log = logging.getLogger(__name__)


class RunctlApp(App[None]):
    """The whole product in one terminal."""

    TITLE = "runctl"
    CSS_PATH = paths.style_sheets()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "quit", show=False, priority=True, id="app.quit"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self.shared = Shared()
        self.add_mode("instances", self._instances)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variable_defaults()

    def on_mount(self) -> None:
        for each in theme.themes():
            self.register_theme(each)
        self.theme = theme.DEFAULT_THEME
        self.switch_mode("instances")
        self.shared.ready.set()

    def _instances(self) -> BaseScreen:
        return InstancesScreen(self.services, self.shared)
