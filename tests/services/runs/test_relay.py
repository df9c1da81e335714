"""The relay's life: it ends when nobody needs it, and never just after somebody came to need it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from runctl_tui.domain.run import TrainingSession
from runctl_tui.services.runs.relay import QUIET_TURNS, UploadRelay
from tests.fakes import a_run, an_instance


class Turns:
    """What a relay finds to do at each look, and whom it has served."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *needs: bool) -> None:
        self.needs = list(needs)
        self.served = 0
        self.naps = 0
        unused = cast("Any", None)
        self.relay = UploadRelay(unused, unused, unused, folder / "relay.lock", self._sleep)
        monkeypatch.setattr(self.relay, "needing", self._needing)
        monkeypatch.setattr(self.relay, "_serve", self._serve)

    async def _needing(self) -> list[TrainingSession]:
        return [a_run(an_instance())] if self.needs and self.needs.pop(0) else []

    async def _serve(self, session: TrainingSession) -> None:
        assert self.relay.working(), "nobody else serves meanwhile"
        self.served += 1

    async def _sleep(self, seconds: float) -> None:
        self.naps += 1


async def test_it_ends_after_some_quiet_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(tmp_path, monkeypatch, True, False, True)
    await turns.relay.work()
    assert (turns.served, turns.naps) == (2, 3 + QUIET_TURNS)
    assert not turns.relay.working()


async def test_who_comes_to_need_it_while_it_ends_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(tmp_path, monkeypatch, *[False] * QUIET_TURNS, True, True)
    await turns.relay.work()
    assert turns.served == 1


async def test_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Turns(tmp_path, monkeypatch, True), Turns(tmp_path, monkeypatch, True)

    async def meanwhile(seconds: float) -> None:
        await second.relay.work()

    first.relay._sleep = meanwhile
    await first.relay.work()
    assert (first.served, second.served) == (1, 0)
