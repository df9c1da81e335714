"""Which host key belongs to which machine, in OpenSSH's own file format.

Keys are kept per resource id and never per address, since clouds hand addresses on. `SshPool` asks; the interface
accepts an unknown key after showing its fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runctl_tui.services.errors import HostKeyChanged, HostKeyUnknown, StateError, ValidationError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}\Z")


class UnknownKey(HostKeyUnknown):
    """A host key that nobody vouched for; `accept` trusts it from now on."""

    def __init__(self, store: TrustStore, resource_id: str, key: str) -> None:
        self.resource_id = resource_id
        self.key = key
        self.fingerprint = fingerprint(key)
        self._store = store
        super().__init__(
            f"The key of {resource_id} is not known yet",
            f"it shows {self.fingerprint}",
            "compare the fingerprint with the provider's console output, then accept it",
        )

    def accept(self) -> None:
        """Trust this key for this machine from now on."""
        self._store.accept(self.resource_id, (self.key,))


class ChangedKey(HostKeyChanged):
    """A host key other than the trusted one: a rebuilt machine, or somebody in between."""

    def __init__(self, store: TrustStore, resource_id: str, key: str) -> None:
        self.resource_id = resource_id
        self.fingerprint = fingerprint(key) if key else "no key of a trusted kind"
        trusted = ", ".join(fingerprint(known) for known in store.keys(resource_id))
        super().__init__(
            f"The key of {resource_id} is not the trusted one",
            f"it shows {self.fingerprint}, trusted is {trusted}",
            f"if the machine was rebuilt: ssh-keygen -R {resource_id} -f {store.path}",
        )


def split_key(key: str) -> tuple[str, str]:
    """Return algorithm and base64 text of an OpenSSH public key line; ValidationError for anything else."""
    parts = key.split()
    try:
        if len(parts) < 2 or not base64.b64decode(parts[1], validate=True):
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise ValidationError("That is no OpenSSH public key", key[:40], "it looks like 'ssh-ed25519 AAAA…'") from error
    return parts[0], parts[1]


def fingerprint(key: str) -> str:
    """Return a public key's fingerprint as OpenSSH prints it."""
    digest = hashlib.sha256(base64.b64decode(split_key(key)[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


class TrustStore:
    """The file of trusted host keys; several processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self, resource_id: str) -> tuple[str, ...]:
        """Return the trusted keys of a machine, none for an unknown one."""
        rows = (line.split(maxsplit=1) for line in self._lines())
        return tuple(row[1] for row in rows if len(row) == 2 and row[0] == resource_id)

    def accept(self, resource_id: str, keys: Sequence[str]) -> None:
        """Trust these keys, and no others, for a machine."""
        if not _NAME.match(resource_id):
            raise ValidationError(f"{resource_id!r} is no machine's id", "a key cannot be kept under it")
        added = [" ".join((resource_id, *split_key(key))) for key in keys]
        self._rewrite(resource_id, added)

    def forget(self, resource_id: str) -> None:
        """Trust no key of a machine any more."""
        self._rewrite(resource_id, [])

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            todo = "move the file away: each machine's key is then asked about anew"
            raise StateError(f"The trusted keys in {self.path} cannot be read", str(error), todo) from error

    def _rewrite(self, resource_id: str, added: list[str]) -> None:
        with self._locked():
            kept = [line for line in self._lines() if line.split(maxsplit=1)[:1] != [resource_id]]
            text = "".join(line + "\n" for line in [*kept, *added])
            temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)
        except OSError as error:
            todo = f"make room in {self.path.parent}, or let yourself write there"
            raise StateError(f"The trusted keys in {self.path} cannot be written", str(error), todo) from error
