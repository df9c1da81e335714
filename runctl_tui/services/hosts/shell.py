"""A small interactive SSH client, run as `python -m runctl_tui.services.hosts.shell` where OpenSSH is missing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.hosts.ssh import SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.ports import SshTarget


def target_of(words: Sequence[str]) -> tuple[SshTarget, Path, str]:
    """Return target, file of trusted keys and line to run that `openssh.shell_command` put into the arguments."""
    resource_id, host, port, user, jump, known_hosts, line, *keys = words
    return SshTarget(resource_id, host, int(port), user, tuple(keys), jump), Path(known_hosts), line


async def converse(words: Sequence[str]) -> int:
    """Connect and hand the terminal over until the remote shell or line ends; returns its exit status."""
    target, known_hosts, line = target_of(words)
    pool = SshPool(TrustStore(known_hosts))
    try:
        connection = await pool.host(target).connection()
        if line:
            ours = {name: os.dup(number) for number, name in enumerate(("stdin", "stdout", "stderr"))}
            process = await connection.create_process(line, encoding=None, **ours)
            return _status(await process.wait())
        size = shutil.get_terminal_size()
        process = await connection.create_process(
            term_type=os.environ.get("TERM", "xterm"), term_size=(size.columns, size.lines), encoding=None
        )
        return await attach(process)
    finally:
        await pool.close()


async def attach(process: Any) -> int:
    """Pump between the terminal and a remote shell."""
    loop = asyncio.get_running_loop()

    def typed() -> None:
        data = os.read(0, 4096)
        if data:
            process.stdin.write(data)
        else:
            loop.remove_reader(0)
            process.stdin.write_eof()

    def resized() -> None:
        size = shutil.get_terminal_size()
        process.change_terminal_size(size.columns, size.lines)

    loop.add_reader(0, typed)
    loop.add_signal_handler(signal.SIGWINCH, resized)
    try:
        while data := await process.stdout.read(65536):
            os.write(1, data)
        await process.wait_closed()
    finally:
        loop.remove_reader(0)
    return _status(process)


def _status(ended: Any) -> int:
    return int(ended.exit_status) if ended.exit_status is not None else 255


def main(words: Sequence[str]) -> int:
    """Run the client, a shell with the terminal in raw mode, and give the terminal back whatever happens."""
    saved = termios.tcgetattr(0) if os.isatty(0) and not target_of(words)[2] else None
    try:
        if saved is not None:
            tty.setraw(0, termios.TCSADRAIN)
        return asyncio.run(converse(words))
    except TrainctlError as error:
        sys.stderr.write(f"{error}\r\n")
        return 255
    finally:
        if saved is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
