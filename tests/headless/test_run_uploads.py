"""`runs upload`: a plan that is confirmed by its hash, as every other change."""

from __future__ import annotations

import shlex

from runctl_tui.domain.run_uploads import RunUpload
from tests.headless.conftest import Runctl
from tests.headless.fakes import World


def test_it_acts_by_the_hash_that_it_showed(runctl: Runctl, world: World) -> None:
    (run, *_) = runctl("runs", "list", "--json").data
    shown = runctl("runs", "upload", run["name"], "--to", "s3://my-runs/team", "--json").data
    assert world.uploading == [RunUpload((run["id"],), "s3://my-runs/team")]
    assert world.committed == []
    assert "--to s3://my-runs/team" in shown["confirm_with"]
    assert runctl(*shlex.split(shown["confirm_with"])[1:]).code == 0
    assert len(world.committed) == 1


def test_a_run_that_is_not_there_is_no_plan(runctl: Runctl, world: World) -> None:
    assert runctl("runs", "upload", "nobody").code == 1
    assert world.uploading == []
