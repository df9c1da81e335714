"""Law (e): no keys, pastes or storms pass a plan that nobody may let pass; a typed name passes only if it is exact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from textual import events

from runctl_tui.app import RunctlApp
from runctl_tui.domain.instance import ApiProtection
from runctl_tui.domain.plan import Confirmation, Level, Operation, Plan
from runctl_tui.domain.safety import Policy
from runctl_tui.domain.states import Capability
from runctl_tui.modals import confirm
from runctl_tui.modals.confirm import ConfirmPlan
from runctl_tui.services.errors import AwsError
from tests.fakes import a_run, an_instance
from tests.services.actions_rig import Rig
from tests.ui.driving import WIDE, Person
from tests.ui.fake_feed import FakeFeed
from tests.ui.fakes import World

BOX: Final = an_instance(provider="aws", name="box-1")
OTHER_NAMES: Final = ("Box-1", "box-1 ", " box-1", "box-", "box-11", "bох-1", BOX.id, BOX.id[-6:], "yes")
PASTES: Final = ("box-1", "box-1\n", "box-1\x1b[201~y", "box-1\ty", "y", "y\n", "\n", *OTHER_NAMES)
KEYS: Final = (
    "y",
    "enter",
    "tab",
    "shift+tab",
    "space",
    "left",
    "right",
    "up",
    "down",
    "backspace",
    "ctrl+d",
    "x",
    "n",
)
Gesture = tuple[str, str | tuple[str, ...], float]

gestures: st.SearchStrategy[Gesture] = st.one_of(
    st.tuples(st.just("press"), st.lists(st.sampled_from(KEYS), min_size=1, max_size=6).map(tuple), st.just(1.0)),
    st.tuples(st.just("storm"), st.sampled_from([("y",), ("enter",), ("y", "enter"), ("tab", "enter")]), st.just(0.0)),
    st.tuples(st.just("type"), st.sampled_from(["box-1", "because it is", *OTHER_NAMES]), st.just(1.0)),
    st.tuples(st.just("paste"), st.sampled_from(PASTES), st.just(0.0)),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from([0.1, 1.0, confirm.ARM_SECONDS])),
)
AT_NAME: Final[list[Gesture]] = [("press", ("shift+tab",), 1.0)]
"""From Cancel to the field for the name."""
sequences = st.lists(gestures, min_size=1, max_size=6)
STORM: Final = 12
CHARACTERS: Final = {"space": " ", "minus": "-", "enter": "\r", "tab": "\t"}
"""What the terminal sends with keys whose name is not their character."""


Prepare = Callable[[Rig], object]
FORBIDDEN: Final[dict[str, Prepare]] = {
    "read only": lambda rig: setattr(rig, "policy", replace(rig.policy, read_only="production")),
    "protected by a tag": lambda rig: rig.change(BOX, tags=(*BOX.tags, ("runctl:protected", "true"))),
    "protected at its provider": lambda rig: rig.provider.locks.update({BOX.id: ApiProtection(True, False)}),
    "not ours": lambda rig: rig.change(BOX, tags=()),
    "no account": lambda rig: rig.provider.failures.update(identity=AwsError("expired")),
    "nothing may be acknowledged": lambda rig: _argued(rig, acknowledgeable=False),
    "its provider cannot": lambda rig: rig.provider.refused.update({Capability.TERMINATE: "it cannot"}),
}
ASKING: Final[dict[str, tuple[Level, Prepare]]] = {
    "a name": (Level.NAME, lambda rig: None),
    "a reason": (Level.REASON, lambda rig: _argued(rig)),
}


def _argued(rig: Rig, acknowledgeable: bool = True) -> None:
    rig.policy = replace(rig.policy, acknowledgeable=acknowledgeable)
    rig.evidence.runs[BOX.id] = (a_run(BOX),)


class Stage:
    """The whole interface over the real action service and a cloud that records each call; one for many examples."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.rig = Rig(folder, BOX)
        self.rig.provider.name = "aws"
        self.rig.registry.register(self.rig.provider)
        self.policy: Policy = self.rig.policy
        self.said: list[tuple[Plan, Confirmation]] = []
        self._closing = AsyncExitStack()
        self.runner.run(self._open())

    def close(self) -> None:
        self.runner.run(self._closing.aclose())
        self.runner.close()
        self.rig.close()

    def play(self, prepare: Prepare, played: list[Gesture]) -> Level:
        """Open the plan of ending the machine, play on it, and return what it asks for."""
        return self.runner.run(self._play(prepare, played))

    async def _open(self) -> None:
        world = World(fleet=FakeFeed((self.rig.fleet.row(BOX),)))
        actions = self.rig.actions
        commit = actions.commit

        async def heard(plan: Plan, confirmation: Confirmation) -> str:
            self.said.append((plan, confirmation))
            return await commit(plan, confirmation)

        actions.commit = heard  # type: ignore[method-assign]  # to hear what the interface says to it
        self.app = RunctlApp(replace(world.services(), actions=actions))
        pilot = await self._closing.enter_async_context(self.app.run_test(size=WIDE))
        self.person = Person(pilot, self.app, world)
        await self.person.until(lambda: self.person.table.model.total == 1)

    async def _play(self, prepare: Prepare, played: list[Gesture]) -> Level:
        self._as_new(prepare)
        await self.person.press("ctrl+d")
        await self.person.until(lambda: isinstance(self.app.screen, ConfirmPlan), "the plan is shown")
        dialog: Any = self.app.screen
        await self.person.until(lambda: dialog.focused is not None, "the plan takes keys")
        await self._heard()
        for gesture in played:
            if self.app.screen is dialog:
                await self._do(*gesture)
        await self._settle()
        level: Level = dialog.plan.verdict.level
        return level

    def _as_new(self, prepare: Prepare) -> None:
        rig, provider = self.rig, self.rig.provider
        provider.add(BOX)
        for kept in (provider.calls, provider.locks, provider.failures, provider.refused, rig.evidence.runs, self.said):
            kept.clear()
        rig.policy = self.policy
        prepare(rig)

    async def _do(self, kind: str, what: str | tuple[str, ...], seconds: float) -> None:
        clock = self.person.world.clock
        if kind == "wait":
            clock.advance(seconds)
        elif kind == "paste":
            self.app.post_message(events.Paste(str(what)))
        elif kind == "storm":
            for _ in range(STORM):
                for key in what:
                    self._send(key)
        else:
            for key in [_key(letter) for letter in what] if kind == "type" else what:
                clock.advance(seconds)
                self._send(key)
                await self._heard()
        await self._heard()

    async def _heard(self) -> None:
        """Wait until the keys sent have been let through or dropped, and what came of them is done."""
        quiet = 0
        while quiet < 4:
            await asyncio.sleep(0.005)
            held = getattr(self.app.screen, "_burst_timer", None) is not None
            busy = held or self.app.message_queue_size or self.app.screen.message_queue_size
            quiet = 0 if busy else quiet + 1

    def _send(self, key: str) -> None:
        """Let a key arrive as the terminal sends it, without waiting for what comes of it."""
        self.app.post_message(events.Key(key, CHARACTERS.get(key)))

    async def _settle(self) -> None:
        """Let held keys act and jobs end, and close what is open."""
        await self._heard()
        await self.rig.jobs.drain()
        while len(self.app.screen_stack) > 1:
            await self.person.press("escape")


def _key(letter: str) -> str:
    return {character: key for key, character in CHARACTERS.items()}.get(letter, letter)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("law-e"))
    yield made
    made.close()


def examples() -> int:
    """How many sequences each law is tried on: a person's time passes in each, so they are few by default."""
    return 500 if settings.get_current_profile_name() == "fuzz" else 8


LAW = settings(max_examples=examples(), deadline=None)


@LAW
@example(hazard="read only", played=[("storm", ("y", "enter"), 0.0), ("type", "box-1", 1.0), ("press", ("y",), 1.0)])
@given(hazard=st.sampled_from(sorted(FORBIDDEN)), played=sequences)
def test_law_e_no_keys_pass_what_nobody_may_let_pass(stage: Stage, hazard: str, played: list[Gesture]) -> None:
    level = stage.play(FORBIDDEN[hazard], played)
    assert level is Level.NEVER
    assert all(plan.operation is not Operation.TERMINATE for plan, _ in stage.said)
    assert stage.rig.provider.calls in ([], [("stop", BOX.id)]), "a better way may be taken instead"


@LAW
@example(asked="a name", played=[*AT_NAME, ("paste", "box-1", 0.0), ("press", ("enter", "enter"), 1.0)])
@given(asked=st.sampled_from(sorted(ASKING)), played=sequences)
def test_law_e_a_lower_level_is_passed_only_by_all_that_it_asks_for(
    stage: Stage, asked: str, played: list[Gesture]
) -> None:
    level, prepare = ASKING[asked]
    assert stage.play(prepare, played) is level
    ending = [(plan, said) for plan, said in stage.said if plan.operation is Operation.TERMINATE]
    assert all(said.name == BOX.name and said.acknowledges(plan.verdict) for plan, said in ending)
    ended = [call for call in stage.rig.provider.calls if call[0] == "terminate"]
    assert len(ended) <= len(ending)
    if not any(kind == "type" for kind, *_ in played):
        assert ended == [], "a paste is no confirmation"


def test_law_e_the_exact_name_passes(stage: Stage) -> None:
    stage.play(ASKING["a name"][1], [("type", "box-1", 1.0), ("press", ("enter", "enter"), 1.0)])
    assert stage.rig.provider.calls == [("terminate", BOX.id)]


@pytest.mark.parametrize("name", OTHER_NAMES[:4])
def test_law_e_no_other_name_passes(stage: Stage, name: str) -> None:
    stage.play(ASKING["a name"][1], [("type", name, 1.0), ("press", ("enter", "enter", "y"), 1.0)])
    assert stage.rig.provider.calls == []
