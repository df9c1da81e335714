"""Law (g): nothing that changes an account leaves this machine before its intent is on the disk."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.httpsession import URLLib3Session

from runctl_tui.domain.marks import MarkRequest
from runctl_tui.domain.objects import CopyRequest, DeleteRequest
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.volume import NewVolume, VolumeChange, VolumeShape
from runctl_tui.services.errors import TrainctlError
from tests.services.aws.acting import Acting
from tests.services.aws.world import World
from tests.services.storage_rig import Rig as ObjectRig

O = Operation  # noqa: E741 - short, because most lines of this file name one
SHAPE = VolumeShape("gp3", 10, 3000, 125)


@dataclass
class Wire:
    """Sees each request as the last thing before it is sent, and what the disk holds at that moment."""

    folder: Path
    copies: Path
    sent: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Each changing request, with the operations whose intent was on the disk."""

    def see(self, request: Any) -> None:
        name = changing(request)
        if name:
            self.sent.append((name, self.intents()))

    def intents(self) -> tuple[str, ...]:
        """Read copies of the files, which hold only what has left the writing program."""
        place = Path(tempfile.mkdtemp(dir=self.copies))
        for path in self.folder.glob("state.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, place)
        with closing(sqlite3.connect(place / "state.db")) as other:
            known = other.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone()
            rows = other.execute("SELECT operation FROM journal WHERE state = 'sent'").fetchall() if known else []
        return tuple(row[0] for row in rows)


def changing(request: Any) -> str:
    """Return what a request would change, or nothing; a dry run changes nothing."""
    body = request.body if isinstance(request.body, bytes | str) else b""
    form = parse_qs(body.decode(errors="replace") if isinstance(body, bytes) else body)
    target = request.headers.get("X-Amz-Target", "")
    named = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
    if action := named or form.get("Action", [""])[0]:
        reading = action.startswith(("Describe", "Get", "List")) or form.get("DryRun", [""])[0].lower() == "true"
        return "" if reading else action
    return "" if request.method in ("GET", "HEAD") else f"{request.method} {urlsplit(request.url).path}"


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire(tmp_path / "state", tmp_path / "copies")
    made.copies.mkdir()
    send = URLLib3Session.send

    def seen(self: URLLib3Session, request: Any) -> Any:
        made.see(request)
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", seen)
    return made


@pytest.fixture
def acting(world: World, wire: Wire) -> Iterator[Acting]:
    made = Acting(wire.folder, world)
    yield made
    made.close()


def only_with_intent(wire: Wire, operation: Operation, *actions: str) -> None:
    """All that was sent since the last look had its intent on the disk, and these were among it."""
    sent, wire.sent = wire.sent, []
    assert {name for name, _ in sent} >= set(actions), sent
    assert [name for name, intents in sent if operation.value not in intents] == []


async def test_law_g_machines(acting: Acting, wire: Wire) -> None:
    view = await acting.launch(acting.world.options())
    assert view.ok, view.result
    only_with_intent(wire, O.LAUNCH, "RunInstances", "CreateSecurityGroup")
    box = view.instance_id
    for operation, action in (
        (O.STOP, "StopInstances"), (O.START, "StartInstances"), (O.TERMINATE, "TerminateInstances"),
    ):  # fmt: skip
        view = await acting.do(operation, box)
        assert view.ok, view.result
        only_with_intent(wire, operation, action)


async def test_law_g_marks(acting: Acting, wire: Wire) -> None:
    box = (await acting.launch(acting.world.options())).instance_id
    wire.sent.clear()
    for operation, action in ((O.PROTECT, "CreateTags"), (O.UNPROTECT, "DeleteTags")):
        view = await acting.commit(await acting.actions.plan_marks(MarkRequest(operation, "instance", (box,))))
        assert view.ok, view.result
        only_with_intent(wire, operation, action)


async def test_law_g_volumes_and_snapshots(acting: Acting, wire: Wire) -> None:
    box = (await acting.launch(acting.world.options(zone="us-east-1a"))).instance_id
    wire.sent.clear()

    async def change(change: VolumeChange, action: str) -> None:
        view = await acting.commit(await acting.actions.plan_volume(change))
        assert view.ok, view.result
        only_with_intent(wire, change.operation, action)

    await change(VolumeChange(O.VOLUME_CREATE, new=NewVolume("aws", "us-east-1a", "data", SHAPE)), "CreateVolume")
    await change(VolumeChange(O.VOLUME_ATTACH, ("data",), instance=f"aws/{box}"), "AttachVolume")
    await change(VolumeChange(O.VOLUME_DETACH, ("data",)), "DetachVolume")
    await change(VolumeChange(O.VOLUME_SNAPSHOT, ("data",), name="saved"), "CreateSnapshot")
    await change(VolumeChange(O.SNAPSHOT_COPY, ("saved",), region="us-west-2"), "CopySnapshot")
    await change(VolumeChange(O.VOLUME_DELETE, ("data",)), "DeleteVolume")


async def test_law_g_objects(world: World, wire: Wire) -> None:
    world.raw("s3").create_bucket(Bucket="my-data")
    rig = ObjectRig(wire.folder, world)
    try:
        await rig.put("my-data", "a/1", "a/2", "b/1")
        wire.sent.clear()
        assert (await rig.do(CopyRequest("s3://my-data/b/", "s3://my-data/c/", recursive=True))).ok
        only_with_intent(wire, O.S3_COPY, "PUT /my-data/c/1")
        assert (await rig.do(CopyRequest("s3://my-data/c/", "s3://my-data/d/", recursive=True, move=True))).ok
        only_with_intent(wire, O.S3_MOVE, "PUT /my-data/d/1")
        assert (await rig.do(DeleteRequest("my-data", prefixes=("a/",)))).ok
        only_with_intent(wire, O.S3_DELETE)
    finally:
        rig.close()


async def test_law_g_a_write_that_no_journal_kept_is_not_sent(
    acting: Acting, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = (await acting.launch(acting.world.options())).instance_id
    wire.sent.clear()
    plan = await acting.actions.plan(O.TERMINATE, [box])
    monkeypatch.setattr(type(acting.store), "durable", property(lambda store: False))
    with pytest.raises(TrainctlError, match="journal"):
        await acting.commit(plan)
    assert wire.sent == []
