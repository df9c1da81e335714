"""The checkpoints in a folder: which are a run's own, and which are whole, by names, sizes and structure."""

import fnmatch
import json
import os
import time
from typing import IO, Callable, List, Optional, Tuple

from .basics import MIB, Json
from .checkpoint_names import EPOCH_NAME, TMP_NAME, format_of, step_of
from .files import read_json
from .run_folder import Run

SETTLE_SECONDS = 5.0
LATE_WRITES = 5.0


def files_under(folder: str, name: str) -> List[Tuple[str, os.stat_result]]:
    """Return the regular files of an entry as paths relative to the folder, links that lead outside left out."""
    top = os.path.join(folder, name)
    paths = [top]
    if os.path.isdir(top):
        paths = [os.path.join(base, file) for base, _, files in os.walk(top) for file in files]
    inside = os.path.realpath(folder) + os.sep
    found = []
    for path in sorted(paths):
        try:
            if os.path.isfile(path) and os.path.realpath(path).startswith(inside):
                found.append((os.path.relpath(path, folder), os.stat(path)))
        except OSError:
            continue
    return found


def looks_whole(path: str, size: int) -> bool:
    """Tell whether a file's own structure is complete, as far as that costs nothing and runs nothing."""
    try:
        with open(path, "rb") as file:
            head = file.read(8)
            if path.endswith(".safetensors"):
                return safetensors_whole(file, head, size)
            if head[:4] == b"PK\x03\x04":
                import zipfile

                return zipfile.is_zipfile(path)
            if path.endswith(".json") and size < MIB:
                json.loads((head + file.read()).decode("utf-8"))
    except (OSError, ValueError):
        return False
    return size > 0


def safetensors_whole(file: IO[bytes], head: bytes, size: int) -> bool:
    """Tell whether a safetensors file is as long as its header says."""
    length = int.from_bytes(head, "little")
    if len(head) < 8 or length > min(size, 100 * MIB):
        return head[:7] == b"version"
    tensors = json.loads(file.read(length).decode("utf-8"))
    ends = [item["data_offsets"][1] for key, item in tensors.items() if key != "__metadata__"]
    return bool(8 + length + max(ends or [0]) == size)


def scan(folder: str, globs: Optional[List[str]] = None) -> List[Json]:
    """Return every entry of a checkpoint folder with what can be told from names and sizes."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    entries = []
    for name in names:
        if name.startswith(".") or (globs and not any(fnmatch.fnmatch(name, glob) for glob in globs)):
            continue
        files = files_under(folder, name)
        if files:
            entries.append(describe_entry(folder, name, files))
    return entries


def signature_of(stats: List[os.stat_result]) -> str:
    """Return what changes whenever one of the files changes."""
    newest = max(stat.st_mtime_ns for stat in stats)
    return "%d:%d:%d" % (len(stats), sum(stat.st_size for stat in stats), newest)


def describe_entry(folder: str, name: str, files: List[Tuple[str, os.stat_result]]) -> Json:
    """Return one checkpoint entry."""
    epoch = EPOCH_NAME.search(name.lower())
    return {
        "name": name, "path": os.path.join(folder, name), "step": step_of(name),
        "epoch": int(epoch.group(1)) if epoch else None, "format": format_of(name, [path for path, _ in files]),
        "size": sum(stat.st_size for _, stat in files), "mtime": max(stat.st_mtime for _, stat in files),
        "files": [{"path": path, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns} for path, stat in files],
        "signature": signature_of([stat for _, stat in files]),
    }  # fmt: skip


def own_entries(run: Run) -> List[Json]:
    """Return the entries that a run itself has written: not what lay there before, nor what a later run wrote."""
    before = read_json(run.path("baseline.json"))
    entries = scan(run.checkpoint_dir(), run.request().get("checkpoint_globs"))
    own = [entry for entry in entries if before.get(entry["name"]) != entry["signature"]]
    last = last_breath(run)
    if last is None:
        return own
    return [entry for entry in own if entry["mtime"] <= last + LATE_WRITES and not left_unfinished(entry)]


def last_breath(run: Run) -> Optional[float]:
    """Return when a run that is over was last alive, in epoch seconds; None while it lives or nothing tells."""
    if run.alive():
        return None
    for name in ("exit_code", "heartbeat"):
        try:
            return os.stat(run.path(name)).st_mtime
        except OSError:
            continue
    return None


def judge(entry: Json, settled: bool, over: bool) -> str:
    """Return 'writing', 'ok', or 'damaged' for one that stopped changing while its structure is incomplete.

    Nobody writes any more once the run is over.
    """
    if any(TMP_NAME.search(os.path.basename(path)) for path in (entry["name"], *paths_of(entry))):
        return "damaged" if over else "writing"
    if not settled:
        return "writing"
    folder = os.path.dirname(entry["path"])
    if all(looks_whole(os.path.join(folder, file["path"]), file["size"]) for file in entry["files"]):
        return "ok"
    return "damaged" if over or time.time() - entry["mtime"] > 60 else "writing"


def paths_of(entry: Json) -> List[str]:
    """Return the paths of an entry's files below the checkpoint folder."""
    return [file["path"] for file in entry["files"]]


def left_unfinished(entry: Json) -> bool:
    """Tell whether a name says that its writer never came to its end; once a run is over, that is no checkpoint."""
    return bool(TMP_NAME.search(entry["name"]))


def judged(entries: List[Json], again: Callable[[], List[Json]], over: bool) -> List[Json]:
    """Return the entries with their state; fresh ones are looked at twice to see whether they still grow."""
    fresh = [entry for entry in entries if time.time() - entry["mtime"] < SETTLE_SECONDS]
    later: Json = {}
    if fresh and not over:
        time.sleep(0.25)
        later = {entry["name"]: entry["signature"] for entry in again()}
    for entry in entries:
        settled = over or entry not in fresh or later.get(entry["name"]) == entry["signature"]
        entry["state"] = judge(entry, settled, over)
    return entries
