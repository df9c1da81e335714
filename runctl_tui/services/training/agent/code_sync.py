"""The verbs `sync_begin` and `sync_finish`: code that is brought to a folder, and nobody else's file with it."""

import os
from typing import Dict, List

from .basics import ROOT, Json, Refused, utc
from .fields import host_path, object_field
from .files import file_sha256, read_json, write_json

SYNC_MANIFEST = ".runctl-sync.json"


def sync_target(request: Json) -> str:
    """Return the folder that code is brought to; a home folder or a root is refused."""
    target = os.path.realpath(host_path(request, "dest"))
    if target in ("/", "/root", "/home", "/tmp", os.path.realpath(os.path.expanduser("~")), os.path.realpath(ROOT)):
        raise Refused("bad_destination", "code is never brought into %s itself" % target, "name a folder below it")
    if os.path.exists(target) and not os.path.isdir(target):
        raise Refused("bad_destination", "%s is not a folder" % target)
    return target


def sync_files(request: Json) -> Dict[str, str]:
    """Return the wanted files of a request, path to fingerprint; a path that leaves the folder is refused."""
    files = object_field(request, "files")
    for path, mark in files.items():
        parts = path.split("/")
        if path.startswith("/") or ".." in parts or "" in parts or "\0" in path or not isinstance(mark, str):
            raise Refused("bad_request", "%r is not a path inside the project" % path)
    return files


def fingerprint(path: str) -> str:
    """Return 'link TARGET', or mode and SHA-256 of a file; empty when there is none."""
    try:
        if os.path.islink(path):
            return "link " + os.readlink(path)
        if not os.path.isfile(path):
            return ""
        return "%s %s" % ("x" if os.stat(path).st_mode & 0o100 else "-", file_sha256(path))
    except OSError:
        return ""


def foreign(target: str, ours: Json, files: Dict[str, str]) -> List[str]:
    """Return the wanted paths at which somebody else's file would be overwritten."""
    found: List[str] = []
    for path in files:
        whole = os.path.join(target, path)
        if path in ours or not os.path.lexists(whole):
            continue
        if os.path.isdir(whole) and not os.path.islink(whole):
            inside = [
                os.path.relpath(os.path.join(base, name), target) for base, _, names in os.walk(whole) for name in names
            ]
            found.extend(name for name in inside if name not in ours)
        elif fingerprint(whole) != files[path]:
            found.append(path)
    return found


def verb_sync_begin(request: Json) -> Json:
    """Compare a destination with what is wanted there and answer which files must be sent."""
    target, files = sync_target(request), sync_files(request)
    manifest = os.path.join(target, SYNC_MANIFEST)
    ours = read_json(manifest).get("files", {})
    if not os.path.exists(manifest) and os.path.isdir(target) and os.listdir(target):
        raise Refused("foreign_files", "%s holds files that did not come from here" % target, "name another folder")
    strangers = foreign(target, ours, files)
    if strangers:
        more = ", ".join(sorted(strangers)[:5])
        raise Refused(
            "foreign_files", "%s has files that did not come from here: %s" % (target, more), "move them away"
        )
    os.makedirs(target, exist_ok=True)
    needed = [path for path, mark in files.items() if fingerprint(os.path.join(target, path)) != mark]
    stale = sorted(set(ours) - set(files))
    for path in needed:
        clear_the_way(target, path)
    for path in in_the_way(stale, needed):
        remove_ours(target, path)
    if needed or ours != files:
        write_json(manifest, {"files": dict(ours, **files), "complete": False, "updated_at": utc()})
    return {"dest": target, "needed": sorted(needed), "stale": stale, "first": not ours}


def folders_above(path: str) -> List[str]:
    """Return the folders on the way to a path, the topmost first."""
    parts = path.split("/")
    return ["/".join(parts[:index]) for index in range(1, len(parts))]


def in_the_way(stale: List[str], needed: List[str]) -> List[str]:
    """Return the old paths that became a folder, or whose folder became a file."""
    wanted = set(needed)
    folders = {folder for path in needed for folder in folders_above(path)}
    return [path for path in stale if path in folders or any(folder in wanted for folder in folders_above(path))]


def clear_the_way(target: str, path: str) -> None:
    """Remove our own links that stand where a folder on the way to a file must be."""
    for folder in folders_above(path):
        step = os.path.join(target, folder)
        if os.path.islink(step):
            os.unlink(step)


def verb_sync_finish(request: Json) -> Json:
    """Delete what we had sent and is gone, compare every file, and write the manifest."""
    target, files = sync_target(request), sync_files(request)
    manifest = os.path.join(target, SYNC_MANIFEST)
    stale = sorted(set(read_json(manifest).get("files", {})) - set(files), reverse=True)
    deleted = [path for path in stale if remove_ours(target, path)]
    wrong = sorted(path for path, mark in files.items() if fingerprint(os.path.join(target, path)) != mark)
    if not wrong:
        write_json(manifest, {"files": files, "complete": True, "updated_at": utc()})
    return {"dest": target, "deleted": deleted, "wrong": wrong, "files": len(files)}


def remove_ours(target: str, path: str) -> bool:
    """Delete a file that we had sent, and the folders that this empties; never through a link."""
    whole = os.path.join(target, path)
    if not os.path.realpath(os.path.dirname(whole)).startswith(target) or not os.path.lexists(whole):
        return False
    try:
        os.unlink(whole)
        folder = os.path.dirname(whole)
        while folder != target and not os.listdir(folder):
            os.rmdir(folder)
            folder = os.path.dirname(folder)
    except OSError:
        return not os.path.lexists(whole)
    return True
