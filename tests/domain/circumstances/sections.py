"""What is told in which file of `told/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from tests.domain.circumstances import machines, people, things, volumes
from tests.domain.circumstances.ages import AGES
from tests.domain.circumstances.batches import batches
from tests.domain.circumstances.telling import Circumstance, nothing_wrong, told

TABLES: Final[Mapping[str, Mapping[str, Circumstance]]] = {
    "accounts": people.ACCOUNTS,
    "owners": people.OWNERS,
    "protections": people.PROTECTIONS,
    "machines": machines.MACHINES,
    "training": machines.TRAINING,
    "disks": machines.DISKS,
    "volumes": volumes.VOLUMES,
    "snapshots": volumes.SNAPSHOTS,
    "shapes": volumes.SHAPES,
    "prices": things.PRICES,
    "objects": things.OBJECTS,
    "marks": things.MARKS,
    "processes": things.PROCESSES,
    "ages": AGES,
}
FOLDER: Final = Path(__file__).with_name("told")
SECTIONS: Final[Mapping[str, Callable[[], str]]] = {
    "nothing-wrong": nothing_wrong,
    **{name: partial(told, table) for name, table in TABLES.items()},
    "batches": batches,
}
