"""The program's own log: JSON lines in one file of the state folder, 0600, rotated, without secrets."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from runctl_tui.services.redaction import redacted

LIMIT: Final = 2_000_000
OLDER: Final = 3
"""Files of that size that are kept beside the newest."""
FACTS: Final = "call"
"""What a record carries the facts of a call to a service under."""


class JsonLines(logging.Formatter):
    """Writes one JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return moment (UTC), level, logger and words; a call with its facts, an error with its traceback."""
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if facts := getattr(record, FACTS, None):
            told[FACTS] = facts
        if record.exc_text:
            told["traceback"] = record.exc_text
        return json.dumps(told, ensure_ascii=True)


_FORMATTER: Final = JsonLines()


class Redactor(logging.Filter):
    """Takes secrets out of every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact and keep the record."""
        record.msg, record.args = redacted(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redacted(_FORMATTER.formatException(record.exc_info))
        return True


class PrivateFile(RotatingFileHandler):
    """A log file that nobody else can read, also after it was rotated; a disk that refuses costs only the log."""

    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name in logging)
        """Say nothing: the screen is no place for tracebacks."""


def set_level(name: str) -> None:
    """Write down what is at least so important: debug, info, warning, error."""
    logging.getLogger().setLevel(name.upper())


def open_log(folder: Path) -> Path:
    """Send the log to a file below the folder and return it; a folder that cannot be written costs only the log."""
    path = folder / "runctl-tui.log"
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for noisy in ("botocore", "boto3", "urllib3", "asyncssh", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for old in [handler for handler in root.handlers if any(isinstance(one, Redactor) for one in handler.filters)]:
        root.removeHandler(old)
        old.close()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler: logging.Handler = PrivateFile(path, maxBytes=LIMIT, backupCount=OLDER, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.addFilter(Redactor())
    handler.setFormatter(_FORMATTER)
    root.addHandler(handler)
    return path
