"""The hosts of the sandbox: SSH as a client sees it, real processes, and what ends with the instance."""

from __future__ import annotations

import asyncio
import io
import os
import tarfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.processes import alive
from tests.services.sandbox.conftest import BOUND_S, Lease, connect, describe, launch, port_of, until, wait_for


@pytest.fixture
async def link(host: dict[str, Any], key: asyncssh.SSHKey) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with connect(port_of(host), key) as connection:
        yield connection


def home_of(lease: Lease, row: dict[str, Any]) -> Path:
    return lease.folder / "homes" / str(row["InstanceId"])


async def pid_in(path: Path) -> int:
    deadline = time.monotonic() + BOUND_S
    while not (path.exists() and path.read_text().strip().isdigit()):  # noqa: ASYNC240 - a tiny local file
        assert time.monotonic() < deadline, f"{path} was not written"
        await asyncio.sleep(0.02)
    return int(path.read_text())  # noqa: ASYNC240 - as above


async def test_commands_have_streams_and_an_exit_status(link: asyncssh.SSHClientConnection) -> None:
    done = await link.run("echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.exit_status) == ("out\n", "err\n", 3)


async def test_a_death_by_signal_is_told(link: asyncssh.SSHClientConnection) -> None:
    done = await link.run("kill -KILL $$")
    assert done.exit_signal is not None
    assert done.exit_signal[0] == "KILL"


async def test_a_signal_reaches_the_process(link: asyncssh.SSHClientConnection) -> None:
    async with link.create_process(
        "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    ) as process:
        assert await process.stdout.readline() == "ready\n"
        process.send_signal("TERM")
        done = await process.wait()
    assert (done.stdout, done.exit_status) == ("told\n", 9)


async def test_the_environment_is_built_from_nothing(
    link: asyncssh.SSHClientConnection, sandbox: Lease, host: dict[str, Any]
) -> None:
    done = await link.run("env -0; pwd")
    assert isinstance(done.stdout, str)
    *variables, where = done.stdout.split("\0")
    found = dict(each.split("=", 1) for each in variables)
    home = str(home_of(sandbox, host))
    assert found["HOME"] == where.strip() == home
    assert (found["USER"], found["RUNCTL_SANDBOX"], found["AWS_REGION"]) == ("ubuntu", "1", "us-east-1")
    assert found["AWS_ENDPOINT_URL"] == sandbox.session.endpoints.endpoint_url
    assert found["RUNCTL_DATA_DIR"] == f"{home}/mnt/data"
    ours = {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_SERVICE_ENDPOINT"}
    assert {name for name in found if name.startswith("AWS_")} == ours
    assert not [name for name in found if name.endswith(("_TOKEN", "_KEY", "_SECRET"))]
    assert not set(found) & {"PYTHONPATH", "VIRTUAL_ENV", "SSH_AUTH_SOCK", "PYTEST_CURRENT_TEST"}


async def test_a_terminal_has_a_size_and_learns_of_a_new_one(link: asyncssh.SSHClientConnection) -> None:
    script = "trap 'stty size; exit 5' WINCH; stty size; tty; while :; do sleep 0.05; done"
    async with link.create_process(script, term_type="xterm-256color", term_size=(100, 30)) as process:
        assert (await process.stdout.readline()).strip() == "30 100"
        assert (await process.stdout.readline()).startswith("/dev/")
        process.change_terminal_size(70, 20)
        assert (await process.stdout.readline()).strip() == "20 70"
        assert (await process.wait()).exit_status == 5


async def test_control_c_reaches_the_foreground_of_a_shell(link: asyncssh.SSHClientConnection) -> None:
    async with link.create_process(term_type="xterm", term_size=(80, 24)) as shell:
        shell.stdin.write("sleep 600; echo interrupted=$?\n")
        await asyncio.wait_for(_until_seen(shell, "sleep 600"), BOUND_S)
        await asyncio.sleep(0.3)
        shell.stdin.write("\x03")
        shell.stdin.write("echo still-${HOME:+here}; exit 4\n")
        await asyncio.wait_for(_until_seen(shell, "still-here"), BOUND_S)
        assert (await shell.wait()).exit_status == 4


async def _until_seen(process: asyncssh.SSHClientProcess[str], wanted: str) -> None:
    seen = ""
    while wanted not in seen:
        data = await process.stdout.read(4096)
        assert data, f"the shell ended after {seen!r}"
        seen += data


async def test_a_mebibyte_comes_back_as_it_went(link: asyncssh.SSHClientConnection) -> None:
    data = os.urandom(1 << 20)
    done = await link.run("cat", input=data, encoding=None)
    assert done.stdout == data


async def test_sixteen_mebibytes_to_a_slow_reader(link: asyncssh.SSHClientConnection) -> None:
    async with link.create_process("head -c 16777216 /dev/zero; exit 6", encoding=None) as process:
        await asyncio.sleep(0.2)
        total = 0
        while data := await process.stdout.read(1 << 16):
            total += len(data)
        assert (total, (await process.wait()).exit_status) == (16 << 20, 6)


async def test_two_thousand_files_by_tar(
    link: asyncssh.SSHClientConnection, sandbox: Lease, host: dict[str, Any]
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for number in range(2000):
            entry = tarfile.TarInfo(f"tree/{number % 40}/{number}.txt")
            content = f"file {number}".encode() * 50
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    done = await link.run("tar -xf - && find tree -type f | wc -l", input=packed.getvalue(), encoding=None)
    assert (done.exit_status, done.stdout) == (0, b"2000\n")
    assert (home_of(sandbox, host) / "tree/39/1999.txt").read_bytes() == b"file 1999" * 50


async def test_files_by_sftp_stay_in_the_home(
    link: asyncssh.SSHClientConnection, sandbox: Lease, host: dict[str, Any]
) -> None:
    async with link.start_sftp_client() as sftp:
        async with sftp.open("/by-sftp.txt", "w") as stream:
            await stream.write("hello")
        assert not await sftp.exists("/etc/passwd")
        assert not await sftp.exists("../../../../../../etc/passwd")
    assert (home_of(sandbox, host) / "by-sftp.txt").read_text() == "hello"


async def test_a_tunnel_leads_to_the_loopback_interface_only(link: asyncssh.SSHClientConnection) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        reader, writer = await link.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        assert await reader.read() == b""
        writer.close()
    with pytest.raises(asyncssh.ChannelOpenError):
        await link.open_connection("192.0.2.1", 80)


async def test_only_the_key_pair_of_the_instance_logs_in(host: dict[str, Any], key: asyncssh.SSHKey) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(port_of(host), asyncssh.generate_private_key("ssh-ed25519"))
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(port_of(host), key, user="stranger")
    async with connect(port_of(host), key, user="ec2-user") as connection:
        assert (await connection.run("true")).exit_status == 0


async def test_the_foreground_ends_with_its_channel_and_the_background_does_not(
    link: asyncssh.SSHClientConnection, sandbox: Lease, host: dict[str, Any], key: asyncssh.SSHKey
) -> None:
    home = home_of(sandbox, host)
    async with connect(port_of(host), key) as other:
        await other.run("setsid nohup sleep 600 >/dev/null 2>&1 </dev/null & echo $! > background")
        foreground = await other.create_process("echo $$ > foreground; exec sleep 600")
        front_pid = await pid_in(home / "foreground")
        assert alive(front_pid)
        other.abort()
        foreground.close()
    await asyncio.to_thread(wait_for, lambda: not alive(front_pid), "the foreground to end")
    background = await pid_in(home / "background")
    assert alive(background)
    await link.run(f"kill {background}")


async def test_a_job_that_holds_the_output_open_does_not_hold_the_command(link: asyncssh.SSHClientConnection) -> None:
    done = await asyncio.wait_for(link.run("sleep 600 & echo $!"), BOUND_S)
    assert done.exit_status == 0
    await link.run(f"kill {done.stdout!s}")


async def test_a_cut_link_comes_back(sandbox: Lease, host: dict[str, Any], key: asyncssh.SSHKey) -> None:
    async with connect(port_of(host), key) as connection:
        running = asyncio.create_task(connection.run("sleep 600"))
        await connection.run("true")
        answer = await asyncio.to_thread(sandbox.command, "cut", host["InstanceId"], 1.0)
        assert answer["dropped"] >= 1
        done = await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), BOUND_S)
        assert isinstance(done[0], BaseException) or done[0].exit_status is None
    with pytest.raises((OSError, asyncssh.Error)):
        await connect(port_of(host), key)
    deadline = time.monotonic() + BOUND_S
    while True:
        try:
            async with connect(port_of(host), key) as again:
                assert (await again.run("echo back")).stdout == "back\n"
                break
        except (OSError, asyncssh.Error):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


async def test_stopping_ends_every_process_and_starting_keeps_the_home(sandbox: Lease, key: asyncssh.SSHKey) -> None:
    row = await asyncio.to_thread(lambda: until(sandbox, launch(sandbox), "running"))
    home = home_of(sandbox, row)
    script = "trap 'echo saved > last-words; exit' TERM; echo $$ > job; while :; do sleep 0.05; done"
    async with connect(port_of(row), key) as connection:
        await connection.run(f'setsid nohup bash -c "{script.replace("$$", "$BASHPID")}" >/dev/null 2>&1 </dev/null &')
        pid = await pid_in(home / "job")
        await asyncio.to_thread(sandbox.aws("ec2").stop_instances, InstanceIds=[row["InstanceId"]])
        await asyncio.to_thread(until, sandbox, row["InstanceId"], "stopped")
    assert not alive(pid)
    assert (home / "last-words").read_text() == "saved\n"
    with pytest.raises(ConnectionRefusedError):
        await connect(port_of(row), key)
    await asyncio.to_thread(sandbox.aws("ec2").start_instances, InstanceIds=[row["InstanceId"]])
    again = await asyncio.to_thread(until, sandbox, row["InstanceId"], "running")
    async with connect(port_of(again), key) as connection:
        assert (await connection.run("cat last-words")).stdout == "saved\n"


async def test_a_trusted_key_opens_the_seeded_instances(sandbox: Lease, key: asyncssh.SSHKey) -> None:
    public = key.export_public_key().decode()
    trusted = await asyncio.to_thread(sandbox.command, "trust", public)
    rows = await asyncio.to_thread(
        lambda: [
            describe(sandbox, each["id"])
            for each in sandbox.command("status")["instances"]
            if each["name"] == "llama-eval"
        ]
    )
    assert rows[0]["InstanceId"] in trusted["instances"]
    async with connect(port_of(rows[0]), key) as connection:
        assert (await connection.run("ls project")).exit_status == 0


@pytest.mark.parametrize(
    ("launched", "ends_as"),
    [({}, "stopped"), ({"InstanceInitiatedShutdownBehavior": "terminate"}, "terminated")],
    ids=["stop", "terminate"],
)
async def test_a_host_that_shuts_itself_down_leaves_this_machine_alone(
    sandbox: Lease, key: asyncssh.SSHKey, launched: dict[str, str], ends_as: str
) -> None:
    row = await asyncio.to_thread(lambda: until(sandbox, launch(sandbox, **launched), "running"))
    async with connect(port_of(row), key) as connection:
        found = str((await connection.run("for each in sudo shutdown poweroff; do command -v $each; done")).stdout)
        assert found.split() == [f"{sandbox.folder}/bin/{name}" for name in ("sudo", "shutdown", "poweroff")]
        assert (await connection.run("sudo -n -E A=b sh -c 'echo $A'")).stdout == "b\n"
        await connection.run("sudo shutdown -h now")
    ended = await asyncio.to_thread(until, sandbox, row["InstanceId"], ends_as)
    assert ended["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


async def test_a_reboot_ends_what_ran(sandbox: Lease, key: asyncssh.SSHKey) -> None:
    row = await asyncio.to_thread(lambda: until(sandbox, launch(sandbox), "running"))
    async with connect(port_of(row), key) as connection:
        await connection.run("setsid nohup sleep 600 >/dev/null 2>&1 </dev/null & echo $! > job")
        pid = await pid_in(home_of(sandbox, row) / "job")
        await asyncio.to_thread(sandbox.aws("ec2").reboot_instances, InstanceIds=[row["InstanceId"]])
        await asyncio.to_thread(wait_for, lambda: not alive(pid), "the job to end")
    assert (await asyncio.to_thread(describe, sandbox, row["InstanceId"]))["State"]["Name"] == "running"
