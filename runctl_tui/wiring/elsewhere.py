"""The same program for another profile or other regions. Implements `ports.Elsewhere`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui.domain import validation
from runctl_tui.services.errors import ValidationError

if TYPE_CHECKING:
    import configparser

    from runctl_tui.options import Options
    from runctl_tui.services.ports_services import Services

_FILES: Final = (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))


class Elsewhere:
    """Builds services anew with other options; the ones in use stay as they are."""

    def __init__(self, options: Options, build: Callable[[Options], Services]) -> None:
        self._options = options
        self._build = build

    def profiles(self) -> tuple[str, ...]:
        """Return the profiles of AWS's own files; none in the sandbox, which never looks at them."""
        if self._options.sandbox:
            return ()
        import configparser

        found: dict[str, None] = {}
        for variable, usual in _FILES:
            parser = configparser.RawConfigParser(strict=False)
            try:
                parser.read(Path(os.environ.get(variable) or usual).expanduser(), encoding="utf-8")
            except (configparser.Error, OSError, ValueError):
                continue
            found |= dict.fromkeys(section.removeprefix("profile ").strip() for section in _profiles(parser))
        return tuple(found)

    def services(self, profile: str, regions: tuple[str, ...]) -> Services:
        """Return services for a profile and regions, an empty one as it is; ValidationError for what cannot be."""
        if profile and self._options.sandbox:
            raise ValidationError(f"profile {profile}", "the sandbox has no profiles", "start without --sandbox")
        known = self.profiles()
        if profile and profile not in known:
            near = get_close_matches(profile, known, 1)
            todo = f"did you mean {near[0]}?" if near else f"profiles: {' '.join(known) or 'none in ~/.aws'}"
            raise ValidationError(f"profile {profile}", "there is no such profile in AWS's files", todo)
        try:
            checked = tuple(dict.fromkeys(validation.region(region) for region in regions))
        except ValueError as error:
            wrong = next(region for region in regions if not validation.is_region(region))
            raise ValidationError("region", str(error), validation.region_meant(wrong)) from None
        options = replace(
            self._options,
            profile=profile or self._options.profile,
            regions=checked or self._options.regions,
            fresh=False,
        )
        return self._build(options)


def _profiles(parser: configparser.RawConfigParser) -> list[str]:
    """Return the sections that are profiles: other kinds have a word of their own before the name."""
    return [name for name in parser.sections() if name.startswith("profile ") or " " not in name]
