"""The control channel: JSON lines over a loopback connection; an open connection is a client's lease."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from runctl_tui.sandbox.errors import SandboxError

LINE_LIMIT: Final = 64 * 1024
Command = Callable[..., Awaitable[Mapping[str, Any]]]


class Control:
    """Serves the commands of clients that know the token, one JSON object per line each way."""

    def __init__(self, token: str, commands: Mapping[str, Command]) -> None:
        self._token = token
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.clients = 0
        """How many clients hold a lease now."""
        self.seen = 0
        """How many clients have come since the start."""

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None:
            raise RuntimeError("the control channel is not open")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def open(self) -> None:
        """Start listening on a free port of the loopback interface."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_LIMIT)

    async def close(self) -> None:
        """Stop listening and drop the clients that are left."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            if await self._admit(reader):
                await self._converse(reader, writer)
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # a client that goes away, or talks something else, ends its own connection only
        finally:
            writer.close()

    async def _admit(self, reader: asyncio.StreamReader) -> bool:
        first = json.loads(await asyncio.wait_for(reader.readline(), 5) or b"{}")
        return isinstance(first, dict) and hmac.compare_digest(str(first.get("token", "")), self._token)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        self.seen += 1
        try:
            while line := await reader.readline():
                answer = await self._perform(line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        finally:
            self.clients -= 1

    async def _perform(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict) or not isinstance(request.get("args", []), list):
                raise ValueError("a request is an object with 'do' and a list 'args'")
            command = self._commands.get(request["do"])
            if command is None:
                raise SandboxError(
                    f"The sandbox knows no command {request['do']!r}", todo=f"Use {', '.join(self._commands)}"
                )
            return {"ok": True, **await command(*request.get("args", []))}
        except SandboxError as error:
            return _failure(error)
        except (ValueError, TypeError, KeyError) as error:
            return _failure(SandboxError("The command does not fit its arguments", why=str(error)))


def _failure(error: SandboxError) -> dict[str, Any]:
    return {"ok": False, "error": {"what": error.what, "why": error.why, "todo": error.todo}}
