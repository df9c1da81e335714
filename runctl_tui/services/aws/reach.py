"""How an EC2 host is reached over SSH: address, user and keys, and the host keys that its console told."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Final

from runctl_tui.domain import validation
from runctl_tui.domain.instance import TAG_SSH, Instance
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.validation import SSH_PORT
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.images import ImageFinder
from runctl_tui.services.aws.settings import AwsSettings
from runctl_tui.services.errors import HostUnreachable, InvalidValue, TrainctlError, Unsupported
from runctl_tui.services.ports import SshTarget

DEFAULT_USER: Final = "ec2-user"
_KEYS_BLOCK: Final = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL)
_KEY_LINE: Final = re.compile(r"\b((?:ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+)\s+([A-Za-z0-9+/]{16,}={0,3})")


class Reach:
    """Answers how to reach instances."""

    def __init__(self, clients: AwsClients, settings: AwsSettings, finder: ImageFinder) -> None:
        self._clients = clients
        self._settings = settings
        self._images = finder

    async def target(self, instance: Instance) -> SshTarget:
        """Return the way to a host; HostUnreachable where it has no address at the moment."""
        told = self._override(instance)
        user, host, port = parse_address(told) if told else ("", "", SSH_PORT)
        host = host or self._address(instance)
        files = await self._clients.pool.run(
            key_files, self._settings.keys, instance.key_name, self._settings.ssh.key_files
        )
        return SshTarget(
            resource_id=instance.id,
            host=host,
            port=port,
            user=user or self._settings.ssh.user or await self._user(instance),
            key_files=files,
            jump="" if told else self._settings.ssh.jump_host,
        )

    async def host_keys(self, instance: Instance) -> tuple[str, ...]:
        """Return the host keys that cloud-init printed on the console; empty where EC2 has no output of it."""
        what = f"{instance.region}: the console of {instance.id} could not be read"
        try:
            answer = await self._clients.ec2(
                instance.region, what, lambda ec2: ec2.get_console_output(InstanceId=instance.id, Latest=True)
            )
        except TrainctlError as error:
            if error.code not in ("UnsupportedOperation", "InvalidParameterCombination"):
                raise
            answer = await self._clients.ec2(
                instance.region, what, lambda ec2: ec2.get_console_output(InstanceId=instance.id)
            )
        return console_keys(answer.get("Output", ""))

    def _override(self, instance: Instance) -> str:
        """Configuration wins over the tag, because the tag may be somebody else's."""
        ssh = self._settings.ssh.overrides
        return ssh.get(instance.id) or ssh.get(instance.name) or instance.tag(TAG_SSH) or ""

    def _address(self, instance: Instance) -> str:
        private = self._settings.ssh.private or bool(self._settings.ssh.jump_host)
        host = instance.private_ip if private else instance.public_ip
        if instance.state is ResourceState.RUNNING and host:
            return host
        what = f"{instance.name or instance.id} cannot be reached"
        if instance.state is not ResourceState.RUNNING:
            todo = "start it first" if instance.state is ResourceState.STOPPED else ""
            raise HostUnreachable(
                f"{instance.name or instance.id} cannot be reached", f"it is {instance.state.value}", todo
            )
        todo = "set aws.jump_host, an entry of ssh.overrides, or the tag runctl:ssh"
        raise HostUnreachable(what, "it has no public address", todo)

    async def _user(self, instance: Instance) -> str:
        try:
            image = await self._images.by_id(instance.region, instance.image)
        except TrainctlError:
            return DEFAULT_USER
        if image.platform == "windows":
            raise Unsupported(f"{instance.id} runs Windows", "only hosts with SSH and a shell can train")
        return image.user


def parse_address(text: str) -> tuple[str, str, int]:
    """Return user, host and port of 'user@host:port'; user and port may be absent. InvalidValue otherwise."""
    try:
        return validation.ssh_parts(text.strip())
    except ValueError as error:
        raise InvalidValue(str(error), "", "write user@host:port") from None


def key_files(own: Path, key_name: str, first: tuple[str, ...], home: Path | None = None) -> tuple[str, ...]:
    """Return the private keys that exist and may fit, best first; blocking."""
    ssh = (home or Path.home()) / ".ssh"
    plain = key_name if key_name and Path(key_name).name == key_name else ""
    named = [own / plain, ssh / f"{plain}.pem", ssh / plain] if plain else []
    found = [*(Path(name).expanduser() for name in first), *named, ssh / "id_ed25519", ssh / "id_rsa"]
    return tuple(dict.fromkeys(str(path) for path in found if path.is_file()))


def console_keys(output: str) -> tuple[str, ...]:
    """Return the keys of the last block of host keys in a console's output, plain or in base64."""
    if output and "SSH HOST KEY" not in output:
        try:
            output = base64.b64decode(output, validate=True).decode("utf-8", "replace")
        except ValueError:
            return ()
    blocks = _KEYS_BLOCK.findall(output)
    if not blocks:
        return ()
    return tuple(dict.fromkeys(f"{kind} {key}" for kind, key in _KEY_LINE.findall(blocks[-1])))
