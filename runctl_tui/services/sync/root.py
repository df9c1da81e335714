"""Which folder may be sent as code; the plan uses it."""

from __future__ import annotations

from pathlib import Path

from runctl_tui.services.errors import Refused, ValidationError


def checked_root(root: Path) -> Path:
    """Return the folder, absolute; Refused for a home folder or the root of the file system."""
    whole = root.expanduser().resolve()
    if not whole.is_dir():
        raise ValidationError(f"{root} is no folder", "there is no code to send", "name the project's folder")
    if whole == Path(whole.anchor) or whole == Path.home().resolve() or whole in Path.home().resolve().parents:
        todo = "run `git init` in the project's own folder, or name that folder"
        raise Refused(f"{whole} is not sent as code", "it is a home folder, or above one", todo, code="sync.home")
    return whole
