"""Lets a host download files from S3 by presigned URLs, so that data never passes through this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from runctl_tui.services.errors import DataTransferError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runctl_tui.services.training.agent_client import AgentClient


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
    rest = b""
    async with agent.host.stream(("python3", "-c", _program()), stdin=request) as stream:
        async for data in stream:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise DataTransferError("The host could not download everything", answer["error"], "try again")
                yield int(answer["done"])
        if stream.exit:
            why = stream.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise DataTransferError("The host could not download everything", why, "python3 is needed there")
