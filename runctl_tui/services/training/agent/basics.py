"""What every module of the agent uses: the folder of all that it keeps, its error, times."""

import datetime
import os
import time
from typing import Any, Dict, Optional

Json = Dict[str, Any]
ROOT = os.path.join(os.path.expanduser("~"), ".runctl")
MIB = 1024 * 1024
TICK = 0.1
BEAT_EVERY = 2.0


class Refused(Exception):
    """What the agent will not or cannot do: a code for programs, a message and a hint for people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        Exception.__init__(self, message)
        self.code, self.message, self.hint = code, message, hint


def utc(moment: Optional[float] = None) -> str:
    """Return a moment in epoch seconds (now when None) as ISO 8601 UTC with milliseconds."""
    when = datetime.datetime.fromtimestamp(time.time() if moment is None else moment, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (when.microsecond // 1000)
