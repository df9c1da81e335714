"""What git tracks, read from a repository's index; tracked files are sent even where a pattern ignores them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

_FIXED: Final = 62
"""Bytes of an entry before its name: times, device, inode, mode, owner, size, SHA-1, flags."""
_EXTENDED: Final = 0x4000
_LINK_TO_REPOSITORY: Final = 0o160000


def tracked_paths(root: Path) -> frozenset[str]:
    """Return the tracked paths below a folder; none where there is no index that can be read."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    if top is None:
        return frozenset()
    try:
        paths = parse_index((_git_folder(top) / "index").read_bytes())
    except (OSError, ValueError, struct.error, IndexError):
        return frozenset()
    prefix = root.relative_to(top).as_posix() + "/" if root != top else ""
    return frozenset(path[len(prefix) :] for path in paths if path.startswith(prefix))


def _git_folder(top: Path) -> Path:
    """Return a repository's own folder, which a work tree or submodule names in a file."""
    marker = top / ".git"
    if marker.is_dir():
        return marker
    return (top / marker.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()


def parse_index(data: bytes) -> list[str]:
    """Return the paths in an index of version 2, 3 or 4; ValueError for anything else."""
    signature, version, count = struct.unpack(">4sII", data[:12])
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise ValueError(f"an index of version {version} is not known")
    paths, position, previous = [], 12, b""
    for _ in range(count):
        mode = struct.unpack_from(">I", data, position + 24)[0]
        flags = struct.unpack_from(">H", data, position + 60)[0]
        start = position + _FIXED + (2 if flags & _EXTENDED else 0)
        if version == 4:
            dropped, start = _varint(data, start)
            end = data.index(b"\0", start)
            name = previous[: len(previous) - dropped] + data[start:end]
            position = end + 1
        else:
            end = data.index(b"\0", start)
            name = data[start:end]
            position += (end - position + 8) // 8 * 8
        previous = name
        if mode != _LINK_TO_REPOSITORY:
            paths.append(name.decode("utf-8", "surrogateescape"))
    return paths


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number in git's offset encoding and the position after it."""
    value = data[position] & 0x7F
    while data[position] & 0x80:
        position += 1
        value = ((value + 1) << 7) | (data[position] & 0x7F)
    return value, position + 1
