"""The noun `init`: a commented sample configuration for the current folder; never overwrites."""

from __future__ import annotations

import os

from runctl_tui.domain.settings_sample import sample
from runctl_tui.headless.confirm import add_dry_run
from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.errors import ConfigError, ResourceExists


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun."""
    parser = add_noun(nouns, name, help_text)
    parser.add_argument("--config-path", metavar="FILE", default=".runctl.toml", help="default: .runctl.toml")
    add_dry_run(parser)
    parser.set_defaults(handler=init, needs=Needs.NOTHING)


async def init(nothing: None, call: Call) -> Reply:
    """Write the sample; ResourceExists where the file is there already."""
    path = call.folder / call.args.config_path
    exists = ResourceExists(f"{path} exists and is left as it is", todo="edit it, or name another file")
    if call.args.dry_run:
        if path.exists():
            raise exists
        return Reply({"dry_run": True, "file": str(path)}, f"{path} would be written; nothing was: --dry-run")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise exists from None
    except OSError as error:
        raise ConfigError(f"{path}: the file cannot be written", error.strerror or "") from None
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(sample())
    return Reply({"file": str(path)}, f"{path} written: everything in it is commented out; uncomment what you need")
