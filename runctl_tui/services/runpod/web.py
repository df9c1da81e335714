"""One small HTTP client for RunPod's API v2 and GraphQL: bearer header, time limits, size limit, no redirects."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from runctl_tui import __version__
from runctl_tui.services.errors import CloudProviderError
from runctl_tui.services.retrying import Retrying
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.settings import API, RunpodSettings
from runctl_tui.services.telemetry import measured
from runctl_tui.services.threads import BackendPool

TIMEOUT: Final = 10.0
PATIENCE: Final = 12.0
"""Seconds after which a read is given up whatever the socket does."""
LARGEST: Final = 5 << 20
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

    async def send(self, what: str, method: str, path: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what API v2 answers to a call that changes something; it is made once and never again."""
        self._settings.check_changes(what)
        address, body = f"{self._settings.url}/v2/{path}", None if content is None else json.dumps(content).encode()
        return await self._pool.run(self._json, what, address, body, method, timeout=PATIENCE)

    async def rows(
        self, what: str, path: str, name: str, query: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Return a list that API v2 answers; one that is not there is an error and never an empty list."""
        found = (await self.get(what, path, query)).get(name)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise faults.unclear(what, "RunPod's answer is not what its documentation says")
        return found

    async def ask(self, what: str, query: str) -> dict[str, Any]:
        """Return the data that GraphQL answers to a query of constants."""
        body = json.dumps({"query": query}).encode()
        answer = await self._read(what, f"{self._settings.url}/graphql", body)
        if answer.get("errors"):
            first = answer["errors"][0] if isinstance(answer["errors"], list) else {}
            raise faults.from_message(what, str(first.get("message", "an error without words")))
        return cast("dict[str, Any]", answer.get("data") or {})

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
            with error:
                raise faults.from_status(what, error.code, error.read(LARGEST)) from None
        except (OSError, http.client.HTTPException) as error:
            raise _lost(what, error) from error
        try:
            if len(raw) > LARGEST:
                raise ValueError("too large")
            content = json.loads(raw or (b"{}" if method == "DELETE" else b""))
            if not isinstance(content, dict):
                raise ValueError("no object")
        except ValueError:
            raise faults.unclear(what, "RunPod's answer is not what its documentation says") from None
        return content

    def _lines(self, what: str, address: str, seconds: float, after: str) -> LogPart:
        found: list[str] = []
        last, event, opened, request = after, "", False, self._request(address, None)
        if after:
            request.add_header("Last-Event-ID", after)
        deadline = time.monotonic() + seconds
        try:
            with self._opener.open(request, timeout=LOG_QUIET) as response:
                opened = True
                while time.monotonic() < deadline and (line := response.readline(LARGEST)):
                    event = _id_of(line) or event
                    if line.startswith(b"data:"):
                        found += _line_of(line)
                        last = event or last  # an event whose line was not read is asked for again
        except urllib.error.HTTPError as error:
            with error:
                raise faults.from_status(what, error.code, error.read(LARGEST)) from None
        except TimeoutError as error:
            if not opened:
                raise _lost(what, error) from error
            # else the log is kept open and says nothing more
        except (OSError, http.client.HTTPException) as error:
            raise _lost(what, error) from error
        return LogPart(tuple(found), last)

    def _request(self, address: str, body: bytes | None, method: str = "") -> urllib.request.Request:
        headers = {
            "Authorization": f"Bearer {self._settings.key.reveal()}",
            "Content-Type": "application/json",
            "User-Agent": f"runctl-tui/{__version__}",
        }
        return urllib.request.Request(address, body, headers, method=method or None)


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
