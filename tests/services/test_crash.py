"""A program that dies in the middle of an operation, at every step of it, and the next one that finds the pieces."""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path

import pytest

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.journal_rows import JournalState
from tests.fakes import an_instance
from tests.services.actions_rig import Rig, codes
from tests.services.crash_acts import ACTS
from tests.services.crash_truth import finds_one_truth
from tests.services.dying import world_of

ROOT = Path(__file__).resolve().parents[2]
BOX = an_instance()

PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from runctl_tui.domain.plan import Operation
from runctl_tui.services.journal_rows import JournalState
from tests.fakes import an_instance
from tests.services.actions_rig import Rig

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    rig = Rig(Path(sys.argv[1]), an_instance())
    where, mark, begin = sys.argv[2], rig.journal.mark, rig.journal.begin

    async def begun(entry):
        if where == "before planned":
            die()
        await begin(entry)

    async def marked(op_id, state, detail=""):
        if where == f"before {state.value}":
            die()
        await mark(op_id, state, detail)

    object.__setattr__(rig.journal, "begin", begun)
    object.__setattr__(rig.journal, "mark", marked)
    rig.provider.before_call = die if where == "in the call" else None
    view = await rig.do(Operation.TERMINATE, an_instance().id)
    print(view.result)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("where", "left", "world", "settled"),
    [
        ("before planned", None, ResourceState.RUNNING, None),
        ("before sent", JournalState.CONFIRMED, ResourceState.RUNNING, JournalState.CONFIRMED),
        ("in the call", JournalState.SENT, ResourceState.RUNNING, JournalState.FAILED),
        ("before acked", JournalState.SENT, ResourceState.TERMINATING, JournalState.VERIFIED),
        ("before verified", JournalState.ACKED, ResourceState.TERMINATED, JournalState.VERIFIED),
    ],
)
async def test_every_crash_is_settled_by_the_next_program(
    tmp_path: Path, where: str, left: JournalState | None, world: ResourceState, settled: JournalState | None
) -> None:
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, str(tmp_path), where, cwd=ROOT)
    assert await program.wait() == -9
    rig = Rig(tmp_path, an_instance(state=world))
    try:
        states = [row.state for row in await rig.rows()]
        assert states == ([] if left is None else [left])
        rig.clock.advance(61)
        assert await rig.journal.reconcile(rig.registry) == ()
        assert [row.state for row in await rig.rows()] == ([] if settled is None else [settled])
        assert rig.provider.calls == []
        await rig.jobs.load()
        assert rig.jobs.feed.latest is not None
        assert all(view.ok is False and "interrupted" in view.result for view in rig.jobs.feed.latest.value)
        plan = await rig.actions.plan(Operation.TERMINATE, [BOX.id])
        assert not {"reconcile_first", "busy"} & codes(plan)
    finally:
        rig.close()


ONE_BY_ONE = """
import asyncio, os, sys
from pathlib import Path
from tests.services.crash_acts import ACTS
from tests.services.dying import die_in_the_call

for act in ACTS.values():
    child = os.fork()
    if not child:
        asyncio.run(die_in_the_call(act, Path(sys.argv[1]) / act.operation.value))
        os._exit(1)
    print(act.operation.value, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


async def test_a_kill_in_the_call_of_any_operation_is_settled_by_the_next_program(tmp_path: Path) -> None:
    """The most dangerous moment: it was carried out, and nobody has written that down."""
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ONE_BY_ONE, str(tmp_path), cwd=ROOT, stdout=pipe
    )
    told, _ = await program.communicate()
    assert told.decode().split() == [word for act in ACTS.values() for word in (act.operation.value, "-9")]
    for act in ACTS.values():
        folder = tmp_path / act.operation.value
        world = pickle.loads(world_of(folder).read_bytes())
        await finds_one_truth(act, folder, world, f"{act.operation.value} was killed")
