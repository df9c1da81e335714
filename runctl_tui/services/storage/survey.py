"""Finds out what a request is about: every object of a deletion, every file of a transfer and what it replaces."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runctl_tui.domain.objects import (
    SCHEME,
    CopyRequest,
    DeleteRequest,
    Deletion,
    EntryKind,
    ObjectEntry,
    Transfer,
    TransferItem,
    address,
    kept_by,
    last_part,
    split_address,
)
from runctl_tui.services.errors import DataTransferError, ResourceNotFound, ValidationError
from runctl_tui.services.landing import is_part
from runctl_tui.services.storage import local_files
from runctl_tui.services.storage.names import unfit
from runctl_tui.services.storage.parts import ObjectReader


@dataclass(frozen=True, slots=True)
class Found:
    """One file or object at either end."""

    size: int
    modified_at: datetime | None
    entry: ObjectEntry | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """Looks at both ends; changes nothing."""

    objects: ObjectReader

    async def deletion(self, request: DeleteRequest) -> Deletion:
        """Return every object that a delete request means; ResourceNotFound where there is none."""
        found = dict(
            zip(request.keys, await asyncio.gather(*(self._one(request.bucket, k) for k in request.keys)), strict=True)
        )
        for prefix in request.prefixes:
            for entry in await self._below(request.bucket, prefix):
                if kept_by(entry.key[len(prefix) :], request.patterns):
                    found[entry.key] = entry
        if not found:
            where = ", ".join(address(request.bucket, prefix) for prefix in request.prefixes)
            raise ResourceNotFound("there is nothing to delete", f"no object below {where}")
        return Deletion(request.bucket, tuple(found[key] for key in sorted(found)))

    async def transfer(self, request: CopyRequest) -> Transfer:
        """Return every file or object that a copy request means, with its target; nothing to copy is an error."""
        ends = request.source.startswith(SCHEME), request.destination.startswith(SCHEME)
        if not any(ends):
            raise ValidationError("one of the two ends must be in S3", todo="such as s3://bucket/folder/")
        clears_here = request.delete and not ends[1]
        folder = await asyncio.to_thread(local_files.folder_to_clear, request.destination) if clears_here else None
        below = request.recursive or request.changed_only
        sources = await (self._tree(request.source) if below else self._single(request.source))
        links = await self._links(request, sources) if below else {}
        sources = {name: one for name, one in sources.items() if name not in links}
        if not sources and not request.changed_only:
            why = "holds only links, which are not followed" if links else "is empty"
            raise ResourceNotFound("there is nothing to copy", f"{request.source} {why}")
        sources = {name: one for name, one in sources.items() if not below or kept_by(name, request.patterns)}
        skipped = {**links, **await self._skipped(request, sources, below)}
        kept = {name: one for name, one in sources.items() if name not in skipped}
        targets = {name: self._target(request, name, below) for name in kept}
        there = await self._there(request, targets, below)
        items = []
        for name, one in sorted(kept.items()):
            if not (request.changed_only and _same(one, there.get(name))):
                source = one.entry.address if one.entry else _local(request.source, name, below)
                items.append(TransferItem(source, targets[name], one.size, name, one.entry, name in there))
        _check_apart(items, request.move)
        surplus = _surplus(request, set(sources), there)
        return Transfer(
            request,
            tuple(items),
            len(kept) - len(items),
            tuple(entry for name in surplus if (entry := there[name].entry) is not None),
            await asyncio.to_thread(local_files.listed, folder, surplus) if folder else None,
            tuple(sorted(skipped.items())),
            "" if ends[1] else await asyncio.to_thread(local_files.open_to, _path(request.destination)),
        )

    async def _one(self, bucket: str, key: str) -> ObjectEntry:
        told = await self.objects.head(bucket, key)
        return ObjectEntry(EntryKind.OBJECT, bucket, key, told.size, told.modified_at, told.storage_class, told.etag)

    async def _below(self, bucket: str, prefix: str) -> list[ObjectEntry]:
        """All pages; a prefix that does not end in a slash would match its neighbours too."""
        if prefix and not prefix.endswith("/"):
            raise ValidationError(f"{address(bucket, prefix)} is no folder", todo=f"write {address(bucket, prefix)}/")
        return [entry async for page in self.objects.pages(bucket, prefix, recursive=True) for entry in page]

    async def _single(self, place: str) -> dict[str, Found]:
        if place.startswith(SCHEME):
            bucket, key = split_address(place)
            if not key or key.endswith("/"):
                raise ValidationError(f"{place} is a folder", todo="add --recursive")
            entry = await self._one(bucket, key)
            return {last_part(key): Found(entry.size or 0, entry.modified_at, entry)}
        path = _path(place)
        told = await asyncio.to_thread(_stat, path)
        if told is None:
            raise ValidationError(f"{place} is no file", todo="name a file, or a folder with --recursive")
        return {path.name: told}

    async def _tree(self, place: str) -> dict[str, Found]:
        if not place.startswith(SCHEME):
            return await asyncio.to_thread(_walk, _path(place))
        bucket, key = split_address(place)
        prefix = _as_folder(key)
        return {
            entry.key[len(prefix) :]: Found(entry.size or 0, entry.modified_at, entry)
            for entry in await self._below(bucket, prefix)
            if not entry.key.endswith("/")
        }

    async def _links(self, request: CopyRequest, sources: Iterable[str]) -> Mapping[str, str]:
        """Return the links below a local source that are not followed, each with where it leads."""
        if request.source.startswith(SCHEME):
            return {}
        folder = _path(request.source)
        found = await asyncio.to_thread(local_files.links_below, folder)
        wanted = set(sources) if request.follow_links else set()
        return {
            name: f"a link to {where}"
            for name, where in found.items()
            if name not in wanted and kept_by(name, request.patterns)
        }

    async def _skipped(self, request: CopyRequest, sources: Iterable[str], below: bool) -> Mapping[str, str]:
        """Return what cannot be a file at the destination, with why; the only one there is to copy is an error."""
        if request.destination.startswith(SCHEME):
            return {}
        folder = _path(request.destination)
        if not below and not _is_folder(request.destination):
            return {}
        skipped = await asyncio.to_thread(unfit, folder, list(sources))
        if skipped and not below:
            ((name, why),) = skipped.items()
            raise ValidationError(f"{name!r} cannot be a file in {folder}", why, "name the file that it shall be")
        return skipped

    async def _there(self, request: CopyRequest, targets: Mapping[str, str], below: bool) -> dict[str, Found]:
        """What is at the destination already, by the names of the source."""
        if below:
            try:
                return await self._tree(request.destination)
            except ResourceNotFound:
                return {}
        found = {}
        for name, target in targets.items():
            try:
                (found[name],) = (await self._single(target)).values()
            except (ResourceNotFound, ValidationError):
                continue
        return found

    def _target(self, request: CopyRequest, name: str, below: bool) -> str:
        if request.destination.startswith(SCHEME):
            bucket, key = split_address(request.destination)
            folder = below or not key or key.endswith("/")
            return address(bucket, (_as_folder(key) + name) if folder else key)
        path = _path(request.destination)
        return str(path / name if below or _is_folder(request.destination) else path)


def _surplus(request: CopyRequest, sources: set[str], there: Iterable[str]) -> list[str]:
    """Return the names that `sync --delete` is about; what the patterns leave out is left alone."""
    if not request.delete:
        return []
    return [name for name in sorted(there) if name not in sources and kept_by(name, request.patterns)]


def _path(place: str) -> Path:
    return Path(place).expanduser()


def _as_folder(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"


def _same(source: Found, target: Found | None) -> bool:
    """The AWS CLI's rule: same size, and the copy is not older."""
    if target is None or target.size != source.size:
        return False
    return (
        source.modified_at is not None and target.modified_at is not None and target.modified_at >= source.modified_at
    )


def _is_folder(destination: str) -> bool:
    return destination.endswith("/") or _path(destination).is_dir()


def _check_apart(items: Sequence[TransferItem], move: bool) -> None:
    """Raise ValidationError where an object would be written that is to be read; keys are compared exactly."""
    sources = {item.source for item in items}
    for item in items:
        if item.target in sources:
            verb = "moved" if move else "copied"
            onto = "itself" if item.target == item.source else f"{item.target}, which is to be {verb} too"
            raise ValidationError(f"{item.source} would be {verb} onto {onto}", "", "name another destination")


def _local(place: str, name: str, below: bool) -> str:
    return str(_path(place) / name if below else _path(place))


def _stat(path: Path) -> Found | None:
    try:
        told = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(told.st_mode):
        return None
    return Found(told.st_size, datetime.fromtimestamp(int(told.st_mtime), UTC))  # S3 tells whole seconds


def _walk(folder: Path) -> dict[str, Found]:
    """Every regular file below; links to folders are not followed, so that no walk is endless."""
    if not folder.is_dir():
        if folder.exists():
            raise ValidationError(f"{folder} is no folder", todo="leave --recursive out")
        raise ResourceNotFound(f"{folder} is not there")
    found = {}
    for path in _files(folder):
        one = _stat(path)
        if one is not None:
            found[path.relative_to(folder).as_posix()] = one
    return found


def _files(folder: Path) -> Iterator[Path]:
    def complain(error: OSError) -> None:
        what = f"{error.filename} could not be read"
        raise DataTransferError(what, error.strerror or "", "leave it out, or make it readable") from error

    for top, _, names in os.walk(folder, onerror=complain):
        yield from (Path(top) / name for name in names if not is_part(name))
