"""The child's command line: `python -m runctl_tui.sandbox --folder DIR [--fresh] [--owner NAME]`."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import logging
import os
import sys
from pathlib import Path
from typing import Final

from runctl_tui.sandbox.errors import EXIT_HELD, EXIT_REFUSED, SandboxError
from runctl_tui.sandbox.folder import SandboxFolder, take_lock

REFUSAL_MARK: Final = "sandbox-refuses: "
"""Begins the line of the log that tells the client why the child did not start."""
MOTO_SETTINGS: Final = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
}


def main() -> int:
    """Run the sandbox until it ends; returns the exit status."""
    options = _options()
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("werkzeug", "asyncssh", "botocore"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    folder = SandboxFolder(options.folder.resolve())
    try:
        folder.prepare()
        if take_lock(folder.lock) is None:
            return EXIT_HELD
        os.environ.update(MOTO_SETTINGS, TMPDIR=str(folder.tmp))
        return _run(folder, options.owner, fresh=options.fresh)
    except SandboxError as error:
        told = {"what": error.what, "why": error.why, "todo": error.todo}
        print(f"{REFUSAL_MARK}{json.dumps(told)}", file=sys.stderr, flush=True)
        return EXIT_REFUSED


def _run(folder: SandboxFolder, owner: str, *, fresh: bool) -> int:
    try:
        from runctl_tui.sandbox import daemon, world
    except ModuleNotFoundError as error:
        raise SandboxError(
            "The sandbox is not installed",
            why=f"the module {error.name} is missing",
            todo="Run: pip install 'runctl-tui[sandbox]'",
        ) from error
    if fresh:
        world.forget(folder)

    async def live() -> None:
        await daemon.Daemon(folder, world.load(folder, owner)).run()

    try:
        asyncio.run(live())
    except world.Unrestorable as error:
        world.put_aside(folder, str(error))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # only a new process is sure to be empty
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m runctl_tui.sandbox", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the sandbox keeps everything")
    parser.add_argument("--fresh", action="store_true", help="forget the remembered world first")
    parser.add_argument("--owner", default=getpass.getuser(), help="who owns the seeded resources")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
