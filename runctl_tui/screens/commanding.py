"""The command line of every screen: what each word after the colon does."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from runctl_tui import modals
from runctl_tui.commands.line import COMMANDS, Vocabulary, among, begun, complete, nearest
from runctl_tui.domain.durations import in_two_units
from runctl_tui.domain.figures import duration
from runctl_tui.domain.text import safe, safe_line
from runctl_tui.messages import Moved, Navigate, SettingWritten
from runctl_tui.screens.base import BaseScreen
from runctl_tui.screens.kept import wrong_name
from runctl_tui.services.errors import ResourceNotFound, Unsupported, ValidationError
from runctl_tui.widgets.command_line import CommandLine

if TYPE_CHECKING:
    from runctl_tui.screens.destinations import Destinations
    from runctl_tui.screens.ways import Way
    from runctl_tui.services.ports import Feed, Finding

_OPENING: Final = ("open_command_line", "open_filter", "actions")
"""Bound with priority, so that what is typed right after the key reaches what it opens."""
THIS_MACHINE: Final = "local/local"
"""Its key in the fleet."""
_SCREENS: Final = {"host": "hosts"}
"""Modes that are called otherwise after the colon."""
ARM_SECONDS: Final = 600.0
NAMES: Final = "names"
Handler = Callable[[list[str]], Awaitable[None]]


class CommandingScreen(BaseScreen):
    """Adds the `:` line to a screen."""

    _asked: Feed[Any] | None = None
    """The feed that is asked for names while the line is open."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "open_command_line", "go to", key_display=":", id="screen.command", priority=True),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys that open a line to whoever types in one already."""
        if action in _OPENING and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def compose_prompts(self) -> ComposeResult:
        """Add the command's line."""
        vocabulary = Vocabulary(
            instances=lambda head: self._destinations.machines(head),
            runs=lambda head: self._destinations.runs(head),
            themes=among(self._theme_names),
            settings=among(self._setting_names),
            views=among(self.shared.kept.views),
            things=lambda head: self._destinations.anything(head),
            tags=lambda head: self._destinations.tags(head),
            profiles=among(self._profiles),
            volumes=lambda head: self._destinations.volumes(head),
            snapshots=lambda head: self._destinations.snapshots(head),
            columns=among(self.column_names),
        )
        self._offered = partial(complete, vocabulary=vocabulary)
        yield CommandLine(self._offered, self._leads_to, self.shared.commands)

    @cached_property
    def _destinations(self) -> Destinations:
        from runctl_tui.screens.destinations import Destinations  # no first frame needs them

        return Destinations(self.services)

    @on(CommandLine.Typed)
    def ask_for_names(self, event: CommandLine.Typed) -> None:
        """Ask in the background what may be named after a word, where that was told nowhere yet."""
        from runctl_tui.screens.ways import KINDS  # no first frame needs them

        word, gap, _ = event.text.partition(" ")
        feed = self._destinations.unheard(KINDS.get(_SCREENS.get(word, word), "")) if gap else None
        if feed is not None and feed is not self._asked:
            self._asked = feed
            self.work(self._hear_names, feed, group=NAMES)

    @on(CommandLine.Submitted)
    def carry_out(self, event: CommandLine.Submitted) -> None:
        """Do what was typed."""
        self._leave_names()
        self._focus_body()
        self.work(self._obey, event.text, group="command")

    @on(CommandLine.Closed)
    def leave_command_line(self) -> None:
        """Give the keys back."""
        self._leave_names()
        self._focus_body()

    def action_open_command_line(self) -> None:
        """Let a command be typed."""
        self.open_command_line()

    def open_command_line(self, begun: str = "") -> None:
        """Let a command be typed, or typed to its end."""
        self.query_one(CommandLine).open(begun)

    def leave_command(self) -> str | None:
        """Close the line and return what was typed into it, because it is typed on elsewhere; None: it is not open."""
        return self.query_one(CommandLine).leave() if self.is_mounted else None

    async def _obey(self, text: str) -> None:
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ValidationError(f":{text}", f"{error}", "close the quote") from error
        if not words:
            return
        found = None if words[0] in self._handlers else self._destinations.find(text)
        if found is not None:
            self.post_message(found[0])
            return
        words[0] = words[0] if words[0] in self._handlers else self._begun(words[0]) or words[0]
        if words[0] not in self._handlers:
            raise ValidationError(f":{words[0]}", "there is no such command", nearest(words[0]))
        handler, most = self._handlers[words[0]]
        if len(words) - 1 > most:
            raise ValidationError(f":{text}", "this is not how it is used", COMMANDS[words[0]].usage)
        await handler(words)

    @property
    def _handlers(self) -> dict[str, tuple[Handler, int]]:
        """Each command with what does it and the most words that may follow."""
        return {
            "instances": (self._navigate, 1),
            "host": (self._navigate, 1),
            "tunnels": (self._navigate, 0),
            "audit": (self._navigate, 0),
            "volumes": (self._navigate, 1),
            "snapshots": (self._navigate, 1),
            "s3": (self._navigate, 1),
            "uploads": (self._navigate, 1),
            "checkpoints": (self._navigate, 1),
            "monitor": (self._navigate, 1),
            "costs": (self._navigate, 1),
            "tasks": (self._navigate, 1),
            "cleanup": (self._navigate, 0),
            "settings": (self._navigate, 1),
            "profile": (self._move, 1),
            "region": (self._move, 1),
            "tag": (self._tag, 1),
            "view": (self._view, 99),
            "columns": (self._columns, 99),
            "launch": (lambda words: self._act("launch"), 0),
            "help": (lambda words: self._act("help"), 0),
            "q": (lambda words: self._act("app.quit"), 0),
            "sandbox": (self._sandbox, 9),
            "config": (self._config, 99),
            "theme": (self._choose_theme, 1),
            "doctor": (self._doctor, 0),
            "arm": (self._arm, 1),
        }

    async def _act(self, action: str) -> None:
        await self.run_action(action)

    async def _navigate(self, words: list[str]) -> None:
        from runctl_tui.screens.ways import KINDS  # no first frame needs them

        kind = KINDS.get(_SCREENS.get(words[0], words[0]), "")
        if len(words) > 1 and (feed := self._destinations.unheard(kind)) is not None:
            self.busy(f"looking for {words[1]}…")
            try:
                await _first_told(feed)
            finally:
                self.busy("")
        self.post_message(self._way(words).to)

    async def _hear_names(self, feed: Feed[Any]) -> None:
        await self.shared.ready.wait()
        await _first_told(feed)
        self.query_one(CommandLine).renew()

    def _leave_names(self) -> None:
        """Let go of a feed that was asked for names only."""
        self._asked = None
        self.workers.cancel_group(self, NAMES)

    def _begun(self, word: str) -> str:
        """Return the screen whose name alone begins so; what is no screen has to be written out."""
        command = begun(word)
        return command if command and self._handlers[command][0] == self._navigate else ""

    def _way(self, words: list[str]) -> Way:
        """Return where a screen's name, and a word after it, lead."""
        from runctl_tui.screens.ways import Way, way_to  # no first frame needs them

        screen = _SCREENS.get(words[0], words[0])
        if len(words) > 1:
            return way_to(screen, words[1], self._destinations)
        return Way(Navigate(screen, THIS_MACHINE if screen == "hosts" else ""), COMMANDS[words[0]].help)

    def save_view(self, name: str) -> None:
        """Save how this screen is looked at; one without a table refuses."""
        raise Unsupported(f":view save {name}", "this screen has no table", "go to one that has")

    def column_names(self) -> tuple[str, ...]:
        """Return what the columns of this screen's table are called."""
        return ()

    def show_columns(self, ids: Iterable[str]) -> None:
        """Show only these columns; a screen without a table refuses."""
        raise Unsupported(":columns", "this screen has no table", "go to one that has")

    def _leads_to(self, text: str) -> str:
        """Say what enter would do with what is typed, or what keeps it from doing anything."""
        words = text.split()
        if not words:
            return ""
        if words[0] not in self._handlers:
            found = self._destinations.find(text)
            if found:
                return f"enter  go to the {found[1]}"
            words[0] = self._begun(words[0])
            if not words[0]:
                return "" if self._offered(text) else "✗ no command and nothing else is called so"
        handler, most = self._handlers[words[0]]
        if len(words) - 1 > most:
            return f"✗ {COMMANDS[words[0]].usage}"
        if len(words) == 1 or handler != self._navigate:
            return f"enter  {COMMANDS[words[0]].help}"
        try:
            return f"enter  {self._way(words).words}"
        except ResourceNotFound as error:
            return f"✗ {error.what}; {error.todo}"

    async def _tag(self, words: list[str]) -> None:
        if len(words) < 2 or "=" not in words[1]:
            raise ValidationError(":" + " ".join(words), "this is not how it is used", COMMANDS["tag"].usage)
        self.post_message(Navigate("instances", filter=f"tags:{words[1]}"))

    async def _move(self, words: list[str]) -> None:
        if len(words) < 2:
            raise ValidationError(f":{words[0]}", "this is not how it is used", COMMANDS[words[0]].usage)
        regions = tuple(one for one in words[1].split(",") if one)
        self.post_message(Moved(words[1]) if words[0] == "profile" else Moved(regions=regions))

    async def _view(self, words: list[str]) -> None:
        kept = self.shared.kept
        verb = words[1] if len(words) > 2 and words[1] in ("save", "forget") else ""
        name = " ".join(words[2:] if verb else words[1:])
        if verb == "save" and (wrong := wrong_name(name)):
            raise ValidationError(f":view save {name}", "this is no name for a view", wrong)
        if verb == "save":
            self.save_view(name)
            return
        views = kept.views()
        if name not in views:
            todo = f"views: {', '.join(views)}" if views else "save one: :view save NAME"
            raise ValidationError(":" + " ".join(words), "there is no such view", todo)
        if verb == "forget":
            kept.save_view(name, None)
            self.tell(f"view {name} is forgotten")
        else:
            self.post_message(Navigate(views[name].mode, view=name))

    async def _columns(self, words: list[str]) -> None:
        self.show_columns(name for word in words[1:] for name in word.split(",") if name)

    async def _sandbox(self, words: list[str]) -> None:
        if self.services.sandbox is None:
            raise Unsupported(":sandbox", "this is no sandbox", "start with: runctl-tui --sandbox")
        if words[1:] == ["start"] and self.services.sandbox.ended:
            self.post_message(Moved())
            return
        self.tell(await self.services.sandbox.command(words[1:]))
        match words[1:]:
            case ["cut", name, seconds]:
                self.set_timer(float(seconds), partial(self.tell, f"the link to {name} is back"))

    async def _config(self, words: list[str]) -> None:
        settings, words = self.services.settings, words[1:]
        if not words:
            lines = [f"{each.key} = {each.value}    ({each.origin})" for each in settings.all()]
            await self._show_text("Configuration", lines)
        elif len(words) == 1:
            known = {each.key: each for each in settings.all()}
            value = known[words[0]].value if words[0] in known else settings.value(words[0])
            self.tell(f"{words[0]} = {value}")
        else:
            _check_no_secret(words[0])
            self.tell(f"written to {settings.set(words[0], ' '.join(words[1:]))}")
            self.post_message(SettingWritten(words[0]))

    async def _doctor(self, _: list[str]) -> None:
        self.busy("examining…")
        findings = await self.services.doctor.examine()
        self.busy("")
        width = max((len(each.area) for each in findings), default=0)
        await self._show_text("Doctor", [line for each in findings for line in _finding(each, width)], wrapped=True)

    async def _show_text(self, title: str, lines: list[str], *, wrapped: bool = False) -> None:
        safe_ones = [safe_line(line) for line in lines]
        await self.app.push_screen(modals.TextView(self.services.clock, safe(title), safe_ones, wrapped=wrapped))

    async def _choose_theme(self, words: list[str]) -> None:
        name = words[-1]
        if name not in self._theme_names():
            raise ValidationError(f"theme {name}", "there is no such theme", "themes: " + " ".join(self._theme_names()))
        self.app.theme = name

    async def _arm(self, words: list[str]) -> None:
        try:
            seconds = duration(words[1], "min") if len(words) > 1 else ARM_SECONDS
        except ValueError as error:
            raise ValidationError(f":arm {words[1]}", str(error), COMMANDS["arm"].usage) from error
        self.services.session.arm(seconds)
        self.tell(f"changes are allowed for {in_two_units(seconds)}")

    def _focus_body(self) -> None:
        found = self.query("#list")
        if found:
            found.first().focus()

    def _theme_names(self) -> list[str]:
        return sorted(self.app.available_themes, key=lambda name: (not name.startswith("runctl"), name))

    def _profiles(self) -> tuple[str, ...]:
        return self.services.elsewhere.profiles() if self.services.elsewhere else ()

    def _setting_names(self) -> list[str]:
        return [each.key for each in self.services.settings.all()]


async def _first_told(feed: Feed[Any]) -> None:
    async with aclosing(feed.watch()) as told:  # type: ignore[type-var]  # a feed's generator
        await anext(told)


def _finding(finding: Finding, width: int) -> list[str]:
    sign = "?" if finding.ok is None else "✓" if finding.ok else "✗"
    lines = [f"{sign} {finding.area:{width}}  {finding.text}"]
    return [*lines, f"  {'':{width}}  do: {finding.todo}"] if finding.todo else lines


def _check_no_secret(key: str) -> None:
    from runctl_tui.domain.setting_spec import Kind
    from runctl_tui.domain.settings import SPECS

    if key in SPECS and SPECS[key].kind is Kind.SECRET:
        raise ValidationError(
            f"{key} is a secret", "what is typed here is shown and kept", f":settings {key}, then enter"
        )
