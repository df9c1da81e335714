"""Where a profile works, as AWS's own files and variables say, unless this program is told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.settings import Configuration
from runctl_tui.options import Options
from runctl_tui.services.config.aws_files import AwsFiles
from runctl_tui.services.config.load import examine, load
from runctl_tui.services.config.sources import sources_of

CONFIG = (
    "[default]\nregion = eu-west-1\n[profile lab]\nregion = ap-south-1\n[profile bare]\n[sso-session lab]\nregion = x\n"
)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text("[keys]\nregion = us-west-2\n")
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }


def configured(folder: Path, environ: Mapping[str, str], options: Options, words: str = "") -> Configuration:
    (folder / "user.toml").write_text(words)
    return load(sources_of(replace(options, config_file=str(folder / "user.toml")), environ, folder))


@pytest.mark.parametrize(
    ("profile", "variables", "region", "origin"),
    [
        ("lab", {}, "ap-south-1", "profile lab"),
        ("lab", {"AWS_REGION": "eu-north-1"}, "ap-south-1", "profile lab"),
        ("keys", {}, "us-west-2", "profile keys"),
        ("", {}, "eu-west-1", "profile default"),
        ("", {"AWS_PROFILE": "lab"}, "ap-south-1", "profile lab"),
        ("", {"AWS_REGION": "eu-north-1", "AWS_PROFILE": "lab"}, "eu-north-1", "environment (AWS_REGION)"),
        ("", {"AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1", "environment (AWS_DEFAULT_REGION)"),
        ("bare", {"AWS_REGION": "eu-north-1"}, "eu-north-1", "environment (AWS_REGION)"),
        ("bare", {}, "", ""),
    ],
)
def test_whose_word_counts(
    files: dict[str, str], profile: str, variables: dict[str, str], region: str, origin: str
) -> None:
    found = AwsFiles({**files, **variables}).region(profile)
    assert found[0] == region
    assert found[1].startswith(origin)


def test_files_that_are_not_there_or_are_no_such_files_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\xff\xfe no section\n")
    environ = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    assert AwsFiles(environ).profiles() == ()
    assert AwsFiles(environ).region("lab") == ("", "")


def test_a_profile_brings_its_region_unless_this_program_was_told(tmp_path: Path, files: dict[str, str]) -> None:
    assert configured(tmp_path, files, Options(profile="lab")).regions == ("ap-south-1",)
    assert configured(tmp_path, files, Options(profile="lab", regions=("us-east-2",))).regions == ("us-east-2",)
    told = configured(tmp_path, files, Options(profile="lab"), '[aws]\nregion = "ca-central-1"\n')
    assert told.regions == ("ca-central-1",)
    listed = configured(tmp_path, files, Options(profile="lab"), '[aws]\nregions = ["ca-central-1", "us-east-1"]\n')
    assert (listed.regions, listed.aws.region) == (("ca-central-1", "us-east-1"), "ap-south-1")
    assert configured(tmp_path, files, Options()).origins["aws.region"].startswith("profile default (")


def test_the_sandbox_never_looks(tmp_path: Path, files: dict[str, str]) -> None:
    assert configured(tmp_path, {**files, "AWS_REGION": "eu-north-1"}, Options(sandbox=True)).regions == ("us-east-1",)


def test_a_region_that_is_none_is_named_with_its_file(tmp_path: Path, files: dict[str, str]) -> None:
    Path(files["AWS_CONFIG_FILE"]).write_text("[default]\nregion = nowhere\n")
    (tmp_path / "empty.toml").touch()
    errors = examine(sources_of(Options(config_file=str(tmp_path / "empty.toml")), files, tmp_path)).errors
    assert any("profile default" in error.what and "aws.region" in error.what for error in errors)
