"""What Python runs when it is given the archive: the package, unpacked beside it once, since nothing in an archive is
kept compiled and every call would compile it again.
"""

import os
import sys
from typing import Any, List

LEFT_AFTER = 600.0
"""Seconds after which nobody is at work any more on what carries a process number in its name."""
DAMAGE = (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError, EOFError)
"""What importing a damaged module, or one that was compiled and then damaged, may raise."""


def unpack(archive: str, folder: str) -> None:
    """Unpack the archive so that its folder is there whole or not at all."""
    import shutil
    import zipfile

    beginning = "%s.%d" % (folder, os.getpid())
    try:
        with zipfile.ZipFile(archive) as packed:
            for name in packed.namelist():
                write(os.path.join(beginning, name), packed.read(name))
        os.rename(beginning, folder)
    finally:
        shutil.rmtree(beginning, ignore_errors=True)
        sweep(os.path.dirname(folder))


def sweep(home: str) -> None:
    """Remove what others have left who were killed while they copied, unpacked or discarded."""
    import re
    import shutil
    import time

    for name in os.listdir(home):
        path = os.path.join(home, name)
        try:
            old = time.time() - os.lstat(path).st_mtime > LEFT_AFTER
            if not old or not re.match(r"agent-[0-9a-f]{8}(\.pyz)?\.[0-9]+\Z", name):
                continue
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)
        except OSError:
            continue


def discard(folder: str) -> None:
    """Remove what was unpacked and turned out damaged, so that the next call unpacks it anew."""
    import shutil

    aside = "%s.%d" % (folder, os.getpid())
    os.rename(folder, aside)
    shutil.rmtree(aside, ignore_errors=True)


def write(path: str, content: bytes) -> None:
    """Write a file that a power cut after the renaming finds whole."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def task(argv: List[str]) -> Any:
    """Import what a call needs, and return what does it."""
    from agent.command_line import task as imported  # type: ignore[import-not-found]  # the archive's own name for it

    return imported(argv)


def from_archive(argv: List[str], folder: str) -> Any:
    """Return what does a call from the archive, and discard the folder from which it cannot be imported."""
    sys.path.remove(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "agent"]:
        del sys.modules[name]
    ready = task(argv)
    try:
        discard(folder)
    except OSError:
        pass
    return ready


def run(argv: List[str]) -> int:
    """Run one verb from the unpacked package, and from the archive where that is damaged or there is no room for it."""
    folder = argv[0][: -len(".pyz")]
    try:
        if not os.path.isdir(folder):
            unpack(argv[0], folder)
    except OSError:
        return int(task(argv)())
    sys.path.insert(0, folder)
    try:
        ready = task(argv)
    except DAMAGE:
        ready = from_archive(argv, folder)
    return int(ready())


if __name__ == "__main__":
    sys.exit(run(sys.argv))
