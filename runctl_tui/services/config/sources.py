"""Which sources the global flags choose: the composition root and the noun `config` ask here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runctl_tui import paths
from runctl_tui.services.config.files import ConfigPlaces, heritage_file
from runctl_tui.services.config.load import Sources

if TYPE_CHECKING:
    from runctl_tui.options import Options


def sources_of(options: Options, environ: Mapping[str, str], folder: Path) -> Sources:
    """Return the sources; the sandbox has a file of its own and reads neither the project's nor the user's."""
    explicit = Path(options.config_file).expanduser() if options.config_file else None
    flags = options.configuration_flags()
    if options.sandbox:
        own = paths.state_dir(options.state_dir or None) / "sandbox" / "config.toml"
        return Sources(ConfigPlaces(explicit, None, own), _without_secrets(environ), flags)
    places = ConfigPlaces(explicit, folder, paths.config_dir() / "config.toml", heritage_file(environ))
    return Sources(places, environ, flags)


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name != "RUNPOD_API_KEY"}
