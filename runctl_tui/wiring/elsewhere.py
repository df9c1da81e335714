"""The same program for another profile or other regions. Implements `ports.Elsewhere`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from runctl_tui.domain import validation
from runctl_tui.services.config.aws_files import AwsFiles
from runctl_tui.services.errors import ValidationError

if TYPE_CHECKING:
    from runctl_tui.options import Options
    from runctl_tui.services.ports_services import Services


class Elsewhere:
    """Builds services anew with other options; the ones in use stay as they are."""

    def __init__(self, options: Options, build: Callable[[Options], Services]) -> None:
        self._options = options
        self._build = build

    def profiles(self) -> tuple[str, ...]:
        """Return the profiles of AWS's own files; none in the sandbox, which never looks at them."""
        if self._options.sandbox:
            return ()
        return AwsFiles(os.environ).profiles()

    def services(self, profile: str, regions: tuple[str, ...]) -> Services:
        """Return services for a profile and regions, an empty one as it is; ValidationError for what cannot be."""
        if profile and self._options.sandbox:
            raise ValidationError(f"profile {profile}", "the sandbox has no profiles", "start without --sandbox")
        if "," in profile:
            why = "a plan, a price and a production account are of one account"
            raise ValidationError("one profile at a time", why, "open another window for the other one")
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
        return self._build(self._moved(profile, checked))

    def _moved(self, profile: str, regions: tuple[str, ...]) -> Options:
        """Return the options of the new place: a profile has the regions that it was left with, else its own."""
        here = self._options
        left = {**here.regions_elsewhere, here.profile: here.regions}
        target = profile or here.profile
        return replace(
            here, profile=target, regions=regions or left.get(target, ()), regions_elsewhere=left, fresh=False
        )
