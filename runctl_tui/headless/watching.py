"""Answers that go on: one JSON object per line, one per change or per interval, until interrupted or no longer read."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TextIO

from runctl_tui.domain import figures
from runctl_tui.domain.problem import Problem
from runctl_tui.headless import output
from runctl_tui.headless.flags import strictly
from runctl_tui.headless.parser import Parser, UsageError
from runctl_tui.headless.reply import Call, Reply
from runctl_tui.services.errors import TrainctlError

LOOK_SECONDS: Final = 5.0
"""Between two looks where only changes are told."""
ALWAYS_OTHER: Final = frozenset({"age_seconds", "so_far_usd"})
"""Fields that grow by themselves; that is no change."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look saw."""

    rows: list[output.Row]
    missing: tuple[Problem, ...]
    taken_at: datetime


Look = Callable[[], Awaitable[Seen]]


def add_watch_flags(parser: Parser) -> None:
    """Add `--watch` and how often."""
    parser.add_argument("--watch", action="store_true", help="go on, with a line of JSON for every change")
    words = "with --watch: a line every so many seconds, changed or not"
    parser.add_argument("--interval", metavar="TIME", type=strictly(_seconds), help=words)


async def watch(call: Call, look: Look) -> Reply:
    """Print what is seen, look after look; an interrupt is its ordinary end."""
    call.console.ends_by_interrupt = True
    told: object = None
    async with while_read(call.console.stdout):
        while True:
            try:
                seen = await look()
                line, now = output.success(seen.rows, seen.missing, as_of=seen.taken_at), _lasting(seen)
            except TrainctlError as error:
                if not error.retryable:
                    raise
                line, now = output.failure(error), str(error)
            if call.args.interval or now != told:
                call.console.answer(line)
                told = now
            await asyncio.sleep(call.args.interval or LOOK_SECONDS)


def check_interval(call: Call) -> None:
    """Raise UsageError for an interval of nothing."""
    if call.args.interval and not call.args.watch:
        raise UsageError("--interval is for --watch", todo="add --watch")


@asynccontextmanager
async def while_read(stream: TextIO) -> AsyncIterator[None]:
    """End what is inside with BrokenPipeError as soon as nobody reads the stream any more; for pipes."""
    task, loop, pipe = asyncio.current_task(), asyncio.get_running_loop(), _pipe(stream)
    gone = False

    def closed() -> None:
        nonlocal gone
        gone = True
        if pipe is not None and task is not None:
            loop.remove_reader(pipe)
            task.cancel()

    if pipe is not None:
        loop.add_reader(pipe, closed)
    try:
        yield
    except asyncio.CancelledError:
        if not gone or task is None:
            raise
        task.uncancel()
        raise BrokenPipeError from None
    finally:
        if pipe is not None:
            loop.remove_reader(pipe)


def _pipe(stream: TextIO) -> int | None:
    """Return the descriptor of a stream that is a pipe: the only kind of which the closing is told."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return None
    return number if stat.S_ISFIFO(os.fstat(number).st_mode) else None


def _lasting(seen: Seen) -> object:
    rows = [{key: value for key, value in row.items() if key not in ALWAYS_OTHER} for row in seen.rows]
    return rows, seen.missing


def _seconds(text: str) -> float:
    return figures.duration(text, least=1, most=86_400)
