"""The sandbox's own defaults, and where its state folder may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from runctl_tui.options import Options
from runctl_tui.sandbox import seed, seed_s3
from runctl_tui.services.config.service import ConfigService
from runctl_tui.services.config.sources import SANDBOX, sources_of, state_folder
from runctl_tui.services.errors import ValidationError
from runctl_tui.wiring.assembly import Assembly
from runctl_tui.wiring.ground import Ground

TYPE = "aws.default_instance_type"


def origins(folder: Path, environ: dict[str, str] | None = None, **more: Any) -> dict[str, tuple[str, str]]:
    """Every key's value and the word for where it comes from."""
    options = Options(sandbox=True, state_dir=str(folder), **more)
    rows = ConfigService(sources_of(options, environ or {}, folder)).all()
    return {row.key: (row.value, row.origin.partition(" ")[0]) for row in rows}


def test_the_settings_of_the_sandbox_tell_its_own_defaults(tmp_path: Path) -> None:
    told = origins(tmp_path)
    assert {key: told[key] for key in SANDBOX} == {key: (value, "sandbox") for key, value in SANDBOX.items()}
    assert told["aws.default_project_name"] == ("", "default")
    assert SANDBOX["aws.iam_instance_profile"] == seed.PROFILE
    assert SANDBOX["aws.s3_bucket"] == seed_s3.CHECKPOINTS


def test_every_configured_value_is_stronger_than_the_sandboxs(tmp_path: Path) -> None:
    own = tmp_path / "sandbox" / "config.toml"
    own.parent.mkdir()
    own.write_text('[aws]\ndefault_instance_type = "t3.large"\n')
    assert origins(tmp_path)[TYPE] == ("t3.large", "user")
    variable = {"RUNCTL_TUI_AWS_DEFAULT_INSTANCE_TYPE": "t3.small"}
    assert origins(tmp_path, variable)[TYPE] == ("t3.small", "environment")
    assert origins(tmp_path, variable, flags={TYPE: "t3.nano"})[TYPE] == ("t3.nano", "flag")


@pytest.mark.parametrize(
    ("flags", "type_", "project"),
    [
        ({}, "g5.xlarge", "tiny"),
        ({TYPE: "t3.large", "aws.default_project_name": "llama"}, "t3.large", "llama"),
    ],
)
def test_a_launch_in_the_sandbox_begins_with_what_its_settings_tell(
    tmp_path: Path, flags: dict[str, str], type_: str, project: str
) -> None:
    made = Assembly(Ground(Options(sandbox=True, state_dir=str(tmp_path), flags=flags)))
    try:
        request = cast("Any", made.services().launcher.defaults())
        assert (request.options.type, request.options.project, request.job.project) == (type_, project, project)
        assert request.options.profile == "runctl-sandbox"
        assert request.job.output_dest == "s3://runctl-sandbox-checkpoints/runs"
    finally:
        made.close()


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_in_the_place_of_the_state_folder_is_named(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ValidationError, match=f"{file} is a file") as caught:
        Ground(Options(state_dir=str(file / below)))
    assert "--state-dir" in caught.value.todo
    assert state_folder(Options(state_dir=str(tmp_path / "new" / "one"))) == tmp_path / "new" / "one"
