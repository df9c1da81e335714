"""Keys are exact: no rule strips, joins or confuses them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.objects import (
    EntryKind,
    NamePattern,
    ObjectEntry,
    address,
    kept_by,
    last_part,
    looks_binary,
    parent_of,
    split_address,
)


@given(st.text(min_size=1))
def test_an_address_splits_into_exactly_its_bucket_and_key(key: str) -> None:
    assert split_address(address("my-bucket", key)) == ("my-bucket", key)


@pytest.mark.parametrize("text", ["", "s3://", "s3:///key", "bucket/key", "http://bucket/key"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        split_address(text)


def test_a_folder_and_an_object_of_the_same_key_are_two_rows() -> None:
    assert ObjectEntry(EntryKind.FOLDER, "b", "a/").id != ObjectEntry(EntryKind.OBJECT, "b", "a/").id


@pytest.mark.parametrize(("prefix", "above"), [("a/b/", "a/"), ("a/", ""), ("", ""), ("a//", "a/"), ("a", "")])
def test_one_level_up(prefix: str, above: str) -> None:
    assert parent_of(prefix) == above


def test_the_last_part_of_a_key_names_it() -> None:
    assert [last_part(key) for key in ("a/b.txt", "a/b/", "a", "/")] == ["b.txt", "b", "a", "/"]


def test_of_several_patterns_the_last_match_decides() -> None:
    only_logs = (NamePattern(False, "*"), NamePattern(True, "*.log"))
    assert [kept_by(name, only_logs) for name in ("a/b.log", "a/b.bin")] == [True, False]
    assert not kept_by("a.log", (*only_logs, NamePattern(False, "a*")))
    assert kept_by("anything", ())


def test_text_is_told_from_binary() -> None:
    assert not looks_binary("größe\n\t\x1b[1mbold".encode())
    assert not looks_binary("ä".encode() * 10 + "ä".encode()[:1]), "a letter cut at the end is forgiven"
    assert looks_binary(b"PK\x03\x04\0\0")
    assert looks_binary(b"\xff\xfe\xfa abc def")
