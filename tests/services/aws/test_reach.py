from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from runctl_tui.domain.instance import TAG_SSH, Instance
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.aws.images import login_user
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.reach import console_keys, key_files, parse_address
from runctl_tui.services.aws.settings import SshSettings
from runctl_tui.services.errors import HostUnreachable, InvalidValue, Unsupported
from runctl_tui.services.ports import SshTarget
from tests.services.aws.world import World, ec2_error

UBUNTU = "ami-00000000000000004"
AMAZON = "ami-00000000000000006"
WINDOWS = "ami-00000000000000007"
HOST = Instance(
    "i-1", "aws", "us-east-1", "box", ResourceState.RUNNING, "t3.micro",
    public_ip="192.0.2.7", private_ip="10.0.0.7", key_name="mine", image=UBUNTU,
)  # fmt: skip


async def target(world: World, instance: Instance = HOST, **ssh: object) -> SshTarget:
    settings = replace(world.settings, ssh=SshSettings(**ssh))  # type: ignore[arg-type]  # spelled by each test
    provider = AwsProvider(settings, world.clock)
    try:
        found = await provider.ssh_target(instance)
        assert found is not None
        return found
    finally:
        provider.close()


async def test_address_user_and_keys_come_from_the_instance(world: World, own_home: Path) -> None:
    for path in (world.settings.keys / "mine", own_home / ".ssh" / "mine.pem", own_home / ".ssh" / "id_ed25519"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("key")
    found = await target(world)
    assert (found.resource_id, found.host, found.port, found.user, found.jump) == ("i-1", "192.0.2.7", 22, "ubuntu", "")
    assert found.key_files == (
        str(world.settings.keys / "mine"),
        str(own_home / ".ssh" / "mine.pem"),
        str(own_home / ".ssh" / "id_ed25519"),
    )


async def test_the_image_tells_the_user(world: World) -> None:
    assert (await target(world, replace(HOST, image=AMAZON))).user == "ec2-user"
    assert (await target(world, replace(HOST, image="ami-0123456789abcdef0"))).user == "ec2-user"
    assert (await target(world, user="me")).user == "me"
    with pytest.raises(Unsupported, match="Windows"):
        await target(world, replace(HOST, image=WINDOWS))


async def test_a_tag_and_the_configuration_override_the_address(world: World) -> None:
    tagged = replace(HOST, tags=((TAG_SSH, "ubuntu@127.0.0.1:2201"),), public_ip="")
    found = await target(world, tagged, jump_host="j@h:1")
    assert (found.user, found.host, found.port, found.jump) == ("ubuntu", "127.0.0.1", 2201, "")
    found = await target(world, tagged, overrides={"i-1": "bastion.example:22"})
    assert (found.user, found.host, found.port) == ("ubuntu", "bastion.example", 22)
    assert (await target(world, tagged, overrides={"box": "root@h"})).user == "root"


async def test_a_jump_host_reaches_private_addresses(world: World) -> None:
    found = await target(world, jump_host="me@bastion:2222")
    assert (found.host, found.jump) == ("10.0.0.7", "me@bastion:2222")
    assert (await target(world, private=True)).host == "10.0.0.7"


async def test_no_address_says_what_to_do(world: World) -> None:
    with pytest.raises(HostUnreachable, match="it is stopped") as caught:
        await target(world, replace(HOST, state=ResourceState.STOPPED, public_ip=""))
    assert caught.value.todo == "start it first"
    with pytest.raises(HostUnreachable, match="no public address") as caught:
        await target(world, replace(HOST, public_ip=""))
    assert "jump_host" in caught.value.todo


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ubuntu@127.0.0.1:2201", ("ubuntu", "127.0.0.1", 2201)),
        ("host.example", ("", "host.example", 22)),
        ("me@[2001:db8::1]:22", ("me", "2001:db8::1", 22)),
        ("[::1]", ("", "::1", 22)),
    ],
)
def test_addresses_are_read(text: str, parts: tuple[str, str, int]) -> None:
    assert parse_address(text) == parts


@pytest.mark.parametrize(
    "text", ["", "@", "a@b:0", "a@b:99999", "-oProxyCommand=x", "a@-oX", "a b@c", "-l@h", "a@b;c", "$(x)@h", "u@h:2x"]
)
def test_addresses_that_could_become_options_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is no SSH address"):
        parse_address(text)


def test_a_key_name_never_leaves_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    own = tmp_path / "keys"
    own.mkdir()
    assert key_files(own, "../secret", (), tmp_path) == ()


@pytest.mark.parametrize(
    ("words", "user"),
    [
        ("Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20260620", "ubuntu"),
        ("Deep Learning Base AMI (Amazon Linux 2023)", "ec2-user"),
        ("debian-12-amd64", "admin"),
        ("Rocky-9-EC2", "rocky"),
        ("", "ec2-user"),
    ],
)
def test_login_names(words: str, user: str) -> None:
    assert login_user(words) == user
    assert login_user("", "099720109477") == "ubuntu"


CONSOLE = """
[   12.1] cloud-init: -----BEGIN SSH HOST KEY KEYS-----
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQold root@old
-----END SSH HOST KEY KEYS-----
boot again
-----BEGIN SSH HOST KEY KEYS-----\r
ci-info: ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY= root@ip\r
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGAJd0dW root@ip\r
-----END SSH HOST KEY KEYS-----\r
"""


def test_the_last_boot_s_host_keys_are_read() -> None:
    keys = (
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGAJd0dW",
    )
    assert console_keys(CONSOLE) == keys
    assert console_keys(base64.b64encode(CONSOLE.encode()).decode()) == keys
    assert console_keys("") == ()
    assert console_keys("no such thing") == ()


async def test_an_older_machine_s_console_is_asked_for_in_the_old_way(world: World) -> None:
    asked: list[str] = []

    def answer(request: Any) -> AWSResponse | None:
        asked.append(str(request.body))
        return ec2_error("UnsupportedOperation") if "Latest" in asked[-1] else None

    ec2 = world.raw()
    made = ec2.run_instances(ImageId=UBUNTU, MinCount=1, MaxCount=1, InstanceType="t3.micro")["Instances"][0]
    world.hook("GetConsoleOutput", answer)
    assert await world.provider.host_keys(replace(HOST, id=made["InstanceId"])) == ()
    assert len(asked) == 2
