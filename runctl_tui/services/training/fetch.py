"""Lets a host download files from S3 by presigned URLs, so that data never passes through this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.text import safe
from runctl_tui.services.errors import DataTransferError
from runctl_tui.services.hosts.session import last_words
from runctl_tui.services.training.agent_answers import count_of, soon, understood

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runctl_tui.services.training.agent_client import AgentClient


STALLED: Final = 180.0
"""Seconds without a word: the host's own patience with S3 ends before."""
FAILED: Final = "The host could not download everything"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One object and where it goes."""

    url: str = field(repr=False)
    path: str
    """Relative, with slashes."""
    size: int
    """Bytes."""


@cache
def _program() -> str:
    return Path(__file__).with_name("fetcher.py").read_text(encoding="utf-8")


async def fetch(agent: AgentClient, folder: str, files: Sequence[RemoteFile]) -> AsyncIterator[int]:
    """Yield the bytes that are there; DataTransferError where a file does not arrive whole."""
    rows = [{"url": file.url, "path": file.path, "size": file.size} for file in files]
    request = json.dumps({"folder": folder, "files": rows}).encode()
    rest, there = b"", 0
    async with agent.host.stream(("python3", "-c", _program()), stdin=request) as stream:
        pieces = aiter(stream)
        while data := await soon(anext(pieces, b""), STALLED):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                there = _done(line)
                yield there
        if stream.exit:
            why = last_words(stream.stderr) or f"it ended with {stream.exit}, without a word"
            raise DataTransferError(FAILED, why, "python3 is needed there")
    if there < sum(file.size for file in files):
        raise DataTransferError(FAILED, f"it ended at {there} bytes", "try again")


def _done(line: bytes) -> int:
    """Return how many bytes are there by one line of the program; DataTransferError where it says why not."""
    with understood():
        answer = json.loads(line)
        if "error" not in answer:
            return count_of(answer["done"])
    raise DataTransferError(FAILED, safe(answer["error"]), "try again")
