"""`sync --delete` into a folder of this machine against moto: only what the plan named goes, and only as it was."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.objects import CopyRequest, NamePattern
from runctl_tui.domain.plan import Level, Operation, Plan, Reversibility
from runctl_tui.domain.safety import Policy
from runctl_tui.services.errors import PlanChanged, Refused
from runctl_tui.services.storage import local_files
from tests.services.aws.world import World
from tests.services.storage_rig import Rig, codes

BUCKET = "my-data-here"


@pytest.fixture
async def rig(tmp_path: Path, world: World) -> AsyncIterator[Rig]:
    await world.provider.store.ensure_bucket(BUCKET, "us-east-1")
    rig = Rig(tmp_path / "state", world)
    yield rig
    rig.close()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with more than its source has."""
    folder = tmp_path / "here"
    for name in ("old", "sub/older", "kept.log"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12")
    return folder


def request(destination: Path | str, **changes: object) -> CopyRequest:
    whole = CopyRequest(f"s3://{BUCKET}/s/", str(destination), recursive=True, changed_only=True, delete=True)
    return replace(whole, **changes)  # type: ignore[arg-type]  # fields by name


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}


def said(plan: Plan) -> dict[str, str]:
    return {line.label: line.text for line in plan.lines}


async def test_files_that_the_source_lacks_go_by_a_plan_that_asks_for_the_name(rig: Rig, here: Path) -> None:
    await rig.put(BUCKET, "s/new")
    plan = await rig.desk.plan(request(here, patterns=(NamePattern(False, "*.log"),)))
    assert (plan.operation, plan.verdict.level, plan.name_to_type) == (Operation.S3_DELETE, Level.NAME, "here")
    assert plan.reversibility is Reversibility.IRREVERSIBLE
    assert (said(plan)["DIES"], said(plan)["FIRST"]) == ("2 files of this machine, 4 B", "old · sub/older")
    assert "copy 1 file" in plan.effect
    with pytest.raises(Refused, match="name does not match"):
        await rig.commit(plan, name="")
    assert files(here) == {"old", "sub/older", "kept.log"}
    view = await rig.commit(plan)
    assert view.result == "copied 1 object, 1 B; deleted 2 files here, 4 B"
    assert files(here) == {"new", "kept.log"}
    (row,) = await rig.rows()
    assert (row.entry.plan_hash, row.entry.resource, row.state) == (plan.hash, str(here), "verified")


async def test_nothing_surplus_is_a_download_and_asks_for_no_name(rig: Rig, here: Path) -> None:
    await rig.put(BUCKET, "s/old", "s/sub/older", "s/kept.log")
    plan = await rig.desk.plan(request(here))
    assert (plan.operation, plan.verdict.level) == (Operation.S3_COPY, Level.ENTER)


async def test_no_link_is_followed_and_none_goes(rig: Rig, here: Path, tmp_path: Path) -> None:
    await rig.put(BUCKET, "s/new")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_bytes(b"!")
    (here / "folder-link").symlink_to(tmp_path / "elsewhere")
    (here / "file-link").symlink_to(tmp_path / "elsewhere" / "precious")
    assert (await rig.do(request(here))).ok
    assert files(here) == {"new", "folder-link", "file-link"}
    assert files(tmp_path / "elsewhere") == {"precious"}


async def test_a_folder_that_became_a_link_after_the_plan_is_not_entered(here: Path, tmp_path: Path) -> None:
    planned = local_files.listed(here, ["sub/older"])
    (here / "sub").rename(tmp_path / "moved")
    (here / "sub").symlink_to(tmp_path / "moved")
    assert [name for name, _ in local_files.remove(here, planned.files)] == ["sub/older"]
    assert files(tmp_path / "moved") == {"older"}


@pytest.mark.parametrize("content", [b"longer", b"21"])
async def test_a_file_that_changed_after_the_plan_refuses_it(rig: Rig, here: Path, content: bytes) -> None:
    await rig.put(BUCKET, "s/new")
    plan = await rig.desk.plan(request(here))
    (here / "old").write_bytes(content)
    os.utime(here / "old", (1, 1))
    with pytest.raises(PlanChanged):
        await rig.commit(plan)
    assert files(here) == {"old", "sub/older", "kept.log"}


async def test_a_file_that_changes_at_the_last_moment_stays_and_is_named(
    rig: Rig, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.put(BUCKET, "s/new")
    download = rig.mover.download

    async def meanwhile(*args: object) -> None:
        await download(*args)  # type: ignore[arg-type]  # as it was called
        (here / "old").write_bytes(b"new work")
        (here / "kept.log").unlink()

    monkeypatch.setattr(type(rig.mover), "download", lambda _, *args: meanwhile(*args))
    view = await rig.do(request(here))
    assert (view.ok, "1 of 3 files were not deleted" in view.result) == (False, True)
    assert f"old: {local_files.CHANGED}" in view.result
    assert files(here) == {"new", "old"}


async def test_no_home_and_nothing_above_one_is_cleared(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.put(BUCKET, "s/new")
    home = tmp_path / "homes" / "me"
    (home / "runs").mkdir(parents=True)
    (tmp_path / "to-home").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    with pytest.raises(Refused, match=f"the home folder {home} lies in it"):
        await rig.desk.plan(request("/"))
    for place in (home, home.parent, tmp_path / "to-home", "~", ".", "runs/.."):
        with pytest.raises(Refused, match="nothing is deleted in"):
            await rig.desk.plan(request(place))
    assert (await rig.desk.plan(request("~/runs"))).verdict.level is Level.ENTER


async def test_read_only_deletes_nothing_here_either(rig: Rig, here: Path) -> None:
    await rig.put(BUCKET, "s/new")
    rig.policy = Policy(who="tester", sandbox=True, read_only="--read-only")
    plan = await rig.desk.plan(request(here))
    assert "ro_mode" in codes(plan)
    with pytest.raises(Refused):
        await rig.commit(plan)
    assert "old" in files(here)


async def test_a_source_with_nothing_is_asked_about(rig: Rig, here: Path) -> None:
    await rig.put(BUCKET, "other")
    assert "empty_source" in codes(await rig.desk.plan(request(here)))
    await rig.put(BUCKET, "s/new")
    assert "empty_source" not in codes(await rig.desk.plan(request(here)))


async def test_a_key_that_can_be_no_file_is_told_beside_what_goes(rig: Rig, here: Path) -> None:
    await rig.put(BUCKET, "s/new", "s/a//b")
    assert [name for name, _ in (await rig.desk.plan(request(here))).skipped] == ["a//b"]


async def test_a_copy_of_which_everything_is_excluded_copies_nothing(rig: Rig, tmp_path: Path) -> None:
    await rig.put(BUCKET, "s/new")
    nothing = request(tmp_path / "t", changed_only=False, delete=False, patterns=(NamePattern(False, "*"),))
    view = await rig.do(nothing)
    assert (view.ok, view.result) == (True, "copied 0 objects, 0 B")
