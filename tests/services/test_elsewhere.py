"""Which profiles there are, and what another place's services are built from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from runctl_tui.options import Options
from runctl_tui.services.errors import ValidationError
from runctl_tui.wiring.elsewhere import Elsewhere


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[default]\n[profile research]\nregion = x\n[sso-session corp]\n[profile two]\n")
    (tmp_path / "credentials").write_text("[research]\n[keys]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def elsewhere(**options: Any) -> Elsewhere:
    return Elsewhere(Options(**options), cast(Any, lambda built: built))


def test_profiles_are_those_of_both_files() -> None:
    assert elsewhere().profiles() == ("default", "research", "two", "keys")


def test_a_file_that_is_no_such_file_hides_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("nonsense without a section\n")
    assert elsewhere().profiles() == ("research", "keys")


def test_the_other_options_stay() -> None:
    made = cast(Options, elsewhere(state_dir="/x", profile="two", regions=("us-east-1",)).services("research", ()))
    assert (made.profile, made.state_dir) == ("research", "/x")
    made = cast(Options, elsewhere(fresh=True, sandbox=True).services("", ("eu-west-1", "eu-west-1", "eu-west-2")))
    assert (made.regions, made.fresh) == (("eu-west-1", "eu-west-2"), False)


def test_each_profile_comes_back_with_the_regions_that_it_was_left_with() -> None:
    two = cast(Options, elsewhere(profile="research", regions=("eu-west-1",)).services("two", ()))
    assert two.regions == (), "its own, not those of the profile that was left"
    wide = cast(Options, Elsewhere(two, cast(Any, lambda built: built)).services("", ("us-east-1", "us-east-2")))
    assert (wide.profile, wide.regions) == ("two", ("us-east-1", "us-east-2"))
    back = cast(Options, Elsewhere(wide, cast(Any, lambda built: built)).services("research", ()))
    assert back.regions == ("eu-west-1",)
    again = cast(Options, Elsewhere(back, cast(Any, lambda built: built)).services("two", ()))
    assert again.regions == ("us-east-1", "us-east-2")


@pytest.mark.parametrize(
    ("sandbox", "profile", "regions", "words"),
    [
        (True, "research", (), "the sandbox has no profiles"),
        (False, "researhc", (), "did you mean research"),
        (False, "research,two", (), "one profile at a time"),
        (False, "", ("nowhere",), "is no region"),
    ],
)
def test_what_cannot_be_is_refused(sandbox: bool, profile: str, regions: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        elsewhere(sandbox=sandbox).services(profile, regions)
    assert words in f"{raised.value.what} {raised.value.why} {raised.value.todo}"
