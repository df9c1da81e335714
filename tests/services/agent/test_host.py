"""The verbs `host` and `watch`: figures of this machine, a look-alike of nvidia-smi, and strange /proc contents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.host import most, without_secrets
from runctl_tui.services.training.agent import gpus, mounts, process_table, vitals
from runctl_tui.services.training.agent_values import host_vitals
from runctl_tui.services.training.host_values import host_reading
from tests.services.agent.harness import Machine

SMI = """#!/bin/sh
case "$1" in
  *query-gpu*) printf '%s\\n' "0, GPU-a, NVIDIA A100-SXM4-40GB, 97, 31000, 40960, 71, 398.12" \\
    "1, GPU-b, NVIDIA A100-SXM4-40GB, [N/A], [N/A], 40960, 30, [Not Supported]" ;;
  *) printf '%s\\n' "{pid}, GPU-a, 30000" "{pid}, GPU-b, 500" "99999999, GPU-b, [N/A]" "no processes" ;;
esac
"""


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own that works without end, in a run."""
    busy = [sys.executable, "-c", "while True: pass", "--token", "hf_abcdefghijklmnop", "with space\nand line"]
    with subprocess.Popen(busy, env={"RUNCTL_RUN_ID": "r-1"}) as process:
        yield process
        process.kill()


def tool(machine: Machine, text: str) -> None:
    """Put an nvidia-smi before all others."""
    folder = machine.home / "bin"
    folder.mkdir()
    (folder / "nvidia-smi").write_text(text)
    (folder / "nvidia-smi").chmod(0o755)
    machine.environment["PATH"] = f"{folder}:{os.environ['PATH']}"


def row_of(answer: dict[str, Any], pid: int) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in answer["processes"] if row["pid"] == pid)
    return found


def test_a_sweep_tells_the_load_where_it_is_asked_to(machine: Machine) -> None:
    assert "vitals" not in machine.ask("sweep")
    tool(machine, SMI)
    usage = host_vitals(machine.ask("sweep", measure=True)["vitals"]).usage
    assert usage.cpu_percent is not None
    assert (usage.cpus, usage.gpus[0].utilization, usage.gpus_silent) == (os.cpu_count(), 97.0, "")


def test_a_driver_that_does_not_answer_is_told_apart_from_none(machine: Machine) -> None:
    tool(machine, "#!/bin/sh\necho 'Driver/library version mismatch'\nexit 18\n")
    broken = host_vitals(machine.ask("sweep", measure=True)["vitals"]).usage
    assert broken.gpus_silent == "Driver/library version mismatch"
    machine.environment["PATH"] = "/nowhere"
    assert host_vitals(machine.ask("sweep", measure=True)["vitals"]).usage.gpus_silent == ""


def test_where_hosts_share_one_system_only_its_own_processes_are_a_host_s_work(
    machine: Machine, worker: subprocess.Popen[bytes]
) -> None:
    machine.environment[process_table.MARK] = "i-idle"
    mine = host_vitals(machine.ask("sweep", measure=True)["vitals"]).usage
    assert mine.cpu_percent == 0.0


def test_a_busy_process_is_seen_with_what_it_uses(machine: Machine, worker: subprocess.Popen[bytes]) -> None:
    reading = host_reading(machine.ask("host")["host"])
    one = next(each for each in reading.processes if each.pid == worker.pid)
    assert one.cpu_percent > 1
    assert one.memory_bytes > 1_000_000
    assert (one.run_id, one.own, one.gpus, one.gpu_memory_mib) == ("r-1", True, (), None)
    assert one.seconds is not None
    assert one.seconds < 60
    assert "hf_abcdef" not in one.command
    assert one.command.endswith("--token ••• with space\nand line")
    assert most(reading.processes, "cpu")[0].cpu_percent >= one.cpu_percent
    assert len(reading.cores) == reading.cpus == os.cpu_count()
    assert reading.disks[0].path == "/"
    assert reading.disks[0].total_bytes
    assert reading.gpu_problem == "no nvidia-smi here"
    assert reading.total >= len(reading.processes) > 0


def test_gpus_and_who_computes_on_them(machine: Machine, worker: subprocess.Popen[bytes]) -> None:
    tool(machine, SMI.format(pid=worker.pid))
    reading = host_reading(machine.ask("host")["host"])
    assert reading.usage is not None
    first, second = reading.usage.gpus
    assert (first.utilization, first.memory_used_mib, first.power_w) == (97.0, 31000.0, 398.12)
    assert (second.utilization, second.memory_used_mib, second.power_w) == (None, None, None)
    one = next(each for each in reading.processes if each.pid == worker.pid)
    assert (one.gpus, one.gpu_memory_mib) == ((0, 1), 30500.0)
    assert most(reading.processes, "gpu")[0] == one
    assert reading.gpu_problem == ""


def test_a_broken_driver_is_said_in_its_own_words(machine: Machine) -> None:
    tool(machine, "#!/bin/sh\necho NVIDIA-SMI has failed because it could not reach the driver.\nexit 9\n")
    assert "could not reach the driver" in host_reading(machine.ask("host")["host"]).gpu_problem


def test_a_driver_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(gpus, "PATIENCE", 0.2)
    assert gpus.gpus() == ([], "nvidia-smi does not answer")


def test_watching_goes_on_until_nobody_listens(machine: Machine) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(machine.home)}
    command = [machine.python, str(machine.agent), "watch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        began = time.monotonic()
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        assert 1.0 < time.monotonic() - began < 20
        assert first["frame"] == second["frame"] == "host"
        assert second["host"]["vitals"]["time"] > first["host"]["vitals"]["time"]
        process.stdout.close()
        assert process.wait(15) == 0


def test_a_sandbox_host_shows_its_own_processes_alone(machine: Machine, worker: subprocess.Popen[bytes]) -> None:
    machine.environment["RUNCTL_SANDBOX_INSTANCE"] = "i-1"
    marked = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(marked, env={"RUNCTL_SANDBOX_INSTANCE": "i-1"}) as own:
        answer = machine.ask("host")["host"]
        own.kill()
    pids = {row["pid"] for row in answer["processes"]}
    assert own.pid in pids
    assert worker.pid not in pids


def test_strange_names_in_proc_are_read_whole() -> None:
    fields = " ".join(["S", "1", *"000000000", "150", "50", "0", "0", "20", "0", "7", "0", "12345", "0", "3", "0"])
    seen = process_table.Seen(9, f"9 (a) b (c)) {fields}")
    assert (seen.name, seen.state, seen.parent, seen.ticks, seen.threads, seen.start) == (
        "a) b (c)", "S", 1, 200, 7, 12345,
    )  # fmt: skip
    assert seen.memory == 3 * os.sysconf("SC_PAGE_SIZE")


def test_unreadable_processes_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"/proc/1/stat": "", "/proc/2/stat": "2 (x", "/proc/3/stat": "3 (x) Z 1 " + "0 " * 40}
    monkeypatch.setattr(os, "listdir", lambda path: ["1", "2", "3", "self", "uptime"])
    monkeypatch.setattr(process_table, "read_text", lambda path: texts.get(path, ""))
    assert process_table.all_processes() == []


def test_file_systems_that_hold_files() -> None:
    text = (
        "overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n/dev/loop3 /snap/core squashfs ro 0 0\n"
        "/dev/nvme1n1 /mnt/my\\040data xfs rw 0 0\nfs-1.efs:/ /efs nfs4 rw 0 0\nbroken\n"
        "tmpfs /run tmpfs rw 0 0\n/dev/nvme0n1p1 /etc/hosts ext4 rw 0 0\n"
    )
    assert mounts.mounted(text) == ["/", "/efs", "/etc/hosts", "/mnt/my data"]


def test_a_file_system_that_hangs_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(mounts, "PATIENCE", 0.05)
    monkeypatch.setattr(mounts, "read_text", lambda path: "a / ext4 rw\n/dev/b /dead ext4 rw\n")
    monkeypatch.setattr(os.path, "isdir", lambda path: path != "/dead" or hanging.wait(20))
    disks = mounts.Disks()
    for _ in range(2):
        root, dead = disks.sample()
        assert root["total"]
        assert dead == {"path": "/dead", "used": None, "total": None, "free": None}
    assert disks.asking["/dead"].is_alive()
    hanging.set()
    disks.asking["/dead"].join()


def test_a_container_sees_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "/proc/meminfo": "MemTotal: 1000000 kB\nMemAvailable: 400000 kB\n",
        "/sys/fs/cgroup/memory.max": "104857600\n",
        "/sys/fs/cgroup/memory.current": "62914560\n",
        "/sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 10485760\n",
    }
    monkeypatch.setattr(vitals, "read_text", lambda path: texts.get(path, ""))
    assert vitals.memory() == {"used": 52428800, "total": 104857600}
    texts["/sys/fs/cgroup/memory.max"] = "max\n"
    assert vitals.memory() == {"used": 614400000, "total": 1024000000}
    texts["/proc/meminfo"] = "nonsense"
    assert vitals.memory() == {"used": None, "total": None}


def test_traffic_inside_the_host_is_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "Inter-|\n face |\n lo: 9 0 0 0 0 0 0 0 9 0\n ens5: 100 0 0 0 0 0 0 0 50 0\nveth1: 7 0 0 0 0 0 0 0 7 0\nbad\n"
    )
    monkeypatch.setattr(vitals, "read_text", lambda path: text)
    assert vitals.interfaces() == {"ens5": (100, 50)}
    assert vitals.network_bytes() == (100, 50)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("train.py --api-key abc --lr 1", "train.py --api-key ••• --lr 1"),
        ("env WANDB_API_KEY=abc python x", "env WANDB_API_KEY=••• python x"),
        ("x --password=p@ss --token-limit 5", "x --password=••• --token-limit 5"),
        ("x --tokenizer gpt2 --token --flag", "x --tokenizer gpt2 --token --flag"),
        ("curl -H sk-proj-abcdefghijkl123", "curl -H •••"),
    ],
)
def test_secrets_in_command_lines_are_not_shown(command: str, shown: str) -> None:
    assert without_secrets(command) == shown
