"""Which sources the global flags choose: the composition root and the noun `config` ask here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui import paths
from runctl_tui.services.config.aws_files import AwsFiles
from runctl_tui.services.config.files import ConfigPlaces, heritage_file
from runctl_tui.services.config.load import Sources
from runctl_tui.services.config.policy import POLICY_FILE
from runctl_tui.services.errors import ValidationError

if TYPE_CHECKING:
    from runctl_tui.options import Options

SANDBOX: Final = {
    "aws.default_instance_type": "g5.xlarge",
    "aws.iam_instance_profile": "runctl-sandbox",
    "aws.s3_bucket": "runctl-sandbox-checkpoints",
    "runpod.default_gpu": "NVIDIA GeForce RTX 4090",
}
"""What the embedded cloud has ready, in force where nothing else is configured."""


def sources_of(options: Options, environ: Mapping[str, str], folder: Path) -> Sources:
    """Return the sources; the sandbox has a file of its own and reads neither the project's nor the user's."""
    explicit = Path(options.config_file).expanduser() if options.config_file else None
    flags = options.configuration_flags()
    if options.sandbox:
        own = state_folder(options) / "sandbox" / "config.toml"
        return Sources(ConfigPlaces(explicit, None, own), _without_secrets(environ), flags, SANDBOX)
    places = ConfigPlaces(explicit, folder, paths.config_dir() / "config.toml", heritage_file(environ))
    return Sources(places, environ, flags, aws=AwsFiles(environ), policy=POLICY_FILE)


def state_folder(options: Options) -> Path:
    """Return the folder of ledger, journal, keys and sandbox; ValidationError where it can be none."""
    folder = paths.state_dir(options.state_dir or None)
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        kind = "a file" if there.is_file() else "no folder"
        todo = f"name a folder with --state-dir or {paths.STATE_DIR_VARIABLE}; one that is not there yet is made"
        raise ValidationError(f"{folder} cannot be the state folder", f"{there} is {kind}", todo)
    return folder


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name != "RUNPOD_API_KEY"}
