"""Where things lie: the style sheets, this program's own folders, and where a person's project begins.

Nothing here creates a folder; who writes a file does, with mode 0700.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Final

APP_NAME: Final = "runctl-tui"
STATE_DIR_VARIABLE: Final = "RUNCTL_STATE_DIR"

PROJECT_MARKERS: Final = ("requirements.txt", "setup.py", "pyproject.toml", "Cargo.toml")

_HERE: Final = Path(__file__).resolve().parent


def styles_dir() -> Path:
    """Return the packaged style sheets in a wheel, the repository's own in a checkout."""
    packaged = _HERE / "styles"
    return packaged if packaged.is_dir() else _HERE.parent / "styles"


def style_sheets(*names: str) -> list[str | PurePath]:
    """Return the style sheets of these names, in the order in which they apply."""
    return [styles_dir() / f"{name}.tcss" for name in names]


def state_dir(override: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of ledger, journal, runs and logs: the argument, RUNCTL_STATE_DIR, or the platform's."""
    chosen = override or os.environ.get(STATE_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_state_path(APP_NAME, appauthor=False)


def config_dir() -> Path:
    """Return the folder of the user's configuration."""
    import platformdirs

    return platformdirs.user_config_path(APP_NAME, appauthor=False)


def cache_dir() -> Path:
    """Return the folder of what can be made again."""
    import platformdirs

    return platformdirs.user_cache_path(APP_NAME, appauthor=False)


def project_root(script: Path) -> Path:
    """Return the nearest ancestor with .git, else the nearest with a project's marker, else the script's folder.

    A home folder is no project, although some keep it in git.
    """
    start = script.parent.resolve()
    ancestors = [folder for folder in (start, *start.parents) if folder != Path.home().resolve()]
    for folder in ancestors:
        if (folder / ".git").exists():
            return folder
    for folder in ancestors:
        if any((folder / marker).is_file() for marker in PROJECT_MARKERS):
            return folder
    return start
