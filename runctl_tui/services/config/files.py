"""Configuration files: where they are looked for, and reading one of them safely."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from runctl_tui.domain.setting_spec import Kind
from runctl_tui.domain.settings import SCHEMA
from runctl_tui.services.errors import ConfigError, ConfigNotFound, ConfigParseError

PROJECT_FILE: Final = ".runctl.toml"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that takes part, and the word for where it comes from."""

    origin: str
    """file, project or user."""
    path: Path

    def __str__(self) -> str:
        return f"{self.origin} ({self.path})"


@dataclass(frozen=True, slots=True)
class ConfigPlaces:
    """Where configuration may lie; the composition root fills it in."""

    explicit: Path | None
    """`--config`; replaces the other two."""
    folder: Path | None
    """Where the search for the project's file begins; None: the project's file does not count."""
    user: Path
    """The user's file; `set` makes it where no file is in force."""
    heritage: Path | None = None
    """runctl's own user file, read while ours is absent."""

    def files(self) -> tuple[ConfigFile, ...]:
        """Return the files that are there, the strongest first; ConfigNotFound for an explicit one that is not."""
        if self.explicit is not None:
            if not self.explicit.is_file():
                raise ConfigNotFound(
                    f"{self.explicit}: no such configuration file",
                    todo="name an existing file, or make one in this folder with 'runctl-tui init'",
                )
            return (ConfigFile("file", self.explicit),)
        found = [ConfigFile("project", path) for path in self._project()]
        for path in filter(None, (self.user, self.heritage)):
            if path.is_file():
                return (*found, ConfigFile("user", path))
        return tuple(found)

    def in_force(self) -> Path:
        """Return the file that `set` writes to."""
        files = self.files()
        return files[0].path if files else self.user

    def _project(self) -> list[Path]:
        if self.folder is None:
            return []
        candidates = (parent / PROJECT_FILE for parent in (self.folder, *self.folder.parents))
        return next(([path] for path in candidates if path.is_file()), [])


def heritage_file(environ: Mapping[str, str]) -> Path | None:
    """Return where the old command line kept the user's configuration; None without a home folder."""
    home = environ.get("HOME", "")
    if sys.platform == "darwin":
        return Path(home, "Library/Application Support/runctl/config.toml") if home else None
    base = environ.get("XDG_CONFIG_HOME") or (os.path.join(home, ".config") if home else "")
    return Path(base, "runctl/config.toml") if base else None


def read(path: Path) -> dict[str, Any]:
    """Return a file's tables; ConfigParseError names the line, ConfigError a secret that others can read."""
    import tomllib

    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            tables = tomllib.load(stream, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigParseError(f"{path}: this is not TOML", str(error), "mend the line that is named") from None
    except (ValueError, ArithmeticError, RecursionError) as error:  # what tomllib lets through, without a place
        why = "it is nested too deeply" if isinstance(error, RecursionError) else "a number in it is out of reason"
        raise ConfigParseError(f"{path}: this cannot be read", why, "look for what is out of reason in it") from None
    except OSError as error:
        raise ConfigError(f"{path}: the file cannot be read", error.strerror or "", "mend its permissions") from None
    if mode & _OTHERS and (key := _secret_in(tables)):
        raise ConfigError(
            f"{path}: it holds the secret {key} and others may read it",
            f"its mode is {stat.S_IMODE(mode):04o}",
            f"chmod 600 '{path}'",
            code="config.permissions",
        )
    return tables


def _secret_in(tables: Mapping[str, Any]) -> str:
    for spec in SCHEMA:
        section = tables.get(spec.section)
        if spec.kind is Kind.SECRET and isinstance(section, dict) and section.get(spec.name):
            return spec.key
    return ""
