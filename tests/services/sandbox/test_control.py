"""The control channel and what a sandbox keeps to itself."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from runctl_tui.sandbox import client
from runctl_tui.sandbox.client import SandboxInfo
from runctl_tui.sandbox.errors import SandboxError
from tests.services.sandbox.conftest import Lease, launch, until, wait_for


def card(lease: Lease) -> SandboxInfo:
    info = client.find(lease.folder)
    assert info is not None
    return info


@pytest.mark.parametrize(
    "words",
    [b'{"token": "guessed"}\n{"do": "hello"}\n', b'{"do": "hello"}\n', b"[]\n", b"GET / HTTP/1.1\r\n\r\n", b"\n"],
)
async def test_a_stranger_without_the_token_gets_nothing(sandbox: Lease, words: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", card(sandbox).port)
    writer.write(words)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_nonsense_after_the_token_is_an_answer_not_an_end(sandbox: Lease) -> None:
    info = card(sandbox)
    reader, writer = await asyncio.open_connection("127.0.0.1", info.port)
    writer.write(json.dumps({"token": info.token}).encode() + b"\n")
    for words in (b"nonsense\n", b"[]\n", b'{"do": 7}\n', b'{"do": "cut", "args": "all"}\n'):
        writer.write(words)
        assert json.loads(await reader.readline())["ok"] is False
    writer.write(b'{"do": "hello"}\n')
    assert json.loads(await reader.readline())["ok"] is True
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("command", "args", "said"),
    [
        ("dance", (), "no command 'dance'"),
        ("cut", ("nobody", 5.0), "no instance 'nobody'"),
        ("cut", ("llama-eval", -1.0), "not a time"),
        ("cut", ("llama-eval", "soon"), "does not fit"),
        ("cut", ("llama-eval",), "does not fit"),
        ("cut", ("old-notebook", 5.0), "no link to cut"),
        ("interrupt", ("llama-eval",), "no spot instance"),
        ("trust", ("nonsense",), "no OpenSSH public key"),
        ("capacity", ("g5.xlarge", "black", True), "no market 'black'"),
    ],
)
def test_what_cannot_be_done_is_explained(
    sandbox: Lease, command: str, args: tuple[str | float | bool, ...], said: str
) -> None:
    with pytest.raises(SandboxError) as caught:
        sandbox.command(command, *args)
    assert said in caught.value.what


def test_a_name_of_two_machines_means_none_of_them(sandbox: Lease) -> None:
    ids = [launch(sandbox, InstanceMarketOptions={"MarketType": "spot"}) for _ in range(2)]
    for each in ids:
        until(sandbox, each, "running")
        call(sandbox, each, "twin")
    for command in ("cut", "interrupt"):
        assert set(refusal(sandbox, command, "twin").why.split(", ")) == set(ids)
    for each in ids:
        assert sandbox.command("cut", each, 1.0)["instance"] == each
    call(sandbox, ids[0], "vision-lora")
    assert refusal(sandbox, "cut", "vision-lora").why.endswith(f", {ids[0]}"), "a pod has this name too"
    assert sandbox.command("cut", "twin", 1.0)["instance"] == ids[1]
    sandbox.aws("ec2").terminate_instances(InstanceIds=ids)


def call(lease: Lease, instance_id: str, name: str) -> None:
    lease.aws("ec2").create_tags(Resources=[instance_id], Tags=[{"Key": "Name", "Value": name}])


def refusal(lease: Lease, command: str, name: str) -> SandboxError:
    with pytest.raises(SandboxError, match="more than one machine") as caught:
        lease.command(command, name, 5.0)
    assert caught.value.todo == "Give one's id"
    return caught.value


def test_everything_is_private_and_written_soon(sandbox: Lease) -> None:
    folder = sandbox.folder
    sandbox.aws("s3").create_bucket(Bucket="private")
    sandbox.aws("s3").put_object(Bucket="private", Key="x", Body=b"x" * 100_000)

    def written() -> bool:
        buckets = {row["name"]: row for row in json.loads((folder / "world.json").read_bytes())["buckets"]}
        return "x" in buckets.get("private", {"objects": ()})["objects"]

    wait_for(written, "the world to be written", 5)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kept = [*folder.glob("*.json"), folder / "sandbox.log", *(folder / "s3").iterdir(), *(folder / "keys").iterdir()]
    assert len(kept) > 10
    assert [path for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_the_secrets_of_the_parent_do_not_reach_the_child(sandbox: Lease) -> None:
    environment = Path(f"/proc/{card(sandbox).pid}/environ").read_bytes()
    assert b"TMPDIR=" in environment
    assert b"a-real-secret" not in environment
