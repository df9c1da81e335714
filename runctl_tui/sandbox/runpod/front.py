"""The HTTP edge of the sandbox's RunPod: API v2 and GraphQL behind one key, with faults on demand."""

from __future__ import annotations

import hmac
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar

from runctl_tui.sandbox.runpod import billing, volumes
from runctl_tui.sandbox.runpod.catalog import COMMUNITY, GPUS, SECURE, TEMPLATES
from runctl_tui.sandbox.runpod.graph import Graph
from runctl_tui.sandbox.runpod.pods import Facts, PodRefusal, Pods, as_v2

FAULTS: Final = ("create-then-500", "hang", "html", "expired", "no-billing")
T = TypeVar("T")
LONGEST_HANG_S: Final = 60.0


class Problem(Exception):
    """An error in the words of RFC 9457."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class RunpodFront:
    """A WSGI application that plays api.runpod.io."""

    def __init__(self, pods: Pods, key: str) -> None:
        self._pods = pods
        self._key = key
        self._graph = Graph(pods)
        self.faults: list[str] = []
        """What goes wrong at the next calls, first things first."""
        self.released = threading.Event()
        """Set: calls that hang do so no longer."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one HTTP request."""
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ.get("PATH_INFO", "")
        try:
            body = json.loads(raw or b"{}")
            self._let_in(environ)
            if self._fault("html"):
                return _send(start_response, 502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")
            if self._fault("hang"):
                self.released.wait(LONGEST_HANG_S)
            if path.endswith("/logs"):
                lines = self._log(path.split("/"), environ.get("HTTP_LAST_EVENT_ID", ""))
                return _send(start_response, 200, lines, "text/event-stream")
            if path == "/graphql":
                return _json(start_response, 200, self._graphql(body.get("query", "")))
            method = environ["REQUEST_METHOD"]
            if path.startswith("/v2/network-volumes") and method != "GET":
                return _answer(start_response, *self._change_volume(method, path, body))
            return _json(start_response, 200, self._v2(method, path, _query(environ)))
        except Problem as problem:
            title = HTTPStatus(problem.status).phrase
            told = {"title": title, "status": problem.status, "detail": problem.detail}
            return _json(start_response, problem.status, told)
        except ValueError as error:
            return _json(start_response, 400, {"title": "Bad Request", "status": 400, "detail": str(error)})

    def _let_in(self, environ: dict[str, Any]) -> None:
        told = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if self._fault("expired") or not hmac.compare_digest(told.encode(), self._key.encode()):
            raise Problem(401, "invalid or expired API key")

    def _fault(self, name: str) -> bool:
        if self.faults and self.faults[0] == name:
            self.faults.pop(0)
            return True
        return False

    def _graphql(self, query: str) -> Facts:
        broken = "podFindAndDeployOnDemand" in query and self._fault("create-then-500")
        answer = self._graph.answer(query)
        if broken:
            raise Problem(500, "Something went wrong. Please try again later.")
        return answer

    def _v2(self, method: str, path: str, query: dict[str, str]) -> Facts:
        parts = path.strip("/").split("/")
        if method == "GET" and parts[:2] == ["v2", "pods"]:
            return self._listed() if len(parts) == 2 else self._one(parts)
        if method == "GET" and parts == ["v2", "network-volumes"]:
            return {"networkVolumes": [volumes.as_v2(one) for one in self._pods.account["volumes"].values()]}
        if method == "GET" and parts[:2] == ["v2", "network-volumes"]:
            return self._volume_work(lambda: volumes.as_v2(volumes.find(self._pods, parts[2])))
        if method == "GET" and parts == ["v2", "billing"]:
            return self._bill(query)
        if method == "GET" and parts[:2] == ["v2", "templates"]:
            return self._templates(parts[2:])
        if method == "GET" and parts == ["v2", "catalog", "gpus"]:
            return {"gpus": self._catalog(query)}
        raise Problem(404, f"The sandbox does not play {method} {path}")

    def _bill(self, query: dict[str, str]) -> Facts:
        if self._fault("no-billing"):
            raise Problem(503, "billing is not available")
        with self._pods.lock:
            self._pods.charge()
            return billing.answer(self._pods.account, query, datetime.now(UTC))

    def _templates(self, parts: list[str]) -> Facts:
        """Return the account's own templates, of which it has none, or any one of the public ones."""
        found = next((one for one in TEMPLATES if [one["id"]] == parts), None)
        if parts and found is None:
            raise Problem(404, "template not found")
        return found or {"templates": []}

    def _change_volume(self, method: str, path: str, body: Facts) -> tuple[int, Facts | None]:
        broken = method == "POST" and self._fault("create-then-500")
        status, told = self._volume_work(lambda: volumes.change(self._pods, method, path.split("/")[3:], body))
        if broken:
            raise Problem(500, "Something went wrong. Please try again later.")
        return status, told

    def _volume_work(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except PodRefusal as refusal:
            raise Problem(404 if "not found" in str(refusal) else 422, str(refusal)) from None

    def _listed(self) -> Facts:
        with self._pods.lock:
            return {"pods": [as_v2(one, self._pods.ssh(one["id"])) for one in self._pods.records.values()]}

    def _one(self, parts: list[str]) -> Facts:
        record = self._pods.records.get(parts[2])
        if record is None or len(parts) != 3:
            raise Problem(404, "pod not found")
        return as_v2(record, self._pods.ssh(record["id"]))

    def _log(self, parts: list[str], after: str) -> bytes:
        """Return what the start script of RunPod's images prints, fingerprints included, from behind an event on."""
        if len(parts) != 5 or parts[3] not in self._pods.records:
            raise Problem(404, "pod not found")
        found = self._pods.log(parts[3])
        events = ((f"{one.get('ts')}/{number:012}", one) for number, one in enumerate(found))
        return "".join(f"id: {event}\ndata: {json.dumps(one)}\n\n" for event, one in events if event > after).encode()

    def _catalog(self, query: dict[str, str]) -> list[Facts]:
        asked = query.get("include") == "AVAILABILITY"
        if asked and "product" not in query:
            raise Problem(400, "product is required with include=AVAILABILITY")
        cloud = COMMUNITY if query.get("cloud") == COMMUNITY else SECURE
        found = []
        for one in GPUS:
            none = one.id in self._pods.sold_out or one.price(cloud) <= 0
            found.append(one.as_v2(("NONE" if none else one.stock) if asked else None))
        return found


def _query(environ: dict[str, Any]) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", "")))


def _json(start_response: Any, status: int, value: Facts) -> Iterable[bytes]:
    return _send(start_response, status, json.dumps(value).encode(), "application/json")


def _answer(start_response: Any, status: int, value: Facts | None) -> Iterable[bytes]:
    """Answer with a value, or with nothing at all where there is none."""
    if value is not None:
        return _json(start_response, status, value)
    return _send(start_response, status, b"", "application/json")


def _send(start_response: Any, status: int, body: bytes, kind: str) -> Iterable[bytes]:
    words = f"{status} {HTTPStatus(status).phrase}"
    start_response(words, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
