"""EC2's answers about volumes and snapshots turned into domain values; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.volume import (
    TAG_COPY_OF,
    TAG_VOLUME,
    Attachment,
    SnapshotState,
    Volume,
    VolumeShape,
    VolumeSnapshot,
    VolumeState,
    newest_completed,
)
from runctl_tui.services.aws.parse import PROVIDER, in_utc, tag_pairs

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import SnapshotTypeDef, VolumeAttachmentTypeDef, VolumeTypeDef

WordT = TypeVar("WordT", bound=StrEnum)
NOT_PRICED: Final = Unknown("not priced yet")
SOURCE: Final = "EC2 DescribeSnapshots"
_COPIED: Final = re.compile(r"\b(snap-[0-9a-f]+) from ([a-z]{2}[a-z0-9-]+-\d)\b")
"""How EC2 and its console describe a copy that nobody describes: '[Copied snap-0123 from us-east-1]'."""
_MEANINGLESS: Final = re.compile(r"vol-f{8,17}")
"""The volume that EC2 says a copy is of."""
_PASSING: Final = {
    "attaching": VolumeState.ATTACHING,
    "detaching": VolumeState.DETACHING,
    "busy": VolumeState.DETACHING,
}
"""An attachment on its way tells more than the volume's own 'in-use'."""


def parse_volume(raw: VolumeTypeDef, region: str, owner: str) -> Volume:
    """Return one entry of DescribeVolumes; price and snapshots are told elsewhere."""
    tags = tag_pairs(raw.get("Tags"))
    attachments = tuple(_attachment(each) for each in raw.get("Attachments", []))
    state = _word(VolumeState, raw.get("State", ""), VolumeState.UNKNOWN)
    passing = [_PASSING[each.state] for each in attachments if each.state in _PASSING]
    kind = raw.get("VolumeType", "")
    chosen = kind in ("gp3", "io1", "io2")
    return Volume(
        id=raw["VolumeId"],
        provider=PROVIDER,
        region=region,
        zone=raw.get("AvailabilityZone", ""),
        name=dict(tags).get("Name", ""),
        state=passing[0] if passing else state,
        shape=VolumeShape(
            kind,
            int(raw.get("Size", 0)),
            raw.get("Iops") if chosen else None,
            raw.get("Throughput") if kind == "gp3" else None,
        ),
        usd_per_month=NOT_PRICED,
        last_snapshot=Unknown("nobody asked"),
        encrypted=raw.get("Encrypted"),
        created_at=in_utc(raw.get("CreateTime")),
        attachments=attachments,
        snapshot_id=raw.get("SnapshotId", "") or "",
        tags=tags,
        owner_label=owner,
    )


def parse_snapshot(raw: SnapshotTypeDef, region: str, owner: str) -> VolumeSnapshot:
    """Return one entry of DescribeSnapshots; the volume's id that EC2 gives a copy means nothing and is left out."""
    tags = tag_pairs(raw.get("Tags"))
    copied_from, copy_of = _origin(dict(tags), raw.get("Description", "") or "")
    volume_id = raw.get("VolumeId", "")
    if copy_of or _MEANINGLESS.fullmatch(volume_id):
        volume_id = dict(tags).get(TAG_VOLUME, "")
    return VolumeSnapshot(
        id=raw["SnapshotId"],
        provider=PROVIDER,
        region=region,
        name=dict(tags).get("Name", ""),
        state=_word(SnapshotState, raw.get("State", ""), SnapshotState.UNKNOWN),
        volume_id=volume_id,
        size_gib=int(raw.get("VolumeSize", 0)),
        usd_per_month=NOT_PRICED,
        started_at=in_utc(raw.get("StartTime")),
        progress=raw.get("Progress", ""),
        description=raw.get("Description", "") or "",
        encrypted=raw.get("Encrypted"),
        tags=tags,
        owner_label=owner,
        copy_of=copy_of,
        copied_from=copied_from,
    )


def _origin(tags: Mapping[str, str], description: str) -> tuple[str, str]:
    """Return region and id of the snapshot that one was copied from; nothing where it is no copy."""
    region, _, source = tags.get(TAG_COPY_OF, "").partition("/")
    if source:
        return region, source
    told = _COPIED.search(description)
    return (told[2], told[1]) if told else ("", "")


def with_newest(found: Volume, snapshots: Fact[tuple[VolumeSnapshot, ...]]) -> Volume:
    """Return the volume with when its newest completed snapshot was begun."""
    if isinstance(snapshots, Unknown):
        return replace(found, last_snapshot=snapshots)
    newest = newest_completed(tuple(one for one in snapshots.value if one.volume_id == found.id))
    last: Fact[datetime | None] = Known(newest.started_at if newest else None, snapshots.observed_at, SOURCE)
    return replace(found, last_snapshot=last)


def _attachment(raw: VolumeAttachmentTypeDef) -> Attachment:
    return Attachment(
        instance_id=raw.get("InstanceId", "") or "",
        device=raw.get("Device", "") or "",
        state=raw.get("State", "") or "attached",
        delete_on_termination=raw.get("DeleteOnTermination"),
        attached_at=in_utc(raw.get("AttachTime")),
    )


def _word(words: type[WordT], text: Any, otherwise: WordT) -> WordT:
    return words(text) if text in {each.value for each in words} else otherwise
