"""The sandbox's error, for its client and for the child, and the exit statuses by which the child refuses."""

from __future__ import annotations

from typing import Final

from runctl_tui.services.errors import SandboxFailed

EXIT_REFUSED: Final = 3
"""The child refuses to start for a reason that it has written into its log."""
EXIT_HELD: Final = 4
"""Another sandbox holds the folder."""


class SandboxError(SandboxFailed):
    """The sandbox could not do what was asked; `what`, `why` and `todo` are for a person to read."""


class SandboxRefusal(SandboxError):
    """The sandbox is there, and what was asked of it cannot be done."""

    exit_code = 1
