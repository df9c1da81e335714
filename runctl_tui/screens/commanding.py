"""The command line of every screen: what each word after the colon does."""

from __future__ import annotations

import shlex
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from runctl_tui.commands.line import COMMANDS, Vocabulary, complete, nearest
from runctl_tui.messages import Navigate
from runctl_tui.modals.text_view import TextView
from runctl_tui.screens.base import BaseScreen
from runctl_tui.services.errors import Unsupported, ValidationError
from runctl_tui.services.ports import Finding
from runctl_tui.widgets.command_line import CommandLine

ARM_MINUTES = 10.0


class CommandingScreen(BaseScreen):
    """Adds the `:` line to a screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "open_command_line", "go to", key_display=":", id="screen.command"),
    ]

    def compose_prompts(self) -> ComposeResult:
        """Add the command's line."""
        vocabulary = Vocabulary(self._instance_names, self._run_names, self._theme_names, self._setting_names)
        yield CommandLine(lambda text: complete(text, vocabulary))

    @on(CommandLine.Submitted)
    def carry_out(self, event: CommandLine.Submitted) -> None:
        """Do what was typed."""
        self._focus_body()
        self.work(self._obey, event.text, group="command")

    @on(CommandLine.Closed)
    def leave_command_line(self) -> None:
        """Give the keys back."""
        self._focus_body()

    def action_open_command_line(self) -> None:
        """Let a command be typed."""
        self.query_one(CommandLine).open()

    async def _obey(self, text: str) -> None:
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ValidationError(f":{text}", f"{error}", "close the quote") from error
        match words:
            case ["instances" | "tasks" as mode]:
                self.post_message(Navigate(mode))
            case ["checkpoints" | "monitor" as mode, *reference] if len(reference) < 2:
                self.post_message(Navigate(mode, *reference))
            case ["launch"]:
                await self.run_action("launch")
            case ["sandbox", *rest]:
                await self._sandbox(rest)
            case ["config", *rest]:
                await self._config(rest)
            case ["theme", name]:
                self._choose_theme(name)
            case ["doctor"]:
                await self._doctor()
            case ["arm", *minutes] if len(minutes) < 2:
                self._arm(*minutes)
            case ["help"]:
                await self.run_action("help")
            case ["q" | "quit"]:
                await self.run_action("app.quit")
            case [word, *_] if word in COMMANDS:
                raise ValidationError(f":{text}", "this is not how it is used", COMMANDS[word].usage)
            case [word, *_]:
                raise ValidationError(f":{word}", "there is no such command", nearest(word))

    async def _sandbox(self, words: list[str]) -> None:
        if self.services.sandbox is None:
            raise Unsupported(":sandbox", "this is no sandbox", "start with: runctl-tui --sandbox")
        self.tell(await self.services.sandbox.command(words))

    async def _config(self, words: list[str]) -> None:
        settings = self.services.settings
        if not words:
            lines = [f"{each.key} = {each.value}    ({each.origin})" for each in settings.all()]
            await self.app.push_screen(TextView("Configuration", "\n".join(lines)))
        elif len(words) == 1:
            known = {each.key: each for each in settings.all()}
            value = known[words[0]].value if words[0] in known else settings.value(words[0])
            self.tell(f"{words[0]} = {value}")
        else:
            self.tell(f"written to {settings.set(words[0], ' '.join(words[1:]))}")

    async def _doctor(self) -> None:
        self.busy("examining…")
        findings = await self.services.doctor.examine()
        self.busy("")
        await self.app.push_screen(TextView("Doctor", "\n".join(_finding(each) for each in findings)))

    def _choose_theme(self, name: str) -> None:
        if name not in self._theme_names():
            raise ValidationError(f"theme {name}", "there is no such theme", "themes: " + " ".join(self._theme_names()))
        self.app.theme = name

    def _arm(self, minutes: str = "") -> None:
        try:
            length = float(minutes) if minutes else ARM_MINUTES
        except ValueError as error:
            raise ValidationError(f":arm {minutes}", "minutes are a number", COMMANDS["arm"].usage) from error
        self.services.session.arm(length * 60)
        self.tell(f"changes are allowed for {length:g} min")

    def _focus_body(self) -> None:
        found = self.query("#list")
        if found:
            found.first().focus()

    def _instance_names(self) -> list[str]:
        snapshot = self.services.fleet.feed.latest
        return [row.instance.name for row in snapshot.value if row.instance.name] if snapshot else []

    def _run_names(self) -> list[str]:
        snapshot = self.services.runs.feed.latest
        return [run.name or run.id for run in snapshot.value] if snapshot else []

    def _theme_names(self) -> list[str]:
        return sorted(self.app.available_themes, key=lambda name: (not name.startswith("runctl"), name))

    def _setting_names(self) -> list[str]:
        return [each.key for each in self.services.settings.all()]


def _finding(finding: Finding) -> str:
    sign: Any = {True: "✓", False: "✗", None: "?"}[finding.ok]
    return f"{sign} {finding.area:9} {finding.text}" + (f"\n            {finding.todo}" if finding.todo else "")
