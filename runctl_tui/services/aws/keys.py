"""The key pair that launches use where none is given: made here, kept in the state folder, imported once per region."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.errors import ResourceExists, ResourceNotFound, StateError
from runctl_tui.services.whole_file import write_whole

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import KeyPairInfoTypeDef


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key on this machine."""

    path: Path
    public: str
    """'ssh-ed25519 AAAA…', without comment."""

    @property
    def mark(self) -> str:
        """Eight hex digits that tell this key from others."""
        return sha256(self.public.encode()).hexdigest()[:8]


class KeyPairs:
    """Arranges that EC2 knows the public half of a key that this machine holds."""

    def __init__(self, clients: AwsClients, folder: Path, owner: str) -> None:
        self._clients = clients
        self._folder = folder
        self._name = pair_name(owner)

    async def ensure(self, region: str) -> str:
        """Return the name of a key pair of the region whose private key lies in our folder."""
        key = await self._clients.pool.run(own_key, self._folder, self._name)
        known = await self._public_key(region, self._name)
        if known is None:
            return await self._import(region, self._name, key)
        if same_key(known, key.public):
            return self._name
        other = f"{self._name}-{key.mark}"
        known = await self._public_key(region, other)
        await self._clients.pool.run(keep_as, key, self._folder / other)
        return other if known is not None else await self._import(region, other, key)

    async def exists(self, region: str, name: str) -> bool:
        """Whether the region knows a key pair of this name."""
        return await self._public_key(region, name) is not None

    async def own_name(self, region: str) -> str:
        """Return the key pair that `ensure` would use where it exists already, else nothing; changes nothing."""
        return self._name if await self.exists(region, self._name) else ""

    async def _public_key(self, region: str, name: str) -> KeyPairInfoTypeDef | None:
        what = f"{region}: the key pair {name} could not be read"
        try:
            answer = await self._clients.ec2(
                region, what, lambda ec2: ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)
            )
        except ResourceNotFound:
            return None
        return next(iter(answer.get("KeyPairs", [])), None)

    async def _import(self, region: str, name: str, key: KeyFile) -> str:
        what = f"{region}: the key pair {name} could not be imported"
        material = f"{key.public} {name}".encode()
        try:
            await self._clients.ec2(
                region,
                what,
                lambda ec2: ec2.import_key_pair(
                    KeyName=name,
                    PublicKeyMaterial=material,
                    TagSpecifications=[
                        {"ResourceType": "key-pair", "Tags": [{"Key": "CreatedBy", "Value": "runctl-tui"}]}
                    ],
                ),
                changes=True,
            )
        except ResourceExists:
            """Another launch of ours was quicker."""
        return name


def pair_name(owner: str) -> str:
    """Return the name of an owner's own key pair, here and at EC2: 'runctl-alice'."""
    plain = "".join(letter if (letter.isascii() and letter.isalnum()) or letter in "._-" else "-" for letter in owner)
    return f"runctl-{plain[:200] or 'me'}"


def same_key(known: KeyPairInfoTypeDef, public: str) -> bool:
    """Whether EC2's key pair is this public key; by the key itself, else by its SHA-256 fingerprint."""
    told = known.get("PublicKey", "")
    if told:
        return told.split()[:2] == public.split()[:2]
    return known.get("KeyFingerprint", "").rstrip("=") == fingerprint(public)


def fingerprint(public: str) -> str:
    """Return the base64 SHA-256 digest by which EC2 names an ed25519 key."""
    import base64

    digest = sha256(base64.b64decode(public.split()[1])).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def own_key(folder: Path, name: str) -> KeyFile:
    """Return our private key, made where there is none; blocking. StateError where the folder cannot hold it."""
    path = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        return KeyFile(path, _public(path))
    except OSError as error:
        raise StateError(f"The key {path} cannot be used", str(error), "make the state folder writable") from error


def keep_as(key: KeyFile, path: Path) -> None:
    """Keep a copy of a key under another name; blocking."""
    if not path.exists():
        _write(path, key.path.read_bytes())


def _make(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    _write(path, private)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over another program's file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".runctl-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            """Another process made it first; its key is as good."""
    finally:
        part.unlink(missing_ok=True)


def _public(path: Path) -> str:
    """Return the public half from the file beside the private one, which is made where it is missing or older."""
    beside = path.with_name(f"{path.name}.pub")
    if not beside.exists() or beside.stat().st_mtime_ns < path.stat().st_mtime_ns:
        write_whole(beside, f"{_public_half(path)}\n")
    return beside.read_text("ascii").strip()


def _public_half(path: Path) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    try:
        private = load_ssh_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        todo = "move the file away and launch again; a new key is made"
        raise StateError(f"{path} is not a private key without a passphrase", str(error), todo) from error
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
