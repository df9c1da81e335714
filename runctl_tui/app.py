"""The application: modes, global keys, theme, problem policy; no I/O of its own."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pkgutil
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.filter import Monochrome, NoColor
from textual.worker import Worker, WorkerState

from runctl_tui import paths, theme
from runctl_tui.commands.bindings import read_keymap
from runctl_tui.commands.palette import BindingCommands, Palette
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.text import safe
from runctl_tui.leaving import LeavingApp, place_of
from runctl_tui.messages import Faulted, Moved, Navigate, SettingWritten, Told
from runctl_tui.screens import quitting
from runctl_tui.screens.commanding import CommandingScreen
from runctl_tui.screens.shared import Shared
from runctl_tui.screens.visits import Visit, Visits
from runctl_tui.services.errors import Refused, TrainctlError, Unsupported
from runctl_tui.stylesheet import ThemedStylesheet
from runctl_tui.widgets import clipboard
from runctl_tui.widgets.status_line import StatusNote
from runctl_tui.widgets.text import aligned_svg

if TYPE_CHECKING:
    from runctl_tui.services.ports import SandboxControl
    from runctl_tui.services.ports_services import Services

log = logging.getLogger(__name__)
SCREENS: Final[Mapping[str, str]] = {
    "instances": "runctl_tui.screens.instances:InstancesScreen",
    "instance": "runctl_tui.screens.instance:InstanceScreen",
    "volumes": "runctl_tui.screens.volumes:VolumesScreen",
    "snapshots": "runctl_tui.screens.snapshots:SnapshotsScreen",
    "s3": "runctl_tui.screens.s3:S3Screen",
    "uploads": "runctl_tui.screens.uploads:UploadsScreen",
    "checkpoints": "runctl_tui.screens.checkpoints:CheckpointsScreen",
    "monitor": "runctl_tui.screens.monitor:MonitorScreen",
    "costs": "runctl_tui.screens.costs:CostsScreen",
    "tasks": "runctl_tui.screens.tasks:TasksScreen",
    "cleanup": "runctl_tui.screens.cleanup:CleanupScreen",
    "hosts": "runctl_tui.screens.hosts:HostScreen",
    "tunnels": "runctl_tui.screens.tunnels:TunnelsScreen",
    "audit": "runctl_tui.screens.audit:AuditScreen",
    "settings": "runctl_tui.screens.settings:SettingsScreen",
}
"""Where each mode's screen lies; it is imported when first opened, so that the first frame waits for one only."""
WARM_UP_AFTER: Final = 3.0
"""Seconds from readiness until garbage is collected and what a launch needs is fetched: the first rows come first."""


def screen_class(mode: str) -> type[CommandingScreen]:
    """Return the screen of a mode, imported now at the latest."""
    found: type[CommandingScreen] = pkgutil.resolve_name(SCREENS[mode])
    return found


class RunctlApp(LeavingApp):
    """The whole product in one terminal."""

    TITLE = "runctl"
    CSS_PATH: ClassVar = paths.style_sheets("base", "frame")
    COMMANDS: ClassVar = {BindingCommands}
    DEFAULT_MODE = "instances"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "quit", show=False, priority=True, id="app.quit"),
        Binding("q", "back", "back, then quit", show=False, id="app.back"),
        Binding("1", "open_mode('instances')", "Instances", show=False, id="app.instances"),
        Binding("2", "open_mode('volumes')", "Volumes", show=False, id="app.volumes"),
        Binding("3", "open_mode('s3')", "S3", show=False, id="app.s3"),
        Binding("4", "open_mode('checkpoints')", "Checkpoints", show=False, id="app.checkpoints"),
        Binding("5", "open_mode('monitor')", "Monitor", show=False, id="app.monitor"),
        Binding("6", "open_mode('costs')", "Costs", show=False, id="app.costs"),
        Binding("7", "open_mode('tasks')", "Tasks", show=False, id="app.tasks"),
        Binding("8", "open_mode('cleanup')", "Cleanup", show=False, id="app.cleanup"),
        Binding("9", "open_mode('settings')", "Settings", show=False, id="app.settings"),
        Binding("minus", "last_view", "last view", show=False, key_display="-", id="app.last_view"),
        Binding("left_square_bracket", "travel(-1)", "view before", show=False, key_display="[", id="app.earlier"),
        Binding("right_square_bracket", "travel(1)", "view after", show=False, key_display="]", id="app.later"),
        Binding("ctrl+c", "say_how_to_quit", "", show=False, system=True),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.animation_level = "none"  # over SSH each frame of a moving scroll bar costs, and none helps
        self._taken_down = False
        self._visits = Visits(Visit(self.DEFAULT_MODE))
        for mode in SCREENS:
            self.add_mode(mode, partial(self._build, mode))
        self._dress()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our semantic variables, so that themes of others work too."""
        return theme.variable_defaults()

    async def on_event(self, event: events.Event) -> None:
        """Let the feeds know that somebody is here; what had slowed down looks again at once."""
        if isinstance(event, events.Key) and self.shared.ready.is_set() and self.services.touch():
            self._front.action_refresh_now()
        await super().on_event(event)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy over OSC 52, wrapped for what stands between us and the terminal."""
        super().copy_to_clipboard(text)
        more = clipboard.wrapped(text, os.environ)
        if more and self._driver is not None:
            self._driver.write(more)

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """Return the screen as an SVG whose columns stay aligned in every renderer."""
        return aligned_svg(super().export_screenshot(title=title, simplify=simplify))

    def on_mount(self) -> None:
        """Set the keys; the services begin once the first frame is out."""
        self.screen.call_later(self.screen._on_timer_update)  # a first frame need not wait for the tick of later ones
        self._take_keymap()
        self.heed_signals()
        self.call_after_refresh(self._begin)

    @on(Worker.StateChanged)
    def report_failed_worker(self, event: Worker.StateChanged) -> None:
        """Let the services' start fail in words; the screens then say what each of them lacks."""
        error = event.worker.error
        if event.state is not WorkerState.ERROR or error is None:
            return
        if isinstance(error, TrainctlError):
            log.info("%s: %s", event.worker.name, error)
            self._show_problem(error.to_problem())
        else:
            log.error("%s failed", event.worker.name, exc_info=error)
            self._show_problem(Problem(type(error).__name__, "the start failed", todo=self.services.log_path))
        if event.worker.group == "start":
            self._set_ready()

    @on(Faulted)
    def show_fault(self, event: Faulted) -> None:
        """Show a problem on the screen in front until it is read, or until the person goes on."""
        self._show_problem(event.problem, event.passing)

    @on(Told)
    def show_word(self, event: Told) -> None:
        """Say that something went well."""
        if not self._ending:
            self._front.say(StatusNote(safe(event.text), level="done"))

    @on(SettingWritten)
    def heed_setting(self, event: SettingWritten) -> None:
        """Take up at once what this program can take up."""
        if event.key == "ui.theme":
            self._put_on(self._wanted_theme())
        elif event.key == "ui.keymap":
            self._take_keymap()

    @on(Navigate)
    def navigate(self, event: Navigate) -> None:
        """Go to another screen, and to what somebody wants to see there."""
        self._open(Visit(event.mode, event.reference, event.machine, event.view, event.filter))

    @on(Moved)
    def move(self, event: Moved) -> None:
        """Work for another profile or in other regions, where nothing of ours is in progress."""
        self._move(event.profile, event.regions)

    def action_command_palette(self) -> None:
        """Offer everything that can be done here."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    async def action_back(self) -> None:
        """Go back to the view before; from the first one, quit."""
        if self._visits.before is not None:
            self.action_travel(-1)
        else:
            await self.action_quit()

    def action_open_mode(self, mode: str) -> None:
        """Go to a screen; it is built when first opened."""
        self._open(Visit(mode))

    def action_last_view(self) -> None:
        """Go to the view that was open before this one."""
        if self._visits.before is not None:
            self._open(self._visits.before, again=True)

    def action_travel(self, step: int) -> None:
        """Go through the views as they were opened."""
        visit = self._visits.step(step)
        if visit is not None:
            self._show(visit, again=True)

    def action_say_how_to_quit(self) -> None:
        """Say what quits, because ctrl+c never does."""
        self._front.say(StatusNote(safe("ctrl+q quits"), level="done"))

    @work(group="start", exit_on_error=False)
    async def _begin(self) -> None:
        async for words in self.services.start():
            self._say_starting(f"{words}…")
        self._set_ready()
        await self._recall()
        for problem in self.services.troubles():
            self._front.show_problem(problem)
        for job in self.services.jobs.interrupted:
            self._front.say(StatusNote(safe(quitting.farewell(job)), level="warn"))
        self._warm_up()
        if self.services.sandbox is not None:
            self._watch_sandbox(self.services.sandbox)

    @work(group="sandbox", exclusive=True, exit_on_error=False)
    async def _watch_sandbox(self, sandbox: SandboxControl) -> None:
        """Say it when the sandbox goes away below the screens."""
        problem = await sandbox.until_ended()
        if sandbox is self.services.sandbox:
            self._show_problem(problem)

    @work(group="move", exclusive=True, exit_on_error=False)
    async def _move(self, profile: str, regions: tuple[str, ...]) -> None:
        """Build the services anew, rebuild every screen on them, and let go of the old ones."""
        own = self._own_work()
        if own or self.shared.starting:
            why = self.shared.starting or f"tasks at work here: {len(own)}"
            raise Refused("This program stays where it is", why, "wait, or cancel them: 7 Tasks")
        if self.services.elsewhere is None:
            raise Unsupported("This program cannot work elsewhere")
        old, fresh = self.services, self.services.elsewhere.services(profile, regions)
        self._keep_later(*self.shared.kept.leave(place_of(old), self.left_behind()))
        self.services = fresh
        self.shared = Shared(kept=self.shared.kept, stances=self.shared.kept.stances(place_of(fresh)))
        await self._rebuild_screens()
        old.close()
        self._begin()

    async def _rebuild_screens(self) -> None:
        """Make all screens anew; the one in front steps aside for a moment, because it cannot be replaced in place."""
        front = self.current_mode
        others = [mode for mode in SCREENS if mode != front]
        for mode in (*others, front):
            if mode == front:
                await self.switch_mode(others[0])
            await self.remove_mode(mode)
            self.add_mode(mode, partial(self._build, mode))
        wanted = self.DEFAULT_MODE if screen_class(front).ABOUT_REFERENCE else front
        self._visits.go(Visit(wanted))
        await self.switch_mode(wanted)

    async def _recall(self) -> None:
        try:
            self.shared.kept.begin(await self.services.memory.recall(), self._keep_later)
        except TrainctlError as error:
            log.info("what was kept is not known: %s", error)
        self.shared.stances = self.shared.kept.stances(place_of(self.services))
        self._front.stand_as_left()

    def _keep_later(self, name: str, value: object) -> None:
        self._keep(name, value)

    @work(group="keep", exit_on_error=False)
    async def _keep(self, name: str, value: object) -> None:
        await self.services.memory.keep(name, value)

    @work(group="warm up", exit_on_error=False)
    async def _warm_up(self) -> None:
        """Have the offers of the default region at hand before somebody wants to launch; failing costs nothing."""
        await asyncio.sleep(WARM_UP_AFTER)
        await self.services.warm_up()
        options = self.services.launcher.defaults().options
        try:
            if options is not None:
                await self.services.launcher.offers(options.provider, options.region)
        except TrainctlError as error:
            log.info("offers not fetched ahead: %s", error)

    @property
    def _ending(self) -> bool:
        """Whether no screen is left: what is heard of now has nobody to look at it."""
        return not self.screen_stack

    def _show_problem(self, problem: Problem, passing: bool = False) -> None:
        if not self._ending:
            self._front.show_problem(problem, passing)

    @property
    def _front(self) -> CommandingScreen:
        """The screen under all dialogs."""
        screen = self.screen_stack[0]
        if not isinstance(screen, CommandingScreen):
            raise TypeError(f"{screen!r} is no screen of ours")
        return screen

    def _build(self, mode: str) -> CommandingScreen:
        return screen_class(mode)(self.services, self.shared)

    def _open(self, visit: Visit, again: bool = False) -> None:
        self._visits.go(visit)
        self._show(visit, again)

    def _show(self, visit: Visit, again: bool) -> None:
        """Bring a view to the front; `again`: as it was left, its cursor too."""
        if visit.mode != self.current_mode:
            self._front.go_on(self.shared.notes)
            begun = self._front.leave_command()
            self.switch_mode(visit.mode)
            if begun is not None:
                self.call_after_refresh(self._front.open_command_line, begun)
        self.call_after_refresh(self._take_up, self._front, visit, again)

    @staticmethod
    def _take_up(screen: CommandingScreen, visit: Visit, again: bool) -> None:
        screen.narrow_to(visit.machine)
        if screen.ABOUT_REFERENCE or (visit.reference and not again):
            screen.show_reference(visit.reference)
        if visit.view and not again:
            screen.show_view(visit.view)
        if visit.filter and not again:
            screen.show_filter(visit.filter)

    def _say_starting(self, words: str) -> None:
        self.shared.starting = words
        self._front.show_title()

    def _set_ready(self) -> None:
        self.shared.ready.set()
        self.set_timer(WARM_UP_AFTER, _collect_garbage_again)
        self._say_starting("")

    def _setting(self, key: str) -> object:
        try:
            return self.services.settings.value(key)
        except TrainctlError as error:
            log.info("%s", error)
            return None

    def _dress(self) -> None:
        """Choose the theme before anything is drawn, so that the style sheets are parsed for it alone."""
        for each in theme.themes():
            self.register_theme(each)
        self._put_on(self._wanted_theme())
        self.stylesheet = ThemedStylesheet(variables=self.get_css_variables())

    def _put_on(self, name: str) -> None:
        """Take a theme; under NO_COLOR one of 16 colours keeps the terminal's own two: greys of them would be one."""
        self.theme = name
        if self.no_color:
            bare = NoColor() if self.native_ansi_color else Monochrome()
            self._filters = [bare if isinstance(each, NoColor | Monochrome) else each for each in self._filters]

    def _wanted_theme(self) -> str:
        wanted = str(self._setting("ui.theme") or theme.DEFAULT_THEME)
        known = wanted if wanted in self.available_themes else theme.DEFAULT_THEME
        return theme.in_16_colours(known) if self.console.color_system == "standard" else known

    def _take_keymap(self) -> None:
        wanted = self._setting("ui.keymap")
        for mode in SCREENS if wanted else ():
            screen_class(mode)  # a keymap may name what only another screen binds
        keymap, wrong = read_keymap(wanted)
        self.set_keymap(keymap)
        for words in wrong:
            self._front.show_problem(Problem("ui.keymap", words, todo="see docs/keys.md for the names"))

    async def _shutdown(self) -> None:
        self._taken_down = True
        await super()._shutdown()

    def _handle_exception(self, error: Exception) -> None:
        """Crash, unless the program ends anyway: what is taken down while it was being built misses its parts."""
        if isinstance(error, NoMatches) and (self._exit or self._taken_down):
            log.debug("taken down before it was built", exc_info=True)
            return
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Leave with a few words; the traceback, without any values, goes to the log file."""
        log.critical("the program crashed", exc_info=True)
        self.bell()
        words = f"runctl-tui had to stop: {type(self._exception).__name__}. Details: {self.services.log_path}"
        self._exit_renderables[:] = [Text(safe(words))]
        self._close_messages_no_wait()


def _collect_garbage_again() -> None:
    """End what the command line began; what start-up has made stays, so nobody need look at it again."""
    gc.freeze()
    gc.enable()
