"""Circumstances of machines, what trains on them, and the disks and checkpoints that die with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import TAG_OWNER, ApiProtection, Disk
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import RunProgress, TrainingSession, TrainingStatus, UploadSummary
from tests.domain.circumstances.telling import RUN, Circumstance
from tests.domain.safety_facts import HARD, ROOT, a_checkpoint, known
from tests.fakes import OWNER, START

LOST: Final = Unknown("throttled")
DAY: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)
DATA: Final = Disk("vol-data", "/dev/sdf", 1000, "gp3", True, name="data", usd_per_month="80.00")
OLD: Final = replace(DATA, last_snapshot_at=START - timedelta(hours=1))
"""A data disk that may die, because of its snapshot."""
CONTAINER: Final = Disk(
    "pod/container", "/", 30, "container", True, True, "container disk", usd_per_month="3.00", lost_on_stop=True,
    bound=True,
)  # fmt: skip
WORKSPACE: Final = Disk(
    "pod/volume", "/workspace", 50, "volume", True, name="volume disk", usd_per_month="5.00",
    usd_per_month_stopped="10.00", bound=True,
)  # fmt: skip
NETWORK: Final = Disk("net", "/data", 200, "network", False, name="corpus", usd_per_month="14.00", apart=True)


def state(value: ResourceState) -> Circumstance:
    return {"state": known(value)}


def born(**age: float) -> Circumstance:
    return {"created_at": known(START - timedelta(**age))}


def runs(*sessions: TrainingSession) -> Circumstance:
    return {"sessions": known(sessions)}


def run(number: int = 1, status: TrainingStatus = TrainingStatus.RUNNING, **changes: Any) -> TrainingSession:
    return replace(RUN, id=f"r-00000{number}", name=f"tiny-{number}", status=status, **changes)


def uploads(**counts: Any) -> TrainingSession:
    return run(status=TrainingStatus.COMPLETED, uploads=UploadSummary(**counts))


def checkpoints(*found: Checkpoint) -> Circumstance:
    return {"checkpoints": known(found)}


def disks(*found: Disk) -> Circumstance:
    return {"disks": known(found)}


def saved(age: timedelta) -> Disk:
    return replace(DATA, last_snapshot_at=START - age)


NO_STATES: Final = (ResourceState.ERROR, ResourceState.UNKNOWN)
"""They settle no fact."""
ABSENT: Final = a_checkpoint(CopyState.ABSENT)
STOPPED: Final = state(ResourceState.STOPPED)

MACHINES: Final[dict[str, Circumstance]] = {
    **{f"the machine is {one.value}": state(one) for one in ResourceState if one not in NO_STATES},
    "the machine's state cannot be read": {"state": LOST},
    "the machine is stopped, and what ran on it cannot be told": {**STOPPED, "sessions": LOST},
    "the machine is terminated, and what ran on it cannot be told": {
        **state(ResourceState.TERMINATED), "sessions": LOST,
    },
    "the machine is not there yet": {"target": {"id": "", "name": "llama"}, "state": LOST, "ownership": LOST},
    "the machine has no name": {"target": {"name": ""}},
    "it was made 299 seconds ago": born(seconds=299),
    "it was made five minutes ago": born(seconds=300),
    "it will be made in a minute": born(seconds=-60),
    "it will be made in 61 seconds": born(seconds=-61),
    "when it was made cannot be told": {"created_at": LOST},
    "it is a spot instance": {"market": known(Market.SPOT)},
    "it is a spot instance whose state cannot be read": {"market": known(Market.SPOT), "state": LOST},
    "how it was bought cannot be told": {"market": LOST},
    "something manages it": {"parent": known("autoscaling: web")},
    "whether something manages it cannot be told": {"parent": LOST},
    **{f"it is a {name}": {"type": name} for name in ("g4dn.xlarge", "g5.xlarge", "p5.48xlarge", "trn1n.32xlarge")},
    "its type is not known": {"type": ""},
    "its region had no room 23 hours ago": {"out_of_capacity_at": known(START - DAY + timedelta(hours=1))},
    "its region had no room a day ago": {"out_of_capacity_at": known(START - DAY)},
    "whether its region had room cannot be told": {"out_of_capacity_at": LOST},
}  # fmt: skip
TRAINING: Final[dict[str, Circumstance]] = {
    "a run trains": runs(run(progress=RunProgress(step=1200, total_steps=9000))),
    "a run without a name trains": runs(replace(run(), name="", script="", progress=RunProgress(step=7))),
    "two runs train": runs(run(1), run(2, TrainingStatus.STOPPING)),
    "three runs train": runs(run(1), run(2), run(3, TrainingStatus.PREPARING)),
    "a run cannot be reached": runs(run(status=TrainingStatus.UNREACHABLE)),
    "nobody knows how a run is": runs(run(status=TrainingStatus.UNKNOWN)),
    "a run trains, and another cannot be reached": runs(run(1, TrainingStatus.UNREACHABLE), run(2)),
    "a run has ended": runs(run(status=TrainingStatus.FAILED)),
    "a run has ended, and another trains": runs(run(1, TrainingStatus.COMPLETED), run(2)),
    "no run was ever begun": runs(),
    "what runs cannot be told": {"sessions": LOST},
    "a training that somebody began by hand works on it": {"work": known((HARD,))},
    "a run trains, and something else works on it": {**runs(run()), "work": known((HARD,))},
    "four things work on it": {"work": known(tuple(replace(HARD, pid=number, gpus=()) for number in (1, 2, 3, 4)))},
    "what else works on it cannot be told": {"work": LOST},
    "neither runs nor work can be told": {"sessions": LOST, "work": LOST},
    "it is stopped, and what works on it cannot be told": {**STOPPED, "work": LOST},
    "an upload is under way": runs(uploads(pending=1)),
    "two uploads are under way, and others cannot move": runs(
        uploads(pending=2), uploads(pending=3, waiting="no relay")
    ),
    "uploads cannot move": runs(uploads(pending=1, waiting="no relay"), uploads(failed=1)),
    "an upload failed": runs(uploads(failed=1, done=5)),
    "all uploads are done": runs(uploads(done=5)),
    "the newest checkpoint is nowhere else": checkpoints(a_checkpoint(step=50), ABSENT),
    "the newest checkpoint is there by its size alone": checkpoints(a_checkpoint(CopyState.PRESENT)),
    "an old checkpoint is nowhere else": checkpoints(replace(ABSENT, step=50, name="step_50"), a_checkpoint(step=60)),
    "two runs have checkpoints, one of them nowhere else": checkpoints(
        a_checkpoint(), replace(ABSENT, run_id="r-000002", created_at=START - timedelta(hours=3))
    ),
    "a checkpoint has no time but that of its file": checkpoints(
        replace(ABSENT, created_at=None, host=CheckpointCopy(CopyState.PRESENT, modified_at=START - DAY * 3))
    ),
    "a checkpoint has no time": checkpoints(replace(a_checkpoint(), created_at=None)),
    "there is no checkpoint": checkpoints(),
    "the checkpoints cannot be listed": {"checkpoints": LOST},
    "the checkpoints of a stopped machine cannot be listed": {**STOPPED, "checkpoints": LOST},
}
DISKS: Final[dict[str, Circumstance]] = {
    "a data disk dies": disks(ROOT, DATA),
    "a data disk without a name dies": disks(ROOT, replace(DATA, name="", size_gib=None)),
    "a data disk may die": disks(ROOT, replace(DATA, delete_on_termination=None)),
    "two data disks die": disks(ROOT, DATA, replace(DATA, name="more")),
    "a disk that dies is protected": disks(ROOT, replace(OLD, tags=(("runctl:important", ""),))),
    "the root disk is protected": disks(replace(ROOT, tags=(("runctl:protected", "by me"),))),
    "a disk is protected from nothing": disks(ROOT, replace(OLD, tags=(("runctl:protected", "false"),))),
    "a disk that dies is protected until a day to come": disks(
        ROOT, replace(OLD, tags=(("runctl:protect-until", "2999-01-01"),))
    ),
    "a disk was protected until a day that has passed": disks(
        ROOT, replace(OLD, tags=(("runctl:protect-until", "2020-01-01"),))
    ),
    "a disk that dies is another person's": disks(ROOT, replace(OLD, tags=((TAG_OWNER, "bob"),))),
    "a disk that dies is one's own": disks(ROOT, replace(OLD, tags=((TAG_OWNER, OWNER),))),
    "the tags of two disks cannot be read": disks(replace(ROOT, tags=None), replace(OLD, name="", tags=None)),
    "a protected disk of another person stays": disks(
        ROOT, replace(DATA, delete_on_termination=False, tags=(("runctl:protected", "1"), (TAG_OWNER, "bob")))
    ),
    "a data disk stays": disks(ROOT, replace(DATA, delete_on_termination=False)),
    "a data disk stays, at a price that nobody knows": disks(
        replace(DATA, delete_on_termination=False, usd_per_month="")
    ),
    "two disks stay": disks(*(replace(DATA, name=name, delete_on_termination=False) for name in ("one", "two"))),
    "a data disk has a snapshot of today": disks(ROOT, saved(DAY - SECOND)),
    "a data disk has a snapshot of yesterday": disks(ROOT, saved(DAY)),
    "the root disk stays": disks(replace(ROOT, delete_on_termination=False)),
    "the root disk may die": disks(replace(ROOT, delete_on_termination=None)),
    "there is no disk": disks(),
    "the disks cannot be listed": {"disks": LOST},
    "it is a pod with all kinds of disks": {**disks(CONTAINER, WORKSPACE, NETWORK), "disks_per_month": Decimal(22)},
    "its disks have no names": disks(*(replace(one, name="") for one in (CONTAINER, WORKSPACE, NETWORK))),
    "it has two disks of each kind": disks(*(
        replace(one, name=f"{one.name} {number}", root=False) for one in (CONTAINER, WORKSPACE, NETWORK)
        for number in (1, 2)
    )),
    "it has a disk that nothing can keep, and another": disks(CONTAINER, WORKSPACE, DATA),
    "it has only a container disk": disks(CONTAINER),
    "it has only a disk that costs the same when stopped": disks(replace(WORKSPACE, usd_per_month_stopped="5.00")),
    "it has only a disk that costs less when stopped": disks(replace(WORKSPACE, usd_per_month_stopped="4.00")),
    "it has a disk that costs only when stopped": disks(replace(WORKSPACE, usd_per_month="")),
    "it has a network disk at a price that nobody knows": disks(NETWORK, replace(NETWORK, usd_per_month="")),
    "it has an instance-store disk": {"protection": known(ApiProtection(False, False, False, 1))},
    "it has two instance-store disks, and no other": {
        "protection": known(ApiProtection(False, False, False, 2)), **disks(),
    },
    "what its disks cost is not known": {"disks_per_month": None},
}  # fmt: skip
