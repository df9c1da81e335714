"""A person's ssh_config that switches all care off: our connections and shells know nothing of it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from runctl_tui.services.errors import HostKeyChanged, HostKeyUnknown
from runctl_tui.services.hosts.openssh import shell_command
from runctl_tui.services.hosts.ssh import SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.ports import SshTarget
from tests.services.hosts.servers import QUICK, Embedded, embedded, pool_for

NO_KEYS = b"\0\0\0\5\x0c\0\0\0\0"
"""What an agent answers that holds none."""


async def agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be an agent without keys."""
    while await reader.read(4096):
        writer.write(NO_KEYS)
    writer.close()


@pytest.fixture
async def canary(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """Give the person the worst configuration and an agent, and yield the file that its commands would make."""
    ran = own_home / "ran"
    (own_home / ".ssh").mkdir(mode=0o700)
    (own_home / ".ssh" / "config").write_text(
        "Host *\n StrictHostKeyChecking no\n UserKnownHostsFile none\n GlobalKnownHostsFile none\n ForwardAgent yes\n"
        f" ProxyCommand sh -c 'touch {ran}; exec nc %h %p'\n PermitLocalCommand yes\n LocalCommand touch {ran}\n"
        f' KnownHostsCommand /bin/touch {ran}\nMatch exec "touch {ran}"\n HostKeyAlias other\n Port 1\n'
    )
    async with await asyncio.start_unix_server(agent, own_home / "agent"):
        monkeypatch.setenv("SSH_AUTH_SOCK", str(own_home / "agent"))
        yield ran


def untouched(canary: Path) -> bool:
    return not canary.exists()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Embedded]:
    async with embedded(tmp_path) as served:
        yield served


async def test_the_configuration_would_switch_checking_off_and_forward_the_agent(
    server: Embedded, canary: Path, own_home: Path
) -> None:
    lines = (own_home / ".ssh" / "config").read_text().splitlines()
    careless = [line for line in lines if "KnownHostsFile" in line or "ForwardAgent" in line]
    (own_home / ".ssh" / "config").write_text("\n".join(careless))
    keys = [str(server.key_file)]
    async with asyncssh.connect("127.0.0.1", server.port, username="me", client_keys=keys) as connection:
        assert (await connection.run("true")).exit_status == 0, "nobody vouched for this key"
    assert server.agents != [None]


async def test_an_unknown_and_a_changed_key_are_still_refused(server: Embedded, canary: Path, tmp_path: Path) -> None:
    trust = TrustStore(tmp_path / "known_hosts")
    pool = SshPool(trust, options=QUICK)
    with pytest.raises(HostKeyUnknown):
        await pool.host(server.target()).home()
    other = asyncssh.generate_private_key("ssh-ed25519")
    trust.accept("i-1", [other.export_public_key().decode().strip()])
    with pytest.raises(HostKeyChanged):
        await pool.host(server.target()).home()
    await pool.close()
    assert untouched(canary)


async def test_no_agent_is_forwarded_and_no_command_of_it_runs(server: Embedded, canary: Path, tmp_path: Path) -> None:
    pool = pool_for(server, tmp_path)
    assert await pool.host(server.target()).home() == str(server.home)
    await pool.close()
    assert server.agents == [None]
    assert untouched(canary)


async def test_a_jump_host_is_reached_without_it_too(server: Embedded, canary: Path, tmp_path: Path) -> None:
    pool = pool_for(server, tmp_path)
    pool.trust.accept(f"jump-127.0.0.1:{server.port}", [server.public_key()])
    target = server.target()
    jumping = SshTarget("i-1", target.host, target.port, "trainer", target.key_files, f"me@127.0.0.1:{server.port}")
    assert await pool.host(jumping).home() == str(server.home)
    await pool.close()
    assert (server.opened, server.agents) == (2, [None])
    assert untouched(canary)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH is not installed")
@pytest.mark.parametrize("jump", [None, SshTarget("jump-h:22", "h", 22, "me")])
def test_a_shell_by_openssh_reads_no_configuration(tmp_path: Path, canary: Path, jump: SshTarget | None) -> None:
    known = tmp_path / "known_hosts"
    ssh, *rest = shell_command(SshTarget("i-1", "127.0.0.1", 2222, "me"), known, jump)
    asked = subprocess.run([ssh, "-G", *rest], capture_output=True, text=True, check=True, timeout=20)
    told = dict(line.split(" ", 1) for line in asked.stdout.splitlines() if " " in line)
    assert told["stricthostkeychecking"] == "true"
    assert told["userknownhostsfile"].strip('"') == str(known)
    assert told["forwardagent"] == told["permitlocalcommand"] == "no"
    assert (told["hostkeyalias"], told["port"]) == ("i-1", "2222")
    assert told.get("knownhostscommand", "none") == "none"
    hop = told.get("proxycommand", "none")
    assert hop.count("StrictHostKeyChecking=yes") == (jump is not None)
    assert ("ForwardAgent=no" in hop) == (" -F /dev/null " in hop) == (jump is not None)
    assert rest[:2] == ["-F", "/dev/null"], "neither the person's file nor the system's"
    assert untouched(canary)
