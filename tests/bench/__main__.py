"""`make bench`: prints each figure as a ratio to a bare Textual application, beside its budget; judges nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from runctl_tui.sandbox import client
from tests.bench.program import running
from tests.bench.settling import start

RUNS = 5
KEYS = 30
ROWS = 1_000
BARE = ["-m", "tests.bench.apps", "bare"]


def environment(home: Path) -> dict[str, str]:
    """Return a clean environment with a home of its own."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
    }


def ours(state: Path) -> list[str]:
    """Return the arguments of the real program in the sandbox."""
    return ["-m", "runctl_tui", "--sandbox", "--state-dir", str(state)]


def real(state: Path) -> list[str]:
    """Return the arguments of the real program for an account."""
    return ["-m", "runctl_tui", "--state-dir", str(state)]


def account(cloud: socket.socket) -> dict[str, str]:
    """Return what leads the program to a cloud of ours."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{cloud.getsockname()[1]}",
        "AWS_ACCESS_KEY_ID": "AKIDBENCH",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def fleet(rows: int) -> list[str]:
    """Return the arguments of the application over so many machines."""
    return ["-m", "tests.bench.apps", "fleet", str(rows)]


def show(what: str, ratio: float, budget: str) -> None:
    """Print one line."""
    print(f"  {what:<58} {ratio:7.2f} x   budget {budget}")


def best(measure: Callable[[], tuple[float, ...]]) -> tuple[float, ...]:
    """Return the least of several runs, because whatever else the machine does only adds."""
    return tuple(min(column) for column in zip(*(measure() for _ in range(RUNS)), strict=True))


def start_up(env: dict[str, str], state: Path) -> None:
    """Measure the way to the first frame, with the sandbox already there, as in real use the cloud is."""

    def one() -> tuple[float, ...]:
        with running(BARE, env) as program:
            bare = program.until("bare-ready")
            bare_work = program.work()
        with running(ours(state), env) as program:
            frame = program.until("NAME")
            frame_work = program.work()
            rows = program.until("llama-eval")
            rows_work = program.work()
        with (
            socket.create_server(("127.0.0.1", 0)) as cloud,
            running(real(state), {**env, **account(cloud)}) as program,
        ):
            clients = program.until_asking(cloud)
            assert program.first_byte is not None
            return bare, program.first_byte, frame, clients, rows, bare_work, frame_work, rows_work

    with running(ours(state), env) as keeper:
        keeper.until("llama-eval")
        bare, first, frame, clients, rows, bare_work, frame_work, rows_work = best(one)
    show("something on the screen", first / bare, "0.2")
    show("first useful frame", frame / bare, "1.5")
    show("clients ready: the cloud is asked", clients / bare, "3")
    show("first real rows, from the sandbox", rows / bare, "-")
    show("processor time to the first useful frame", frame_work / bare_work, "-")
    show("processor time to the first real rows", rows_work / bare_work, "-")


def table(env: dict[str, str]) -> None:
    """Measure the table with 10,000 rows."""

    def first_rows(rows: int) -> float:
        with running(fleet(rows), env) as program:
            program.until("row-0000")
            return program.work()

    def key_cost() -> tuple[float, ...]:
        with running(BARE, env) as program:
            program.until("bare-ready")
            program.settle()
            label, _ = program.keys("j", KEYS)
        with running(fleet(10_000), env) as program:
            program.until("row-0000")
            program.settle()
            cursor, _ = program.keys("j", KEYS)
        return label, cursor

    many, few = best(lambda: (first_rows(10_000), first_rows(10)))
    show("processor time to first rows, 10,000 machines against 10", many / few, "1")
    label, cursor = best(key_cost)
    show("processor time of a cursor key against a label update", cursor / label, "3")


def idle_and_quit(env: dict[str, str]) -> None:
    """Measure what an idle screen writes, and how long quitting takes while every backend hangs."""

    def ends() -> tuple[float, ...]:
        with running(BARE, env) as program:
            program.until("bare-ready")
            program.settle()
            bare = program.quit()
        with running(["-m", "tests.bench.apps", "hanging"], env) as program:
            program.until("runctl")
            program.settle()
            return bare, program.quit()

    with running(fleet(10), env) as program:
        program.until("row-0000")
        program.settle()
        print(f"  {'bytes a second, nothing changes':<58} {program.idle(5) / 5:7.0f} B   budget 0, 300 while it ticks")
    bare, hanging = best(ends)
    print(
        f"  {'quitting later than a bare app, every backend hanging':<58} {(hanging - bare) * 1000:7.0f} ms  budget 200"
    )


def settling(state: Path) -> None:
    """Measure a start that settles what an earlier program left open; each of it is one question to the cloud."""

    async def both() -> tuple[float, float, int]:
        empty, _ = await start(state)
        return (empty, *await start(state, ROWS))

    empty, full, left = asyncio.run(both())
    what = f"start to reconciled, {ROWS:,} open rows ({left} left), later than with none"
    print(f"  {what:<58} {full - empty:7.2f} s   budget 5")


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        env = environment(home)
        print(f"ratios to a bare Textual application, best of {RUNS} runs, Python {sys.version.split()[0]}")
        try:
            start_up(env, home / "s")
            settling(home / "s")
        finally:
            asyncio.run(client.stop(home / "s" / "sandbox" / "world"))
        table(env)
        idle_and_quit(env)


if __name__ == "__main__":
    main()
