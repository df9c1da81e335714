"""`ConfigService`: the port `Settings` on top of files; also usable while the files are wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.setting_spec import SettingDraft
from runctl_tui.domain.settings import SCHEMA, Configuration
from runctl_tui.services.config.load import Sources, build, check_together, effective, examine, known
from runctl_tui.services.config.reading import Reading
from runctl_tui.services.config.values import parse, show
from runctl_tui.services.errors import InvalidValue
from runctl_tui.services.ports_settings import Setting

_KEYMAP: Final = "ui.keymap"


def _anything(keymap: object) -> tuple[str, ...]:
    """Take every keymap for right: where there are no screens, nobody knows better."""
    return ()


class ConfigService:
    """The effective configuration; `set` writes and reads again, `validate` looks at everything that is wrong."""

    def __init__(self, sources: Sources, wrong_in_keymap: Callable[[object], tuple[str, ...]] = _anything) -> None:
        self._sources = sources
        self._wrong_in_keymap = wrong_in_keymap
        self._reading = examine(sources)

    @property
    def configuration(self) -> Configuration:
        """The effective configuration; raises the first thing that is wrong with it."""
        if self._reading.errors:
            raise self._reading.errors[0]
        return build(self._reading)

    def all(self) -> tuple[Setting, ...]:
        """Every key with its effective value, secrets masked; values that are wrong appear as their defaults."""
        configuration = build(self._reading)
        return tuple(
            Setting(
                spec.key,
                show(effective(configuration, spec.key)),
                configuration.origins.get(spec.key, "default"),
                spec.help,
            )
            for spec in SCHEMA
        )

    def value(self, key: str) -> object:
        """One effective value; InvalidValue for an unknown key names the nearest."""
        return effective(build(self._reading), key)

    def draft(self, key: str, text: str | None) -> SettingDraft:
        """What `set` would do; what is wrong is said in the draft. InvalidValue for an unknown key."""
        spec = known(key)
        before = show(self.value(key))
        file, origin = str(self._sources.places.in_force()), self._reading.origins.get(key, "default")
        overruled = origin if origin.startswith(("flag", "environment", "policy")) else ""
        try:
            value = None if text is None else parse(spec, text)
        except ValueError as error:
            return SettingDraft(key, before, before, file, str(error), overruled)
        problem = self._wrong_with(key, value)
        return SettingDraft(key, before, show(value), file, problem, overruled)

    def set(self, key: str, text: str | None) -> str:
        """Write one key into the file that is in force and return that file; None or an empty text removes the key."""
        spec = known(key)
        try:
            value = None if text is None else parse(spec, text)
        except ValueError as error:
            raise InvalidValue(f"{key} cannot be set to this", str(error), f"{key}: {spec.help}") from None
        if problem := self._wrong_with(key, value):
            raise InvalidValue(f"{key} cannot be set to this", problem, f"{key}: {spec.help}")
        path = self._sources.places.in_force()
        from runctl_tui.services.config.write import write_key

        write_key(path, spec, value)
        self._reading = examine(self._sources)
        return str(path)

    def _wrong_with(self, key: str, value: object) -> str:
        """Return what would be wrong with this value by itself or beside the others; nothing where it is unset."""
        if value is None:
            return ""
        if key == _KEYMAP:
            return "; ".join(self._wrong_in_keymap(value))
        values, origins = self._reading.values | {key: value}, self._reading.origins | {key: key}
        trial = Reading(values, origins)
        check_together(trial)
        return trial.errors[0].what.partition(": ")[2] if trial.errors else ""

    def validate(self) -> tuple[Problem, ...]:
        """What is wrong with files, environment and flags, read afresh."""
        self._reading = examine(self._sources)
        wrong = [error.to_problem(scope="configuration") for error in self._reading.errors]
        origin = self._reading.origins.get(_KEYMAP, "")
        for words in self._wrong_in_keymap(self.value(_KEYMAP)):
            todo = "the names of bindings and keys are in docs/keys.md"
            wrong.append(Problem("config.keymap", f"{origin}: {words}", todo=todo, scope="configuration"))
        return tuple(wrong)
