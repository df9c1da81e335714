"""The program's entry: private files, no core dumps, then the command line."""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import TextIO


def main() -> None:
    """Run the command line and end the process with its exit code."""
    os.umask(0o077)
    sys.excepthook = _tell_defect
    threading.excepthook = lambda told: _tell_defect(told.exc_type, told.exc_value, told.exc_traceback)
    _forbid_core_dumps()
    _open_what_was_closed()
    for stream in (sys.stdout, sys.stderr):
        _never_fail_on_a_character(stream)
    from runctl_tui.cli import main as run

    sys.exit(run())


def _tell_defect(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Write the traceback of a defect to standard error, without any secret that its message names."""
    import traceback

    from runctl_tui.services.redaction import redacted

    print(redacted("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)


def _forbid_core_dumps() -> None:
    """A core dump would write credentials to disk."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _open_what_was_closed() -> None:
    """A standard stream that is missing leaves its number, and what is written to it, to the first file opened."""
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _never_fail_on_a_character(stream: TextIO | None) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


if __name__ == "__main__":
    main()
