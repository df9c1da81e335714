"""The file systems of the host that hold somebody's files, without waiting for one that does not answer."""

import os
import re
import threading
from typing import Dict, List, Optional

from .basics import Json
from .files import read_text

PATIENCE = 1.0
MOST = 12
REMOTE = re.compile(r"(nfs4?|lustre|ceph|cifs|smb3|gpfs|beegfs|9p|virtiofs|zfs|btrfs|fuse\..+)\Z")
ESCAPE = re.compile(r"\\([0-7]{3})")


def mounted(text: str) -> List[str]:
    """Return the mount points of /proc/mounts that hold files, the file system's root first."""
    found: List[str] = []
    for line in text.split("\n"):
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        device, path, kind = fields[0], ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), fields[1]), fields[2]
        disk = device.startswith("/dev/") and not device.startswith("/dev/loop")
        if (disk or path == "/" or REMOTE.match(kind)) and path not in found:
            found.append(path)
    return sorted(found, key=lambda path: (path != "/", path.count("/"), path))


def disk(path: str) -> Optional[Json]:
    """Return used and total bytes of the file system of a folder, None where it is not there."""
    try:
        stat = os.statvfs(path)
    except OSError:
        return None
    total, free = stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize
    return {"path": path, "used": (stat.f_blocks - stat.f_bfree) * stat.f_frsize, "total": total, "free": free}


class Disks:
    """Measures file systems; one that hangs, as a dead NFS server makes it, is left alone until it answers."""

    def __init__(self) -> None:
        self.asking: Dict[str, threading.Thread] = {}
        self.answers: Dict[str, Json] = {}

    def sample(self) -> List[Json]:
        """Return each file system once; used and total are None for one that does not answer."""
        found: List[Json] = []
        seen = set()
        for path in mounted(read_text("/proc/mounts"))[: 4 * MOST]:
            row = self.ask(path)
            device = row.pop("device", path)
            if row["total"] != 0 and device not in seen and len(found) < MOST:
                seen.add(device)
                found.append(row)
        return found

    def ask(self, path: str) -> Json:
        """Ask in a thread that may be left behind."""
        thread = self.asking.get(path)
        if thread is None or not thread.is_alive():
            self.answers.pop(path, None)
            thread = threading.Thread(target=self.answer, args=(path,))
            thread.daemon = True
            self.asking[path] = thread
            thread.start()
            thread.join(PATIENCE)
        silent = {"path": path, "used": None, "total": None, "free": None}
        return dict(self.answers.get(path, silent)) if not thread.is_alive() else silent

    def answer(self, path: str) -> None:
        """Write down what one file system says; a file that stands for a mount, as in containers, is none."""
        try:
            device = os.stat(path).st_dev if os.path.isdir(path) else None
        except OSError:
            device = None
        row = disk(path) if device is not None else None
        self.answers[path] = dict(row, device=device) if row else {"path": path, "used": 0, "total": 0, "free": 0}
