"""Where a project begins; the launcher and the plan use it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from runctl_tui.services.errors import Refused, ValidationError

MARKERS: Final = ("requirements.txt", "setup.py", "pyproject.toml", "Cargo.toml")


def project_root(script: Path) -> Path:
    """Return the nearest ancestor with .git, else the nearest with a project's marker, else the script's folder."""
    start = script.resolve().parent
    ancestors = (start, *start.parents)
    for folder in ancestors:
        if (folder / ".git").exists():
            return folder
    for folder in ancestors:
        if any((folder / marker).is_file() for marker in MARKERS):
            return folder
    return start


def checked_root(root: Path) -> Path:
    """Return the folder, absolute; Refused for a home folder or the root of the file system."""
    whole = root.expanduser().resolve()
    if not whole.is_dir():
        raise ValidationError(f"{root} is no folder", "there is no code to send", "name the project's folder")
    if whole == Path(whole.anchor) or whole == Path.home().resolve() or whole in Path.home().resolve().parents:
        todo = "run `git init` in the project's own folder, or name that folder"
        raise Refused(f"{whole} is not sent as code", "it is a home folder, or above one", todo, code="sync.home")
    return whole
