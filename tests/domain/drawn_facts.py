"""Facts in which chance puts hazards and gaps: what every law and every row of the decision table must hold for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import settings

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.host import Guard
from runctl_tui.domain.instance import ApiProtection, Disk
from runctl_tui.domain.objects import ObjectChangeFacts, Versioning
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run import TrainingStatus, UploadSummary
from runctl_tui.domain.safety import SafetyFacts
from runctl_tui.domain.safety.facts import fact_names
from runctl_tui.domain.volume import SnapshotState, VolumeState
from tests.domain.safety_facts import (
    FREE,
    GOES,
    HARD,
    HELD,
    HOST,
    LEFT,
    LOOK,
    POLICY,
    PROCESS,
    ROOT,
    SAFE,
    SAVED,
    STORED,
    a_checkpoint,
    known,
)  # fmt: skip
from tests.fakes import START, a_price, a_run, an_instance

ACCOUNT = "111122223333"
HAZARDS: dict[str, list[Any]] = {
    "policy": [
        replace(POLICY, read_only="x"),
        replace(POLICY, production_accounts=frozenset({ACCOUNT})),
        replace(POLICY, ordinary_accounts=frozenset()),
        replace(POLICY, acknowledgeable=False),
        replace(POLICY, cap_per_hour=Decimal("0.01")),
        replace(POLICY, hard_cap_per_hour=Decimal("0.01")),
    ],
    "planned_account": ["other"],
    "journal_ok": [False],
    "open_rows": [("stop sent",), None],
    "unprotected_at": [START - timedelta(seconds=59)],
    "fallback": [known(a_price("40")), Unknown("no list")],
    "out_of_capacity_at": [known(START - timedelta(hours=23))],
    "incapable": ["it cannot"],
    "tags": [known((("runctl:protected", "1"),)), known((("runctl:protect-until", "2999-01-01"),))],
    "ownership": [known(Ownership.FOREIGN), known(Ownership.OTHER), known(Ownership.RUNCTL)],
    "created_at": [known(START), known(START + timedelta(days=1))],
    "protection": [known(ApiProtection(True, True)), known(ApiProtection(False, False, True, 4))],
    "disks": [
        known((ROOT, Disk("vol-2", "/dev/sdf", 5, "gp3", delete_on_termination=None))),
        known((replace(ROOT, tags=(("runctl:protected", "1"),)),)),
        known((replace(ROOT, tags=(("runctl:protect-until", "soon"),)),)),
        known((replace(ROOT, tags=(("runctl:owner", "bob"),)),)),
        known((replace(ROOT, tags=None),)),
        known((ROOT, Disk("vol-2", "/", 5, "container", delete_on_termination=True, lost_on_stop=True, bound=True))),
        known((ROOT, Disk("vol-2", "/workspace", 5, "network", delete_on_termination=False, apart=True))),
    ],
    "market": [known(Market.SPOT)],
    "parent": [known("eks: pool")],
    "type": ["p5.48xlarge"],
    "sessions": [
        known((a_run(an_instance()),)),
        known((a_run(an_instance(), TrainingStatus.UNKNOWN),)),
        known((a_run(an_instance(), TrainingStatus.COMPLETED, uploads=UploadSummary(pending=1)),)),
    ],
    "work": [known((HARD,)), known((HARD, HARD))],
    "checkpoints": [known((a_checkpoint(CopyState.UPLOADING),))],
    "objects": [
        known(ObjectChangeFacts(3, Versioning("Off"))),
        known(ObjectChangeFacts(3, None)),
        known(ObjectChangeFacts(3, None, newest_replaced=("s3://b/k",), written=("r-1",), replacing=2)),
        known(ObjectChangeFacts(99, Versioning("Enabled", "Object Lock is on"))),
        known(ObjectChangeFacts(3, Versioning("Enabled"), newest=("s3://b/k",), replaced=("s3://b/k",))),
    ],
    "process": [known(replace(LOOK, guard=guard)) for guard in Guard if guard]
    + [
        known(replace(LOOK, process=None, instead="nginx")),
        known(replace(LOOK, process=replace(PROCESS, user=""))),
        known(replace(LOOK, process=replace(PROCESS, own=False))),
    ],
    "upload": [
        known(replace(LEFT, ours=False, by="bob")),
        known(replace(LEFT, started_at=START - timedelta(hours=1))),
        known(replace(LEFT, started_at=None)),
        known(replace(LEFT, parts=Unknown("throttled"))),
        known(replace(LEFT, writers=known(("run r-1",)))),
        known(replace(LEFT, writers=Unknown("no way there"))),
    ],
    "destination": [known(replace(GOES, usd_per_month=Unknown("no price")))],
    "price": [known(a_price("900"))],
    "storage": [
        replace(STORED, volume=known(HELD)),
        replace(STORED, volume=known(replace(FREE, state=VolumeState.CREATING))),
        replace(STORED, snapshots=known((replace(SAVED, state=SnapshotState.PENDING),))),
        replace(STORED, snapshots=Unknown("throttled")),
        replace(STORED, used_at=known(START)),
        replace(STORED, images=known(("ami-1",))),
        replace(STORED, month=Unknown("no price")),
        replace(STORED, host=known(replace(HOST, state=ResourceState.STARTING))),
    ],
    "warnings": [("50 instances run already",)],
}
"""For each fact, what makes it dangerous."""


def examples() -> int:
    """How many facts each law is tried on: 500 at least, and a few where `make mutants` tries it on each mutant."""
    chosen = settings().max_examples
    return chosen if settings.get_current_profile_name() == "mutants" else max(500, chosen)


def hazards_of(name: str) -> Iterator[Any]:
    """Every dangerous value of a fact, and that it is unknown where that can be."""
    yield from HAZARDS.get(name, ())
    if name in fact_names():
        yield Unknown("drawn")


def drawn(luck: random.Random) -> SafetyFacts:
    """Return safe facts of which up to eight are not."""
    names = sorted({*HAZARDS, *fact_names()})
    chosen = luck.sample(names, luck.randrange(9))
    changes = {name: luck.choice(list(hazards_of(name))) for name in sorted(chosen)}
    state = known(luck.choice([ResourceState.RUNNING, ResourceState.STOPPED]))
    return replace(SAFE, **{"state": state, **changes})
