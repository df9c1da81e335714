"""What Python runs when it is given the archive: the package, unpacked beside it once, since nothing in an archive is
kept compiled and every call would compile it again.
"""

import os
import sys
from typing import List


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


def write(path: str, content: bytes) -> None:
    """Write a file that a power cut after the renaming finds whole."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def run(argv: List[str]) -> int:
    """Run one verb from the unpacked package, and from the archive where there is no room to unpack it."""
    folder = argv[0][: -len(".pyz")]
    try:
        if not os.path.isdir(folder):
            unpack(argv[0], folder)
        sys.path.insert(0, folder)
    except OSError:
        pass
    from agent.command_line import main  # type: ignore[import-not-found]  # the archive's own name for the package

    return int(main(argv))


if __name__ == "__main__":
    sys.exit(run(sys.argv))
