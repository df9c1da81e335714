"""The services put together: leaving at once, read-only, several in one process, the relay's own start."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.plan import Confirmation
from runctl_tui.domain.run import TrainingJob
from runctl_tui.options import Options
from runctl_tui.services.errors import CloudProviderError, SandboxFailed, StateError, TrainctlError
from runctl_tui.services.log_file import open_log
from runctl_tui.wiring import assembly, build
from runctl_tui.wiring.assembly import Assembly
from runctl_tui.wiring.detached import own_command
from runctl_tui.wiring.ground import Ground


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = list(logging.getLogger().handlers)
    yield
    for handler in [one for one in logging.getLogger().handlers if one not in before]:
        logging.getLogger().removeHandler(handler)
        handler.close()


@pytest.mark.parametrize("sandbox", [True, False])
async def test_leaving_is_immediate_also_where_nothing_ever_started(tmp_path: Path, sandbox: bool) -> None:
    services = build(Options(sandbox=sandbox, state_dir=str(tmp_path / "state")))
    assert services.jobs.feed.latest is None
    began = time.monotonic()
    services.close()
    services.close()
    assert time.monotonic() - began < 1


async def test_a_sandbox_that_has_not_started_says_so(tmp_path: Path) -> None:
    made = Assembly(Ground(Options(sandbox=True, state_dir=str(tmp_path / "state"))))
    with pytest.raises(SandboxFailed, match="not started"):
        made.core.cloud.store()
    assert [row.instance.id for row in (await made.core.fleet.now()).value] == ["local"]
    assert (await made.desks.checkpoints.now()).value == ()
    made.close()


async def test_the_doctor_asks_for_the_bucket(tmp_path: Path) -> None:
    made = Assembly(Ground(Options(sandbox=True, state_dir=str(tmp_path / "state"))))
    found = [each for each in await made.desks.doctor.examine() if each.area == "s3"]
    assert ["has not started" in each.text for each in found] == [True], "the store was asked, and is not there yet"
    made.close()


async def test_read_only_reaches_the_calls(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    services = build(Options(sandbox=True, state_dir=str(tmp_path / "state"), read_only=True))
    job = TrainingJob("train.py", project_root=str(tmp_path))
    try:
        plan = await services.actions.plan_launch(LaunchRequest(instance_key="local/local", job=job))
        assert plan.verdict.blocked
        with pytest.raises(TrainctlError, match="read-only"):
            await services.actions.commit(plan, Confirmation(plan.hash, yes=True))
        with pytest.raises(TrainctlError, match=r"read-only: .*, and a shell can change anything"):
            await services.shells.command("local/local", ["true"])
        await services.shells.reach("local/local")
    finally:
        services.close()


async def test_two_live_in_one_process(tmp_path: Path) -> None:
    both = [build(Options(sandbox=True, state_dir=str(tmp_path / name))) for name in ("one", "two")]
    for services in both:
        assert [row.key for row in (await services.fleet.now()).value] == ["local/local"]
    both[0].close()
    assert (await both[1].fleet.now()).value
    both[1].close()


def test_the_relay_is_started_with_the_same_options(tmp_path: Path) -> None:
    told = Options(True, False, str(tmp_path), "my.toml", "work", ("eu-west-1", "us-east-1"), True)
    words = own_command(told, "relay")
    assert words[-1] == "relay"
    for part in (
        ["--state-dir", str(tmp_path)], ["--sandbox"], ["--config", "my.toml"], ["--profile", "work"],
        ["--region", "eu-west-1"], ["--region", "us-east-1"], ["--read-only"],
    ):  # fmt: skip
        assert any(words[at : at + len(part)] == part for at in range(len(words)))


def test_the_log_is_private_without_secrets_and_leaves_other_handlers_alone(tmp_path: Path) -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    open_log(tmp_path / "one")
    path = open_log(tmp_path / "two")
    try:
        raise ValueError("key AKIAABCDEFGHIJKLMNOP leaked")
    except ValueError:
        logging.getLogger("x").exception("went wrong with %s", "Bearer abcdef")
    text = path.read_text()
    assert "AKIA" not in text
    assert "abcdef" not in text
    assert "went wrong" in text
    assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "one" / "runctl-tui.log").read_text() == ""
    assert other in logging.getLogger().handlers


async def test_a_budget_counts_as_soon_as_it_is_written_and_stays_while_the_file_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    services = build(Options(state_dir=str(tmp_path / "state")))
    assert (await services.costs.now()).budget is None
    file = Path(services.settings.set("costs.monthly_budget", "200"))
    assert (await services.costs.now()).budget == 200
    assert file.is_relative_to(tmp_path)
    await asyncio.to_thread(file.write_text, "[costs]\nmonthly_budget = 'much'\n")
    assert services.settings.validate()
    assert (await services.costs.now()).budget == 200
    services.close()


async def test_what_cannot_be_settled_now_holds_up_no_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "SETTLING_HOLDS_UP", 0.05)
    made = Assembly(Ground(Options(state_dir=str(tmp_path / "state"), regions=("us-east-1",))))
    let_go = asyncio.Event()

    async def hanging(*_: object) -> tuple[()]:
        await let_go.wait()
        raise CloudProviderError("no way there")

    monkeypatch.setattr(made.core.journal, "reconcile", hanging)
    async with asyncio.timeout(5):
        assert [words async for words in made.start()] == []
    let_go.set()
    await asyncio.sleep(0.05)
    assert made._watching is not None
    assert not made._watching.done(), "what it keeps watch over goes on"
    await made.aclose()


async def test_a_journal_that_cannot_be_read_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Assembly(Ground(Options(state_dir=str(tmp_path / "state"), regions=("us-east-1",))))

    async def broken(*_: object) -> tuple[()]:
        raise StateError("the journal cannot be read")

    monkeypatch.setattr(made.core.journal, "reconcile", broken)
    with pytest.raises(StateError):
        assert [words async for words in made.start()] == []
    await made.aclose()


async def test_the_ledger_hears_of_the_fleet_while_no_screen_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "COUNT_SECONDS", 0.05)
    made = Assembly(Ground(Options(state_dir=str(tmp_path / "state"), regions=("us-east-1",))))
    looked = asyncio.Event()
    now = made.core.fleet.now

    async def counted():  # type: ignore[no-untyped-def] # the fleet's own type
        looked.set()
        return await now()

    made.core.fleet_feed.push(await now())
    monkeypatch.setattr(made.core.fleet, "now", counted)
    counting = asyncio.create_task(made._keep_counting())
    await asyncio.wait_for(looked.wait(), 10)
    counting.cancel()
    await asyncio.wait([counting])
    await made.aclose()
