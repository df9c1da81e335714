from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.states import Capability
from runctl_tui.services.errors import Unsupported
from runctl_tui.services.local import hardware
from runctl_tui.services.local.provider import LocalProvider
from tests.services.providers.conftest import WallClock

SMI = "NVIDIA A100-SXM4-80GB, 81920\nNVIDIA A100-SXM4-80GB, 81920\n"


def test_accelerators_are_read_from_the_driver_s_table() -> None:
    gpu = hardware.parse_gpus(SMI)
    assert gpu is not None
    assert (gpu.name, gpu.count, gpu.memory_gib) == ("A100-SXM4-80GB", 2, 80.0)
    odd = hardware.parse_gpus("Tesla, odd, [N/A]\n")
    assert odd is not None
    assert (odd.name, odd.memory_gib) == ("Tesla, odd", None)
    assert hardware.parse_gpus("") is None
    assert hardware.parse_gpus("No devices were found\n") is None


def test_a_driver_that_is_absent_or_fails_is_no_accelerator() -> None:
    assert hardware.gpus(("no-such-program-here",)) is None
    assert hardware.gpus((sys.executable, "-c", "raise SystemExit(9)")) is None
    printed = hardware.gpus((sys.executable, "-c", f"print({SMI!r}, end='')"))
    assert printed is not None
    assert printed.count == 2


def test_the_start_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu 1 2\nbtime 1700000000\nprocesses 1\n")
    assert hardware.booted_at(tmp_path / "stat") == datetime.fromtimestamp(1700000000, UTC)


async def test_this_machine_is_ours_runs_and_is_described() -> None:
    provider = LocalProvider(WallClock(), "me")
    (one,) = (await provider.list_resources()).value
    assert (one.id, one.name, one.ownership) == ("local", "this machine", Ownership.OURS)
    assert one.vcpus
    assert one.memory_gib
    assert one.launched_at is not None
    assert one.launched_at < WallClock().now()
    assert (await provider.describe("local"))["Processors"] == one.vcpus
    provider.close()


async def test_it_can_never_be_stopped_only_its_runs() -> None:
    provider = LocalProvider(WallClock(), "me")
    for verb in (provider.stop, provider.terminate):
        with pytest.raises(Unsupported, match="never be stopped or terminated, only its runs"):
            await verb("local")
    assert not provider.capabilities.why_not(Capability.TRAIN)
    assert not provider.capabilities.why_not(Capability.SHELL)
    provider.close()
