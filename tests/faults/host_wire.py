"""What goes wrong between a service and a host: an SSH server that fails, behind a link that does."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from runctl_tui.services.hosts.ssh import SshOptions, SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.training.agent_client import NOT_THERE

HASTY: Final = SshOptions(connect_timeout=0.2, login_timeout=0.2, keepalive_interval=0.1, keepalive_count=1)
WATCHFUL: Final = SshOptions(connect_timeout=10, login_timeout=10, keepalive_interval=0.2, keepalive_count=1)
PATIENT: Final = SshOptions(connect_timeout=10, login_timeout=10, keepalive_interval=5, keepalive_count=3)
BRIEF: Final = 0.2
"""Seconds that are waited for what never comes."""
BANNER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>Sign in to the hotel's network</html>\r\n"
)


@dataclass(frozen=True)
class Answer:
    """What a command on the host ends with."""

    stdout: bytes = b""
    stderr: bytes = b""
    status: int | None = 0
    """None: the link ends in the middle of it."""
    ends: bool = True


@dataclass(frozen=True)
class Case:
    """A fault as an operation on a host meets it."""

    code: str
    """Of the table of faults."""
    name: str
    answer: Answer | None = None
    """Of the command; None: the link fails before it."""
    link: str = ""
    """How the way there fails: closed, silent, cut, frozen, babble, impostor, stranger; greeting: it does not."""
    after: int = 0
    """Bytes of the server that come through before."""

    @property
    def hasty(self) -> bool:
        """Whether waiting ends it."""
        return self.link in ("silent", "frozen") or (self.answer is not None and not self.answer.ends)

    @property
    def whole(self) -> bool:
        """Whether the command's answer is one line."""
        return self.answer is not None and self.answer.stdout.endswith(b"}\n")

    def __str__(self) -> str:
        return f"{self.code}-{self.name}"


def _said(code: str, name: str, stdout: bytes = b"", stderr: bytes = b"", status: int | None = 0) -> Case:
    return Case(code, name, Answer(stdout, stderr, status))


FIELDS: Final = (
    *("runs", "run", "run_id", "run_dir", "supervisor", "checkpoints", "pending", "accepted", "vitals", "host", "uid"),
    *("processes", "state", "sent", "offset", "size", "inode", "truncated", "frame", "bytes", "status"),
)
"""What the agent's answers have at their top."""
WRONG: Final[dict[str, object]] = {
    "null": None,
    "list": ["x"],
    "text": "x",
    "number": -1,
    "rows": [{}],
    "object": {"x": 1},
}


def _of_wrong(value: object) -> bytes:
    return json.dumps({"ok": True, **dict.fromkeys(FIELDS, value)}).encode() + b"\n"


CASES: Final = (
    Case("F17", "nobody-listens", link="closed"),
    Case("F17", "nobody-speaks", link="silent"),
    Case("F17", "another-protocol", link="babble"),
    Case("F17", "another-host-key", link="impostor"),
    Case("F17", "login-refused", link="stranger"),
    *(Case("F17", f"cut-at-{k}", link="cut", after=k) for k in (0, 10, 700, 1500, 2500)),
    *(Case("F17", f"frozen-at-{k}", link="frozen", after=k) for k in (10, 1500)),
    _said("F18", "link-ends-in-it", status=None),
    _said("F18", "link-ends-in-its-answer", b'{"ok": true, "ru', status=None),
    Case("F18", "never-ends", Answer(ends=False)),
    _said("F27", "killed", status=137),
    _said("F27", "says-nothing"),
    _said("F27", "says-nothing-and-fails", status=1),
    _said("F27", "no-such-command", stderr=b"sh: 1: python3: not found\n", status=127),
    _said("F27", "loses-its-agent", status=NOT_THERE),
    _said("F19", "disk-is-full", stderr=b"OSError: [Errno 28] No space left on device\n", status=1),
    _said("F27", "traceback", stderr=b"Traceback (most recent call last):\n  File x\nKeyError: 'a'\n", status=1),
    _said("F28", "no-text", b"\xff\xfe\x00\x80\n" * 20),
    _said("F28", "a-greeting", b"Welcome to Ubuntu 22.04\n * Documentation: https://help.ubuntu.com\n"),
    _said("F28", "hostile", b"\x1b]52;c;AAAA\x07\x1b[2J\n", b"\x1b]0;owned\x07\x1b[31mno\n", 1),
    _said("F28", "web-page", b"<!DOCTYPE html><html><body>Sign in</body></html>\n"),
    _said("F29", "half-an-object", b'{"ok": true, "runs": ['),
    _said("F29", "another-object", b'{"ok": true}\n'),
    _said("F29", "empty-object", b"{}\n"),
    _said("F29", "null", b"null\n"),
    _said("F29", "list", b"[]\n"),
    _said("F29", "number", b"7\n"),
    _said("F29", "deep", b"[" * 100_000),
    _said("F29", "many-digits", b'{"ok": true, "bytes": ' + b"9" * 5000 + b"}\n"),
    *(_said("F29", f"wrong-{name}", _of_wrong(value)) for name, value in WRONG.items()),
    _said("F29", "refused-without-words", b'{"ok": false}\n', status=1),
    _said("F29", "refused-with-odd-words", b'{"ok": false, "error": {"code": 7, "message": null}}\n', status=1),
    _said("F29", "refused-with-no-object", b'{"ok": false, "error": "no"}\n', status=1),
)  # fmt: skip


@dataclass
class Wire:
    """A host behind a link, both of which do as they are told."""

    folder: Path
    public_key: str
    key_file: Path
    ports: dict[str, int] = field(default_factory=dict)
    """Of the host, of one with another key, of the link, and one where nobody listens."""
    case: Case | None = None
    met: bool = False
    commands: list[str] = field(default_factory=list)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a command was started."""
    stalled: bool = False
    """Whether the link carries nothing any more, in no direction."""
    spared: str = ""
    """Commands with this in them meet no fault, and succeed."""

    def arm(self, case: Case, spared: str = "") -> None:
        """Have connections and commands meet a fault from now on."""
        self.case, self.met, self.spared = case, case.link == "closed", spared
        self.commands.clear()

    def pool(self, options: SshOptions | None = None) -> SshPool:
        """A pool that trusts the host's key."""
        trust = TrustStore(self.folder / f"known_hosts_{self.case}")
        if not trust.keys("i-1"):
            trust.accept("i-1", [self.public_key])
        return SshPool(trust, options=options or (HASTY if self.case is not None and self.case.hasty else PATIENT))

    def target(self) -> SshTarget:
        link = self.case.link if self.case is not None else ""
        port = self.ports["closed" if link == "closed" else "link"]
        key = self.key_file.with_name("other" if link == "stranger" else self.key_file.name)
        return SshTarget("i-1", "127.0.0.1", port, "trainer", (str(key),))


async def _command(wire: Wire, process: Any) -> None:
    wire.commands.append(process.command)
    wire.busy.set()
    answer = wire.case.answer if wire.case is not None else None
    if answer is None or (wire.spared and wire.spared in process.command):
        answer = Answer()
    else:
        wire.met = True
    with suppress(Exception):  # the other end may be gone: that is the fault
        process.stdout.write(answer.stdout)
        process.stderr.write(answer.stderr)
        if not answer.ends:
            await process.wait_closed()
        elif answer.status is None:
            await process.stdout.drain()
            process.channel.get_connection().abort()
        elif answer.status > 128:
            process.exit_with_signal("KILL")
        else:
            process.exit(answer.status)


async def _relay(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes to the host and back, as far as the fault lets them."""
    case = wire.case
    link = case.link if case is not None else ""
    wire.met |= bool(link)
    try:
        if link == "babble":
            writer.write(BANNER)
            await writer.drain()
            return
        if link == "silent":
            await reader.read()
            return
        inner_reader, inner_writer = await asyncio.open_connection(
            "127.0.0.1", wire.ports["impostor" if link == "impostor" else "host"]
        )
        try:
            await _carried(wire, (reader, writer), (inner_reader, inner_writer))
        finally:
            inner_writer.close()
    except OSError:
        pass
    finally:
        writer.transport.abort() if link == "cut" else writer.close()


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _carried(wire: Wire, outer: Ends, inner: Ends) -> None:
    case = wire.case
    limited = case is not None and case.link in ("cut", "frozen")
    up = asyncio.create_task(_pump(wire, outer[0], inner[1], None))
    down = asyncio.create_task(_pump(wire, inner[0], outer[1], case.after if limited and case is not None else None))
    done, left = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
    if case is not None and case.link == "frozen" and up in left:
        await up
    for task in (*done, *left):
        task.cancel()
    await asyncio.gather(up, down, return_exceptions=True)


async def _pump(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
    passed = 0
    while data := await reader.read(65536):
        if wire.stalled:
            continue
        if limit is not None and passed + len(data) >= limit:
            writer.write(data[: limit - passed])
            await writer.drain()
            return
        writer.write(data)
        await writer.drain()
        passed += len(data)


@asynccontextmanager
async def wired(folder: Path) -> AsyncIterator[Wire]:
    """Run the host and the link."""
    import asyncssh
    from asyncssh.constants import MSG_USERAUTH_BANNER
    from asyncssh.packet import String

    asyncio.get_running_loop().set_task_factory(None)  # asyncssh's server side hangs with eager tasks
    host_key, other_key = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    user_key, key_file = asyncssh.generate_private_key("ssh-ed25519"), folder / "id"
    for key, path in ((user_key, key_file), (other_key, key_file.with_name("other"))):
        key.write_private_key(path)
        path.chmod(0o600)
    authorized = asyncssh.import_authorized_keys(user_key.export_public_key().decode())
    wire = Wire(folder, host_key.export_public_key().decode().strip(), key_file)

    class Login(asyncssh.SSHServer):
        def connection_made(self, connection: Any) -> None:
            self._connection = connection

        def begin_auth(self, username: str) -> bool:
            if wire.case is not None and wire.case.link == "greeting":
                self._connection.send_packet(MSG_USERAUTH_BANNER, String(b"\xff\xfe caf\xe9\r\n"), String(b""))
            return True

        def connection_requested(self, dest_host: str, *_: object) -> bool:
            return dest_host == "127.0.0.1"

    async def command(process: Any) -> None:
        await _command(wire, process)

    def options(key: Any) -> dict[str, Any]:
        return {
            "server_host_keys": [key], "authorized_client_keys": authorized, "process_factory": command,
            "encoding": None, "allow_scp": False,
        }  # fmt: skip

    host = await asyncssh.create_server(Login, "127.0.0.1", 0, **options(host_key))
    impostor = await asyncssh.create_server(Login, "127.0.0.1", 0, **options(other_key))
    link = await asyncio.start_server(lambda reader, writer: _relay(wire, reader, writer), "127.0.0.1", 0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    wire.ports |= {"host": host.get_port(), "impostor": impostor.get_port(), "closed": closed}
    wire.ports["link"] = link.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        for server in (link, host, impostor):
            server.close()
