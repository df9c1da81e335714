"""Drafts of settings: what would be written and by whom it would be overruled, without writing anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from runctl_tui.services.config.files import ConfigPlaces
from runctl_tui.services.config.load import Sources
from runctl_tui.services.config.service import ConfigService


def service(tmp_path: Path, text: str = "", environ: Mapping[str, str] | None = None) -> tuple[ConfigService, Path]:
    file = tmp_path / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return ConfigService(Sources(ConfigPlaces(None, None, file), environ or {})), file


def test_a_draft_writes_nothing_and_says_what_would_be_written(tmp_path: Path) -> None:
    settings, file = service(tmp_path, "# mine\n[aws]\nregion = 'us-west-2' # near\n")
    draft = settings.draft("aws.region", "eu-west-1")
    assert (draft.old, draft.new, draft.file, draft.problem) == ("us-west-2", "eu-west-1", str(file), "")
    assert "mars" in settings.draft("aws.region", "mars").problem
    assert "eu-west-1" not in file.read_text()
    settings.set("aws.region", "eu-west-1")
    assert "# mine" in file.read_text()
    assert "# near" in file.read_text()
    settings.set("aws.region", None)
    assert settings.value("aws.region") == "us-east-1"


def test_a_draft_says_what_overrules_the_file_and_what_contradicts_another_key(tmp_path: Path) -> None:
    settings, _ = service(tmp_path, environ={"RUNCTL_TUI_AWS_REGION": "us-west-2"})
    assert settings.draft("aws.region", "eu-west-1").overruled_by == "environment (RUNCTL_TUI_AWS_REGION)"
    problem = settings.draft("safety.max_instances_warn", "60").problem
    assert problem == "safety.max_instances_warn (60) is above safety.max_instances_block (50)"


@pytest.mark.parametrize("text", ["sesame", ""])
def test_a_draft_of_a_secret_is_masked(tmp_path: Path, text: str) -> None:
    settings, _ = service(tmp_path, '[runpod]\napi_key = "hunter2"\n')
    draft = settings.draft("runpod.api_key", text)
    assert "hunter2" not in repr(draft)
    assert "sesame" not in repr(draft)
    assert bool(draft.new) is bool(text)
