from __future__ import annotations

import base64
import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from runctl_tui.services.aws.keys import fingerprint, keep_as, own_key, pair_name, same_key
from runctl_tui.services.errors import StateError


def test_a_key_is_made_once_and_stays(tmp_path: Path) -> None:
    first = own_key(tmp_path / "keys", "runctl-me")
    assert first.public.startswith("ssh-ed25519 ")
    assert first == own_key(tmp_path / "keys", "runctl-me")
    assert first.path.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert first.path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in first.path.parent.iterdir()) == ["runctl-me", "runctl-me.pub"]


def test_two_programs_at_once_end_with_one_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(own_key(tmp_path, "k").public)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_the_public_half_lies_beside_and_follows_the_private_one(tmp_path: Path) -> None:
    first = own_key(tmp_path, "key.of.mine")
    beside = tmp_path / "key.of.mine.pub"
    assert beside.read_text().strip() == first.public
    first.path.unlink()
    os.utime(beside, (1, 1))
    second = own_key(tmp_path, "key.of.mine")
    assert second.public != first.public
    assert beside.read_text().strip() == second.public


def test_what_is_no_key_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("precious")
    with pytest.raises(StateError, match="is not a private key") as caught:
        own_key(tmp_path, "k")
    assert "move the file away" in caught.value.todo
    assert (tmp_path / "k").read_text() == "precious"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be used"):
        own_key(tmp_path / "file", "k")


def test_a_copy_is_private_too(tmp_path: Path) -> None:
    key = own_key(tmp_path, "k")
    keep_as(key, tmp_path / "k2")
    keep_as(key, tmp_path / "k2")
    assert (tmp_path / "k2").read_bytes() == key.path.read_bytes()
    assert (tmp_path / "k2").stat().st_mode & 0o777 == 0o600


def test_a_key_is_recognised_by_itself_or_by_its_fingerprint(tmp_path: Path) -> None:
    mine, other = own_key(tmp_path, "a"), own_key(tmp_path, "b")
    assert same_key({"PublicKey": f"{mine.public} comment\n"}, mine.public)
    assert not same_key({"PublicKey": other.public}, mine.public)
    digest = base64.b64encode(sha256(base64.b64decode(mine.public.split()[1])).digest()).decode()
    assert same_key({"KeyFingerprint": digest}, mine.public)
    assert same_key({"KeyFingerprint": fingerprint(mine.public)}, mine.public)
    assert not same_key({"KeyFingerprint": digest}, other.public)
    assert not same_key({}, mine.public)


def test_an_owner_s_name_becomes_a_file_and_a_key_pair() -> None:
    assert pair_name("alice") == "runctl-alice"
    assert pair_name("../../Zoë b") == "runctl-..-..-Zo--b"
    assert pair_name("") == "runctl-me"
