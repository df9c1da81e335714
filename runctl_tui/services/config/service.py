"""`ConfigService`: the port `Settings` on top of files; also usable while the files are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runctl_tui.domain.setting_spec import SettingDraft
from runctl_tui.domain.settings import SCHEMA, Configuration
from runctl_tui.services.config.load import Reading, Sources, build, check_together, effective, examine, known
from runctl_tui.services.config.values import parse, show
from runctl_tui.services.errors import InvalidValue
from runctl_tui.services.ports import Setting

if TYPE_CHECKING:
    from runctl_tui.domain.problem import Problem


class ConfigService:
    """The effective configuration; `set` writes and reads again, `validate` looks at everything that is wrong."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
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
        overruled = origin if origin.startswith(("flag", "environment")) else ""
        try:
            value = None if text is None else parse(spec, text)
        except ValueError as error:
            return SettingDraft(key, before, before, file, str(error), overruled)
        problem = "" if text is None else self._wrong_together(key, value)
        return SettingDraft(key, before, show(value), file, problem, overruled)

    def set(self, key: str, text: str | None) -> str:
        """Write one key into the file that is in force and return that file; None or an empty text removes the key."""
        spec = known(key)
        try:
            value = None if text is None else parse(spec, text)
        except ValueError as error:
            raise InvalidValue(f"{key} cannot be set to this", str(error), f"{key}: {spec.help}") from None
        path = self._sources.places.in_force()
        from runctl_tui.services.config.write import write_key

        write_key(path, spec, value)
        self._reading = examine(self._sources)
        return str(path)

    def _wrong_together(self, key: str, value: object) -> str:
        """Return what would be wrong with this value beside the others."""
        values, origins = self._reading.values | {key: value}, self._reading.origins | {key: key}
        trial = Reading(values, origins)
        check_together(trial)
        return trial.errors[0].what.partition(": ")[2] if trial.errors else ""

    def validate(self) -> tuple[Problem, ...]:
        """What is wrong with files, environment and flags, read afresh."""
        self._reading = examine(self._sources)
        return tuple(error.to_problem(scope="configuration") for error in self._reading.errors)
