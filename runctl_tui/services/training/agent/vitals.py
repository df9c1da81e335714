"""The verb `vitals`: processor, memory, disks, network and GPUs of the host."""

import os
import re
import shutil
import subprocess
import time
from typing import List, Optional, Tuple

from .basics import Json, utc
from .files import read_text
from .processes import boot_id
from .run_folder import Run


def cpu_times() -> Tuple[float, float]:
    """Return the idle and the total processor time since boot, in ticks."""
    fields = [float(item) for item in read_text("/proc/stat").split("\n")[0].split()[1:9]]
    return (fields[3] + fields[4], sum(fields)) if len(fields) > 4 else (0.0, 0.0)


def network_bytes() -> Tuple[int, int]:
    """Return the bytes received and sent by all interfaces but the loopback."""
    received = sent = 0
    for line in read_text("/proc/net/dev").split("\n")[2:]:
        name, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) > 8 and name.strip() != "lo":
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent


def memory() -> Json:
    """Return used and total memory in bytes, None where the system does not say."""
    rows = dict(re.findall(r"(?m)^(\w+):\s+(\d+) kB", read_text("/proc/meminfo")))
    if "MemTotal" not in rows:
        return {"used": None, "total": None}
    total = int(rows["MemTotal"]) * 1024
    free = int(rows.get("MemAvailable") or rows.get("MemFree") or 0) * 1024
    return {"used": total - free, "total": total}


def disk(path: str) -> Optional[Json]:
    """Return used and total bytes of the file system of a folder."""
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return None
    return {"path": path, "used": usage.used, "total": usage.total, "free": usage.free}


def measure(text: str) -> Optional[float]:
    """Return a number of nvidia-smi, None for one that it does not know."""
    try:
        return float(text)
    except ValueError:
        return None


def gpus() -> List[Json]:
    """Return what nvidia-smi says of each GPU, nothing where it is absent; memory in MiB, power in watts."""
    fields = "index,name,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw"
    command = ["nvidia-smi", "--query-gpu=" + fields, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    names = ("util_percent", "memory_used_mib", "memory_total_mib", "temperature_c", "power_w")
    found = []
    for line in done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []:
        items = [item.strip() for item in line.split(",")]
        if len(items) == 7 and items[0].isdigit():
            row: Json = {"index": int(items[0]), "name": items[1]}
            row.update(zip(names, (measure(item) for item in items[2:])))  # noqa: B905 - strict needs Python 3.10
            found.append(row)
    return found


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
        idle, total, seconds = cpu[0] - self.cpu[0], cpu[1] - self.cpu[1], now - self.at
        rates = [max(0.0, (net[index] - self.net[index]) / seconds) for index in (0, 1)]
        self.cpu, self.net, self.at = cpu, net, now
        try:
            load = list(os.getloadavg())
        except OSError:
            load = []
        uptime = read_text("/proc/uptime").split()
        return {
            "time": utc(), "hostname": os.uname().nodename, "boot_id": boot_id(), "cpus": os.cpu_count(),
            "cpu_percent": max(0.0, min(100.0, 100 * (1 - idle / total))) if total > 0 else None,
            "memory": memory(), "load": load, "uptime": float(uptime[0]) if uptime else None,
            "disk_home": disk(os.path.expanduser("~")),
            "disk_checkpoints": disk(self.checkpoint_dir) if self.checkpoint_dir else None,
            "net_received_per_s": rates[0], "net_sent_per_s": rates[1], "gpus": gpus(),
        }  # fmt: skip


def verb_vitals(request: Json) -> Json:
    """Measure the host for 200 ms."""
    run_id = request.get("run_id")
    return {"vitals": Vitals(Run(run_id).require().checkpoint_dir() if run_id else None).sample()}
