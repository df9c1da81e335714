"""Which pairs of call and fault a run tries: a share of them that is the same each time, all by `make fuzz`."""

from __future__ import annotations

import os
from typing import Final
from zlib import crc32

SHARE: Final = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 6
"""One pair in so many is tried."""


def is_tried(name: str) -> bool:
    """Tell whether a pair of this name is in the share."""
    return crc32(name.encode()) % SHARE == 0
