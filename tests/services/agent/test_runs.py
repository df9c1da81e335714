from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.processes import alive
from tests.services.agent.harness import Json, Machine, until

WAIT = "import time\nprint('up', flush=True)\nwhile True: time.sleep(0.05)\n"
VERSIONS = [f"3.{minor}" for minor in range(6, 15)]


def pythons() -> list[str]:
    """Return one interpreter per version that this machine has."""
    folders = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    found = {".".join(path.parents[1].name.split(".")[:2]): str(path) for path in folders}
    on_path = {version: shutil.which("python" + version) for version in VERSIONS}
    return list({**{version: path for version, path in on_path.items() if path and _works(path)}, **found}.values())


def _works(python: str) -> bool:
    """Tell an interpreter from a version manager's shim that leads nowhere."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def started(machine: Machine, run_id: str = "r-1") -> None:
    until(lambda: "up\n" in machine.log(run_id), what="the script's first line")


@pytest.mark.parametrize("python", pythons())
def test_a_run_goes_from_start_to_end_on_every_python(machine: Machine, python: str) -> None:
    machine.python = python
    machine.script(
        "import os, sys, json\nprint('args', sys.argv[1:])\nprint('err', file=sys.stderr)\n"
        "folder = os.environ['TRAINCTL_CHECKPOINT_DIR']\njson.dump({}, open(folder + '/step_000100.json', 'w'))\n"
        "print(os.environ['TRAINCTL_DEVICE'], os.environ['PYTHONUNBUFFERED'], os.environ['CUDA_VISIBLE_DEVICES'])\n"
    )
    made = machine.start(args=["--lr", "0.1", "a b"], gpus="0,1")
    assert made["supervisor"] != os.getpid()
    status = machine.ended()
    assert (status["phase"], status["exit_code"], status["lost"]) == ("exited", 0, False)
    assert status["started_at"] < status["ended_at"]
    assert status["checkpoints"]["newest"]["step"] == 100
    log = machine.log()
    assert "args ['--lr', '0.1', 'a b']\n" in log
    assert "err\n" in log
    assert "auto 1 0,1\n" in log
    assert stat.S_IMODE(machine.file("log").stat().st_mode) == 0o600
    assert stat.S_IMODE((machine.home / ".runctl").stat().st_mode) == 0o700
    page = machine.raw("read", json.dumps({"run_id": "r-1", "offset": -5}).encode()).stdout
    assert page.partition(b"\n")[2].decode() == log[-5:]
    assert machine.ask("vitals")["vitals"]["cpus"] == os.cpu_count()
    assert machine.ask("forget", run_id="r-1")["ok"]
    assert machine.ask("sweep")["runs"] == []


def test_secrets_reach_the_script_and_nothing_else(machine: Machine) -> None:
    machine.script("import os\nprint(len(os.environ['HF_TOKEN']), os.environ['MODE'])\n" + WAIT)
    machine.start(env={"MODE": "fast-mode"}, secrets={"HF_TOKEN": "hf_sekrit_value"})
    started(machine)
    assert "15 fast-mode\n" in machine.log()
    assert stat.S_IMODE(machine.file("env").stat().st_mode) == 0o600
    record = machine.file("run.json").read_text()
    assert json.loads(record)["secret_names"] == ["HF_TOKEN"]
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"sekrit_value" not in line.read_bytes()
        except OSError:
            continue
    machine.ask("stop", run_id="r-1")
    for path in machine.file("").iterdir():
        assert "sekrit_value" not in path.read_text(), path


def test_a_second_start_and_a_second_run_in_the_project_are_refused(machine: Machine) -> None:
    machine.script(WAIT)
    machine.start()
    assert machine.start()["error"]["code"] == "run_exists"
    assert machine.start("r-2")["error"]["code"] == "project_busy"
    assert machine.start("r-2", allow_concurrent=True)["ok"]
    machine.ask("stop", run_id="r-1")
    machine.ask("stop", run_id="r-2")
    assert machine.start("r-3")["ok"]


def test_stopping_says_term_first_and_lets_the_script_finish(machine: Machine) -> None:
    machine.script(
        "import signal, sys, time\n"
        "def end(*_):\n    print('saving', flush=True)\n    time.sleep(0.3)\n"
        "    print('saved', flush=True)\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n" + WAIT
    )
    machine.start()
    started(machine)
    status = machine.ask("stop", run_id="r-1", grace=20)
    assert "saving\nsaved\n" in machine.log()
    assert (status["phase"], status["exit_code"], status["stop"]["by"]) == ("exited", 0, "person")
    again = machine.ask("stop", run_id="r-1")
    assert (again["ok"], again["ended_at"]) == (True, status["ended_at"])


def test_what_ignores_term_is_killed_after_the_grace_with_all_its_children(machine: Machine) -> None:
    machine.script(
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\nprint('pids', os.getpid(), child, flush=True)\n" + WAIT
    )
    machine.start()
    started(machine)
    begun = time.monotonic()
    status = machine.ask("stop", run_id="r-1", grace=0.5)
    assert 0.5 <= time.monotonic() - begun < 15
    assert status["exit_code"] == 137
    assert [line for line in machine.log().splitlines() if "stopping" in line or "killing" in line] == [
        "[runctl] stopping: stopped on request",
        "[runctl] the grace period is over: killing it",
    ]
    pids = next(line for line in machine.log().splitlines() if line.startswith("pids")).split()[1:]
    until(lambda: not any(alive(int(pid)) for pid in pids), what="the children's end")


def test_a_run_survives_its_supervisor_and_can_still_be_stopped(machine: Machine) -> None:
    machine.script(WAIT)
    machine.start()
    started(machine)
    os.kill(machine.recorded("supervisor"), signal.SIGKILL)
    status = until(lambda: None if (now := machine.status())["supervised"] else now)
    assert (status["alive"], status["lost"]) == (True, False)
    assert machine.start("r-2")["error"]["code"] == "project_busy"
    status = machine.ask("stop", run_id="r-1", grace=5)
    assert (status["alive"], status["lost"], status["exit_code"]) == (False, False, 143)


def test_a_run_without_supervisor_command_and_exit_code_is_lost(machine: Machine) -> None:
    machine.script(WAIT)
    machine.start()
    started(machine)
    os.kill(machine.recorded("supervisor"), signal.SIGKILL)
    os.killpg(machine.recorded("pgid"), signal.SIGKILL)
    status = machine.ended()
    assert (status["lost"], status["exit_code"]) == (True, None)
    assert machine.start("r-2")["ok"]


@pytest.mark.parametrize("change", ["start", "boot"])
def test_another_process_with_the_same_number_is_not_taken_for_the_run(machine: Machine, change: str) -> None:
    machine.script(WAIT)
    machine.start()
    started(machine)
    for name in ("supervisor", "pid"):
        pid, begun, boot = machine.file(name).read_text().split("\n")[:3]
        text = [pid, begun + "1", boot] if change == "start" else [pid, begun, "another-boot"]
        machine.file(name).write_text("\n".join(text) + "\n")
    assert machine.status()["lost"]
    os.killpg(machine.recorded("pgid"), signal.SIGKILL)


def test_a_failing_script_is_failed_with_its_code(machine: Machine) -> None:
    machine.script("import sys\nsys.exit(3)\n")
    machine.start()
    status = machine.ended()
    assert (status["phase"], status["exit_code"]) == ("failed", 3)
    assert "exit code 3" in status["reason"]


def test_a_death_by_signal_is_128_plus_its_number(machine: Machine) -> None:
    machine.script("import os\nos.kill(os.getpid(), 11)\n")
    machine.start()
    assert machine.ended()["exit_code"] == 139


def test_a_command_that_does_not_exist_fails_with_its_name(machine: Machine) -> None:
    machine.start(launcher="command", script="no-such-program --flag")
    status = machine.ended()
    assert (status["phase"], status["exit_code"]) == ("failed", 127)
    assert "no-such-program" in status["reason"]


def test_launchers_make_their_own_command_lines(machine: Machine) -> None:
    machine.start("r-1", launcher="command", script="echo 'two words'", args=["x y"])
    machine.ended("r-1")
    assert "\ntwo words x y\n" in machine.log("r-1")
    machine.script("echo from bash $1\n", "run.sh")
    machine.start("r-2", script="run.sh", args=["arg"])
    machine.ended("r-2")
    assert "from bash arg\n" in machine.log("r-2")
    machine.script("")
    machine.start("r-3", launcher="torchrun", gpus="0,1,2")
    machine.ended("r-3")
    assert "-m torch.distributed.run --standalone --nproc_per_node=3 train.py" in machine.log("r-3")
    machine.start("r-4", launcher="accelerate")
    machine.ended("r-4")
    assert "-m accelerate.commands.launch train.py" in machine.log("r-4")


def test_a_resumed_run_gets_the_flag_and_only_its_own_checkpoints(machine: Machine) -> None:
    machine.script(
        "import os, sys\nprint(sys.argv[1:])\n"
        "open(os.environ['TRAINCTL_CHECKPOINT_DIR'] + '/step_2.txt', 'w').write('x')\n"
    )
    (machine.project / "checkpoints").mkdir()
    (machine.project / "checkpoints/step_1.txt").write_text("old")
    machine.start(resume_from="checkpoints/step_1.txt", args=["--epochs", "2"], parent="r-0")
    machine.ended()
    assert "['--epochs', '2', '--resume', 'checkpoints/step_1.txt']" in machine.log()
    assert [entry["name"] for entry in machine.ask("checkpoints", run_id="r-1")["checkpoints"]] == ["step_2.txt"]
    in_folder = machine.ask("checkpoints", dir="~/project/checkpoints")["checkpoints"]
    assert [entry["name"] for entry in in_folder] == ["step_1.txt", "step_2.txt"]
    assert machine.ask("sweep")["runs"][0]["request"]["parent"] == "r-0"


def wheel(folder: Path) -> str:
    """Write a package that pip installs without the network."""
    path = folder / "tinydep-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tinydep.py", "VALUE = 42\n")
        file.writestr("tinydep-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinydep\nVersion: 1.0\n")
        file.writestr("tinydep-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tinydep-1.0.dist-info/RECORD", "")
    return str(path)


def test_requirements_are_installed_once_and_visibly(machine: Machine) -> None:
    machine.script("import tinydep\nprint('value', tinydep.VALUE)\n")
    (machine.project / "requirements.txt").write_text(f"# ours\n{wheel(machine.project)}\n")
    machine.start()
    assert machine.ended()["exit_code"] == 0, machine.log()
    assert "Successfully installed tinydep" in machine.log()
    assert "value 42\n" in machine.log()
    machine.start("r-2")
    assert machine.ended("r-2")["exit_code"] == 0
    assert "already installed" in machine.log("r-2")
    assert "Successfully installed" not in machine.log("r-2")


def test_requirements_that_cannot_be_installed_fail_the_run_with_the_reason(machine: Machine) -> None:
    machine.script("print('never')\n")
    (machine.project / "requirements.txt").write_text("./missing-1.0-py3-none-any.whl\n")
    machine.start()
    status = machine.ended()
    assert (status["phase"], status["lost"]) == ("failed", False)
    assert "installation of dependencies failed" in status["reason"]
    assert "missing-1.0" in machine.log()
    assert "\nnever\n" not in machine.log()


@pytest.mark.parametrize("text", ["", "# nothing\n\n"])
def test_empty_requirements_install_nothing(machine: Machine, text: str) -> None:
    machine.script("print('ran')\n")
    (machine.project / "requirements.txt").write_text(text)
    machine.start()
    assert machine.ended()["exit_code"] == 0
    assert "pip" not in machine.log()
    assert not (machine.home / ".runctl/venvs").exists()


def test_a_script_with_a_list_of_its_own_runs_under_uv_where_there_is_one(machine: Machine) -> None:
    binaries = machine.home / ".local/bin"
    binaries.mkdir(parents=True)
    (binaries / "uv").write_text('#!/bin/sh\necho "uv called with: $*"\n')
    (binaries / "uv").chmod(0o755)
    machine.script('# /// script\n# dependencies = ["numpy"]\n# ///\n')
    machine.start(args=["x"])
    assert machine.ended()["exit_code"] == 0
    assert "uv called with: run --script train.py x\n" in machine.log()


def test_dependencies_may_be_left_alone(machine: Machine) -> None:
    machine.script('# /// script\n# dependencies = ["no-such-package"]\n# ///\nprint("ran")\n')
    machine.start(deps="none")
    assert machine.ended()["exit_code"] == 0
    assert "\nran\n" in machine.log()


def test_reading_the_log_tells_a_new_file_from_the_old(machine: Machine) -> None:
    machine.script("print('0123456789')\n")
    machine.start()
    machine.ended()
    size = len(machine.log())

    def read(**request: object) -> tuple[Json, bytes]:
        header, _, body = machine.raw("read", json.dumps({"run_id": "r-1", **request}).encode()).stdout.partition(b"\n")
        return json.loads(header), body

    first, body = read(offset=0, limit=4)
    assert (body, first["size"], first["truncated"]) == (machine.log()[:4].encode(), size, False)
    rest, body = read(offset=4, inode=first["inode"])
    assert (body.decode(), rest["offset"]) == (machine.log()[4:], 4)
    assert read(offset=size + 1)[0]["truncated"]
    moved, body = read(offset=size, inode=first["inode"] + 1)
    assert (moved["truncated"], moved["offset"], len(body)) == (True, 0, size)


BAD: list[tuple[str, bytes, str]] = [
    ("nope", b"", "bad_verb"),
    ("start", b"[1", "bad_json"),
    ("start", b"[]", "bad_json"),
    ("start", b"\xff", "bad_json"),
    ("start", b"{}", "bad_run_id"),
    ("start", b'{"run_id": "../../x"}', "bad_run_id"),
    ("start", b'{"run_id": "a/b"}', "bad_run_id"),
    ("start", b'{"run_id": "x"}', "bad_request"),
    ("start", b'{"run_id": "x", "project_dir": "/nonexistent", "script": "a"}', "no_project"),
    ("start", b'{"run_id": "x", "project_dir": "/", "script": "a.py"}', "no_script"),
    ("start", b'{"run_id": "x", "project_dir": "/", "script": "a", "launcher": "rm"}', "bad_request"),
    ("start", b'{"run_id": "x", "project_dir": "/", "script": "a", "launcher": "command", "args": [1]}', "bad_request"),
    ("start", b'{"run_id":"x","project_dir":"/","script":"a","launcher":"command","env":{"A=B":"c"}}', "bad_request"),
    ("start", b'{"run_id":"x","project_dir":"/","script":"a","launcher":"command","gpus":"0;rm"}', "bad_request"),
    ("read", b'{"run_id": "unknown"}', "unknown_run"),
    ("read", b'{"run_id": "x", "offset": "a"}', "unknown_run"),
    ("follow", b"{}", "bad_run_id"),
    ("stop", b'{"run_id": "unknown"}', "unknown_run"),
    ("urls", b'{"run_id": "unknown"}', "unknown_run"),
    ("checkpoints", b"{}", "bad_request"),
    ("sync_begin", b'{"dest": "x", "files": {"../y": ""}}', "bad_request"),
]


@pytest.mark.parametrize(("verb", "stdin", "code"), BAD)
def test_bad_input_is_an_error_in_json_and_never_a_traceback(
    machine: Machine, verb: str, stdin: bytes, code: str
) -> None:
    done = machine.raw(verb, stdin)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"], answer["error"]["code"]) == (2, False, code)
    assert answer["error"]["message"]
    assert b"Traceback" not in done.stderr
    assert not (machine.home / ".runctl/runs/x").exists()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(["run_id", "run_ids", "dir", "offset", "limit", "inode", "urls", "grace", "project_dir",
                          "script", "args", "env", "secrets", "s3", "dest", "files", "meta", "gpus",
                          "deps"])  # fmt: skip
VERBS = st.sampled_from(["start", "status", "read", "follow", "stop", "checkpoints", "pending", "urls", "forget",
                         "sync_begin", "sync_finish", "uploader"])  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(verb=VERBS, request_=st.dictionaries(FIELDS, ANY, max_size=4))
def test_no_request_makes_a_traceback(machine: Machine, verb: str, request_: Json) -> None:
    done = machine.raw(verb, json.dumps(request_).encode())
    assert done.stderr == b""
    assert isinstance(json.loads(done.stdout.partition(b"\n")[0])["ok"], bool)
