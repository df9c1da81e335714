"""What the RunPod provider does: which calls each operation makes, and what a true answer is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.states import Operation as Verb
from runctl_tui.domain.volume import NewVolume, VolumeShape
from runctl_tui.sandbox.runpod import seed
from runctl_tui.services.runpod.parse import TOKEN
from runctl_tui.services.volume_store import StorageCall
from tests.faults.ends import check_problem, check_unknown
from tests.faults.runpod_wire import BODIES, BRIEF, WAYS, Case
from tests.services.runpod.conftest import Rig, wanted

PODS, POD, GPUS, VOLUMES = "GET pods", "GET pods/id", "GET catalog/gpus", "GET network-volumes"
ME, KINDS, DEPLOY = "GraphQL myself", "GraphQL gpuTypes", "GraphQL podFindAndDeployOnDemand"
BILLING, LOGS, TEMPLATES, TEMPLATE = "GET billing", "GET pods/id/logs", "GET templates", "GET templates/id"
POST, PATCH, DELETE = "POST network-volumes", "PATCH network-volumes/id", "DELETE network-volumes/id"
LEADS: Final = frozenset({GPUS, VOLUMES, ME, BILLING})
FIRST: Final = LEADS | {POD, PODS}
"""Calls that are about something else where a change comes after them; as their own matter they are met above."""
OWN: Final = "op-1"
NEW: Final = NewVolume("runpod", seed.CENTER, "weights", VolumeShape("network", 100), "vision")
PUBLIC: Final = "tpl-pytorch"
SUCCESS: Final = "RunPod's own answer to a deletion is a success without content: what is listed afterwards tells"

SILENT: Final = "a log of which no whole line has come looks the same where nothing was printed; it is read on"


@dataclass(frozen=True)
class Operation:
    """One thing that the provider does."""

    name: str
    calls: tuple[str, ...]
    """Those that it makes where nothing is wrong."""
    work: Callable[[Rig], Awaitable[Any]]
    true: Callable[[Rig, Any], bool]
    """Whether a value that it ended with may be believed."""
    arrange: Callable[[Rig], None] = lambda _: None
    lead: frozenset[str] = LEADS
    """Calls that only lead to those that it is about, where there are others."""
    once: tuple[str, ...] = ()
    """Calls that must never be sent twice."""
    after: Callable[[Rig], Awaitable[None]] | None = None
    """Checks the account when it has ended, however it ended."""
    spared: dict[str, str] = field(default_factory=dict)
    """'call fault' of faults that cannot be told from the truth, with the reason."""

    def cases(self, call: str) -> tuple[Case, ...]:
        """Return the faults that are tried on one of its calls."""
        leads = call in self.lead and bool(set(self.calls) - self.lead)
        met = [case for case in (*WAYS, *BODIES) if case.meets(call) and (not leads or str(case) in BRIEF)]
        return tuple(case for case in met if f"{call} {case}" not in self.spared)

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def pod_of(rig: Rig) -> str:
    """Return the id of the pod that there is."""
    return next(str(one) for one in rig.pods.account["pods"])


def volume_of(rig: Rig) -> Any:
    """Return the network volume that there is, as the emulator keeps it."""
    return next(iter(rig.pods.account["volumes"].values()))


def _fact(known: Callable[[Rig, Any], bool]) -> Callable[[Rig, Any], bool]:
    def true(rig: Rig, fact: Fact[Any]) -> bool:
        if isinstance(fact, Unknown):
            check_unknown(fact)
            return True
        return isinstance(fact, Known) and known(rig, fact.value)

    return true


def _listed(rig: Rig, snapshot: Any) -> bool:
    (one,) = snapshot.value
    words, bill = rig.provider.account.words()[0], rig.provider.billing.told()
    assert not words or "$42" in words, "a balance that RunPod never told"
    assert isinstance(bill, Unknown) or bill.value.month > 0, "a bill of nothing"
    return _running(rig, one)


def _running(rig: Rig, one: Any) -> bool:
    return (one.id, one.state) == (pod_of(rig), ResourceState.RUNNING)


def _stored(rig: Rig, snapshot: Any) -> bool:
    for problem in snapshot.missing:
        check_problem(problem)
    return [one.id for one in _volumes(snapshot.value)] == [volume_of(rig)["id"]] or bool(snapshot.missing)


def _volumes(value: Any) -> Any:
    return value if isinstance(value, tuple) else value.volumes


def _token(rig: Rig) -> None:
    rig.seeded["env"][TOKEN] = OWN


async def _bill(rig: Rig) -> Any:
    await rig.provider.billing.refresh()
    return rig.provider.billing.told()


async def _log(rig: Rig) -> list[str]:
    return [line async for line in rig.provider.logs(pod_of(rig), follow=False)]


def _said(rig: Rig, lines: list[str]) -> bool:
    """What came is how the log begins; a lost rest is asked for again, and words of others are none of it."""
    whole = [one["line"] for one in rig.pods.log(pod_of(rig))]
    return bool(lines) and lines == whole[: len(lines)]


READS: Final = (
    Operation("list pods", (PODS, GPUS, VOLUMES, ME, BILLING), lambda rig: rig.provider.list_resources(), _listed),
    Operation("one pod", (POD, GPUS, VOLUMES), lambda rig: rig.provider.get_resource_status(pod_of(rig)), _running),
    Operation(
        "describe a pod",
        (POD,),
        lambda rig: rig.provider.describe(pod_of(rig)),
        lambda rig, told: told["id"] == pod_of(rig),
    ),
    Operation(
        "locks of a pod",
        (POD,),
        lambda rig: rig.provider.protections(pod_of(rig)),
        _fact(lambda _, value: value.termination is False),
    ),
    Operation(
        "find a pod by its token",
        (PODS, GPUS, VOLUMES),
        lambda rig: rig.provider.find_by_token(OWN),
        lambda rig, one: one is not None and one.id == pod_of(rig),
        _token,
    ),
    Operation(
        "identity",
        (ME,),
        lambda rig: rig.provider.identity(),
        _fact(lambda rig, value: value.account == rig.pods.account["id"]),
    ),
    Operation("balance", (ME,), lambda rig: rig.provider.balance(), _fact(lambda _, value: 42 < value.usd < 43)),
    Operation("bill", (BILLING,), _bill, _fact(lambda _, value: value.month > 0)),
    Operation(
        "offers",
        (GPUS,),
        lambda rig: rig.provider.offers("secure"),
        lambda _, offers: "RTX 4090" in {one.type for one in offers},
    ),
    Operation(
        "price",
        (GPUS,),
        lambda rig: rig.provider.estimate_cost("secure", "RTX 4090", Market.ON_DEMAND),
        _fact(lambda _, value: value.usd_per_hour > Decimal("0.1")),
    ),
    Operation(
        "spot price",
        (GPUS, KINDS),
        lambda rig: rig.provider.estimate_cost("secure", "RTX 4090", Market.SPOT),
        _fact(lambda _, value: value.usd_per_hour > Decimal("0.01")),
    ),
    Operation(
        "log",
        (LOGS,),
        _log,
        _said,
        spared={f"{LOGS} F24-{name}": SILENT for name in ("nothing", "nothing-204", "truncated-to-30")},
    ),
    Operation("list volumes", (VOLUMES, PODS), lambda rig: rig.provider.volumes.list_storage(), _stored),
    Operation("standing volumes", (VOLUMES,), lambda rig: rig.provider.volumes.standing(), _stored),
    Operation(
        "one volume",
        (VOLUMES, PODS),
        lambda rig: rig.provider.volumes.volume(volume_of(rig)["id"]),
        lambda rig, one: one.id == volume_of(rig)["id"] and one.shape.size_gib == volume_of(rig)["size"],
    ),
    Operation(
        "describe a volume",
        ("GET network-volumes/id",),
        lambda rig: rig.provider.volumes.describe(volume_of(rig)["id"]),
        lambda rig, told: told["id"] == volume_of(rig)["id"],
    ),
    Operation(
        "is it a data centre",
        (GPUS, VOLUMES),
        lambda rig: rig.provider.volumes.check_zone(seed.CENTER),
        lambda _, told: told is None,
    ),
    Operation(
        "check a launch",
        (PODS, GPUS, VOLUMES, ME),
        lambda rig: rig.provider.check_create(wanted()),
        lambda _, warnings: all(isinstance(one, str) for one in warnings),
    ),
    Operation(
        "check a launch of a template",
        (PODS, GPUS, VOLUMES, ME, TEMPLATES, TEMPLATE),
        lambda rig: rig.provider.check_create(wanted(template=PUBLIC)),
        lambda _, warnings: any("template" in one for one in warnings),
        lead=FIRST,
    ),
)


async def _one_pod_at_most(rig: Rig) -> None:
    made = rig.pods.named("box")
    assert len(made) <= 1, "two pods are paid for"
    found = await rig.provider.find_by_token(OWN)
    assert [found.id] == made if found else not made, "what was made is found by its token"
    again = await rig.provider.create_resource(wanted(), OWN)
    assert rig.pods.named("box") == [again.id], "the same launch once more makes no second pod"


async def _never_said_to_be_gone(rig: Rig) -> None:
    states = {one.id: one.state for one in (await rig.provider.list_resources()).value}
    for there in rig.pods.records:
        assert states[there] is not ResourceState.TERMINATED, "it runs, and costs"


async def _one_volume_at_most(rig: Rig) -> None:
    made = [one["id"] for one in rig.pods.account["volumes"].values() if one["name"].startswith(NEW.name)]
    assert len(made) <= 1, "two volumes are paid for"
    assert await rig.provider.volumes.find_by_token(OWN, NEW.zone) == "".join(made)


def _call(verb: Verb, **more: Any) -> Callable[[Rig], Awaitable[str]]:
    call = replace(StorageCall(verb, NEW.zone), **more)

    def work(rig: Rig) -> Awaitable[str]:
        return rig.provider.volumes.change(call if call.new else replace(call, id=volume_of(rig)["id"]))

    return work


WRITES: Final = (
    Operation(
        "create",
        (PODS, GPUS, VOLUMES, KINDS, DEPLOY, POD),
        lambda rig: rig.provider.create_resource(wanted(), OWN),
        lambda rig, one: [one.id] == rig.pods.named("box"),
        lead=LEADS | {PODS},
        once=(DEPLOY, KINDS),
        after=_one_pod_at_most,
    ),
    Operation(
        "start",
        (POD, GPUS, VOLUMES, "GraphQL podResume"),
        lambda rig: rig.provider.start(pod_of(rig)),
        lambda rig, _: rig.seeded["status"] != "EXITED",
        lambda rig: rig.seeded.update(status="EXITED"),
        lead=FIRST,
        once=("GraphQL podResume",),
    ),
    Operation(
        "stop",
        (POD, GPUS, VOLUMES, "GraphQL podStop"),
        lambda rig: rig.provider.stop(pod_of(rig)),
        lambda rig, _: rig.seeded["status"] == "EXITED",
        lead=FIRST,
        once=("GraphQL podStop",),
    ),
    Operation(
        "terminate",
        (POD, GPUS, VOLUMES, "GraphQL podTerminate"),
        lambda rig: rig.provider.terminate(pod_of(rig)),
        lambda rig, _: not rig.pods.records,
        lead=FIRST,
        once=("GraphQL podTerminate",),
        after=_never_said_to_be_gone,
    ),
    Operation(
        "create a volume",
        (POST,),
        _call(Verb.VOLUME_CREATE, token=OWN, new=NEW, name=NEW.name),
        lambda rig, made: made in rig.pods.account["volumes"],
        once=(POST,),
        after=_one_volume_at_most,
    ),
    Operation(
        "grow a volume",
        (PATCH,),
        _call(Verb.VOLUME_MODIFY, shape=VolumeShape("network", 300)),
        lambda rig, _: volume_of(rig)["size"] == 300,
        once=(PATCH,),
    ),
    Operation(
        "delete a volume",
        (DELETE,),
        _call(Verb.VOLUME_DELETE),
        lambda rig, _: not rig.pods.account["volumes"],
        once=(DELETE,),
        spared={f"{DELETE} F24-{name}": SUCCESS for name in ("nothing", "nothing-204")},
    ),
)
OPERATIONS: Final = (*READS, *WRITES)
