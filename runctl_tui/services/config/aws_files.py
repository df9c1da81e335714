"""What AWS's own files and variables say of profiles and their regions, as its command line reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import configparser

_CONFIG: Final = ("AWS_CONFIG_FILE", "~/.aws/config")
_CREDENTIALS: Final = ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
_REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, slots=True)
class AwsFiles:
    """AWS's files and variables, as one environment names them; a file that cannot be read says nothing."""

    environ: Mapping[str, str]

    def profiles(self) -> tuple[str, ...]:
        """Return the names of all profiles, those of the configuration first."""
        found: dict[str, None] = {}
        for parser in map(self._read, (_CONFIG, _CREDENTIALS)):
            found |= dict.fromkeys(_name(section) for section in parser.sections() if _is_profile(section))
        return tuple(found)

    def region(self, profile: str) -> tuple[str, str]:
        """Return the region that a profile works in and where that is said; empty where nobody says it."""
        return next(self._regions(profile), ("", ""))

    def _regions(self, profile: str) -> Iterator[tuple[str, str]]:
        """Yield what is said of a profile, its own word first where it was asked for by name."""
        if not profile:
            yield from self._variables()
        wanted = profile or self.environ.get("AWS_PROFILE") or "default"
        for named in (_CONFIG, _CREDENTIALS):
            parser = self._read(named)
            for section in filter(_is_profile, parser.sections()):
                region = parser.get(section, "region", fallback="").strip()
                if _name(section) == wanted and region:
                    yield region, f"profile {wanted} ({self._path(*named)})"
        yield from self._variables()

    def _variables(self) -> Iterator[tuple[str, str]]:
        found = ((self.environ.get(variable, ""), f"environment ({variable})") for variable in _REGION_VARIABLES)
        yield from (pair for pair in found if pair[0])

    def _path(self, variable: str, usual: str) -> Path:
        return Path(self.environ.get(variable) or usual).expanduser()

    def _read(self, named: tuple[str, str]) -> configparser.RawConfigParser:
        import configparser

        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(self._path(*named), encoding="utf-8")
        except (configparser.Error, OSError, ValueError, RuntimeError):
            return configparser.RawConfigParser()
        return parser


def _is_profile(section: str) -> bool:
    """Tell profiles from other kinds of sections, which have a word of their own before the name."""
    return section.startswith("profile ") or " " not in section


def _name(section: str) -> str:
    return section.removeprefix("profile ").strip()
