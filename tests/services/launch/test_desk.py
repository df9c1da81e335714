"""What a launch costs beside the machine: its disks, said before anything is created."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.services.launch.desk import LaunchDefaults, LaunchDesk


class Plans:
    async def plan_launch(self, request: LaunchRequest) -> object:
        return None


def disk_month(region: str, gib: int) -> Fact[Decimal]:
    return Known(Decimal("0.08") * gib, datetime(2026, 11, 20, tzinfo=UTC), "table")


@pytest.mark.parametrize(
    ("provider", "root", "data", "words"),
    [
        ("aws", 30, None, "$2.40 per month besides"),
        ("aws", 30, 100, "$10.40 per month besides"),
        ("aws", None, 100, "the image decides its size"),
        ("runpod", 30, None, None),
    ],
)
async def test_the_price_of_the_disks_is_told(
    provider: str, root: int | None, data: int | None, words: str | None
) -> None:
    defaults = LaunchDefaults("us-east-1", "t3.micro", False, Path())
    desk = LaunchDesk(cast("Any", None), cast("Any", Plans()), lambda: defaults, disk_month)
    options = CreateResourceOptions(provider, "us-east-1", "t3.micro", "box", "proj", root_gib=root, data_gib=data)
    told = (await desk.preview(LaunchRequest(options=options))).disk_words
    assert words in told if words else told == "", "RunPod tells the price of its disks itself"


async def test_a_machine_that_is_there_already_brings_no_disks() -> None:
    defaults = LaunchDefaults("us-east-1", "t3.micro", False, Path())
    desk = LaunchDesk(cast("Any", None), cast("Any", Plans()), lambda: defaults, disk_month)
    assert (await desk.preview(LaunchRequest(instance_key="local/local"))).disk_words == ""


def test_the_project_is_the_configured_one_or_the_folders_name(tmp_path: Path) -> None:
    def desk(project: str) -> LaunchDesk:
        defaults = LaunchDefaults("us-east-1", "t3.micro", False, tmp_path, project=project)
        return LaunchDesk(cast("Any", None), cast("Any", Plans()), lambda: defaults)

    assert desk("").project_of("/some/proj") == "proj"
    assert desk("").project_of(f"{tmp_path}/x/..") == tmp_path.name
    assert desk("llama").project_of("/some/proj") == "llama"


def test_a_folder_whose_name_no_machine_can_have_gives_a_name_near_it(tmp_path: Path) -> None:
    folder = tmp_path / "my project"
    (folder / ".git").mkdir(parents=True)
    defaults = LaunchDefaults("us-east-1", "t3.micro", False, folder)
    request = LaunchDesk(cast("Any", None), cast("Any", Plans()), lambda: defaults).defaults()
    assert request.options is not None
    assert request.job is not None
    assert (request.options.name, request.job.name, request.job.project) == ("my-project", "my-project", "my project")
