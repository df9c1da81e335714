"""The command with which a person gets a shell on a host, OpenSSH where it is installed; `SshHost` uses it."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runctl_tui.services.hosts.session import as_path

if TYPE_CHECKING:
    from runctl_tui.services.ports import SshTarget


def shell_command(target: SshTarget, known_hosts: Path, jump: SshTarget | None, line: str = "") -> tuple[str, ...]:
    """Return the argument list of an interactive shell, or of one line in a shell, with our connections' trust."""
    ssh = shutil.which("ssh")
    if ssh is None:
        return _own_client(target, known_hosts, line)
    options = _options(target, known_hosts, jump, ssh)
    return (ssh, *options, "-T", "--", target.host, line) if line else (ssh, *options, "-t", "--", target.host)


def _options(target: SshTarget, known_hosts: Path, jump: SshTarget | None, ssh: str) -> tuple[str, ...]:
    """Return OpenSSH's options, the person's own configuration left out as it is on our connections."""
    options = [
        f"HostKeyAlias={target.resource_id}",
        f'UserKnownHostsFile="{as_path(str(known_hosts))}"',
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
        "ForwardAgent=no",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=3",
    ]
    if target.key_files:
        options.append("IdentitiesOnly=yes")
    if jump is not None:
        hop = (ssh, *_options(jump, known_hosts, None, ssh), "-W", "[%h]:%p", "--", jump.host)
        options.append("ProxyCommand=" + shlex.join(hop))
    flags = [flag for option in options for flag in ("-o", option)]
    keys = [flag for key in target.key_files for flag in ("-i", as_path(key))]
    return ("-F", "/dev/null", *flags, *keys, "-p", str(target.port), "-l", target.user)


def _own_client(target: SshTarget, known_hosts: Path, line: str) -> tuple[str, ...]:
    """Return the argument list of our own shell client, for machines without OpenSSH."""
    fields = (target.resource_id, target.host, str(target.port), target.user, target.jump, str(known_hosts), line)
    return (sys.executable, "-m", "runctl_tui.services.hosts.shell", *fields, *target.key_files)
