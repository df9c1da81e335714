"""Circumstances of prices, objects in S3, marks and processes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.host import Guard
from runctl_tui.domain.instance import ApiProtection
from runctl_tui.domain.marks import MOST_TAGS, Mark
from runctl_tui.domain.money import PriceKind
from runctl_tui.domain.objects import ObjectChangeFacts, Versioning
from runctl_tui.domain.resource import ResourceState
from tests.domain.circumstances.telling import Circumstance
from tests.domain.safety_facts import LOOK, PROCESS, known
from tests.fakes import OWNER, a_price

LOST: Final = Unknown("throttled")
KEEPS: Final = Versioning("Enabled")
LOCK: Final = Versioning("Enabled", "Object Lock is on")
NEWEST: Final = ("s3://runs/llama/step_200", "s3://runs/llama/step_300", "s3://runs/tiny/step_7")


def price(usd: str, **policy: Any) -> Circumstance:
    return {"price": known(a_price(usd)), "policy": policy}


def caps(cap: str = "", hard: str = "") -> dict[str, Any]:
    return {
        "cap_per_hour": Decimal(cap) if cap else None,
        "hard_cap_per_hour": Decimal(hard) if hard else None,
    }


def objects(count: int, versioning: Versioning | None = KEEPS, **changes: Any) -> Circumstance:
    return {"objects": known(ObjectChangeFacts(count, versioning, **changes))}


def process(guard: Guard = Guard.NONE, **changes: Any) -> Circumstance:
    return {"process": known(replace(LOOK, guard=guard, process=replace(PROCESS, **changes)))}


def look(**changes: Any) -> Circumstance:
    return {"process": known(replace(LOOK, **changes))}


def full(number: int, **changes: Any) -> Circumstance:
    return {"tags": known(tuple((f"team:{count}", "") for count in range(number))), **changes}


NEW: Final = {"id": ""}
STORING: Final = replace(a_price("0.02"), kind=PriceKind.STORAGE)

PRICES: Final[dict[str, Circumstance]] = {
    "the price is not known": {"price": LOST},
    "the price is not known, and there is a cap": {"price": LOST, "policy": caps("10")},
    "the price is not known, and there is a hard cap": {"price": LOST, "policy": caps(hard="30")},
    "the price is not known, and there are both caps": {"price": LOST, "policy": caps("10", "30")},
    "the price is the cap": price("10", **caps("10")),
    "the price is over the cap": price("10.01", **caps("10")),
    "the price is the hard cap": price("30", **caps("50", "30")),
    "the price is over the hard cap": price("30.01", **caps("10", "30")),
    "it goes on demand where spot has no room": {"fallback": known(a_price("3.20"))},
    "on demand it is over the cap": {"fallback": known(a_price("10.01")), "policy": caps("10")},
    "on demand it is over the hard cap": {"fallback": known(a_price("30.01")), "policy": caps(hard="30")},
    "spot is over the cap, and on demand is cheaper": {
        **price("10.01", **caps("10")), "fallback": known(a_price("9")),
    },
    "what it costs on demand is not known": {"fallback": LOST},
    "it is free": price("0"),
    "it is free under a cap of nothing": price("0", **caps("0", "0")),
    "it costs by the month": {"price": known(STORING)},
    "it is an estimate": {"price": known(replace(a_price("2.50"), estimate=True))},
    "what it cost so far is not known": {"so_far": None},
    "a machine that is not there yet is trained on": {"target": NEW, "price": known(a_price("3.06"))},
    "a machine that is not there yet has no price": {"target": NEW, "price": LOST},
    "the provider remarks something": {"warnings": ("50 instances run already", "the quota is 64")},
    "the provider remarks something about a machine that is not there yet": {
        "target": NEW, "warnings": ("50 instances run already",),
    },
}  # fmt: skip
OBJECTS: Final[dict[str, Circumstance]] = {
    "what is in S3 cannot be told": {"objects": LOST},
    "ten objects go": objects(10),
    "eleven objects go": objects(11),
    "the bucket keeps no versions": objects(1, Versioning("Off")),
    "the bucket's versioning is suspended": objects(2, Versioning("Suspended")),
    "whether the bucket keeps versions cannot be told": objects(3, None),
    "the bucket is locked": objects(3, LOCK),
    "the newest checkpoint is among them": objects(3, newest=NEWEST[:1]),
    "the newest checkpoints of two runs are among them": objects(3, newest=NEWEST[:2]),
    "the newest checkpoints of three runs are among them": objects(3, newest=NEWEST),
    "a checkpoint is replaced": objects(3, replaced=NEWEST[:1]),
    "two checkpoints are replaced": objects(3, replaced=NEWEST[:2]),
    "three checkpoints are replaced": objects(3, replaced=NEWEST),
    "the newest checkpoint is replaced": objects(3, replaced=NEWEST[:1], newest_replaced=NEWEST[:1]),
    "the newest and an older checkpoint are replaced": objects(3, replaced=NEWEST[:2], newest_replaced=NEWEST[:1]),
    "an object is replaced": objects(3, replacing=1),
    "objects are replaced, and the bucket keeps no versions": objects(3, Versioning("Off"), replacing=2),
    "objects are replaced, and whether it keeps versions cannot be told": objects(3, None, replacing=2),
    "a run at work uploads there": objects(3, written=("r-000001",)),
    "two runs at work upload there": objects(3, written=("r-000001", "r-000002")),
    "an older checkpoint leaves": objects(3, leaving=NEWEST[:1]),
    "two older checkpoints leave": objects(3, leaving=NEWEST[:2]),
    "the newest checkpoint leaves": objects(3, newest=NEWEST[:1], leaving=NEWEST[:1]),
    "the newest and an older checkpoint leave": objects(3, newest=NEWEST[:1], leaving=NEWEST[:2]),
}
MARKS: Final[dict[str, Circumstance]] = {
    "it is marked so already": {"mark": Mark((("runctl:owner", OWNER),))},
    "nothing is to be marked": {"mark": None},
    "nothing is marked, and its tags cannot be read": {"mark": None, "tags": LOST},
    "termination protection is to be on": {"mark": Mark(termination=True)},
    "termination protection is off already": {"mark": Mark(termination=False)},
    "stop protection is on already": {"mark": Mark(stop=True), "protection": known(ApiProtection(False, True))},
    "termination protection is to be on, and its protections cannot be read": {
        "mark": Mark(termination=True), "protection": LOST,
    },
    "stop protection is to be off, and its protections cannot be read": {"mark": Mark(stop=False), "protection": LOST},
    "a tag is to be set, and its protections cannot be read": {"mark": Mark((("a", "b"),)), "protection": LOST},
    "it has as many tags as there can be": full(MOST_TAGS),
    "it has one tag less than there can be": full(MOST_TAGS - 1),
    "it has as many tags as there can be, and one is changed": full(MOST_TAGS, mark=Mark((("team:1", "x"),))),
    "it has as many tags as there can be, and none is added": full(MOST_TAGS, mark=Mark(termination=True)),
    "it has too many tags, and none is added": full(MOST_TAGS + 1, mark=None),
    "a volume is marked while its machine is gone": {
        "target": {"kind": "volume", "id": "vol-1"}, "state": known(ResourceState.TERMINATED),
    },
}  # fmt: skip
PROCESSES: Final[dict[str, Circumstance]] = {
    "the process cannot be looked at": {"process": LOST},
    "the process has ended": look(process=None),
    "the process has ended, and another has its number": look(process=None, instead="nginx"),
    "another process has the number of one that is there": look(instead="nginx"),
    **{f"the process is guarded: {guard.name.lower()}": process(guard) for guard in Guard},
    **{f"the process of a run is guarded: {one.name.lower()}": process(one, run_id="r-000001") for one in Guard},
    "the process is another user's": process(user="bob", own=False),
    "whose the process is is not known": process(user="", own=False),
    "the process is ours, by a name that is not known": process(user=""),
    "when the process began is not known": process(start=0, seconds=None),
    "when the process began cannot be": process(start=-1, seconds=0),
    "the process began with the host": process(start=1),
    "the process computes on two GPUs": process(gpus=(0, 1), gpu_memory_mib=2048.0),
    "the process holds memory on a GPU that nobody names": process(gpu_memory_mib=512.0),
    "the process computes on a GPU whose driver says nothing": process(gpus=(1,)),
    "the process has a child": look(children=("4712 worker",), children_total=1),
    "the process has two children": look(children=("4712 worker", "4713 worker"), children_total=2),
    "the process has many children": look(children=("4712 worker", "4713 worker"), children_total=9),
    "nobody says whose account it is": {"account": known("")},
}
