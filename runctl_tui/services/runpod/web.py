"""One small HTTP client for RunPod's API v2 and GraphQL: bearer header, time limits, size limit, no redirects."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from runctl_tui import __version__
from runctl_tui.services.errors import CloudProviderError, TrainctlError
from runctl_tui.services.retrying import Retrying
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.settings import API, RunpodSettings
from runctl_tui.services.telemetry import measured
from runctl_tui.services.threads import BackendPool

T = TypeVar("T")
TIMEOUT: Final = 10.0
PATIENCE: Final = 12.0
"""Seconds after which a read is given up whatever the socket does."""
LARGEST: Final = 5 << 20
_EVENT: Final = re.compile(rb"(data|event|id|retry)?:|\s*$")
"""How a line of a stream of events begins."""
LOG_QUIET: Final = 2.0
"""Seconds without a line after which a log that is kept open counts as read."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """Lines of a log, and the event that they end at."""

    lines: tuple[str, ...]
    last: str = ""


def _operation(address: str, body: bytes | None, method: str) -> str:
    """Return what is called, without ids: 'GET pods', 'POST graphql'."""
    parts = urlsplit(address).path.strip("/").removeprefix("v2/").split("/")
    return f"{method or ('GET' if body is None else 'POST')} {parts[0]}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key is for RunPod alone: an answer that points elsewhere is an error."""

    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        return None


class RunpodWeb:
    """Asks and tells; every method raises `TrainctlError`s only."""

    def __init__(self, settings: RunpodSettings, pool: BackendPool) -> None:
        settings.validate()
        self._settings = settings
        self._pool = pool
        self._reads = Retrying(settings.retry, settings.retry.max_attempts)
        proxies = [] if settings.url == API else [urllib.request.ProxyHandler({})]
        self._opener = urllib.request.build_opener(_NoRedirect, *proxies)

    async def get(self, what: str, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what API v2 answers to a GET."""
        words = urllib.parse.urlencode(query or {})
        address = f"{self._settings.url}/v2/{path}{'?' + words if words else ''}"
        return await self._read(what, address, None)

    async def one(self, what: str, path: str, own_id: str) -> dict[str, Any]:
        """Return one thing; an answer about another, or about none, is an error."""
        found = await self.get(what, f"{path}/{urllib.parse.quote(own_id, safe='')}")
        if found.get("id") != own_id:
            raise faults.unclear(what, faults.ODD)
        return found

    async def send(self, what: str, method: str, path: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what API v2 answers to a call that changes something; it is made once and never again."""
        self._settings.check_changes(what)
        address, body = f"{self._settings.url}/v2/{path}", None if content is None else json.dumps(content).encode()
        return await self._pool.run(self._json, what, address, body, method, timeout=PATIENCE)

    async def rows(
        self, what: str, path: str, name: str, query: Mapping[str, str] | None = None, key: str = "id"
    ) -> list[dict[str, Any]]:
        """Return a list that API v2 answers; one that is not there is an error and never an empty list.

        Neither is a row without a text as its key taken for one of RunPod's.
        """
        found = (await self.get(what, path, query)).get(name)
        if not isinstance(found, list) or not all(_has_key(one, key) for one in found):
            raise faults.unclear(what, faults.ODD)
        return found

    async def ask(self, what: str, query: str, field: str, kind: type[T]) -> T:
        """Return the field that GraphQL answers to a query of constants; one of another kind is an error."""
        body = json.dumps({"query": query}).encode()
        answer = await self._read(what, f"{self._settings.url}/graphql", body)
        if answer.get("errors"):
            raise faults.from_message(what, _first_words(answer["errors"]))
        data = answer.get("data")
        found = data.get(field) if isinstance(data, dict) else None
        if not isinstance(found, kind):
            raise faults.unclear(what, faults.ODD)
        return found

    async def log(self, what: str, pod_id: str, seconds: float, after: str = "") -> LogPart:
        """Return the container's last lines, or those after an event, as many as come within so many seconds."""
        tail = "" if after else "&tail=500"
        path = f"pods/{urllib.parse.quote(pod_id, safe='')}/logs?source=container{tail}"
        address = f"{self._settings.url}/v2/{path}"
        return await self._pool.run(self._lines, what, address, seconds, after, timeout=seconds + PATIENCE)

    async def _read(self, what: str, address: str, body: bytes | None) -> dict[str, Any]:
        return await self._reads.read(lambda: self._pool.run(self._json, what, address, body, timeout=PATIENCE))

    def _json(self, what: str, address: str, body: bytes | None, method: str = "") -> dict[str, Any]:
        with measured("runpod", _operation(address, body, method)):
            return self._answer(what, address, body, method)

    def _answer(self, what: str, address: str, body: bytes | None, method: str) -> dict[str, Any]:
        try:
            with self._opener.open(self._request(address, body, method), timeout=TIMEOUT) as response:
                raw = response.read(LARGEST + 1)
        except urllib.error.HTTPError as error:
            raise _of_status(what, error) from None
        except (OSError, http.client.HTTPException) as error:
            raise _lost(what, error) from error
        with faults.understood(what):
            if len(raw) > LARGEST:
                raise ValueError("too large")
            content = json.loads(raw or (b"{}" if method == "DELETE" else b""))
            if not isinstance(content, dict) or (raw and method == "DELETE"):
                raise ValueError("no object, or words where a success has none")
        return content

    def _lines(self, what: str, address: str, seconds: float, after: str) -> LogPart:
        found: list[str] = []
        last, event, opened, strange, request = after, "", False, False, self._request(address, None)
        if after:
            request.add_header("Last-Event-ID", after)
        deadline = time.monotonic() + seconds
        try:
            with self._opener.open(request, timeout=LOG_QUIET) as response:
                opened = True
                while time.monotonic() < deadline and (line := response.readline(LARGEST)):
                    event, strange = _id_of(line) or event, strange or not _EVENT.match(line)
                    if line.startswith(b"data:"):
                        found += _line_of(line)
                        last = event or last  # an event whose line was not read is asked for again
                strange = strange or bool(not found and response.length)
        except urllib.error.HTTPError as error:
            raise _of_status(what, error) from None
        except TimeoutError as error:
            if not opened:
                raise _lost(what, error) from error
            # else the log is kept open and says nothing more
        except (OSError, http.client.HTTPException) as error:
            raise _lost(what, error) from error
        if strange and not found:
            raise faults.unclear(what, faults.ODD)
        return LogPart(tuple(found), last)

    def _request(self, address: str, body: bytes | None, method: str = "") -> urllib.request.Request:
        headers = {
            "Authorization": f"Bearer {self._settings.key.reveal()}",
            "Content-Type": "application/json",
            "User-Agent": f"runctl-tui/{__version__}",
        }
        return urllib.request.Request(address, body, headers, method=method or None)


def _of_status(what: str, error: urllib.error.HTTPError) -> TrainctlError:
    """Return the error of an answer that is no success; its words may be lost on the way."""
    with error:
        try:
            body = error.read(LARGEST)
        except (OSError, http.client.HTTPException):
            body = b""
        headers = {name.lower(): value for name, value in error.headers.items()}
        return faults.from_status(what, error.code, body, headers)


def _has_key(row: object, key: str) -> bool:
    return isinstance(row, dict) and isinstance(row.get(key), str) and bool(row[key])


def _first_words(errors: object) -> str:
    """Return what the first of GraphQL's errors says; nothing where none says anything."""
    first = errors[0] if isinstance(errors, list) and errors else errors
    return str((first.get("message") if isinstance(first, dict) else first) or "")


def _id_of(raw: bytes) -> str:
    return raw[3:].decode("utf-8", "replace").strip() if raw.startswith(b"id:") else ""


def _line_of(raw: bytes) -> Iterator[str]:
    """Yield the log line of one line of a server-sent event, if it holds one."""
    if raw.startswith(b"data:"):
        try:
            content = json.loads(raw[5:])
        except ValueError:
            return
        if isinstance(content, dict):
            yield str(content.get("line", ""))


def _lost(what: str, error: Exception) -> CloudProviderError:
    reason = getattr(error, "reason", error)
    host = urlsplit(API).hostname
    return CloudProviderError(
        what,
        f"RunPod cannot be reached: {reason}",
        f"look at the network and at {host}",
        code="timeout",
        transient=True,
    )
