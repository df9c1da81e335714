"""Remembers S3: buckets, objects with their versions and contents, unfinished uploads; used by `world`."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from moto.s3.models import FakeDeleteMarker, FakeKey, FakeMultipart
from moto.s3.utils import CaseInsensitiveDict  # type: ignore[attr-defined] # moto re-exports it silently

from runctl_tui.sandbox.cloud import ACCOUNT, Cloud
from runctl_tui.sandbox.folder import write_atomically
from runctl_tui.sandbox.objects import FileKey, MadeKey, made_part
from runctl_tui.sandbox.s3_uploads import initiated, set_initiated

Facts = dict[str, Any]
MADE: Final = ""
"""The name of the file of a part that has none, because its content is made when it is read."""


class S3Memory:
    """Writes contents of objects into a folder, and everything else into the world's record."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self._cloud = cloud
        self._folder = folder

    def capture(self) -> list[Facts]:
        """Return every bucket; contents that are not in the folder yet are written to it and leave memory."""
        return [self._capture_bucket(bucket) for bucket in list(self._cloud.s3.buckets.values())]

    def restore(self, buckets: list[Facts]) -> None:
        """Make the buckets again, without reading any content."""
        for facts in buckets:
            bucket = self._cloud.s3.create_bucket(facts["name"], facts["region"])
            bucket.creation_date = datetime.fromtimestamp(facts["created"], UTC)
            bucket.versioning_status = facts["versioning"]
            bucket.policy = facts["policy"].encode() if facts["policy"] else None
            bucket.public_access_block = None
            for name, versions in facts["objects"].items():
                bucket.keys.setlist(name, [self._restore_object(facts["name"], name, each) for each in versions])
            for upload in facts["uploads"]:
                bucket.multiparts[upload["id"]] = self._restore_upload(facts["region"], upload)

    def sweep(self) -> None:
        """Remove contents that no object uses any more."""
        used: set[str] = set()
        for bucket in self._cloud.s3.buckets.values():
            for versions in bucket.keys.iterlists():
                used |= {key.path.name for key in versions[1] if isinstance(key, FileKey)}
            for upload in bucket.multiparts.values():
                used |= {part.path.name for part in upload.parts.values() if isinstance(part, FileKey)}
        for path in self._folder.iterdir():
            if path.name not in used:
                path.unlink(missing_ok=True)

    def _capture_bucket(self, bucket: Any) -> Facts:
        objects = {}
        for name, versions in list(bucket.keys.iterlists()):
            objects[name] = [self._capture_object(versions, index) for index in range(len(versions))]
        return {
            "name": bucket.name,
            "region": bucket.region_name,
            "created": bucket.creation_date.timestamp(),
            "versioning": bucket.versioning_status,
            "policy": bucket.policy.decode() if bucket.policy else None,
            "objects": objects,
            "uploads": [self._capture_upload(upload) for upload in list(bucket.multiparts.values())],
        }

    def _capture_object(self, versions: list[Any], index: int) -> Facts:
        key = versions[index]
        if isinstance(key, FakeDeleteMarker):
            return {"deleted": _stamp(key.last_modified), "version": key.version_id}
        if not isinstance(key, FileKey | MadeKey):
            key = versions[index] = self._store(key)
        facts: Facts = {"size": key.size, "modified": _stamp(key.last_modified)}
        if isinstance(key, FileKey):
            facts |= {"file": key.path.name, "etag": key.etag.strip('"')}
        optional = {
            "storage": key.storage_class if key.storage_class != "STANDARD" else None,
            "metadata": dict(key.metadata) if isinstance(key, FileKey) else None,
            "checksum": [key.checksum_algorithm, key.checksum_value, key.checksum_type],
            "version": key.version_id if key.version_id != "null" else None,
            "tags": self._cloud.s3.tagger.get_tag_dict_for_resource(key.arn),
        }
        if key.checksum_value is None:
            del optional["checksum"]
        return facts | {name: value for name, value in optional.items() if value}

    def _store(self, key: FakeKey) -> FileKey:
        """Write an object's content to the folder and return an object that reads it from there."""
        content = key.value
        path = self._folder / hashlib.sha256(content).hexdigest()
        if not path.exists():
            write_atomically(path, content)
        stored = FileKey(key.name, key.bucket_name or "", len(content), key.etag.strip('"'), key.version_id)
        stored.path = path
        _copy_facts(key, stored)
        return stored

    def _restore_object(self, bucket: str, name: str, facts: Facts) -> Any:
        version = facts.get("version")
        if "deleted" in facts:
            marker = FakeDeleteMarker(MadeKey(name, bucket, 0, None))
            marker.last_modified = _moment(facts["deleted"])
            marker._version_id = str(version)
            return marker
        key: FileKey | MadeKey
        if "file" in facts:
            key = held = FileKey(name, bucket, facts["size"], facts["etag"], version)
            held.path = self._folder / facts["file"]
        else:
            key = MadeKey(name, bucket, facts["size"], None, version)
        key.last_modified = _moment(facts["modified"])
        key._storage_class = facts.get("storage", "STANDARD")
        key.set_metadata(facts.get("metadata", {}))
        key.checksum_algorithm, key.checksum_value, key.checksum_type = facts.get("checksum", (None, None, None))
        if facts.get("tags"):
            self._cloud.s3.set_key_tags(key, facts["tags"])
        return key

    def _capture_upload(self, upload: FakeMultipart) -> Facts:
        parts = []
        for number, part in list(upload.parts.items()):
            if not isinstance(part, FileKey | MadeKey):
                part = upload.parts[number] = self._store(part)
            name = part.path.name if isinstance(part, FileKey) else MADE
            parts.append([number, name, part.size, part.etag.strip('"'), _stamp(part.last_modified)])
        return {
            "id": upload.id,
            "key": upload.key_name,
            "initiated": initiated(upload).timestamp(),
            "storage": upload.storage,
            "metadata": dict(upload.metadata),
            "parts": parts,
        }

    def _restore_upload(self, region: str, facts: Facts) -> FakeMultipart:
        upload = FakeMultipart(
            facts["key"], CaseInsensitiveDict(facts["metadata"]), ACCOUNT, region, storage=facts["storage"], tags={}
        )
        upload.id = facts["id"]
        upload.acl = None
        set_initiated(upload, datetime.fromtimestamp(facts["initiated"], UTC))
        for number, name, size, etag, modified in sorted(facts["parts"]):
            part: FileKey | MadeKey
            if name == MADE:
                part = made_part(number, size)
            else:
                part = held = FileKey(number, "", size, etag)
                held.path = self._folder / name
            part.last_modified = _moment(modified)
            upload.parts[number] = part
            upload.partlist.append(number)
        return upload


def _copy_facts(source: FakeKey, target: FakeKey) -> None:
    target.last_modified = source.last_modified
    target._storage_class = source.storage_class
    target._metadata = source.metadata
    target.acl = source.acl
    target.checksum_algorithm = source.checksum_algorithm
    target.checksum_value = source.checksum_value
    target.checksum_type = source.checksum_type
    target.checksum_parts = source.checksum_parts


def _stamp(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def _moment(stamp: float) -> datetime:
    """Moto's times are UTC without saying so."""
    return datetime.fromtimestamp(stamp, UTC).replace(tzinfo=None)
