"""From places, environment and flags to one frozen `Configuration`, with the origin of every value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain import validation
from runctl_tui.domain.settings import SCHEMA, SECTIONS, SPECS, Configuration
from runctl_tui.domain.text import MAX_QUOTED, safe
from runctl_tui.services.config import files
from runctl_tui.services.config.policy import tighten
from runctl_tui.services.config.reading import Reading
from runctl_tui.services.config.values import decode, parse
from runctl_tui.services.errors import ConfigError, InvalidValue

if TYPE_CHECKING:
    from runctl_tui.domain.setting_spec import SettingSpec
    from runctl_tui.services.config.aws_files import AwsFiles
    from runctl_tui.services.config.files import ConfigPlaces

PREFIX: Final = "RUNCTL_TUI_"
_ALIASES: Final = {"RUNPOD_API_KEY": "runpod.api_key"}


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that a configuration is made from, the weakest last."""

    places: ConfigPlaces
    environ: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    """Configuration keys as texts."""
    sandbox: Mapping[str, str] = field(default_factory=dict)
    """What the sandbox has in the place of the defaults, as texts."""
    aws: AwsFiles | None = None
    """Where a profile's own region is looked up; None: nowhere, as in the sandbox."""
    policy: Path | None = None
    """What the machine's administrator allows; None: there is nobody to ask, as in the sandbox."""


def load(sources: Sources) -> Configuration:
    """Return the effective configuration; the first thing that is wrong is raised."""
    reading = examine(sources)
    if reading.errors:
        raise reading.errors[0]
    return build(reading)


def examine(sources: Sources) -> Reading:
    """Read every source and collect what is wrong instead of stopping at the first; ConfigNotFound is raised."""
    reading = Reading()
    for key, text in sources.flags.items():
        _take_text(reading, key, text, "flag")
    for name, key in _variables(sources.environ):
        _take_text(reading, key, sources.environ[name], f"environment ({name})")
    _unknown_variables(reading, sources.environ)
    for file in sources.places.files():
        try:
            _take_tables(reading, files.read(file.path), file.path, str(file))
        except ConfigError as error:
            reading.errors.append(error)
    for key, text in sources.sandbox.items():
        _take_text(reading, key, text, "sandbox")
    _take_profile_region(reading, sources.aws)
    tighten(reading, sources.policy)
    check_together(reading)
    return reading


def build(reading: Reading) -> Configuration:
    """Return the configuration of the values that were right."""
    sections: dict[str, Any] = {
        name: section(**{spec.name: reading.values[spec.key] for spec in SCHEMA if _has(reading, spec, name)})
        for name, section in SECTIONS.items()
    }
    top: dict[str, Any] = {spec.name: reading.values[spec.key] for spec in SCHEMA if _has(reading, spec, "")}
    return Configuration(**top, **sections, origins=MappingProxyType(dict(reading.origins)))


def effective(configuration: Configuration, key: str) -> object:
    """Return one value; InvalidValue for an unknown key names the nearest."""
    spec = known(key)
    owner = getattr(configuration, spec.section) if spec.section else configuration
    return getattr(owner, spec.name)


def known(key: str) -> SettingSpec:
    """Return the key's specification; InvalidValue for an unknown one names the nearest."""
    if key not in SPECS:
        raise unknown_key(key, "")
    return SPECS[key]


def unknown_key(key: str, where: str) -> InvalidValue:
    """Return the error about a key that does not exist."""
    prefix = f"{where}: " if where else ""
    meant = _meant(key)
    todo = meant if meant.endswith("?") else f"{meant}; 'runctl-tui config show' lists every key"
    return InvalidValue(
        f"{prefix}{safe(key, MAX_QUOTED)} is no configuration key", todo=todo, code="config.unknown-key"
    )


def _meant(key: str) -> str:
    """Return which key was meant, or what there is to choose from as near to it as can be told."""
    if nearest := validation.nearest(key, SPECS):
        return f"did you mean {nearest}?"
    section = key.partition(".")[0]
    section = section if section in SECTIONS else validation.nearest(section, SECTIONS)
    if section:
        return f"[{section}] has {', '.join(spec.name for spec in SPECS.values() if spec.section == section)}"
    return f"the sections are {', '.join(SECTIONS)}"


def variable_of(key: str) -> str:
    """Return the environment variable that sets a key: aws.region -> RUNCTL_TUI_AWS_REGION."""
    return PREFIX + key.replace(".", "_").upper()


def _has(reading: Reading, spec: SettingSpec, section: str) -> bool:
    return spec.section == section and spec.key in reading.values


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((variable_of(key), key) for key in SPECS if variable_of(key) in environ)
    yield from ((name, key) for name, key in _ALIASES.items() if environ.get(name))


def _unknown_variables(reading: Reading, environ: Mapping[str, str]) -> None:
    names = {variable_of(key) for key in SPECS}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in names:
            nearest = validation.nearest(name, names)
            todo = f"did you mean {nearest}?" if nearest else "unset it"
            what = f"environment: {safe(name, MAX_QUOTED)} sets no configuration key"
            reading.errors.append(InvalidValue(what, todo=todo, code="config.unknown-key"))


def _take_text(reading: Reading, key: str, text: str, origin: str) -> None:
    if key not in SPECS:
        reading.errors.append(unknown_key(key, origin))
        return
    try:
        reading.take(key, parse(SPECS[key], text), origin)
    except ValueError as error:
        reading.errors.append(_wrong(key, origin, error))


def _take_profile_region(reading: Reading, aws: AwsFiles | None) -> None:
    """Work where the profile works, unless somebody told this program where."""
    if aws is None or "aws.region" in reading.values:
        return
    region, origin = aws.region(str(reading.values.get("aws.profile") or ""))
    if region:
        _take_text(reading, "aws.region", region, origin)


def _take_tables(reading: Reading, tables: Mapping[str, Any], path: Path, origin: str) -> None:
    for name, content in tables.items():
        if name in SECTIONS and isinstance(content, dict):
            for inner, value in content.items():
                _take_value(reading, f"{name}.{inner}", value, path, origin)
        elif name in SECTIONS:
            reading.errors.append(InvalidValue(f"{path}: {name} must be a section", todo=f"write [{name}]"))
        else:
            _take_value(reading, name, content, path, origin)


def _take_value(reading: Reading, key: str, value: object, path: Path, origin: str) -> None:
    if key not in SPECS:
        reading.errors.append(_unknown_in_file(key, value, path))
        return
    try:
        reading.take(key, decode(SPECS[key], value), origin)
    except ValueError as error:
        reading.errors.append(_wrong(key, str(path), error))


def _unknown_in_file(key: str, value: object, path: Path) -> InvalidValue:
    if "." in key or not isinstance(value, dict):
        return unknown_key(key, str(path))
    nearest = validation.nearest(key, SECTIONS)
    todo = f"did you mean [{nearest}]?" if nearest else f"the sections are {', '.join(SECTIONS)}"
    return InvalidValue(
        f"{path}: [{safe(key, MAX_QUOTED)}] is no configuration section", todo=todo, code="config.unknown-key"
    )


def _wrong(key: str, where: str, error: ValueError) -> InvalidValue:
    help_text = SPECS[key].help
    return InvalidValue(f"{where}: {key} cannot be used", str(error), f"{key}: {help_text}")


def check_together(reading: Reading) -> None:
    """Add what is wrong with keys that only make sense together."""
    keys = ("safety.max_instances_warn", "safety.max_instances_block")
    warn, block = (reading.values.get(key, SPECS[key].default) for key in keys)
    if isinstance(warn, int) and isinstance(block, int) and warn > block:
        origin = next(reading.origins[key] for key in keys if key in reading.origins)
        reading.errors.append(
            InvalidValue(
                f"{origin}: safety.max_instances_warn ({warn}) is above safety.max_instances_block ({block})",
                "a launch would be refused before it warns",
                "lower the first or raise the second",
            )
        )
