from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runctl_tui.services.errors import DataTransferError, HostLinkLost, Refused
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.hosts.session import HostSession
from runctl_tui.services.sync.execute import execute
from runctl_tui.services.sync.plan import plan
from runctl_tui.services.sync.values import SyncProgress
from tests.services.hosts.servers import embedded, pool_for


@pytest.fixture(params=["local", "ssh"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[HostSession]:
    if request.param == "local":
        (tmp_path / "home").mkdir()
        yield LocalHost(home=tmp_path / "home")
        return
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        yield pool.host(server.target())
        await pool.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "train.py").write_text("print('hi')\n")
    (folder / "pkg" / "mod.py").write_text("x = 1\n")
    (folder / "pkg" / "ünï code.py").write_text("")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link.py").symlink_to("pkg/mod.py")
    (folder / "large.bin").write_bytes(os.urandom(1_500_001))
    return folder


def there(folder: Path) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = os.readlink(path)
        elif path.is_file() and path.name != ".runctl-sync.json":
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


async def test_the_first_sync_sends_all_and_the_next_sends_nothing(
    host: HostSession, root: Path, tmp_path: Path
) -> None:
    seen: list[SyncProgress] = []
    result = await execute(await plan(root), host, "~/code/project", seen.append)
    target = tmp_path / "home/code/project"
    assert result.dest == str(target)
    assert there(target) == there(root)
    assert (target / "run.sh").stat().st_mode & 0o111
    assert (len(result.sent), result.unchanged, result.deleted) == (6, 0, ())
    assert seen[0].phase == "comparing"
    assert (seen[-1].phase, seen[-1].files_done, seen[-1].bytes_done) == ("done", 6, result.sent_bytes)
    assert any(progress.phase == "sending" and progress.bytes_total > 0 for progress in seen)
    again = await execute(await plan(root), host, "~/code/project")
    assert (again.sent, again.deleted, again.unchanged) == ((), (), 6)


async def test_later_only_changes_are_sent_and_what_is_gone_is_deleted(
    host: HostSession, root: Path, tmp_path: Path
) -> None:
    target = tmp_path / "home/p"
    await execute(await plan(root), host, "p")
    (root / "train.py").write_text("print('new')\n")
    (root / "run.sh").chmod(0o644)
    (root / "pkg/mod.py").unlink()
    (root / "pkg/ünï code.py").unlink()
    (root / "link.py").unlink()
    (root / "link.py").write_text("a file now\n")
    (target / "checkpoints").mkdir()
    (target / "checkpoints/step_1.pt").write_text("precious")
    result = await execute(await plan(root), host, "p")
    assert result.sent == ("link.py", "run.sh", "train.py")
    assert set(result.deleted) == {"pkg/mod.py", "pkg/ünï code.py"}
    assert there(target) == {**there(root), "checkpoints/step_1.pt": b"precious"}
    assert not (target / "pkg").exists()


async def test_a_file_may_become_a_folder_and_back(host: HostSession, root: Path, tmp_path: Path) -> None:
    await execute(await plan(root), host, "p")
    (root / "train.py").unlink()
    (root / "train.py").mkdir()
    (root / "train.py/inner.py").write_text("1")
    (root / "pkg/mod.py").unlink()
    (root / "pkg/ünï code.py").unlink()
    (root / "pkg").rmdir()
    (root / "pkg").write_text("2")
    (root / "link.py").unlink()
    await execute(await plan(root), host, "p")
    assert there(tmp_path / "home/p") == there(root)


async def test_what_was_spoiled_on_the_host_is_mended(host: HostSession, root: Path, tmp_path: Path) -> None:
    await execute(await plan(root), host, "p")
    (tmp_path / "home/p/train.py").write_text("print('hx')\n")
    (tmp_path / "home/p/large.bin").unlink()
    assert (await execute(await plan(root), host, "p")).sent == ("large.bin", "train.py")


async def test_folders_that_are_not_ours_are_refused(host: HostSession, root: Path, tmp_path: Path) -> None:
    made = await plan(root)
    (tmp_path / "home/foreign").mkdir()
    (tmp_path / "home/foreign/thesis.tex").write_text("mine")
    for dest in ("~", "~/", ".", "/", "~/foreign", str(tmp_path / "home")):
        with pytest.raises(Refused):
            await execute(made, host, dest)
    assert os.listdir(tmp_path / "home/foreign") == ["thesis.tex"]


async def test_a_file_that_did_not_come_from_here_is_never_overwritten(
    host: HostSession, root: Path, tmp_path: Path
) -> None:
    await execute(await plan(root), host, "p")
    (tmp_path / "home/p/notes.txt").write_text("written on the host")
    (root / "notes.txt").write_text("written here")
    with pytest.raises(Refused) as caught:
        await execute(await plan(root), host, "p")
    assert "notes.txt" in caught.value.what
    assert (tmp_path / "home/p/notes.txt").read_text() == "written on the host"


async def test_a_file_edited_while_it_is_sent_is_told(host: HostSession, root: Path) -> None:
    made = await plan(root)
    (root / "train.py").write_text("print('h!')\n")
    with pytest.raises(DataTransferError) as caught:
        await execute(made, host, "p")
    assert "train.py" in caught.value.why
    assert (await execute(await plan(root), host, "p")).unchanged == 6


async def test_an_interrupted_sync_goes_on(tmp_path: Path, root: Path) -> None:
    for number in range(40):
        (root / f"part{number}.bin").write_bytes(os.urandom(1_000_000))
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        host = pool.host(server.target())

        def cut_halfway(progress: SyncProgress) -> None:
            if progress.phase == "sending" and len(list((tmp_path / "home/p").glob("part*"))) >= 3:
                server.cut()

        made = await plan(root)
        with pytest.raises((HostLinkLost, DataTransferError)):
            await execute(made, host, "p", cut_halfway)
        result = await execute(made, host, "p")
        assert 0 < len(result.sent) < len(made.files)
        assert there(tmp_path / "home/p") == there(root)
        await pool.close()
