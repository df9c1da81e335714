"""The package as a library: the list of its names, one example per name, and what importing it costs."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import runctl_tui
from tests.fakes import FakeClock, FakeProvider

NAMES = {
    "CleanupResult",
    "CleanupSafety",
    "ConfigError",
    "CreateResourceOptions",
    "DataLocation",
    "ExponentialBackoffPolicy",
    "IsRetryable",
    "ProviderRegistry",
    "ResourceState",
    "ResourceStatus",
    "ResourceTracker",
    "ResourceUsage",
    "RetryPolicy",
    "TrackedResource",
    "TrainctlError",
    "TrainingJob",
    "TrainingProvider",
    "TrainingSession",
    "TrainingStatus",
    "open_services",
    "safe_cleanup",
}


def get(name: str) -> Any:
    """The name, or a skip where the module that defines it is not part of this checkout."""
    home = runctl_tui._HOMES[name].partition(":")[0]
    if importlib.util.find_spec(home) is None:
        pytest.skip(f"{home} is not in this checkout")
    return getattr(runctl_tui, name)


def test_the_list_is_complete_and_told() -> None:
    assert set(runctl_tui.__all__) == NAMES | {"__version__"}
    assert set(runctl_tui._HOMES) == NAMES
    assert dir(runctl_tui) == sorted(runctl_tui.__all__)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_is_there(name: str) -> None:
    assert get(name) is getattr(runctl_tui, name)


def test_any_other_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = runctl_tui.Nonsense


def test_importing_it_imports_nothing_of_it() -> None:
    script = "import sys, runctl_tui; print([name for name in sys.modules if name.startswith('runctl_tui.')])"
    root = Path(runctl_tui.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_errors() -> None:
    error = get("ConfigError")("the file is wrong", "line 3", "mend it")
    assert isinstance(error, get("TrainctlError"))
    assert (error.exit_code, str(error)) == (3, "the file is wrong: line 3")
    assert isinstance(error, get("IsRetryable"))
    assert error.retryable is False


def test_retry_policies() -> None:
    policy = get("ExponentialBackoffPolicy")(max_attempts=3, initial=1.0)
    assert [policy.delay(attempt, 1.0) for attempt in (1, 2, 3)] == [1.0, 2.0, None]
    assert {"delay"} <= set(dir(get("RetryPolicy")))


def test_providers_and_their_registry() -> None:
    provider: runctl_tui.TrainingProvider = FakeProvider()
    registry = get("ProviderRegistry")([provider])
    assert registry.get(provider.name) is provider
    assert inspect.iscoroutinefunction(get("TrainingProvider").list_resources)


def test_a_resource() -> None:
    state = get("ResourceState")
    options = get("CreateResourceOptions")("aws", "us-east-1", "g5.xlarge", "box", "demo")
    status = get("ResourceStatus")("i-1", options.provider, options.region, options.name, state.RUNNING, options.type)
    assert (status.state, status.project) == ("running", "")


def test_training() -> None:
    job = get("TrainingJob")("train.py", ("--epochs", "3"))
    status = get("TrainingStatus").RUNNING
    session = get("TrainingSession")("r-1", "n", "p", "aws", "i-1", "us-east-1", status, job.script, job.args)
    assert session.status.live


def test_data_locations() -> None:
    location = get("DataLocation").parse("s3://my-runs/llama/step_100")
    assert (location.container, location.path) == ("my-runs", "llama/step_100")


def test_usage() -> None:
    assert get("ResourceUsage")(datetime(2026, 11, 20, tzinfo=UTC), cpu_percent=50.0).gpus == ()


def test_safety() -> None:
    result = get("CleanupResult")(skipped=(("i-1", "training runs on it"),))
    assert (result.deleted, result.errors) == ((), ())
    assert callable(get("CleanupSafety")().judge)


async def test_the_services_are_those_of_the_screens(tmp_path: Path) -> None:
    async with get("open_services")(state_dir=tmp_path) as services:
        (machine,) = (await services.fleet.now()).value
        assert (machine.key, (await services.costs.now()).today) == ("local/local", 0)
        result = await get("safe_cleanup")([machine.key], services.actions, services.jobs)
    ((skipped, why),) = result.skipped
    assert (skipped, "this machine" in why, result.deleted) == (machine.key, True, ())


def test_the_tracker(tmp_path: Path) -> None:
    tracker_type, tracked_type = get("ResourceTracker"), get("TrackedResource")
    from runctl_tui.services.store import Store

    store = Store(tmp_path, FakeClock())
    try:
        assert asyncio.run(tracker_type(store, FakeClock()).total_cost()) == 0
    finally:
        store.close()
    assert "usd_per_hour" in tracked_type.__slots__
