"""What identifiers, names and addresses must look like."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain import figures, validation
from runctl_tui.domain.offer import CreateResourceOptions

Check = Callable[[str], str]
GOOD: list[tuple[Check, str]] = [
    (validation.instance_id, "i-0123456789abcdef0"),
    (validation.instance_id, "i-01234567"),
    (validation.volume_id, "vol-0123456789abcdef0"),
    (validation.snapshot_id, "snap-01234567"),
    (validation.image_id, "ami-08fa3ed5577079e64"),
    (validation.project_name, "llama-7b_v1.2"),
    (validation.resource_name, "llama-7b_v1.2"),
    (validation.resource_name, "x" * 63),
    (validation.region, "us-east-1"),
    (validation.region, "us-gov-west-1"),
    (validation.region, "eusc-de-east-1"),
    (validation.zone, "us-west-2-lax-1a"),
    (validation.zone, "us-east-1-wl1-bos-wlz-1"),
    (validation.zone, "eusc-de-east-1a"),
    (validation.instance_type, "g5.xlarge"),
    (validation.instance_type, "u-6tb1.metal"),
    (validation.bucket, "my-runs.2026"),
    (validation.account, "012345678901"),
    (validation.cidr, "203.0.113.0/24"),
    (validation.ssh_address, "ubuntu@10.0.0.7:2222"),
    (validation.ssh_address, "bastion"),
    (validation.ssh_address, "me@[fe80::1]:22"),
    (validation.environment_name, "HF_TOKEN"),
    (validation.folder, "out/checkpoints"),
    (validation.folder, "foo..bar"),
    (validation.path, "../data"),
    (validation.gpus, "0,1"),
    (validation.gpus, ""),
]
BAD: list[tuple[Check, str]] = [
    (validation.instance_id, "i-0123456789abcdeg0"),
    (validation.instance_id, "i-0123456789ABCDEF0"),
    (validation.instance_id, "i-01234567; rm -rf /"),
    (validation.volume_id, "i-01234567"),
    (validation.project_name, ""),
    (validation.project_name, ".."),
    (validation.project_name, "a/b"),
    (validation.project_name, "a" * 65),
    (validation.resource_name, " a"),
    (validation.resource_name, "../../e"),
    (validation.resource_name, "Läufer 3"),
    (validation.resource_name, "x" * 64),
    (validation.resource_name, "a\x1b[31m"),
    (validation.resource_name, ""),
    (validation.region, "us-east-1a"),
    (validation.region, "euscde-east-1"),
    (validation.region, "abcd-de-east-1"),
    (validation.region, "us-west-2-lax-1a"),
    (validation.zone, "us-east-1-wl1-bos-wlz-1-x"),
    (validation.zone, "us-west-2-lax"),
    (validation.region, "US-EAST-1"),
    (validation.instance_type, "g5"),
    (validation.bucket, "Upper"),
    (validation.bucket, "192.168.0.1"),
    (validation.account, "1234"),
    (validation.cidr, "10.0.0.1/8"),
    (validation.cidr, "anywhere"),
    (validation.ssh_address, "-oProxyCommand=sh"),
    (validation.ssh_address, "me@host:99999"),
    (validation.ssh_address, "me@host name"),
    (validation.environment_name, "1A"),
    (validation.environment_name, "A=B"),
    (validation.folder, "../up"),
    (validation.folder, "a/../../b"),
    (validation.folder, "/etc"),
    (validation.folder, "~/x"),
    (validation.folder, "a\nb"),
    (validation.path, "a\0b"),
    (validation.gpus, "0,"),
    (validation.gpus, "all"),
]


@pytest.mark.parametrize(("check", "text"), GOOD)
def test_what_is_right_is_returned_unchanged(check: Check, text: str) -> None:
    assert check(text) == text


@pytest.mark.parametrize(("check", "text"), BAD)
def test_what_is_wrong_is_named(check: Check, text: str) -> None:
    with pytest.raises(ValueError, match=r"(?s).{10}"):
        check(text)


@given(st.text(alphabet="0123456789abcdef", min_size=17, max_size=17))
def test_every_long_hexadecimal_id_is_right(digits: str) -> None:
    assert validation.instance_id(f"i-{digits}") == f"i-{digits}"


@given(st.text(max_size=80))
def test_no_project_name_can_break_out_of_a_shell_word_or_a_folder(text: str) -> None:
    try:
        validation.project_name(text)
    except ValueError:
        return
    assert not set(text) & set(" /\\'\"`$;&|<>()*?[]{}~!#\n\0")
    assert text not in {".", ".."}


@pytest.mark.parametrize("size", [1, 65536])
def test_disk_sizes_at_the_limits(size: int) -> None:
    assert figures.gib(f"{size}") == size


@pytest.mark.parametrize("size", [0, -1, 65537])
def test_disk_sizes_beyond_the_limits(size: int) -> None:
    with pytest.raises(ValueError, match="65,536 GiB"):
        figures.gib(f"{size}")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("aws.regon", "aws.region"), ("region", "aws.region"), ("monthly_budgt", "costs.monthly_budget"), ("qqqq", "")],
)
def test_the_nearest_word_is_the_one_that_was_meant(word: str, meant: str) -> None:
    assert validation.nearest(word, ["aws.region", "aws.profile", "costs.monthly_budget"]) == meant


@pytest.mark.parametrize(
    ("folder", "name"), [("my project (2)", "my-project-2"), (".hidden", "hidden"), ("ü", "run"), ("x" * 80, "x" * 63)]
)
def test_a_folder_whose_name_is_none_gives_the_nearest(folder: str, name: str) -> None:
    assert validation.fitting_name(folder) == name


@given(st.text())
def test_what_is_fitted_is_a_name(text: str) -> None:
    fitted = validation.fitting_name(text, 57)
    assert validation.resource_name(fitted) == fitted
    assert len(fitted) <= 57


@pytest.mark.parametrize("name", ["../../e", "a\x1b[31m", "x" * 64, " a"])
def test_options_of_a_machine_cannot_have_a_wrong_name(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        CreateResourceOptions("aws", "us-east-1", "t3.micro", name, "demo")
