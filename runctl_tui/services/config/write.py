"""Writing one key into a TOML file: comments stay, the file appears whole or not at all, 0600."""

from __future__ import annotations

from collections.abc import MutableMapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from runctl_tui.domain.secret import Secret
from runctl_tui.services.errors import ConfigError, ConfigParseError
from runctl_tui.services.whole_file import write_whole

if TYPE_CHECKING:
    from runctl_tui.domain.setting_spec import SettingSpec


def write_key(path: Path, spec: SettingSpec, value: object) -> None:
    """Set the key in the file, making file and section where they are absent; None removes the key."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigParseError(f"{path}: this is not TOML", str(error), "mend the file first") from None
    except OSError as error:
        raise ConfigError(f"{path}: the file cannot be read", error.strerror or "") from None
    if spec.section and spec.section not in document:
        document[spec.section] = tomlkit.table()
    table = cast(MutableMapping[str, Any], document[spec.section] if spec.section else document)
    if value is None:
        table.pop(spec.name, None)
    else:
        table[spec.name] = plain(value)
    replace(path, tomlkit.dumps(document))


def plain(value: object) -> Any:
    """Return what TOML can hold of a value."""
    match value:
        case Secret():
            return value.reveal()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case tuple():
            return list(value)
        case str() | bool() | int():
            return value
    return {name: plain(item) for name, item in cast("MutableMapping[str, Any]", value).items()}


def replace(path: Path, text: str) -> None:
    """Put a file with this text at the path at once, mode 0600; a link keeps pointing to it."""
    try:
        write_whole(path.resolve(), text)
    except OSError as error:
        raise ConfigError(f"{path}: the file cannot be written", error.strerror or "", "mend its permissions") from None
