"""What is told in which file of `told/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from tests.domain.circumstances import machines, people, things, volumes
from tests.domain.circumstances.ages import AGES
from tests.domain.circumstances.batches import batches
from tests.domain.circumstances.telling import nothing_wrong, told

FOLDER: Final = Path(__file__).with_name("told")
SECTIONS: Final[Mapping[str, Callable[[], str]]] = {
    "nothing-wrong": nothing_wrong,
    "accounts": partial(told, people.ACCOUNTS),
    "owners": partial(told, people.OWNERS),
    "protections": partial(told, people.PROTECTIONS),
    "machines": partial(told, machines.MACHINES),
    "training": partial(told, machines.TRAINING),
    "disks": partial(told, machines.DISKS),
    "volumes": partial(told, volumes.VOLUMES),
    "snapshots": partial(told, volumes.SNAPSHOTS),
    "shapes": partial(told, volumes.SHAPES),
    "prices": partial(told, things.PRICES),
    "objects": partial(told, things.OBJECTS),
    "marks": partial(told, things.MARKS),
    "processes": partial(told, things.PROCESSES),
    "ages": partial(told, AGES),
    "batches": batches,
}
