"""A fixed, believable world for interface tests: machines, runs, checkpoints, offers, money."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.cost import CostReport, CostShare, CostSummary, DayCost
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.history import Account, Deed, History, Stretch
from runctl_tui.domain.instance import Disk, Gpu, Instance
from runctl_tui.domain.launch import CodeSummary, LaunchRequest
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.domain.offer import CreateResourceOptions, TypeOffer
from runctl_tui.domain.plan import JobView, Level, PlanLine, Reason, Severity, Step, StepState
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import (
    GpuReading,
    ResourceUsage,
    RunProgress,
    TrainingJob,
    TrainingSession,
    TrainingStatus,
    UploadSummary,
)
from runctl_tui.services.ports import SessionFacts

NOW = datetime(2026, 11, 21, 12, 4, 40, tzinfo=UTC)
US_EAST, US_WEST = "us-east-1", "us-west-2"
HOSTILE = "s3://b/[/]x[red]y[@click=app.quit]z[/]\x1b]0;owned\x07\x1b[2J\u202etxt.exe"


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


def price(usd: str, kind: PriceKind = PriceKind.ON_DEMAND, estimate: bool = False) -> Fact[Price]:
    return Known(Price(Decimal(usd), kind, "bundled table", date(2026, 11, 20), estimate), ago(minutes=3), "prices")


def instance(key: str, name: str, state: ResourceState, kind: str, region: str = US_EAST, **more: object) -> Instance:
    tags = (("Name", name), ("runctl:owner", "alice"), ("runctl:project", "llama"))
    known: dict[str, object] = {
        "provider": "aws",
        "zone": f"{region}a",
        "owner_label": "alice",
        "tags": tags,
        "launched_at": ago(hours=2),
        "created_at": ago(hours=2),
        "vcpus": 4,
        "memory_gib": 16.0,
        "public_ip": "203.0.113.7",
        "private_ip": "10.0.0.7",
        "key_name": "runctl-alice",
    }
    return Instance(id=key, region=region, name=name, state=state, type=kind, **(known | more))  # type: ignore[arg-type] # fields by name


def run(key: str, name: str, instance_id: str, status: TrainingStatus, **more: object) -> TrainingSession:
    known: dict[str, object] = {
        "project": "llama",
        "provider": "aws",
        "region": US_EAST,
        "script": "train.py",
        "args": ("--steps", "9000"),
        "started_at": ago(hours=18),
        "host_dir": "/home/ubuntu/llama",
        "output_dest": "s3://my-runs/llama",
        "heard_at": ago(seconds=4),
        "owner": "alice",
    }
    return TrainingSession(id=key, name=name, instance_id=instance_id, status=status, **(known | more))  # type: ignore[arg-type] # fields by name


LLAMA_RUN = run(
    "r-81llama7b",
    "llama-7b",
    "i-0abc12de34f567890",
    TrainingStatus.RUNNING,
    progress=RunProgress(4110, 9000, None, 2.184, 8.1, 41105.0, ago(seconds=4)),
    uploads=UploadSummary(done=7, pending=1),
    checkpoints=8,
    newest_checkpoint="step_4000",
    job=TrainingJob("train.py", ("--steps", "9000"), "/home/alice/llama", "llama", "llama-7b"),
)
LORA_RUN = run(
    "r-80sdxllora",
    "sdxl-lora",
    "i-0fed00000000000a1",
    TrainingStatus.RUNNING,
    region=US_WEST,
    started_at=ago(hours=5),
    progress=RunProgress(911, 10000, None, 0.112, 0.34, None, ago(seconds=2)),
    uploads=UploadSummary(waiting="no credentials on the host and no relay", pending=2),
    checkpoints=2,
)
TINY_RUN = run(
    "r-79tinytwo",
    "tiny-2",
    "local",
    TrainingStatus.COMPLETED,
    provider="local",
    region="local",
    started_at=ago(days=1, hours=3),
    ended_at=ago(days=1),
    exit_code=0,
    progress=RunProgress(2000, 2000, None, 1.902, 0.05, None, ago(days=1)),
    uploads=UploadSummary(done=4),
    checkpoints=4,
    output_dest="",
)
BROKEN_RUN = run(
    "r-78broken00",
    "llama-nan",
    "i-0abc12de34f567890",
    TrainingStatus.FAILED,
    started_at=ago(days=2),
    ended_at=ago(days=1, hours=20),
    exit_code=1,
    reason="CUDA out of memory",
    progress=RunProgress(1210, 9000, None, float("nan"), 8.0, None, ago(days=1)),
)
RUNS = (LLAMA_RUN, LORA_RUN, TINY_RUN, BROKEN_RUN)

USAGE = ResourceUsage(
    timestamp=ago(seconds=4),
    cpu_percent=31.0,
    memory_used_mib=180_000,
    memory_total_mib=1_152_000,
    disk_used_gib=610,
    disk_total_gib=1000,
    load=12.4,
    gpus=tuple(GpuReading(n, "A100", 97.0 - n, 71_000, 81_920, 74.0, 398.0) for n in range(2)),
)

QUIET = ResourceUsage(ago(minutes=1), cpu_percent=2.0, cpus=4, gpus=(GpuReading(0, "A10G", 0.0, 300, 24_000),))
EVAL_RUN = run(
    "r-20261121eval",
    "llama-eval",
    "i-0aaa00000000000e1",
    TrainingStatus.COMPLETED,
    started_at=ago(hours=2),
    ended_at=ago(minutes=38),
)

_R = ResourceState


def _big() -> Instance:
    disks = (
        Disk("vol-0root", "/dev/sda1", 200, "gp3", True, root=True, usd_per_month="16.00"),
        Disk("vol-0scratch", "/dev/sdf", 1000, "gp3", True, name="scratch", usd_per_month="80.00"),
        Disk(
            "vol-0data", "/dev/sdg", 2000, "gp3", False, name="data", last_snapshot_at=ago(days=9), usd_per_month="164"
        ),
    )
    return instance(
        "i-0abc12de34f567890",
        "llama-7b",
        _R.RUNNING,
        "p4d.24xlarge",
        zone="us-east-1d",
        gpu=Gpu("A100", 8, 40.0),
        vcpus=96,
        memory_gib=1152.0,
        launched_at=ago(hours=18),
        created_at=ago(hours=18),
        disks=disks,
        profile="runctl-training",
    )


def fleet() -> tuple[FleetRow, ...]:
    """Return the machines of the wireframe."""
    foreign = (("Name", "db-primary"), ("team", "payments"))
    eval_box = instance("i-0aaa00000000000e1", "llama-eval", _R.RUNNING, "g5.xlarge", US_WEST, gpu=Gpu("A10G", 1, 24.0))
    lora = instance("i-0fed00000000000a1", "sdxl-lora", _R.RUNNING, "g6.xlarge", US_WEST, gpu=Gpu("L4", 1, 24.0))
    bench = instance(
        "i-0bee00000000000b1",
        "bench-spot",
        _R.STARTING,
        "g6e.xlarge",
        market=Market.SPOT,
        gpu=Gpu("L40S", 1, 48.0),
        launched_at=ago(seconds=20),
        zone="us-east-1b",
    )
    old = instance(
        "i-0cce00000000000c1", "old-notebook", _R.STOPPED, "g4dn.xlarge", gpu=Gpu("T4", 1, 16.0), launched_at=None
    )
    database = instance(
        "i-0dde00000000000d1", "db-primary", _R.RUNNING, "m6i.4xlarge", tags=foreign, launched_at=ago(days=92)
    )
    here = instance(
        "local",
        "this machine",
        _R.RUNNING,
        "local",
        "local",
        provider="local",
        zone="",
        market=Market.LOCAL,
        tags=(),
        launched_at=ago(hours=6),
        public_ip="",
        key_name="",
    )
    free = price("0", PriceKind.FREE)
    spot = price("0.74", PriceKind.SPOT, estimate=True)
    return (
        FleetRow(
            _big(), price("22.57"), Decimal("260.00"), Decimal("412.77"), runs=(LLAMA_RUN, BROKEN_RUN), usage=USAGE
        ),
        FleetRow(
            eval_box,
            price("1.01"),
            Decimal(8),
            Decimal("2.06"),
            runs=(EVAL_RUN,),
            usage=QUIET,
            runs_unknown="",
            note="idle 38m, $0.64",
        ),
        FleetRow(lora, price("0.69"), Decimal(8), Decimal("3.45"), runs=(LORA_RUN,)),
        FleetRow(bench, spot, Decimal(8), Decimal("0.00"), note="waiting for SSH"),
        FleetRow(old, price("0.53"), Decimal(8), Decimal("18.40")),
        FleetRow(database, Unknown("no price for us-east-1 m6i.4xlarge"), None, None),
        FleetRow(here, free, Decimal(0), Decimal(0), runs=(TINY_RUN,)),
    )


def hostile_row() -> FleetRow:
    """Return a machine whose every text attacks the terminal or the markup."""
    return FleetRow(
        instance(
            "i-0bad000000000bad0", HOSTILE, _R.RUNNING, HOSTILE, zone=HOSTILE, tags=(("Name", HOSTILE), (HOSTILE, "x"))
        ),
        price("1.00"),
        Decimal(1),
        Decimal("1.00"),
        runs=(run("r-77hostile0", HOSTILE, "i-0bad000000000bad0", TrainingStatus.RUNNING, reason=HOSTILE),),
        note=HOSTILE,
    )


THROTTLED = Problem(
    code="RequestLimitExceeded",
    what="us-west-2: throttled",
    why="EC2 answered RequestLimitExceeded",
    todo="nothing; it is tried again",
    request_id="8f1c-77aa",
    retry_in=12.0,
    scope="aws/us-west-2",
)

NO_CREDENTIALS = Problem(
    code="NoCredentialsError",
    what="us-east-1: the instances could not be listed",
    why="no usable credentials; tried: the environment, the profile's files",
    todo="run `aws sso login`, or `aws configure`",
    scope="aws/us-east-1",
    not_connected="AWS",
)

FACTS = SessionFacts(
    sandbox=True,
    profile="research",
    regions=(US_EAST, US_WEST),
    who="alice",
    expires_in=47 * 60.0,
    lock="",
    armed_for=None,
    root=False,
)


def pod_row() -> FleetRow:
    """A pod without a run."""
    (row,) = [one for one in fleet() if one.instance.name == "llama-eval"]
    return replace(row, runs=(), instance=replace(row.instance, provider="runpod", id="pod1", name="vision-lora"))


COST = CostSummary(
    as_of=NOW,
    burn_per_hour=Decimal("25.01"),
    today=Decimal("88.20"),
    month=Decimal("1204.55"),
    forecast=Decimal("1890.00"),
    budget=Decimal(2500),
    excluded=("us-west-2", "S3 requests"),
    estimated=True,
    running=5,
)


_SPENT = (22, 38, 35, 0, 61, 118, 84, 64, 40, 41, 52, 80, 96, 30, 24, 75, "75.35", 90, 60, 31, "88.20")
_SHARES = {
    "project": (("llama", "812.40"), ("sdxl", "201.15"), ("eval", "140.02"), ("", "50.98")),
    "run": ((LORA_RUN.id, "412.77"), ("r-older", "12.00"), ("", "779.78")),
    "type": (("p4d.24xlarge", "1002.17"), ("g5.xlarge", "202.38"), ("m6i.4xlarge", "0")),
}


def report(dimension: str, since: datetime | None = None, until: datetime | None = None) -> CostReport:
    """Return a month of costs; a machine of an unknown price ran on its last two days."""
    start = since or NOW.replace(day=1, hour=0, minute=0, second=0)
    earlier = start.month != NOW.month
    days = [DayCost(start.date() + timedelta(days=n), Decimal(str(usd))) for n, usd in enumerate(_SPENT)]
    days[-2:] = [replace(day, unpriced_seconds=3600.0) for day in days[-2:]]
    shares = [
        CostShare(name, Decimal(usd), 0.0 if Decimal(usd) else 7200.0, 2)
        for name, usd in _SHARES.get(dimension, (("", "1204.55"),))
    ]
    return CostReport(
        by=dimension,
        since=start,
        until=until or NOW,
        total=Decimal(0) if earlier else Decimal("1204.55"),
        shares=() if earlier else tuple(shares),
        days=() if earlier else tuple(days),
        unpriced=() if earlier else ("db-primary (m6i.4xlarge)",),
        recorded_since=NOW.replace(day=1, hour=0, minute=0, second=0),
        tags=("runctl:owner", "runctl:project", "team"),
    )


def checkpoint(step: int, host: CopyState, s3: CopyState, loss: float | None, hours: float) -> Checkpoint:
    size, sha = 3_100_000_000, "ab" * 32
    return Checkpoint(
        run_id=LLAMA_RUN.id,
        name=f"step_{step}",
        step=step,
        format="hf-folder",
        size_bytes=size,
        created_at=ago(hours=hours),
        loss=loss,
        host=CheckpointCopy(host, f"/home/ubuntu/llama/checkpoints/step_{step}", size, ago(hours=hours), sha),
        s3=CheckpointCopy(s3, f"s3://my-runs/llama/{LLAMA_RUN.id}/step_{step}", size, ago(hours=hours), sha),
        files=2,
    )


def checkpoints() -> tuple[Checkpoint, ...]:
    """Return checkpoints in every state a copy can have."""
    c = CopyState
    return (
        checkpoint(4000, c.PRESENT, c.ABSENT, 2.19, 0.7),
        checkpoint(3500, c.PRESENT, c.VERIFIED, 2.24, 3),
        checkpoint(3000, c.ABSENT, c.VERIFIED, 2.31, 7),
        checkpoint(2500, c.PRESENT, c.UPLOADING, None, 11),
        checkpoint(2000, c.UNKNOWN, c.PRESENT, 2.9, 14),
    )


def local_checkpoint(step: int, **more: object) -> Checkpoint:
    """Return a checkpoint in a folder of this machine."""
    folder = "/home/alice/llama/checkpoints"
    copy = CheckpointCopy(CopyState.PRESENT, f"{folder}/step_{step}.pt", 1_200_000, ago(days=3))
    made = Checkpoint(
        run_id="",
        name=f"step_{step}.pt",
        step=step,
        format="pt",
        size_bytes=1_200_000,
        created_at=ago(days=3),
        loss=1.9,
        host=copy,
        s3=CheckpointCopy(CopyState.ABSENT),
        resumable=True,
        folder=folder,
    )
    return replace(made, **more)  # type: ignore[arg-type] # fields by name


def offers(region: str) -> tuple[TypeOffer, ...]:
    """Return a short market of GPU and CPU types."""
    unknown: Fact[Price] = Unknown(f"the bundled table holds us-east-1 only, not {region}")
    table = (
        ("t3.micro", 2, 1.0, None, "0.0104", "0.0031"),
        ("m6i.xlarge", 4, 16.0, None, "0.192", "0.08"),
        ("g4dn.xlarge", 4, 16.0, Gpu("T4", 1, 16.0), "0.526", "0.19"),
        ("g6.xlarge", 4, 16.0, Gpu("L4", 1, 24.0), "0.8048", "0.33"),
        ("g5.xlarge", 4, 16.0, Gpu("A10G", 1, 24.0), "1.006", "0.42"),
        ("p4d.24xlarge", 96, 1152.0, Gpu("A100", 8, 40.0), "22.57", "9.80"),
    )
    return tuple(
        TypeOffer(
            provider="aws",
            region=region,
            type=name,
            vcpus=cpus,
            memory_gib=memory,
            gpu=gpu,
            on_demand=price(dear) if region == US_EAST else unknown,
            spot=price(cheap, PriceKind.SPOT, estimate=True),
            spot_zone=f"{region}d",
        )
        for name, cpus, memory, gpu, dear, cheap in table
    )


def request() -> LaunchRequest:
    """Return what the wizard starts from."""
    return LaunchRequest(
        options=CreateResourceOptions("aws", US_EAST, "t3.micro", "tiny", "demo", root_gib=30),
        job=TrainingJob(
            "train.py", ("--steps", "200"), "/home/alice/tiny", "demo", "tiny", output_dest="s3://my-runs/tiny/"
        ),
    )


CODE = CodeSummary("/home/alice/tiny", 142, 1_800_000, ("data/", "wandb/", ".venv/"), "requirements.txt")


def job(key: str = "j-1", **more: object) -> JobView:
    """Return a launch that is half done."""
    steps = (
        Step("create", "create the instance", StepState.DONE, "i-0new", 1.0, 2.1),
        Step("running", "wait until it runs", StepState.DONE, "", 1.0, 14.0),
        Step("ssh", "SSH up", StepState.RUNNING, "attempt 2", None, 6.0),
        Step("code", "sync code", StepState.WAITING),
        Step("deps", "install dependencies", StepState.WAITING),
        Step("start", "start training", StepState.WAITING),
    )
    known: dict[str, object] = {"title": "launch tiny", "steps": steps, "started_at": ago(seconds=22), "who": "alice"}
    return JobView(id=key, **(known | more))  # type: ignore[arg-type] # fields by name


TERMINATE_LINES = (
    PlanLine("RUNNING", "nothing; run r-81 ended 42 min ago with exit code 0", ago(seconds=4)),
    PlanLine("CKPT", "newest step_4000, 42 min old, verified in S3", ago(seconds=9)),
    PlanLine("COST", "$2.06 so far; $1.01/h ends", ago(seconds=3)),
    PlanLine("DIES", 'root 200 GB · "scratch" 1 TB (no snapshot)'),
    PlanLine("STAYS", '"data" 2 TB, $164/mo'),
    PlanLine("UNDO", "none"),
)
AGAINST = (
    Reason("training_running", Severity.BLOCK, "training is running: llama-7b", Level.REASON, (), "stop the run first"),
    Reason(
        "ckpt_only_copy",
        Severity.BLOCK,
        "the newest checkpoint step_4000 of r-81 is not verified in S3",
        Level.REASON,
        (),
        "let its upload finish, or copy it away",
    ),
    Reason("age_unknown", Severity.BLOCK, "its age could not be told: the provider does not tell", Level.REASON),
    Reason("root_dies", Severity.WARN, "its root disk is deleted with it", Level.NAME),
)
BLOCKED = (
    Reason("training_running", Severity.BLOCK, "training is running", Level.NEVER, offer="stop the run first"),
    Reason("only_copy", Severity.BLOCK, "the only copy of step_4000 dies", Level.NEVER, offer="upload the checkpoint"),
    Reason("young", Severity.WARN, "it was created 4 minutes ago", Level.NAME),
)


def log_text(steps: int = 300, last: int = 4110) -> bytes:
    """Return a training log with a falling loss."""
    lines = [
        f"step {n}/9000 | loss: {2 + 4 * 0.99925**n + 0.004 * (n * 7919 % 5):.4f} | lr 2.1e-04 | 41,{n % 1000:03} tok/s"
        for n in range(last - steps + 1, last + 1)
    ]
    return ("\n".join(["loading data", "warning: 3 shards are missing", *lines]) + "\n").encode()


def history(row: FleetRow) -> History:
    """Return the past of a machine: it was stopped for a night, and a stop failed once."""
    if row.instance.provider != "aws" or row.so_far is None:
        return History(row.key, Unknown("the ledger has not seen it; machines of others are not recorded"), ())
    stretches = (
        Stretch(ago(hours=18), NOW, _R.RUNNING, Decimal("22.93"), Decimal("412.77")),
        Stretch(ago(hours=30), ago(hours=18), _R.STOPPED, Decimal("0.36"), Decimal("4.32")),
        Stretch(ago(hours=32), ago(hours=30), _R.RUNNING, None, Decimal(0), counted=False),
        Stretch(ago(hours=33), ago(hours=32), None, Decimal("22.93"), Decimal("22.93")),
    )
    account = Account(
        first_seen_at=ago(hours=32),
        last_seen_at=NOW,
        stretches=stretches,
        today=Decimal("276.42"),
        month=Decimal("440.02"),
        total=Decimal("440.02"),
        unpriced_seconds=0.0,
        project="llama",
        by_run=((LLAMA_RUN.id, Decimal("406.26")), ("", Decimal("33.76"))),
    )
    deeds = (
        Deed(ago(hours=18), "start", "start it", "alice", "it is running", True),
        Deed(ago(hours=19), "stop", "stop it", "alice", "failed: EC2 said no", False),
        Deed(ago(hours=33), "launch", "launch it", "alice", f"{row.instance.id} is running", True),
    )
    return History(row.key, Known(account, NOW, "ledger"), deeds)


def many(count: int) -> tuple[FleetRow, ...]:
    """Return so many machines, 'row-0000' the dearest."""
    first = fleet()[0]
    return tuple(
        replace(
            first,
            instance=replace(first.instance, id=f"i-{number:017x}", name=f"row-{number:04}"),
            price=price(str(Decimal(count - number) / 100)),
        )
        for number in range(count)
    )
