"""The operations of the AWS provider that change nothing: which calls they make, and what a true answer is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.plan import Operation as Verb
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.services.aws.resting import images_on, templates_on
from tests.faults.account import BUCKET, CONTENT, EAST, KEY, Stage
from tests.faults.ends import check_problem, check_unknown
from tests.faults.wire import BRIEF, Case

READING: Final = ("DescribeInstances", "DescribeInstanceTypes", "DescribeSnapshots", "DescribeVolumes")
BUCKET_FIRST: Final = "S3 HEAD bucket"
LOOKS: Final = (
    "DescribeImages",
    "DescribeInstanceTypes",
    "DescribeSecurityGroups",
    "DescribeVpcs",
    "DescribeKeyPairs",
    "GetEbsEncryptionByDefault",
    "GetParameter",
)
Work = Callable[[Stage], Awaitable[Any]]
Truth = Callable[[Stage, Any], bool]


@dataclass(frozen=True)
class Operation:
    """One thing that the provider does."""

    name: str
    calls: tuple[str, ...]
    """Those that it makes where nothing is wrong."""
    work: Work
    true: Truth
    """Whether a value that it ended with may be believed."""
    arrange: Callable[[Stage], None] = lambda _: None
    lead: frozenset[str] = frozenset({BUCKET_FIRST, *LOOKS, "DescribeInstances west"})
    """Calls that only lead to those that it is about: they meet the brief list, where there are others."""
    once: tuple[str, ...] = ()
    """Calls that must never be sent twice."""
    fresh: bool = False
    """Whether it needs an account that nothing was done in."""
    after: Callable[[Stage], Awaitable[None]] | None = None
    """Checks the account when it has ended, however it ended."""
    unplayed: str = ""
    """Why moto cannot play it, so that only its ends are looked at."""
    spared: dict[str, str] = field(default_factory=dict)
    """Faults that cannot be told from the truth, with the reason; a name, or 'call fault'."""

    def meets(self, call: str, case: Case) -> bool:
        """Whether a fault is tried on one of its calls."""
        if not case.meets(call) or {str(case), f"{call} {case}"} & self.spared.keys():
            return False
        return str(case) in BRIEF or call not in self.lead or not set(self.calls) - self.lead

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def _pages(of: Callable[[Stage], Any]) -> Work:
    async def work(stage: Stage) -> list[Any]:
        return [one async for page in of(stage) for one in page]

    return work


def _listed(stage: Stage, snapshot: Any) -> bool:
    """All machines, or a problem for each region whose list is not whole."""
    for problem in snapshot.missing:
        check_problem(problem)
    seen = {one.id for one in snapshot.value}
    named = {problem.scope for problem in snapshot.missing}
    wanted = {EAST: stage.seeds.machine, "us-west-2": stage.seeds.west}
    return all(name in seen or f"aws/{region}" in named & set(snapshot.silent) for region, name in wanted.items())


def _stored(stage: Stage, snapshot: Any) -> bool:
    for problem in snapshot.missing:
        check_problem(problem)
    volumes = {one.id for one in snapshot.value.volumes}
    snapshots = {one.id for one in snapshot.value.snapshots}
    whole = stage.seeds.volume in volumes and stage.seeds.snapshot in snapshots
    return whole or f"aws/{EAST}" in {problem.scope for problem in snapshot.missing}


def _stands(stage: Stage, snapshot: Any) -> bool:
    for problem in snapshot.missing:
        check_problem(problem)
    found = stage.seeds.volume in {one.id for one in snapshot.value}
    return found or f"aws/{EAST}" in {problem.scope for problem in snapshot.missing}


def _fact(known: Callable[[Any], bool]) -> Truth:
    def true(_: Stage, fact: Any) -> bool:
        if isinstance(fact, Unknown):
            check_unknown(fact)
            return True
        return isinstance(fact, Known) and known(fact.value)

    return true


def _saved(_: Stage, volume: Any) -> bool:
    """The newest snapshot is told, or unknown; never 'none'."""
    saved = volume.last_snapshot
    return isinstance(saved, Unknown) or (isinstance(saved, Known) and saved.value is not None)


def _machine(stage: Stage, one: Any) -> bool:
    """Running, its disk either described or unknown; never a disk that is said to survive."""
    (disk,) = one.disks
    return (
        one.id == stage.seeds.machine and one.state is ResourceState.RUNNING and disk.delete_on_termination is not False
    )


def _offered(_: Stage, offers: Any) -> bool:
    return "t3.micro" in {one.type for one in offers}


def _options(stage: Stage, region: str) -> Any:
    from runctl_tui.domain.offer import CreateResourceOptions

    return CreateResourceOptions("aws", region, "t3.micro", "box", "proj")


READS: Final = (
    Operation(
        "list instances",
        (*READING, "DescribeInstances west"),
        lambda stage: stage.provider.list_resources(),
        _listed,
    ),
    Operation(
        "one instance", READING, lambda stage: stage.provider.get_resource_status(stage.seeds.machine, EAST), _machine
    ),
    Operation(
        "describe an instance",
        ("DescribeInstances",),
        lambda stage: stage.provider.describe(stage.seeds.machine, EAST),
        lambda stage, told: told["InstanceId"] == stage.seeds.machine,
    ),
    Operation(
        "find an instance by its token",
        READING,
        lambda stage: stage.provider.find_by_token("seed", EAST),
        lambda stage, one: one is not None and one.id == stage.seeds.machine,
    ),
    Operation(
        "identity",
        ("GetCallerIdentity",),
        lambda stage: stage.provider.identity(),
        _fact(lambda value: value.account == "123456789012"),
    ),
    Operation(
        "locks of an instance",
        ("DescribeInstanceAttribute", "DescribeInstances", "DescribeInstanceTypes"),
        lambda stage: stage.provider.protections(stage.seeds.machine, EAST),
        _fact(lambda value: value.termination is True),
        arrange=lambda stage: stage.account.raw(region=EAST).modify_instance_attribute(
            InstanceId=stage.seeds.machine, DisableApiTermination={"Value": True}
        ),
    ),
    Operation(
        "price on demand",
        ("GetProducts",),
        lambda stage: stage.provider.estimate_cost("eu-west-3", "g5.xlarge", Market.ON_DEMAND),
        _fact(lambda value: value.usd_per_hour > 0),
    ),
    Operation(
        "spot price",
        ("DescribeSpotPriceHistory",),
        lambda stage: stage.provider.estimate_cost(EAST, "t3.micro", Market.SPOT),
        _fact(lambda value: value.usd_per_hour > 0),
    ),
    Operation(
        "host keys",
        ("GetConsoleOutput",),
        lambda stage: _host_keys(stage),
        lambda _, keys: keys == (),
    ),
    Operation(
        "check a launch",
        (*LOOKS, "DescribeInstances", "RunInstances"),
        lambda stage: stage.provider.check_create(_options(stage, EAST)),
        lambda _, warnings: all(isinstance(one, str) for one in warnings),
        once=("RunInstances",),
    ),
    Operation(
        "dry run",
        ("StopInstances",),
        lambda stage: stage.provider.dry_run(Verb.STOP, stage.seeds.machine, EAST),
        lambda _, told: told is None,
        once=("StopInstances",),
    ),
    Operation(
        "list volumes",
        ("DescribeSnapshots", "DescribeVolumes"),
        lambda stage: stage.provider.volumes.list_storage(),
        _stored,
    ),
    Operation(
        "volumes attached to nothing",
        ("DescribeVolumes", "GetProducts"),
        lambda stage: stage.provider.volumes.standing(),
        _stands,
    ),
    Operation(
        "one volume",
        ("DescribeSnapshots", "DescribeVolumes"),
        lambda stage: stage.provider.volumes.volume(stage.seeds.volume, EAST),
        _saved,
    ),
    Operation(
        "one snapshot",
        ("DescribeSnapshots",),
        lambda stage: stage.provider.volumes.snapshot(stage.seeds.snapshot, EAST),
        lambda stage, one: one.id == stage.seeds.snapshot,
    ),
    Operation(
        "snapshots of a volume",
        ("DescribeSnapshots",),
        lambda stage: stage.provider.volumes.snapshots_of(stage.seeds.volume, EAST),
        lambda stage, found: stage.seeds.snapshot in {one.id for one in found},
    ),
    Operation(
        "images that rest on a snapshot",
        ("DescribeImages",),
        lambda stage: images_on(stage.provider._clients, stage.seeds.snapshot, EAST),
        lambda stage, found: found == {stage.seeds.image},
        unplayed="moto knows no filter by an image's snapshot",
    ),
    Operation(
        "launch templates that rest on a snapshot",
        ("DescribeLaunchTemplateVersions",),
        lambda stage: templates_on(stage.provider._clients, stage.seeds.snapshot, EAST),
        lambda stage, found: found == {stage.seeds.template},
    ),
    Operation(
        "change of a volume",
        ("DescribeVolumesModifications",),
        lambda stage: stage.provider.volumes.modification(stage.seeds.volume, EAST),
        lambda _, told: told is not None,
    ),
    Operation(
        "find a volume by its token",
        ("DescribeVolumes",),
        lambda stage: stage.provider.volumes.find_by_token("seed", EAST),
        lambda stage, found: found == stage.seeds.volume,
    ),
    Operation(
        "is it a zone",
        ("DescribeAvailabilityZones",),
        lambda stage: stage.provider.volumes.check_zone(f"{EAST}a"),
        lambda _, told: told is None,
    ),
    Operation(
        "tags",
        ("DescribeTags",),
        lambda stage: stage.provider.marks.tags(stage.seeds.machine, EAST),
        lambda _, tags: tags.get("Name") == "box",
    ),
    Operation(
        "buckets",
        ("S3 GET all", BUCKET_FIRST),
        lambda stage: stage.objects.buckets(),
        lambda _, found: [one.name for one in found] == [BUCKET],
    ),
    Operation(
        "is there a bucket",
        (BUCKET_FIRST,),
        lambda stage: stage.provider.store.bucket_exists(BUCKET),
        lambda _, told: told is True,
    ),
    Operation(
        "list objects",
        (BUCKET_FIRST, "S3 GET bucket"),
        _pages(lambda stage: stage.objects.pages(BUCKET, "run/")),
        lambda _, found: KEY in {one.key for one in found},
    ),
    Operation(
        "list stored",
        (BUCKET_FIRST, "S3 GET bucket"),
        _pages(lambda stage: stage.provider.store.list(BUCKET)),
        lambda _, found: KEY in {one.key for one in found},
    ),
    Operation(
        "list folders",
        (BUCKET_FIRST, "S3 GET bucket"),
        lambda stage: stage.provider.store.folders(BUCKET),
        lambda _, found: "run" in found,
    ),
    Operation(
        "facts of an object",
        (BUCKET_FIRST, "S3 HEAD key"),
        lambda stage: stage.objects.head(BUCKET, KEY),
        lambda _, told: told.size == len(CONTENT),
    ),
    Operation(
        "preview an object",
        (BUCKET_FIRST, "S3 HEAD key", "S3 GET key"),
        lambda stage: stage.objects.preview(BUCKET, KEY),
        lambda _, told: (told.size, told.head) == (len(CONTENT), CONTENT),
    ),
    Operation(
        "share an object",
        (BUCKET_FIRST,),
        lambda stage: stage.objects.presign(BUCKET, KEY, 60),
        lambda _, url: KEY in url,
    ),
    Operation(
        "versions of a bucket",
        (BUCKET_FIRST, "S3 GET bucket?versioning", "S3 GET bucket?object-lock"),
        lambda stage: stage.objects.versioning(BUCKET),
        lambda _, told: told.status == "Enabled",
    ),
    Operation(
        "tags of a bucket",
        (BUCKET_FIRST, "S3 GET bucket?tagging"),
        lambda stage: stage.objects.bucket_tags(BUCKET),
        lambda _, tags: tags == (("team", "vision"),),
    ),
)


async def _host_keys(stage: Stage) -> tuple[str, ...]:
    from tests.fakes import an_instance

    return await stage.provider.host_keys(an_instance(id=stage.seeds.machine, region=EAST))
