from __future__ import annotations

import asyncio
import io
import os
import runpy
import shutil
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from runctl_tui.domain.run import TrainingStatus
from runctl_tui.services.errors import AgentError, HostError
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.hosts.session import Pipe
from runctl_tui.services.hosts.ssh import SshHost, SshPool
from runctl_tui.services.hosts.trust import TrustStore, UnknownKey
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.training import agent_client
from runctl_tui.services.training.agent_client import AgentClient, agent_source
from runctl_tui.services.training.agent_values import (
    LinkFrame,
    LogFrame,
    PresignedUrl,
    RunStatus,
    StartRequest,
    StatusFrame,
)
from tests.services.agent.harness import Machine
from tests.services.hosts.servers import QUICK, SSHD, Embedded, embedded, openssh, pool_for

LINES = (
    "import sys, time\nfor n in range(int(sys.argv[1])):\n"
    "    print('line', n, 'ü' * 20, flush=True)\n    time.sleep({})\n"
)


@pytest.fixture
async def server(tmp_path: Path, machine: Machine) -> AsyncIterator[Embedded]:
    async with embedded(tmp_path) as made:
        yield made


@pytest.fixture
async def client(server: Embedded, tmp_path: Path) -> AsyncIterator[AgentClient]:
    pool = pool_for(server, tmp_path)
    yield AgentClient(pool.host(server.target()))
    await pool.close()


def request(**more: object) -> StartRequest:
    return StartRequest(**{"run_id": "r-1", "project_dir": "~/project", "script": "train.py", **more})  # type: ignore[arg-type] # a test's short hand


async def end_of(client: AgentClient, run_id: str = "r-1") -> RunStatus:
    for _ in range(300):
        (status,) = await client.status([run_id])
        if not status.alive:
            return status
        await asyncio.sleep(0.05)
    raise AssertionError("the run does not end")


async def test_the_whole_life_of_a_run(client: AgentClient, server: Embedded, machine: Machine) -> None:
    machine.script(
        "import os\nprint('hello')\nopen(os.environ['TRAINCTL_CHECKPOINT_DIR'] + '/step_7.json', 'w').write('{}')\n"
    )
    started = await client.start(request(args=("--a", "b"), meta={"name": "first"}, secrets={"HF_TOKEN": "hf_zzz"}))
    assert started.run_dir == str(machine.file(""))
    status = await end_of(client)
    assert (status.status, status.exit_code, status.checkpoints) == (TrainingStatus.COMPLETED, 0, 1)
    assert status.newest is not None
    assert status.newest.step == 7
    assert status.started_at is not None
    assert status.started_at.utcoffset() is not None
    (entry,) = await client.checkpoints("r-1", sha256=True)
    assert (entry.name, entry.state, entry.format, entry.upload) == ("step_7.json", "ok", "json", None)
    page = await client.read("r-1", offset=-200)
    assert b"hello\n" in page.data
    (swept,) = await client.sweep()
    assert swept.request["meta"] == {"name": "first"}
    assert (await client.vitals()).cpus == os.cpu_count()
    assert "hf_zzz" not in " ".join(server.commands)
    await client.forget("r-1")
    assert await client.status() == ()
    assert sum("mkdir" in command for command in server.commands) == 1


async def test_stopping_and_failing_are_told_apart(client: AgentClient, machine: Machine) -> None:
    machine.script("import time\ntime.sleep(60)\n")
    await client.start(request())
    assert (await client.stop("r-1", grace=5)).status == TrainingStatus.CANCELLED
    machine.script("raise SystemExit(2)\n")
    await client.start(request(run_id="r-2"))
    status = await end_of(client, "r-2")
    assert (status.status, status.exit_code) == (TrainingStatus.FAILED, 2)


async def test_a_refusal_carries_the_agent_s_code_and_hint(client: AgentClient) -> None:
    with pytest.raises(AgentError) as caught:
        await client.start(request(script="missing.py"))
    assert caught.value.code == "no_script"
    assert "missing.py" in caught.value.what
    assert caught.value.todo
    with pytest.raises(AgentError):
        await client.read("r-9")
    with pytest.raises(AgentError) as caught:
        async with aclosing(client.follow("r-9")) as frames:
            await anext(frames)
    assert caught.value.code == "unknown_run"


async def test_presigned_urls_stay_out_of_the_command_line(
    client: AgentClient, server: Embedded, machine: Machine
) -> None:
    machine.script("")
    await client.start(request())
    await end_of(client)
    assert await client.urls("r-1", [PresignedUrl("log", "http://127.0.0.1:9/sekrit")]) == 1
    assert "sekrit" not in " ".join(server.commands)
    assert await client.pending("r-1") == ()


async def test_a_file_that_was_cut_off_on_its_way_is_sent_again(client: AgentClient, machine: Machine) -> None:
    path = machine.home / ".runctl" / f"agent-{agent_source()[1]}.pyz"
    path.parent.mkdir()
    path.write_bytes(agent_source()[0][:1000])
    assert await client.status() == ()
    assert path.read_bytes() == agent_source()[0]
    path.unlink()
    assert await client.status() == ()


async def test_a_host_that_has_the_agent_is_asked_at_once(
    client: AgentClient, server: Embedded, machine: Machine
) -> None:
    assert machine.agent.exists()
    assert await client.status() == ()
    assert len(server.commands) == 1


def test_the_archive_is_the_same_whenever_and_wherever_it_is_packed(tmp_path: Path) -> None:
    source, version = agent_source()
    for path in (Path(agent_client.__file__).parent / "agent").glob("*.py"):
        copy = tmp_path / "agent" / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o600)
    copied = runpy.run_path(str(shutil.copy(agent_client.__file__, tmp_path)))["agent_source"]
    assert copied() == (source, version)
    names = zipfile.ZipFile(io.BytesIO(source)).namelist()
    assert names[0] == "__main__.py"
    assert names[1:] == sorted(names[1:])
    assert not any("__pycache__" in name for name in names)


async def test_following_gives_log_state_and_vitals_until_the_end(client: AgentClient, machine: Machine) -> None:
    machine.script(LINES.format(0.1))
    await client.start(request(args=("30",)))
    frames = [frame async for frame in client.follow("r-1")]
    assert b"".join(frame.data for frame in frames if isinstance(frame, LogFrame)) == machine.file("log").read_bytes()
    states = [frame for frame in frames if isinstance(frame, StatusFrame)]
    assert len(states) >= 2
    assert states[-1].status.exit_code == 0
    assert states[-1].vitals.usage.memory_total_mib
    assert not any(isinstance(frame, LinkFrame) for frame in frames)


async def test_following_from_the_middle_gives_the_rest_only(client: AgentClient, machine: Machine) -> None:
    machine.script(LINES.format(0))
    await client.start(request(args=("100",)))
    await end_of(client)
    whole = machine.file("log").read_bytes()
    frames = [frame async for frame in client.follow("r-1", offset=500)]
    assert b"".join(frame.data for frame in frames if isinstance(frame, LogFrame)) == whole[500:]
    frames = [frame async for frame in client.follow("r-1", offset=-50)]
    assert b"".join(frame.data for frame in frames if isinstance(frame, LogFrame)) == whole[-50:]


async def test_no_byte_is_lost_or_doubled_when_the_link_is_cut_again_and_again(
    server: Embedded, tmp_path: Path, machine: Machine
) -> None:
    waits: list[float] = []

    async def short(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0.02)

    pool = pool_for(server, tmp_path)
    client = AgentClient(pool.host(server.target()), sleep=short)
    machine.script(LINES.format(0.001))
    await client.start(request(args=("2500",)))
    received, offset, cuts, links = bytearray(), 0, 0, []
    async with aclosing(client.follow("r-1")) as frames:
        async for frame in frames:
            if isinstance(frame, LogFrame):
                assert frame.offset == offset
                received += frame.data
                offset += len(frame.data)
                if cuts < 6 and offset > (cuts + 1) * 14_000:
                    cuts += 1
                    server.cut()
            elif isinstance(frame, LinkFrame):
                links.append(frame.text)
    assert cuts >= 2
    assert bytes(received) == machine.file("log").read_bytes()
    assert [text for text in links if text == ""] == [""] * cuts
    assert all("next try in" in text for text in links if text)
    assert waits
    await pool.close()


async def test_waiting_grows_while_the_host_is_away_and_the_link_comes_back(
    server: Embedded, tmp_path: Path, machine: Machine
) -> None:
    waits: list[float] = []
    pool = pool_for(server, tmp_path)
    host = pool.host(server.target())
    machine.script(LINES.format(0))
    await AgentClient(host).start(request(args=("10",)))
    await end_of(AgentClient(host))
    right = host.target
    away = type(right)(right.resource_id, right.host, 9, right.user, right.key_files)
    host.abort()
    host.target = away

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 7:
            host.target = right

    frames = [frame async for frame in AgentClient(host, sleep=sleep).follow("r-1")]
    assert waits == [0.5, 1, 2, 4, 5, 5, 5]
    assert b"".join(frame.data for frame in frames if isinstance(frame, LogFrame)) == machine.file("log").read_bytes()
    await pool.close()


async def test_a_log_that_became_another_file_is_told(server: Embedded, tmp_path: Path, machine: Machine) -> None:
    pool = pool_for(server, tmp_path)
    client = AgentClient(pool.host(server.target()), sleep=lambda _: asyncio.sleep(0))
    machine.script(LINES.format(0.05))
    await client.start(request(args=("60",)))
    restarted = False
    data = b""
    async with aclosing(client.follow("r-1")) as frames:
        async for frame in frames:
            if isinstance(frame, LogFrame):
                if frame.restarted:
                    restarted, data = True, b""
                data += frame.data
                if not restarted and len(data) > 500:
                    machine.file("new").write_bytes(b"a new file\n")
                    machine.file("new").rename(machine.file("log"))
                    server.cut()
    assert restarted
    assert data == b"a new file\n"
    await pool.close()


async def test_leaving_early_ends_the_command_on_the_host(
    client: AgentClient, server: Embedded, machine: Machine
) -> None:
    machine.script(LINES.format(0.05))
    await client.start(request(args=("500",)))
    async with aclosing(client.follow("r-1")) as frames:
        async for frame in frames:
            if isinstance(frame, LogFrame) and frame.data:
                break
    for _ in range(200):
        if server.running == 0:
            break
        await asyncio.sleep(0.05)
    assert server.running == 0
    assert (await client.stop("r-1", grace=2)).status == TrainingStatus.CANCELLED


@pytest.mark.skipif(SSHD is None, reason="OpenSSH's server is not installed")
async def test_the_agent_works_through_openssh(tmp_path: Path, machine: Machine) -> None:
    machine.script(LINES.format(0.01))
    async with openssh(tmp_path / "sshd") as target:
        pool = SshPool(TrustStore(tmp_path / "known_hosts"), options=QUICK)
        host = ElsewhereHome(target, pool, machine.home)
        with pytest.raises(UnknownKey) as caught:
            await host.home()
        caught.value.accept()
        client = AgentClient(host)
        await client.start(request(args=("50",)))
        data = b"".join([frame.data async for frame in client.follow("r-1") if isinstance(frame, LogFrame)])
        assert data == machine.file("log").read_bytes()
        assert data.count(b"line") == 50
        await host.close()
        await pool.close()


class ElsewhereHome(SshHost):
    """A host whose commands see another home folder, since OpenSSH takes it from the system's accounts."""

    def __init__(self, target: SshTarget, pool: SshPool, home: Path) -> None:
        super().__init__(target, pool)
        self._prefix = ("env", f"HOME={home}")

    @asynccontextmanager
    async def _open(self, argv: Sequence[str]) -> AsyncIterator[Pipe]:
        async with super()._open((*self._prefix, *argv)) as pipe:
            yield pipe


async def test_a_host_without_python_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("sh", "cat", "mkdir", "wc", "tr", "mv"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or "")
    client = AgentClient(LocalHost(home=tmp_path, environment={"PATH": str(tmp_path / "bin")}))
    with pytest.raises(HostError) as caught:
        await client.status()
    assert "python3 is not installed" in str(caught.value)


def test_the_agent_is_unpacked_once_so_that_no_call_compiles_it_again(machine: Machine) -> None:
    folder = machine.agent.with_suffix("")
    assert machine.ask("status")["runs"] == []
    compiled = sorted(folder.glob("agent/__pycache__/status.*"))
    assert len(compiled) == 1
    before = compiled[0].stat().st_mtime_ns
    assert machine.ask("status")["runs"] == []
    assert compiled[0].stat().st_mtime_ns == before
    assert sorted(path.name for path in folder.parent.glob("agent-*")) == sorted([folder.name, machine.agent.name])


def test_the_agent_works_from_its_archive_where_it_cannot_be_unpacked(machine: Machine) -> None:
    folder = machine.agent.with_suffix("")
    folder.write_text("in the way")
    assert machine.ask("status")["runs"] == []
    assert folder.read_text() == "in the way"
    assert sorted(path.name for path in folder.parent.glob("agent-*")) == sorted([folder.name, machine.agent.name])


@pytest.mark.parametrize(
    ("module", "content"),
    [
        ("command_line", b"def ("),
        ("basics", b""),
        ("status", b"\0" * 80),
        ("run_folder", b"\xff\xfe"),
        ("status", b""),
        ("files", None),
    ],
)
def test_a_damaged_module_costs_no_answer_and_is_unpacked_anew(
    machine: Machine, module: str, content: bytes | None
) -> None:
    folder = machine.agent.with_suffix("")
    assert machine.ask("status")["runs"] == []
    damaged = folder / "agent" / f"{module}.py"
    whole = damaged.read_bytes()
    damaged.write_bytes(content) if content is not None else damaged.unlink()
    assert machine.ask("status")["runs"] == [], "this call works from the archive"
    assert machine.ask("status")["runs"] == []
    assert damaged.read_bytes() == whole
    assert sorted(path.name for path in folder.parent.glob("agent-*")) == sorted([folder.name, machine.agent.name])


def test_a_run_starts_where_its_supervisor_was_damaged(machine: Machine) -> None:
    machine.script("print('trained')")
    assert machine.ask("status")["runs"] == []
    (machine.agent.with_suffix("") / "agent" / "supervisor.py").write_bytes(b"")
    machine.start()
    assert machine.ended()["exit_code"] == 0


def test_what_a_killed_unpacking_left_is_swept_by_the_next(machine: Machine) -> None:
    home = machine.agent.parent
    old, fresh = home / "agent-0123abcd.4711", home / "agent-0123abcd.4712"
    copied, other = home / "agent-0123abcd.pyz.4713", home / "agent-0123abcd.d"
    for folder in (old, fresh, other):
        (folder / "agent").mkdir(parents=True)
    copied.write_bytes(b"half")
    for path in (old, copied, other):
        os.utime(path, (0, 0))
    assert machine.ask("status")["runs"] == []
    assert [path.exists() for path in (old, copied, fresh, other)] == [False, False, True, True]
