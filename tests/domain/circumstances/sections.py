"""What is told in which file of `told/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from runctl_tui.domain.states import STORAGE, Operation
from tests.domain.circumstances import machines, people, runs, things, uploads, volumes
from tests.domain.circumstances.ages import AGES
from tests.domain.circumstances.batches import batches
from tests.domain.circumstances.telling import Circumstance, nothing_wrong, told

O = Operation  # noqa: E741 - short, because the tables name many
EVERY: Final = tuple(one for one in O if one is not O.CLEAN_UP)
"""What is judged by itself; cleaning up is made of others."""
ON_RUNS: Final = (O.RUN_START, O.RUN_STOP, O.RUN_RESUME)
ON_MACHINES: Final = (O.START, O.STOP, O.TERMINATE, *ON_RUNS, O.VOLUME_DETACH, O.CLAIM)
ON_STORAGE: Final = (O.TERMINATE, *(one for one in O if one in STORAGE))
BUYING: Final = (O.LAUNCH, O.START, O.STOP, O.TERMINATE, *ON_RUNS, O.VOLUME_CREATE, O.VOLUME_MODIFY)
TABLES: Final[Mapping[str, tuple[Mapping[str, Circumstance], tuple[Operation, ...]]]] = {
    "accounts": (people.ACCOUNTS, EVERY),
    "owners": (people.OWNERS, EVERY),
    "protections": (people.PROTECTIONS, EVERY),
    "machines": (machines.MACHINES, ON_MACHINES),
    "training": (machines.TRAINING, ON_MACHINES),
    "disks": (machines.DISKS, ON_MACHINES),
    "volumes": (volumes.VOLUMES, ON_STORAGE),
    "snapshots": (volumes.SNAPSHOTS, ON_STORAGE),
    "shapes": (volumes.SHAPES, ON_STORAGE),
    "prices": (things.PRICES, BUYING),
    "objects": (things.OBJECTS, (O.TERMINATE, O.S3_DELETE, O.S3_COPY, O.S3_MOVE)),
    "marks": (things.MARKS, (O.STOP, O.TERMINATE, O.CLAIM, O.PROTECT, O.UNPROTECT, O.SCHEDULE, O.UNSCHEDULE)),
    "processes": (things.PROCESSES, (O.TERMINATE, O.PROCESS_END, O.PROCESS_KILL)),
    "uploads": (uploads.UPLOADS, (O.S3_DELETE, O.UPLOAD_ABORT)),
    "run-uploads": (runs.RUN_UPLOADS, (O.TERMINATE, O.RUN_UPLOAD)),
    "ages": (AGES, EVERY),
}
"""The circumstances of each file, and the operations that they may concern."""
FOLDER: Final = Path(__file__).with_name("told")
SECTIONS: Final[Mapping[str, Callable[[], str]]] = {
    "nothing-wrong": nothing_wrong,
    **{name: partial(told, *table) for name, table in TABLES.items()},
    "batches": batches,
}
