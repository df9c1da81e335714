"""The noun `audit`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runctl_tui.domain.plan import Confirmation
from runctl_tui.services.audit import AuditLog
from runctl_tui.services.errors import TrainctlError
from tests.headless.conftest import Runctl
from tests.headless.fakes import BLOCKED, World
from tests.ui.audit_data import audit


def written(path: Path) -> None:
    log = AuditLog(path, None)  # type: ignore[arg-type]  # only its feed asks for the time

    async def write() -> None:
        for entry in audit():
            await log.append(entry)

    asyncio.run(write())


def test_what_was_wanted_is_listed_and_chosen(runctl: Runctl) -> None:
    written(Path("audit.jsonl"))
    assert [row["event"] for row in runctl("audit", "list", "--json").data] == [
        "confirmed",
        "done",
        "refused",
        "cancelled",
    ]
    assert [row["code"] for row in runctl("audit", "list", "--event", "refused", "--json").data] == ["tag_protected"]
    assert len(runctl("audit", "list", "--about", "SDXL", "--json").data) == 2
    assert len(runctl("audit", "list", "--latest", "1", "--json").data) == 1
    assert "prod-api" in runctl("audit", "list").out
    assert runctl("audit", "list", "--latest", "0").code == 1


def test_a_chain_that_was_changed_is_found(runctl: Runctl) -> None:
    path = Path("audit.jsonl")
    written(path)
    assert runctl("audit", "verify", "--json").data == {"entries": 4, "intact": True}
    path.write_bytes(path.read_bytes().replace(b"prod-api", b"prod-apo", 1))
    said = runctl("audit", "verify", "--json")
    assert said.code == 2
    assert "line" in said.error["message"]


def test_nothing_yet(runctl: Runctl) -> None:
    assert runctl("audit", "list", "--json").data == []
    assert runctl("audit", "verify", "--json").data == {"entries": 0, "intact": True}


def test_a_refusal_on_the_command_line_is_taken_note_of(runctl: Runctl, world: World) -> None:
    world.plan_changes = {"verdict": BLOCKED}
    assert runctl("instances", "terminate", "llama-7b", "--yes", "--plan-hash", "abc").code == 1
    assert len(world.declined) == 1
    assert world.declined[0].verdict == BLOCKED


@pytest.mark.parametrize(
    ("flags", "code", "name"),
    [
        (["--yes", "--plan-hash", "000000000000"], "plan-changed", ""),
        (["--yes", "--plan-hash", "HASH", "--name", "wrong"], "validation", "wrong"),
        (["--force"], "force", ""),
    ],
)
def test_why_an_answer_was_refused_is_taken_note_of(
    runctl: Runctl, world: World, flags: list[str], code: str, name: str
) -> None:
    told = runctl("instances", "terminate", "llama-7b", "--json").data["plan_hash"]
    words = [told if word == "HASH" else word for word in flags]
    assert runctl("instances", "terminate", "llama-7b", *words).code != 0
    ((error, answer),) = world.answered
    assert isinstance(error, TrainctlError)
    assert isinstance(answer, Confirmation)
    assert (error.code, answer.name, answer.yes) == (code, name, "--yes" in flags)
