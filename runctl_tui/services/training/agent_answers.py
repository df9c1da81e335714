"""What the agent says, taken for an answer only where it is one: garbage, halves and other shapes are errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from runctl_tui.domain.text import safe
from runctl_tui.services.errors import AgentError, HostLinkLost
from runctl_tui.services.hosts.session import CommandStream, last_words
from runctl_tui.services.training.agent_values import Json

T = TypeVar("T")
HEADER_LIMIT: Final = 4 * 1024 * 1024
SILENCE: Final = 20.0
"""Seconds after which a host that speaks every two seconds counts as lost."""
ODD: Final = "The agent's answer cannot be understood"
ODD_TODO: Final = "try again; is python3 of the host 3.6 or newer, and does its shell print nothing of its own?"
REFUSED_TODO: Final = "look at the run's log and at the host, then try again"
_UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""What reading a value of another shape than the expected raises."""


@contextmanager
def understood() -> Iterator[None]:
    """Turn what goes wrong with an answer of another shape into an AgentError."""
    try:
        yield
    except _UNREADABLE as error:
        raise AgentError(ODD, f"it is not what was asked for ({type(error).__name__})", ODD_TODO) from error


def decoded(answer: bytes, errors: bytes) -> Json:
    """Return one JSON object; AgentError with the agent's code, words and hint where it refused or made no sense."""
    value = _object(answer)
    if value is None:
        raise AgentError(ODD, last_words(errors) or "it said nothing that is JSON", ODD_TODO)
    if value.get("ok") is False:
        raise _refusal(value.get("error"))
    return value


def answered(answer: bytes, errors: bytes) -> Json:
    """Return the whole answer to one question, which says that it went well."""
    value = decoded(answer, errors)
    if value.get("ok") is not True:
        raise AgentError(ODD, "it does not say that it went well", ODD_TODO)
    return value


def text_of(value: object) -> str:
    """Return a text that is one; TypeError otherwise."""
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def flag_of(value: object) -> bool:
    """Return a truth value that is one; TypeError otherwise."""
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def count_of(value: object) -> int:
    """Return a number that counts something; TypeError or ValueError otherwise."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    if value < 0:
        raise ValueError(value)
    return value


async def soon(answer: Awaitable[T], seconds: float | None = None) -> T:
    """Wait for what a host says regularly, every two seconds or so; a host that falls silent has lost its link."""
    limit = SILENCE if seconds is None else seconds
    try:
        async with asyncio.timeout(limit):
            return await answer
    except TimeoutError as error:
        what = "The host says nothing any more"
        raise HostLinkLost(what, f"for {limit:.0f} seconds", "it is tried again", code="host.timeout") from error


class FrameReader:
    """Cuts a stream into frames: a line of JSON, then as many bytes as it says."""

    def __init__(self, stream: CommandStream) -> None:
        self._stream = stream
        self._chunks = aiter(stream)
        self._buffer = bytearray()

    async def next(self) -> tuple[Json, bytes] | None:
        """Return the next frame, None when the stream is over."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > HEADER_LIMIT:
                raise AgentError(ODD, "a header without an end", ODD_TODO)
            if not await self._more():
                return None
        header = decoded(bytes(self._buffer[:end]), self._stream.stderr)
        with understood():
            size = count_of(header.get("bytes", 0))
        while len(self._buffer) < end + 1 + size:
            if not await self._more():
                return None
        body = bytes(self._buffer[end + 1 : end + 1 + size])
        del self._buffer[: end + 1 + size]
        return header, body

    @property
    def last_words(self) -> str:
        """What the host said last of what went wrong."""
        return last_words(self._stream.stderr)

    async def _more(self) -> bool:
        data = await anext(self._chunks, b"")
        self._buffer += data
        return bool(data)


def _object(answer: bytes) -> Json | None:
    try:
        value = json.loads(answer.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refusal(error: object) -> AgentError:
    told = error if isinstance(error, dict) else {}
    what, hint, code = (safe(told.get(name) or "", 500) for name in ("message", "hint", "code"))
    why = "" if what and hint else "it says no more"
    return AgentError(what or "The agent refused", why, hint or REFUSED_TODO, code=code)
