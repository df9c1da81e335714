"""What goes wrong between a service and RunPod: its calls by name, faults of the way, and bodies that are no answer."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from runctl_tui.services.runpod.web import LARGEST
from tests.faults.proxy import Fault, Request, Way

_FIELD: Final = re.compile(r"\{\s*(\w+)")
HTML: Final = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
_LISTS: Final = ("pods", "gpus", "networkVolumes", "records", "templates")
_ODD: Final = {
    "id": 1,
    "name": None,
    "status": [],
    "size": "large",
    "disk": "large",
    "mounts": {"network": ["x"], "persistent": 3},
    "env": 3,
    "gpu": {"id": "x", "count": "many"},
    "price": "x",
    "maxCount": {"secure": "many"},
    "dataCenters": [1],
    "totalAmount": "x",
    "startTime": "2026-11-22T00:00:00Z",
}
"""Every field is there, and none of the kind that it should be."""
RESET: Final = "30"
"""Seconds after which RunPod's window of calls is said to open again."""


def call_of(request: Request) -> str:
    """Return the name of a call to RunPod: 'GET pods', 'DELETE network-volumes/id', 'GraphQL podStop'."""
    path = urlsplit(request.target).path
    if path == "/graphql":
        found = _FIELD.search(json.loads(request.body)["query"])
        return f"GraphQL {found[1] if found else '?'}"
    parts = path.removeprefix("/v2/").split("/")
    if len(parts) > 1 and parts[0] != "catalog":
        parts[1] = "id"
    return f"{request.method} {'/'.join(parts)}"


@dataclass(frozen=True, slots=True)
class Case:
    """A fault as a service's calls meet it."""

    code: str
    fault: Fault
    gone: bool = False
    """Whether it truly says that something is not there."""
    slow: bool = False
    """Whether only a time-out ends it."""
    harmless: bool = False
    """Whether a read must succeed all the same."""
    meets: Callable[[str], bool] = lambda _: True

    def __str__(self) -> str:
        return f"{self.code}-{self.fault.name}"


def _way(name: str, way: Way, code: str, **more: Any) -> Case:
    return Case(code, Fault(name, way, **more), slow=way is Way.HANG, harmless=more.get("times") == 1)


def _told(name: str, code: str, status: int, detail: str, *, gone: bool = False, **more: Any) -> Case:
    body = json.dumps({"title": "told by a test", "status": status, "detail": detail}).encode()
    return Case(code, Fault(name, Way.ANSWER, status=status, body=body, **more), gone, harmless=more.get("times") == 1)


def _lists(value: object) -> bytes:
    """Return an answer in which every list and every field of GraphQL is this."""
    return json.dumps({**dict.fromkeys(_LISTS, value), "data": value}).encode()


def _data(**fields: object) -> bytes:
    return json.dumps({"data": fields}).encode()


def _errors(errors: object, **data: object) -> bytes:
    return json.dumps({"errors": errors, "data": data or None}).encode()


_WINDOW: Final = (("Retry-After", RESET), ("RateLimit", f'"minute";r=0;t={RESET}'))
_ZIPPED: Final = (("Content-Encoding", "gzip"),)
_DELETES: Final = "DELETE "

WAYS: Final = (
    _told("rate-limit", "F25", 429, "too many requests", headers=_WINDOW),
    _told("rate-limit-once", "F25", 429, "too many requests", headers=_WINDOW, times=1),
    _told("expired-key", "F04", 401, "invalid or expired API key"),
    _told("forbidden", "F04", 403, "this key is read-only"),
    _told("unavailable", "F07", 503, "unavailable"),
    _told("unavailable-once", "F07", 503, "unavailable", times=1),
    _told("refused-in-words", "F13", 400, "the request is not valid"),
    _told("not-there", "F10", 404, "not found", gone=True),
    _way("reset", Way.RESET, "F07"),
    _way("closed", Way.CLOSE, "F07"),
    _way("reset-once", Way.RESET, "F07", times=1),
    _way("hangs", Way.HANG, "F08", seconds=0.3),
    Case("F08", Fault("slow", Way.DELAY, seconds=0.02), harmless=True),
    _way("carried-out-then-reset", Way.RESET, "F23", forwarded=True),
    _way("carried-out-then-hangs", Way.HANG, "F23", forwarded=True, seconds=0.3),
    Case("F23", Fault("carried-out-then-500", Way.ANSWER, True, status=500, body=b'{"detail": "try again"}')),
    Case("F23", Fault("carried-out-then-web-page", Way.ANSWER, True, status=502, body=HTML)),
    Case("F24", Fault("cut-at-0", Way.CUT, at=0), meets=lambda call: not call.startswith(_DELETES)),
    Case("F24", Fault("cut-at-30", Way.CUT, at=30), meets=lambda call: not call.startswith(_DELETES)),
    Case("F24", Fault("truncated-to-30", Way.TRUNCATE, at=30), meets=lambda call: not call.startswith(_DELETES)),
)
"""What every call meets."""

_BODIES: Final[tuple[tuple[str, int, bytes, tuple[tuple[str, str], ...]], ...]] = (
    ("web-page", 200, HTML, ()),
    ("web-page-403", 403, HTML, ()),
    ("web-page-503", 503, HTML, ()),
    ("nothing", 200, b"", ()),
    ("nothing-204", 204, b"", ()),
    ("nothing-400", 400, b"", ()),
    ("nothing-500", 500, b"", ()),
    ("moved", 307, b"", (("Location", "http://127.0.0.1:9/elsewhere"),)),
    ("torn", 200, b'{"pods": [{"id": "a', ()),
    ("null", 200, b"null", ()),
    ("true", 200, b"true", ()),
    ("number", 200, b"0", ()),
    ("word", 200, b'"ok"', ()),
    ("list", 200, b"[]", ()),
    ("lists", 200, b"[[]]", ()),
    ("no-number", 200, b"NaN", ()),
    ("object", 200, b"{}", ()),
    ("byte-order-mark", 200, b"\xef\xbb\xbf{}", ()),
    ("two-bytes-each", 200, "{}".encode("utf-16"), ()),
    ("no-text", 200, b"\xff\xfe\x00\x80", ()),
    ("zeros", 200, bytes(64), ()),
    ("zipped", 200, gzip.compress(b"{}"), _ZIPPED),
    ("zipped-and-not-said", 200, gzip.compress(b"{}"), ()),
    ("said-zipped-and-is-not", 200, b"not zipped", _ZIPPED),
    ("too-large", 200, b'{"a": "' + b"x" * LARGEST + b'"}', ()),
    ("too-deep", 200, b"[" * 200_000, ()),
    ("too-many-digits", 200, b'{"a": ' + b"9" * 10_000 + b"}", ()),
    ("all-null", 200, _lists(None), ()),
    ("all-objects", 200, _lists({}), ()),
    ("all-words", 200, _lists("x"), ()),
    ("all-numbers", 200, _lists(7), ()),
    ("rows-null", 200, _lists([None]), ()),
    ("rows-words", 200, _lists(["x"]), ()),
    ("rows-empty", 200, _lists([{}]), ()),
    ("rows-odd", 200, _lists([_ODD]), ()),
    ("odd", 200, json.dumps(_ODD).encode(), ()),
    ("error-as-success", 200, b'{"error": "something went wrong"}', ()),
    ("errors", 200, _errors([{"message": "Something went wrong."}]), ()),
    ("errors-words", 200, _errors(["x"]), ()),
    ("errors-object", 200, _errors({"message": "x"}), ()),
    ("errors-null", 200, _errors([None]), ()),
    ("errors-without-words", 200, _errors([{"message": None}]), ()),
    ("errors-empty", 200, _errors([]), ()),
    ("errors-and-data", 200, _errors([{"message": "half of it failed"}], myself={"id": "u"}, gpuTypes=[]), ()),
    ("data-hollow", 200, _data(myself={}, gpuTypes=[{}], podFindAndDeployOnDemand={}, podStop={}, podResume={}), ()),
    ("data-null", 200, _data(myself=None, gpuTypes=None, podFindAndDeployOnDemand=None, podStop=None), ()),
    ("data-another", 200, _data(podFindAndDeployOnDemand={"id": "x"}, podStop={"id": "x"}, podResume={"id": "x"}), ()),
    ("escapes", 400, b'{"detail": "\\u001b]0;x\\u0007 and \\u001b[2J"}', ()),
)
BODIES: Final = tuple(
    Case("F24", Fault(name, Way.ANSWER, status=status, body=body, headers=headers))
    for name, status, body, headers in _BODIES
)
"""Answers that RunPod should not give."""
BRIEF: Final = frozenset(
    {
        "F25-rate-limit",
        "F25-rate-limit-once",
        "F04-expired-key",
        "F07-reset",
        "F08-hangs",
        "F24-cut-at-30",
        "F24-web-page",
        "F24-object",
        "F24-too-deep",
        "F24-rows-odd",
        "F24-errors-null",
    }
)
"""What calls meet that only lead to the one that an operation is about."""
