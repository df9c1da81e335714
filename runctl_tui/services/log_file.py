"""The program's own log: one file in the state folder, 0600, bounded, without secrets."""

from __future__ import annotations

import logging
import os
import re
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

LIMIT: Final = 2_000_000
_SECRETS: Final = re.compile(
    r"(AKIA|ASIA)[A-Z0-9]{12,}|rpa_[A-Za-z0-9]{8,}|(?i:bearer\s+)\S+|(?i:(signature|security-token|credential)=)[^&\s]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*"
)


class Redactor(logging.Filter):
    """Takes what looks like a secret out of every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact and keep the record."""
        record.msg, record.args = _SECRETS.sub("***", record.getMessage()), ()
        return True


def open_log(folder: Path) -> Path:
    """Send the log to a file below the folder and return it; a folder that cannot be written costs only the log."""
    path = folder / "runctl-tui.log"
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for noisy in ("botocore", "boto3", "urllib3", "asyncssh", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for old in list(root.handlers):
        root.removeHandler(old)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler: logging.Handler = RotatingFileHandler(path, maxBytes=LIMIT, backupCount=1, encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.addFilter(Redactor())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    return path
