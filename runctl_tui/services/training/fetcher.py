"""Runs on a host: downloads the files of a list of presigned URLs below a folder, and tells the bytes that are there.

Standard library, Python 3.6 and newer; `fetch.py` sends its text as a program and the list by standard input. A file
is complete under its own name only: parts lie in `.part` files, from which a later call goes on.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any, Callable, Dict

BLOCK = 1024 * 1024


def target_of(folder: str, path: str) -> str:
    """Return where a file goes; ValueError for a path that leads out of the folder."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ValueError("%r is no safe file name" % path)
    return os.path.join(folder, *parts)


def download(item: Dict[str, Any], target: str, told: Callable[[int], None]) -> None:
    """Download one file, going on where an earlier try stopped."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    part = target + ".part"
    have = os.path.getsize(part) if os.path.exists(part) else 0
    if have > item["size"]:
        os.unlink(part)
        have = 0
    request = urllib.request.Request(item["url"])
    if have:
        request.add_header("Range", "bytes=%d-" % have)
    with urllib.request.urlopen(request, timeout=60) as answer, open(part, "ab") as file:
        if have and answer.status != 206:
            file.truncate(0)
            have = 0
        told(have)
        for block in iter(lambda: answer.read(BLOCK), b""):
            file.write(block)
            told(len(block))
        file.flush()
        os.fsync(file.fileno())
    if os.path.getsize(part) != item["size"]:
        raise OSError("%s has %d bytes instead of %d" % (item["path"], os.path.getsize(part), item["size"]))
    os.replace(part, target)


def main() -> None:
    """Download everything that is not there whole, one JSON line of progress per block."""
    request = json.load(sys.stdin)
    done = [0]

    def told(count: int) -> None:
        done[0] += count
        sys.stdout.write(json.dumps({"done": done[0]}) + "\n")
        sys.stdout.flush()

    try:
        for item in request["files"]:
            target = target_of(request["folder"], item["path"])
            if os.path.isfile(target) and os.path.getsize(target) == item["size"]:
                told(item["size"])
            else:
                download(item, target, told)
    except (OSError, ValueError, urllib.error.URLError) as error:
        # A URL carries a signature: only the error's own words are repeated.
        sys.stdout.write(json.dumps({"error": str(error).split("http")[0][:300]}) + "\n")


if __name__ == "__main__":
    main()
