"""What the agent hears and says: a JSON request in, one JSON object or a row of frames out."""

import json
import sys

from .basics import Json, Refused


def read_request() -> Json:
    """Return the request on standard input; nothing means an empty one."""
    raw = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    try:
        value = json.loads(raw.decode("utf-8") or "{}")
    except ValueError as error:
        raise Refused("bad_json", "the request is not JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise Refused("bad_json", "the request is not a JSON object")
    return value


def answer(value: Json) -> None:
    """Write the one JSON object of an answer."""
    sys.stdout.buffer.write(json.dumps(value, sort_keys=True).encode("utf-8") + b"\n")
    sys.stdout.buffer.flush()


def emit(header: Json, body: bytes = b"") -> None:
    """Write one frame: a line of JSON that says how many bytes follow, then the bytes."""
    header["bytes"] = len(body)
    sys.stdout.buffer.write(json.dumps(header, sort_keys=True).encode("utf-8") + b"\n" + body)
    sys.stdout.buffer.flush()
