from __future__ import annotations

import asyncio
import io
import os
import select
import shlex
import shutil
import stat
import subprocess
import tarfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.services.errors import (
    DataTransferError,
    HostError,
    HostKeyChanged,
    HostKeyUnknown,
    HostLinkLost,
    HostUnreachable,
    StateError,
    ValidationError,
)
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.hosts.session import HostSession, as_path
from runctl_tui.services.hosts.ssh import SshOptions, SshPool
from runctl_tui.services.hosts.trust import TrustStore, UnknownKey, fingerprint
from runctl_tui.services.ports import SshTarget
from tests.services.hosts.servers import QUICK, SSHD, embedded, openssh, pool_for


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def obey(todo: str) -> None:
    """Run the command that an error's advice ends with."""
    subprocess.run(shlex.split(todo.partition(": ")[2]), check=True, capture_output=True)


@pytest.fixture(params=["local", "embedded", "openssh"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[HostSession]:
    if request.param == "local":
        (tmp_path / "home").mkdir()
        yield LocalHost(home=tmp_path / "home")
    elif request.param == "embedded":
        async with embedded(tmp_path) as server:
            pool = pool_for(server, tmp_path)
            yield pool.host(server.target())
            await pool.close()
    elif SSHD is None:
        pytest.skip("OpenSSH's server is not installed")
    else:
        async with openssh(tmp_path / "sshd") as target:
            pool = SshPool(TrustStore(tmp_path / "known_hosts"), options=QUICK)
            session = pool.host(target)
            with pytest.raises(UnknownKey) as caught:
                await session.home()
            caught.value.accept()
            yield session
            await pool.close()


async def test_a_command_gives_its_output_errors_and_status(host: HostSession) -> None:
    result = await host.run(("sh", "-c", "cat; echo bad >&2; exit 7"), stdin=b"in\0put\xff")
    assert (result.stdout, result.stderr, result.exit_status) == (b"in\0put\xff", b"bad\n", 7)


async def test_words_reach_the_command_as_they_are(host: HostSession) -> None:
    words = ("a b", "'q'", "$HOME", "`id`", "line\nend", "ü", "")
    result = await host.run(("printf", "%s|", *words))
    assert result.stdout == "".join(word + "|" for word in words).encode()


async def test_much_data_goes_both_ways_whole(host: HostSession) -> None:
    data = os.urandom(1 << 20) * 5
    assert (await host.run(("cat",), stdin=data)).stdout == data


async def test_a_command_that_reads_no_input_still_ends(host: HostSession) -> None:
    assert (await host.run(("true",), stdin=b"x" * 3_000_000)).exit_status == 0


async def test_a_death_by_signal_is_128_plus_its_number(host: HostSession) -> None:
    assert (await host.run(("sh", "-c", "kill -TERM $$"))).exit_status == 143


async def test_output_streams_while_the_command_runs(host: HostSession) -> None:
    async with host.stream(("sh", "-c", "echo first; read line; echo $line; exit 3"), stdin=b"second\n") as stream:
        data = b"".join([piece async for piece in stream])
        assert (data, stream.exit) == (b"first\nsecond\n", 3)


async def test_a_slow_command_is_given_up_and_does_not_hang(host: HostSession) -> None:
    with pytest.raises(HostLinkLost) as caught:
        await host.run(("sleep", "100"), timeout=0.3)
    assert caught.value.code == "host.timeout"


async def test_leaving_a_stream_ends_the_command(host: HostSession, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    script = f"while date +%s%N > {mark} && echo x; do sleep 0.05; done"
    async with host.stream(("sh", "-c", script)) as stream:
        await anext(aiter(stream))
    for _ in range(100):
        before = read(mark)
        await asyncio.sleep(0.2)
        if before and read(mark) == before:
            return
    raise AssertionError("the command works on")


async def test_a_tar_stream_is_unpacked(host: HostSession, tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for number in range(200):
            info = tarfile.TarInfo(f"d/{number}")
            info.size = 5000
            tar.addfile(info, io.BytesIO(bytes([number % 256]) * 5000))

    async def chunks() -> AsyncIterator[bytes]:
        data = file.getvalue()
        for start in range(0, len(data), 70_001):
            yield data[start : start + 70_001]

    into = tmp_path / "un packed"
    await host.push_tar(chunks(), str(into))
    assert len(list((into / "d").iterdir())) == 200
    assert (into / "d" / "7").read_bytes() == bytes([7]) * 5000


async def test_a_broken_tar_stream_says_so(host: HostSession, tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"this is no tar" * 1000

    with pytest.raises(DataTransferError):
        await host.push_tar(chunks(), str(tmp_path / "x"))


async def test_a_port_of_the_host_is_reachable(host: HostSession) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    service = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with service, host.forward(service.sockets[0].getsockname()[1]) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        greeting = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert greeting == b"hello"


async def test_all_commands_share_one_connection_and_at_most_eight_channels(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        host = pool.host(server.target())
        assert pool.host(server.target()) is host
        await asyncio.gather(*(host.run(("sleep", "0.1")) for _ in range(20)))
        assert server.opened == 1
        assert 1 < server.most <= 8
        await pool.close()


async def test_a_cut_in_the_middle_is_a_lost_link_and_the_next_use_connects_anew(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        host = pool.host(server.target())
        task = asyncio.create_task(host.run(("sh", "-c", "echo go; sleep 100")))
        await asyncio.wait_for(server.busy.wait(), 10)
        server.cut()
        with pytest.raises(HostLinkLost):
            await task
        assert (await host.run(("echo", "back"))).stdout == b"back\n"
        await pool.close()


async def test_a_connection_that_died_unseen_is_replaced_without_an_error(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        host = pool.host(server.target())
        await host.run(("true",))
        server.cut()
        assert (await host.run(("echo", "back"))).stdout == b"back\n"
        await pool.close()


async def test_nobody_listening_is_unreachable(tmp_path: Path, unused_tcp_port: int) -> None:
    trust = TrustStore(tmp_path / "known_hosts")
    pool = SshPool(trust, options=QUICK)
    with pytest.raises(HostUnreachable) as caught:
        await pool.host(SshTarget("i-1", "127.0.0.1", unused_tcp_port, "me")).run(("true",))
    assert caught.value.retryable
    assert caught.value.todo


async def test_an_unknown_key_is_shown_and_can_be_accepted(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        pool = SshPool(TrustStore(tmp_path / "state" / "known_hosts"), options=QUICK)
        with pytest.raises(HostKeyUnknown) as caught:
            await pool.host(server.target()).run(("true",))
        error = caught.value
        assert isinstance(error, UnknownKey)
        assert error.fingerprint == fingerprint(server.public_key()) == server.host_key.get_fingerprint()
        assert server.commands == []
        error.accept()
        assert (await pool.host(server.target()).run(("true",))).exit_status == 0
        assert stat.S_IMODE(pool.trust.path.stat().st_mode) == 0o600
        await pool.close()


async def test_a_key_that_the_provider_vouches_for_is_trusted_and_another_is_not(tmp_path: Path) -> None:
    async with embedded(tmp_path / "a") as server, embedded(tmp_path / "b") as other:

        async def expected(target: SshTarget) -> Sequence[str]:
            return (server.public_key(),)

        pool = SshPool(TrustStore(tmp_path / "known_hosts"), expected, QUICK)
        assert (await pool.host(server.target()).run(("true",))).exit_status == 0
        with pytest.raises(HostKeyChanged):
            await pool.host(other.target("i-2")).run(("true",))
        await pool.close()


async def test_a_changed_key_is_refused_and_the_error_says_how_to_remove_it(tmp_path: Path) -> None:
    async with embedded(tmp_path / "a") as old, embedded(tmp_path / "b") as new:
        trust = TrustStore(tmp_path / "known_hosts")
        trust.accept("i-1", [old.public_key()])
        trust.accept("i-2", [old.public_key()])
        pool = SshPool(trust, options=QUICK)
        with pytest.raises(HostKeyChanged) as caught:
            await pool.host(new.target()).run(("true",))
        assert fingerprint(new.public_key()) in str(caught.value)
        assert new.commands == []
        if shutil.which("ssh-keygen"):
            obey(caught.value.todo)
            assert trust.keys("i-1") == ()
            assert len(trust.keys("i-2")) == 1
        await pool.close()


async def test_a_wrong_login_key_is_refused_with_a_reason(tmp_path: Path) -> None:
    async with embedded(tmp_path / "a") as server, embedded(tmp_path / "b") as other:
        pool = pool_for(server, tmp_path)
        target = SshTarget("i-1", "127.0.0.1", server.port, "me", (str(other.key_file),))
        with pytest.raises(HostError) as caught:
            await pool.host(target).run(("true",))
        assert caught.value.code == "host.auth"
        await pool.close()


async def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        target = SshTarget("i-1", "127.0.0.1", server.port, "me", ("/nonexistent/key",))
        with pytest.raises(HostError) as caught:
            await pool.host(target).run(("true",))
        assert caught.value.code == "host.key-file"
        assert "/nonexistent/key" in str(caught.value)
        await pool.close()


@pytest.mark.skipif(SSHD is None, reason="the embedded server forwards no ports")
async def test_a_jump_host_has_a_key_of_its_own(tmp_path: Path) -> None:
    async with openssh(tmp_path / "jump") as jump, embedded(tmp_path / "end") as server:
        pool = pool_for(server, tmp_path)
        target = SshTarget(
            "i-1", "127.0.0.1", server.port, "me", (str(server.key_file), jump.key_files[0]),
            f"{jump.user}@127.0.0.1:{jump.port}",
        )  # fmt: skip
        with pytest.raises(UnknownKey) as caught:
            await pool.host(target).run(("true",))
        assert caught.value.resource_id == f"jump-127.0.0.1:{jump.port}"
        caught.value.accept()
        assert (await pool.host(target).run(("echo", "through"))).stdout == b"through\n"
        await pool.close()


@pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH is not installed")
async def test_the_shell_command_logs_in_with_our_trust(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        host = pool.host(server.target())
        argv = [word for word in host.shell_argv() if word != "-t"]
        process = await asyncio.create_subprocess_exec(*argv, "echo hello", stdout=-1, stderr=-1)
        output, errors = await process.communicate()
        assert (output, process.returncode) == (b"hello\n", 0), errors
        pool.trust.forget("i-1")
        process = await asyncio.create_subprocess_exec(*argv, "echo hello", stdout=-1, stderr=-1, stdin=-3)
        assert (await process.communicate())[0] == b""
        assert process.returncode == 255
        await pool.close()


@pytest.mark.skipif(SSHD is None, reason="OpenSSH's server is not installed")
async def test_without_openssh_our_own_client_gives_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with openssh(tmp_path / "sshd") as target:
        pool = SshPool(TrustStore(tmp_path / "known_hosts"), options=QUICK)
        with pytest.raises(UnknownKey) as caught:
            await pool.host(target).connection()
        caught.value.accept()
        monkeypatch.setattr(shutil, "which", lambda name: None)
        argv = pool.host(target).shell_argv()
        assert argv[1:3] == ("-m", "runctl_tui.services.hosts.shell")
        ours, theirs = os.openpty()
        process = await asyncio.create_subprocess_exec(*argv, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.write(ours, b"stty size; echo answer-$((40 + 2)); exit 7\n")
        seen = await asyncio.to_thread(drain, ours)
        assert await asyncio.wait_for(process.wait(), 10) == 7, seen
        assert b"answer-42" in seen
        os.close(ours)


@pytest.mark.parametrize("has_openssh", [True, False])
async def test_a_line_is_run_there_with_its_own_streams_and_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_openssh: bool
) -> None:
    if has_openssh and shutil.which("ssh") is None:
        pytest.skip("OpenSSH is not installed")
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        host = pool.host(server.target())
        await host.connection()
        if not has_openssh:
            monkeypatch.setattr(shutil, "which", lambda name: None)
        argv = host.shell_argv("cat; echo wrong >&2; exit 7")
        process = await asyncio.create_subprocess_exec(*argv, stdin=-1, stdout=-1, stderr=-1)
        output, errors = await process.communicate(b"typed\n")
        assert (output, errors, process.returncode) == (b"typed\n", b"wrong\n", 7)
        await pool.close()


def drain(terminal: int) -> bytes:
    """Read a terminal until its other side is closed, or nothing comes any more."""
    seen = b""
    while True:
        if not select.select([terminal], [], [], 10)[0]:
            return seen
        try:
            data = os.read(terminal, 65536)
        except OSError:
            return seen
        if not data:
            return seen
        seen += data


@pytest.mark.parametrize("text", ["", "a\0b", "a\nb", "a\rb"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        as_path(text)


@pytest.mark.parametrize("resource_id", ["", "a b", "*", "a,b", "!x", "a\nb", "|1|x"])
def test_a_name_that_would_match_other_machines_is_refused(tmp_path: Path, resource_id: str) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    with pytest.raises(ValidationError):
        TrustStore(tmp_path / "known_hosts").accept(resource_id, [key])
    with pytest.raises(ValidationError):
        TrustStore(tmp_path / "known_hosts").accept("i-1", ["not a key\nat all"])


async def test_a_connection_that_arrives_after_the_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncssh

    connect, made = asyncssh.connect, []

    async def late(*where: Any, **how: Any) -> Any:
        made.append(await connect(*where, **how))
        pool.abort()
        return made[0]

    monkeypatch.setattr(asyncssh, "connect", late)
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        with pytest.raises(HostLinkLost):
            await pool.host(server.target()).connection()
        await asyncio.wait_for(made[0].wait_closed(), 5)


async def test_a_damaged_line_of_a_trusted_key_is_told_and_hurts_no_other_machine(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        pool = pool_for(server, tmp_path)
        with pool.trust.path.open("a") as file:
            file.write("i-0123456789abcdef0 not a key\n")
        with pytest.raises(HostError) as caught:
            await pool.host(server.target("i-0123456789abcdef0")).home()
        assert caught.value.code == "host.trust"
        assert "i-0123456789abcdef0" in caught.value.what
        obey(caught.value.todo)
        assert pool.trust.keys("i-0123456789abcdef0") == ()
        assert await pool.host(server.target()).home() == str(server.home)
        await pool.close()


async def test_trusted_keys_that_are_no_text_are_told(tmp_path: Path) -> None:
    trust = TrustStore(tmp_path / "known_hosts")
    trust.path.write_bytes(b"\xff\xfe")
    with pytest.raises(StateError) as caught:
        trust.keys("i-1")
    assert caught.value.todo


def test_links_are_kept_alive_unless_told_otherwise() -> None:
    assert 0 < SshOptions().keepalive_interval <= 15
    assert 0 < SshOptions().keepalive_count <= 3
