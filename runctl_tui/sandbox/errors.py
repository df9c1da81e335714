"""The sandbox's one error type: what failed, why, and what to do; used by its client and by the child."""

from __future__ import annotations

from typing import Final

EXIT_REFUSED: Final = 3
"""The child's exit status when it refuses to start for a reason that it has told."""
EXIT_HELD: Final = 4
"""The child's exit status when another sandbox holds the folder."""


class SandboxError(Exception):
    """The sandbox could not do what was asked; `what`, `why` and `todo` are for a person to read."""

    def __init__(self, what: str, *, why: str = "", todo: str = "") -> None:
        super().__init__(". ".join(part.rstrip(".") for part in (what, why, todo) if part))
        self.what: Final = what
        self.why: Final = why
        self.todo: Final = todo
