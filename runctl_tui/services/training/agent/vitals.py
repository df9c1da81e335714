"""The verb `vitals`: processor, memory, disks, network and GPUs of the host."""

import os
import re
import time
from typing import Dict, List, Optional, Tuple

from .basics import Json, utc
from .files import read_text
from .gpus import gpus
from .mounts import disk
from .processes import boot_id
from .run_folder import Run

WITHIN = re.compile(r"(lo|veth.*|docker.*|br-.*|virbr.*|cni.*|cali.*|flannel.*|dummy.*)\Z")
"""Interfaces whose traffic stays on the host, or is counted once more where it leaves it."""
WHOLE_DISK = re.compile(r"(nvme\d+n\d+|[sv]d[a-z]+|xvd[a-z]+|mmcblk\d+)\Z")
SECTOR = 512
CGROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Where a container reads its limit, its use and its file cache: cgroups version 2, then version 1."""


def cpu_times() -> Tuple[float, float]:
    """Return the idle and the total processor time since boot, in ticks."""
    fields = [float(item) for item in read_text("/proc/stat").split("\n")[0].split()[1:9]]
    return (fields[3] + fields[4], sum(fields)) if len(fields) > 4 else (0.0, 0.0)


def core_times() -> List[Tuple[float, float]]:
    """Return the idle and the total time of each core since boot, in ticks."""
    lines = [line.split() for line in read_text("/proc/stat").split("\n")]
    cores = [[float(item) for item in line[1:9]] for line in lines if re.match(r"cpu\d", line[0] if line else "")]
    return [(fields[3] + fields[4], sum(fields)) for fields in cores if len(fields) > 4]


def busy_percent(before: Tuple[float, float], now: Tuple[float, float]) -> Optional[float]:
    """Return how much of the time between two measurements a processor has worked."""
    idle, total = now[0] - before[0], now[1] - before[1]
    return max(0.0, min(100.0, 100 * (1 - idle / total))) if total > 0 else None


def interfaces() -> Dict[str, Tuple[int, int]]:
    """Return the bytes received and sent by each interface that leads off the host."""
    found = {}
    for line in read_text("/proc/net/dev").split("\n")[2:]:
        name, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) > 8 and fields[0].isdigit() and fields[8].isdigit() and not WITHIN.match(name.strip()):
            found[name.strip()] = (int(fields[0]), int(fields[8]))
    return found


def network_bytes() -> Tuple[int, int]:
    """Return the bytes received and sent by all interfaces that lead off the host."""
    counts = interfaces().values()
    return sum(count[0] for count in counts), sum(count[1] for count in counts)


def disk_bytes() -> Tuple[int, int]:
    """Return the bytes read from and written to all disks since boot."""
    read = written = 0
    for line in read_text("/proc/diskstats").split("\n"):
        fields = line.split()
        if len(fields) > 9 and WHOLE_DISK.match(fields[2]) and fields[5].isdigit() and fields[9].isdigit():
            read, written = read + int(fields[5]) * SECTOR, written + int(fields[9]) * SECTOR
    return read, written


def memory() -> Json:
    """Return used and total memory in bytes, those of the container in one; None where the system does not say."""
    rows = dict(re.findall(r"(?m)^(\w+):\s+(\d+) kB", read_text("/proc/meminfo")))
    if "MemTotal" not in rows:
        return {"used": None, "total": None}
    total = int(rows["MemTotal"]) * 1024
    free = int(rows.get("MemAvailable") or rows.get("MemFree") or 0) * 1024
    return limited_memory(total) or {"used": total - free, "total": total}


def limited_memory(total: int) -> Optional[Json]:
    """Return what a container may use and uses, its file cache left out; None where nothing limits it."""
    for folder, limit, used, cache in CGROUPS:
        most, taken = (read_text(os.path.join(folder, name)).strip() for name in (limit, used))
        if most.isdigit() and taken.isdigit() and 0 < int(most) < total:
            cached = re.search(r"(?m)^%s (\d+)" % cache, read_text(os.path.join(folder, "memory.stat")))
            return {"used": max(0, int(taken) - (int(cached.group(1)) if cached else 0)), "total": int(most)}
    return None


class Vitals:
    """Measures the host; processor and network rates are those since the last sample."""

    def __init__(self, checkpoint_dir: Optional[str] = None) -> None:
        self.checkpoint_dir = checkpoint_dir
        self.cpu, self.net, self.at = cpu_times(), network_bytes(), time.time()

    def sample(self) -> Json:
        """Return the vitals now."""
        if time.time() - self.at < 0.2:
            time.sleep(0.2)
        cpu, net, now = cpu_times(), network_bytes(), time.time()
        seconds = now - self.at
        rates = [max(0.0, (net[index] - self.net[index]) / seconds) for index in (0, 1)]
        busy = busy_percent(self.cpu, cpu)
        self.cpu, self.net, self.at = cpu, net, now
        cards, no_cards = gpus()
        try:
            load = list(os.getloadavg())
        except OSError:
            load = []
        uptime = read_text("/proc/uptime").split()
        return {
            "time": utc(), "hostname": os.uname().nodename, "boot_id": boot_id(), "cpus": os.cpu_count(),
            "cpu_percent": busy,
            "memory": memory(), "load": load, "uptime": float(uptime[0]) if uptime else None,
            "disk_home": disk(os.path.expanduser("~")),
            "disk_checkpoints": disk(self.checkpoint_dir) if self.checkpoint_dir else None,
            "net_received_per_s": rates[0], "net_sent_per_s": rates[1], "gpus": cards, "gpu_problem": no_cards,
        }  # fmt: skip


def verb_vitals(request: Json) -> Json:
    """Measure the host for 200 ms."""
    run_id = request.get("run_id")
    return {"vitals": Vitals(Run(run_id).require().checkpoint_dir() if run_id else None).sample()}
