"""A believable host with its processes, and machines' feeds for interface tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from runctl_tui.domain.host import FileSystem, HostProcess, HostReading, InterfaceRate
from runctl_tui.domain.problem import Problem
from tests.ui import fake_data as data
from tests.ui.fake_feed import FakeFeed

GIB = 1024**3
BIG = "aws/i-0abc12de34f567890"
HERE = "local/local"
OFF = Problem("host.off", "old-notebook cannot be reached", "it is stopped", "start it first")
LOST = Problem("host.link-lost", "The link to llama-7b was lost", todo="it is tried again", retry_in=4.0)


def process(pid: int, cpu: float, memory: int, command: str, **more: object) -> HostProcess:
    known: dict[str, object] = {
        "start": 1000 + pid,
        "user": "ubuntu",
        "name": command.split(" ")[0].rpartition("/")[2][:15],
        "cpu_seconds": cpu * 100,
        "seconds": 64_000.0,
        "state": "R" if cpu > 50 else "S",
        "threads": 12,
        "parent": 1,
        "own": True,
    }
    return HostProcess(pid=pid, cpu_percent=cpu, memory_bytes=memory, command=command, **(known | more))  # type: ignore[arg-type] # fields by name


def processes() -> tuple[HostProcess, ...]:
    """Return what runs on the big machine of the wireframe."""
    train = "/opt/conda/bin/python train.py --steps 9000 --lr 2.1e-4 --api-key •••"
    return (
        process(4711, 412.3, 88 * GIB, train, gpus=(0, 1), gpu_memory_mib=142_000.0, run_id=data.LLAMA_RUN.id),
        process(4790, 96.4, 6 * GIB, "python -m dataloader --worker 3", run_id=data.LLAMA_RUN.id),
        process(5120, 3.1, 512 * 1024**2, "tensorboard --logdir runs --port 6006"),
        process(812, 0.4, 90 * 1024**2, "/usr/bin/dockerd -H fd://", user="root", own=False),
        process(901, 0.0, 30 * 1024**2, "nvidia-persistenced", user="root", own=False, gpus=(0,)),
        process(1, 0.0, 12 * 1024**2, "/sbin/init", user="root", own=False, seconds=92 * 86400.0),
    )


def reading(key: str = BIG, name: str = "llama-7b") -> HostReading:
    """Return everything about a machine with two GPUs and a disk that does not answer."""
    return HostReading(
        key=key,
        name=name,
        usage=replace(data.USAGE, network_in_bytes=48_200_000.0, network_out_bytes=1_310_000.0),
        hostname="ip-10-0-0-7",
        cpus=8,
        uptime=64_800.0,
        load=(12.4, 11.9, 11.0),
        cores=(100.0, 97.0, 88.0, 62.0, 41.0, 12.0, 3.0, 0.0),
        disks=(
            FileSystem("/", 121 * GIB, 200 * GIB),
            FileSystem("/mnt/data", 1890 * GIB, 2000 * GIB),
            FileSystem("/mnt/shared", None, None),
        ),
        disk_read_per_s=410_000_000.0,
        disk_written_per_s=2_000_000.0,
        interfaces=(InterfaceRate("ens5", 48_200_000.0, 1_310_000.0),),
        processes=processes(),
        total=312,
    )


def here() -> HostReading:
    """Return a machine without GPUs."""
    bare = replace(reading(HERE, "this machine"), gpu_problem="no nvidia-smi here", processes=processes()[2:], total=4)
    return replace(bare, usage=replace(data.USAGE, gpus=()))


def unheard(key: str) -> HostReading:
    return HostReading(key=key)


@dataclass
class HostFeeds:
    """One feed per machine; those that nobody prepared say nothing."""

    feeds: dict[str, FakeFeed[HostReading]] = field(
        default_factory=lambda: {BIG: FakeFeed(reading()), HERE: FakeFeed(here())}
    )

    def of(self, key: str) -> FakeFeed[HostReading]:
        return self.feeds.setdefault(key, FakeFeed(None))
