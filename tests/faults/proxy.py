"""A proxy on loopback between a service and its server, which does to chosen requests what networks and clouds do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

EVERY: Final = "*"
ALWAYS: Final = 1_000_000
_END: Final = b"\r\n\r\n"
_LARGEST: Final = 1 << 24


class Way(StrEnum):
    """What happens to a request."""

    DELAY = "delay"
    """The answer comes so many seconds later."""
    HANG = "hang"
    """The connection stays open and nothing comes."""
    RESET = "reset"
    """The connection is reset without an answer."""
    CLOSE = "close"
    """The connection ends without an answer."""
    CUT = "cut"
    """The answer's body ends at a byte although its header promised more."""
    TRUNCATE = "truncate"
    """The answer's body ends at a byte, and its header says so."""
    ANSWER = "answer"
    """Another answer comes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and how often."""

    name: str
    way: Way
    forwarded: bool = False
    """Whether the server carries the request out all the same."""
    times: int = ALWAYS
    at: int = 0
    """Bytes of the body that still come."""
    seconds: float = 0.0
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent."""

    method: str
    target: str
    head: bytes
    body: bytes


@dataclass(slots=True)
class _Armed:
    fault: Fault
    operation: str
    left: int
    """Requests that still meet the fault."""
    spared: int
    """Requests that go through before."""


class FaultProxy:
    """Listens on one port and forwards to one server; each connection carries one request."""

    def __init__(self, upstream: str, name_of: Callable[[Request], str]) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 0)
        self._name_of = name_of
        self._lock = threading.Lock()
        self._armed: _Armed | None = None
        self._serving: set[object] = set()
        """Connections that are being handled, which nobody else holds on to."""
        self.url = ""
        self.arrived: Counter[str] = Counter()
        """Requests by operation, in the order of their first arrival."""
        self.forwarded: Counter[str] = Counter()
        self.met = 0
        """Requests that met the fault."""

    def arm(self, fault: Fault, operation: str = EVERY, nth: int = 1) -> None:
        """Have the fault meet requests of an operation, from the nth on."""
        with self._lock:
            self._forget()
            self._armed = _Armed(fault, operation, fault.times, nth - 1)

    def disarm(self) -> None:
        """Let everything through again, and count from zero."""
        with self._lock:
            self._forget()
            self._armed = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        held = writer, asyncio.current_task()
        self._serving.add(held)
        try:
            request = await _read_request(reader, writer)
            if request is not None:
                await self._handle(request, writer)
        except (OSError, asyncio.IncompleteReadError):
            """Client or server went away: nobody is left to tell."""
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._serving.discard(held)

    def _forget(self) -> None:
        self.arrived, self.forwarded, self.met = Counter(), Counter(), 0

    def _fault_for(self, operation: str) -> Fault | None:
        with self._lock:
            self.arrived[operation] += 1
            armed = self._armed
            if armed is None or armed.operation not in (EVERY, operation) or not armed.left:
                return None
            if armed.spared:
                armed.spared -= 1
                return None
            armed.left -= 1
            self.met += 1
            return armed.fault

    async def _handle(self, request: Request, writer: asyncio.StreamWriter) -> None:
        operation = self._name_of(request)
        fault = self._fault_for(operation)
        if fault is None or fault.way is Way.DELAY:
            await asyncio.sleep(fault.seconds if fault else 0)
            writer.write(await self._forward(operation, request))
            await writer.drain()
            return
        answer = b""
        if fault.forwarded or fault.way in (Way.CUT, Way.TRUNCATE):
            answer = await self._forward(operation, request)
        await _do(fault, answer, request, writer)

    async def _forward(self, operation: str, request: Request) -> bytes:
        with self._lock:
            self.forwarded[operation] += 1
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(request.head + request.body)
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()


async def _do(fault: Fault, answer: bytes, request: Request, writer: asyncio.StreamWriter) -> None:
    match fault.way:
        case Way.HANG:
            await asyncio.sleep(fault.seconds)
            _reset(writer)
        case Way.RESET:
            _reset(writer)
        case Way.CUT:
            head, _, body = answer.partition(_END)
            writer.write(head + _END + body[: min(fault.at, max(len(body) - 1, 0))])
        case Way.TRUNCATE:
            head, _, body = answer.partition(_END)
            kept = body[: fault.at]
            writer.write(_with_header(head, b"Content-Length", str(len(kept)).encode()) + _END + kept)
        case Way.ANSWER:
            writer.write(_answer(fault, request))
        case _:
            """Closed without a word."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    held: socket.socket = writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _answer(fault: Fault, request: Request) -> bytes:
    headers = {"Content-Type": "text/xml", "Content-Length": str(len(fault.body)), "Connection": "close"}
    lines = [f"{name}: {value}" for name, value in (headers | dict(fault.headers)).items()]
    head = "\r\n".join([f"HTTP/1.1 {fault.status} Injected", *lines])
    return head.encode() + _END + (b"" if request.method == "HEAD" else fault.body)


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        head = (await reader.readuntil(_END)).removesuffix(_END)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    if _header(head, b"expect"):
        writer.write(b"HTTP/1.1 100 Continue" + _END)
        await writer.drain()
    body = await _read_body(reader, head)
    method, target = head.split(b"\r\n")[0].decode("latin-1").split(" ")[:2]
    head = _without(_with_header(head, b"Connection", b"close"), b"expect")
    return Request(method, target, head + _END, body)


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"chunked" not in _header(head, b"transfer-encoding"):
        return await reader.readexactly(int(_header(head, b"content-length") or 0))
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        body += size + await reader.readexactly(int(size, 16) + 2)
        if not int(size, 16):
            return body


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


def _without(head: bytes, name: bytes) -> bytes:
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *(line for line in lines if line.partition(b":")[0].strip().lower() != name)])


def _with_header(head: bytes, name: bytes, value: bytes) -> bytes:
    return _without(_without(head, name.lower()), b"transfer-encoding" if name == b"Content-Length" else b"") + (
        b"\r\n" + name + b": " + value
    )


@contextmanager
def fault_proxy(upstream: str, name_of: Callable[[Request], str]) -> Iterator[FaultProxy]:
    """Yield a proxy that runs in a thread and a loop of its own."""
    proxy, started = FaultProxy(upstream, name_of), threading.Event()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def main() -> None:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_LARGEST)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        started.set()
        await ended.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert started.wait(10), "the proxy did not start"
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()
