"""What nvidia-smi says: the host's GPUs, and which process holds how much of their memory."""

import subprocess
from typing import Dict, List, Optional, Tuple

from .basics import Json

PATIENCE = 5
GPU_FIELDS = "index,uuid,name,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw"
NAMES = ("util_percent", "memory_used_mib", "memory_total_mib", "temperature_c", "power_w")


def measure(text: str) -> Optional[float]:
    """Return a number of nvidia-smi, None for one that it does not know."""
    try:
        return float(text)
    except ValueError:
        return None


def ask(question: str) -> Tuple[List[List[str]], str]:
    """Return the answer's rows, and why there are none in words."""
    command = ["nvidia-smi", question, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return [], "nvidia-smi does not answer"
    except (OSError, subprocess.SubprocessError):
        return [], "no nvidia-smi here"
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode != 0:
        return [], next((line.strip()[:200] for line in lines if line.strip()), "nvidia-smi failed")
    return [[item.strip() for item in line.split(",")] for line in lines], ""


def gpus() -> Tuple[List[Json], str]:
    """Return each GPU, memory in MiB and power in watts, and why there is none."""
    rows, problem = ask("--query-gpu=" + GPU_FIELDS)
    found = []
    for items in rows:
        if len(items) == 8 and items[0].isdigit():
            row: Json = {"index": int(items[0]), "uuid": items[1], "name": items[2]}
            row.update(zip(NAMES, (measure(item) for item in items[3:])))  # noqa: B905 - strict needs Python 3.10
            found.append(row)
    return found, problem


def gpu_memory(known: List[Json]) -> Dict[int, Json]:
    """Return by process number which GPUs a process computes on and its memory there in MiB, None where not told."""
    if not known:
        return {}
    indexes = {row["uuid"]: row["index"] for row in known}
    found: Dict[int, Json] = {}
    for items in ask("--query-compute-apps=pid,gpu_uuid,used_memory")[0]:
        if len(items) != 3 or not items[0].isdigit():
            continue
        row = found.setdefault(int(items[0]), {"gpus": [], "gpu_memory_mib": None})
        memory = measure(items[2])
        if memory is not None:
            row["gpu_memory_mib"] = (row["gpu_memory_mib"] or 0.0) + memory
        if items[1] in indexes:
            row["gpus"].append(indexes[items[1]])
    return found
