#!/usr/bin/env python3
"""The agent: everything that must happen on a training host itself, in one file of the standard library.

It is copied to ``~/.runctl/`` of a host and called as ``python3 agent-XXXXXXXX.py VERB`` with a JSON request on
standard input; ``services.training.agent_client`` is its only caller. It runs on Python 3.6 and newer.

A run lives in ``~/.runctl/runs/RUN_ID``: ``run.json`` (the request, no values of variables), ``env`` (variables and
secrets), ``log``, ``pid``, ``pgid``, ``supervisor``, ``heartbeat``, ``state.json``, ``stop.json``, ``exit_code``,
``uploads.json`` and ``urls.json``. A detached supervisor owns the command and ``state.json``; a detached uploader
owns ``uploads.json`` and stays until everything is in S3.
"""

import base64
import datetime
import fcntl
import fnmatch
import hashlib
import hmac
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import zipfile
from typing import IO, Any, Callable, Dict, List, Optional, Tuple
from xml.etree import ElementTree

Json = Dict[str, Any]

ROOT = os.path.join(os.path.expanduser("~"), ".runctl")
RUNS = os.path.join(ROOT, "runs")
MIB = 1024 * 1024
TICK = 0.1
BEAT_EVERY = 2.0
SCAN_EVERY = 2.0
SPOT_EVERY = 5.0
LOG_UPLOAD_EVERY = 60.0
FRAME = 256 * 1024
SINGLE_PUT = 64 * MIB
PRESIGNED_LIMIT = 5 * 1024 * MIB
PART = 16 * MIB
SETTLE_SECONDS = 5.0
START_GRACE = 15.0
LAUNCHERS = ("python", "torchrun", "accelerate", "command")
VENDOR_PYTHONS = ("/opt/pytorch/bin/python3",)
SYNC_MANIFEST = ".runctl-sync.json"
ENDED = ("exited", "failed")
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
TMP_NAME = re.compile(r"(^tmp[-_.])|(\.tmp$)|(\.tmp[-_.])|(\.incomplete$)|(\.part(ial)?$)|(checkpoint-tmp)|(~$)")
STEP_NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        r"global_?step[-_=]?(\d+)",
        r"(?:^|[^a-z])(?:step|steps|iter|iteration|iters)[-_=]?(\d+)",
        r"checkpoint[-_](?:\d+_)?(\d+)",
        r"(?:ckpt|model)[-_.](\d+)",
        r"checkpoint(\d+)",
        r"^(\d+)$",
    )
)
EPOCH_NAME = re.compile(r"epoch[-_=]?(\d+)")
MARKERS = ("latest", "last_checkpoint", "latest_checkpointed_iteration.txt", "checkpoint")
SUFFIX_FORMATS = (
    (".safetensors", "safetensors"),
    (".pt", "pt"),
    (".pth", "pt"),
    (".pth.tar", "pt"),
    (".bin", "pt"),
    (".ckpt", "ckpt"),
    (".json", "json"),
    (".pkl", "pickle"),
    (".npz", "npz"),
    (".npy", "npy"),
    (".keras", "keras"),
    (".h5", "hdf5"),
    (".gguf", "gguf"),
    (".nemo", "nemo"),
)


class Refused(Exception):
    """What the agent will not or cannot do: a code for programs, a message and a hint for people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        Exception.__init__(self, message)
        self.code, self.message, self.hint = code, message, hint


# --- files, times and processes ---------------------------------------------------------------------------------


def utc(moment: Optional[float] = None) -> str:
    """Return a moment in epoch seconds (now when None) as ISO 8601 UTC with milliseconds."""
    when = datetime.datetime.fromtimestamp(time.time() if moment is None else moment, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (when.microsecond // 1000)


def write_file(path: str, text: str) -> None:
    """Write a file of mode 0600 so that a reader sees the old or the new text and never a part."""
    temporary = "%s.%d.%d.tmp" % (path, os.getpid(), threading.get_ident())
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_json(path: str, value: Any) -> None:
    """Write a value as JSON, as `write_file` does."""
    write_file(path, json.dumps(value, sort_keys=True))


def read_text(path: str) -> str:
    """Return a small file's text, empty when it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def read_json(path: str) -> Json:
    """Return a JSON object from a file, empty when the file is missing or damaged."""
    try:
        value = json.loads(read_text(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def open_private(path: str) -> IO[str]:
    """Open a file of mode 0600 for appending, made when it is not there."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")


def boot_id() -> str:
    """Return what identifies the time since the last boot, empty where the system does not say."""
    return read_text("/proc/sys/kernel/random/boot_id").strip()


def process_start(pid: int) -> str:
    """Return when a process started, in the system's own terms; empty when it is gone or a zombie."""
    if os.path.isdir("/proc/self"):
        fields = read_text("/proc/%d/stat" % pid).rpartition(")")[2].split()
        return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return " ".join(done.stdout.decode("ascii", "replace").split())


def record_process(path: str, pid: int) -> None:
    """Record a process in a file so that a later process with the same number is not taken for it."""
    write_file(path, "%d\n%s\n%s\n" % (pid, process_start(pid), boot_id()))


def recorded_alive(path: str) -> int:
    """Return the number of the recorded process when that very process still lives, else 0."""
    lines = read_text(path).split("\n")
    if len(lines) < 3 or not lines[0].isdigit() or not lines[1] or lines[2] != boot_id():
        return 0
    return int(lines[0]) if process_start(int(lines[0])) == lines[1] else 0


def group_alive(pgid: int) -> bool:
    """Tell whether a process group has members."""
    try:
        os.killpg(pgid, 0)
    except OSError:
        return False
    return True


def signal_group(pgid: int, number: int) -> None:
    """Send a signal to a process group that may be gone."""
    try:
        os.killpg(pgid, number)
    except OSError:
        pass


def detach(verb: str, run_id: str) -> int:
    """Start this file again in a session of its own, tied to no terminal, and return its process number."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        status = 1
        try:
            os.setsid()
            argv = [sys.executable, os.path.abspath(__file__), verb, run_id]
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                close_fds=True, start_new_session=True, cwd=ROOT,
            )  # fmt: skip
            os.write(writer, str(child.pid).encode("ascii"))
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as reply:
        pid = reply.read()
    os.waitpid(middle, 0)
    if not pid:
        raise OSError("no process could be started on this host")
    return int(pid)


def file_sha256(path: str) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(MIB), b""):
            digest.update(block)
    return digest.hexdigest()


# --- one run ----------------------------------------------------------------------------------------------------


class Run:
    """A run's folder and what its files say."""

    def __init__(self, run_id: str) -> None:
        if not isinstance(run_id, str) or not RUN_ID.match(run_id):
            raise Refused(
                "bad_run_id", "run_id %r is not a run id" % (run_id,), "letters, digits, dot, dash, underscore"
            )
        self.run_id = run_id
        self.folder = os.path.join(RUNS, run_id)
        self.log = self.path("log")

    def path(self, name: str) -> str:
        """Return the path of one of the run's files."""
        return os.path.join(self.folder, name)

    def require(self) -> "Run":
        """Return the run itself; raise when this host does not know it."""
        if not os.path.isdir(self.folder):
            raise Refused("unknown_run", "this host has no run %s" % self.run_id, "list them with the verb sweep")
        return self

    def request(self) -> Json:
        """Return the run as it was asked for, without values of variables."""
        return read_json(self.path("run.json"))

    def state(self) -> Json:
        """Return the last state that the supervisor wrote."""
        return read_json(self.path("state.json"))

    def exit_code(self) -> Optional[int]:
        """Return the exit code, 128 plus the signal's number for a death by signal; None while there is none."""
        text = read_text(self.path("exit_code")).strip()
        return int(text) if text.lstrip("-").isdigit() else None

    def supervisor(self) -> int:
        """Return the living supervisor's process number, else 0."""
        return recorded_alive(self.path("supervisor"))

    def command(self) -> int:
        """Return the living command's process number, else 0."""
        return recorded_alive(self.path("pid"))

    def starting(self) -> bool:
        """Tell whether the run was made so recently that its supervisor may not have written its number."""
        age = time.time() - os.stat(self.folder).st_mtime if os.path.isdir(self.folder) else START_GRACE
        return not os.path.exists(self.path("supervisor")) and age < START_GRACE

    def alive(self) -> bool:
        """Tell whether anything of the run, bar its uploader, still works."""
        return self.exit_code() is None and bool(self.supervisor() or self.command() or self.starting())

    def ended(self) -> bool:
        """Tell whether the run is over, lost ones included."""
        return not self.alive()

    def checkpoint_dir(self) -> str:
        """Return the absolute path of the folder in which the run leaves its checkpoints."""
        request = self.request()
        return os.path.join(request.get("project_dir", self.folder), request.get("checkpoint_dir") or "checkpoints")


def all_runs() -> List[Run]:
    """Return the runs of this host, oldest folder name first."""
    names = os.listdir(RUNS) if os.path.isdir(RUNS) else []
    return [Run(name) for name in sorted(names) if RUN_ID.match(name) and os.path.isdir(os.path.join(RUNS, name))]


# --- requests ---------------------------------------------------------------------------------------------------


def text_field(request: Json, name: str, default: Optional[str] = None) -> str:
    """Return a text of the request; a NUL, or a missing one without a default, is refused."""
    value = request.get(name, default)
    if value is None and default is not None:
        value = default
    if not isinstance(value, str) or "\0" in value or (not value and default is None):
        raise Refused("bad_request", "%s must be a text" % name)
    return value


def host_path(request: Json, name: str) -> str:
    """Return a path of the request, absolute; a relative one is taken from the home folder."""
    home = os.path.expanduser("~")
    return os.path.abspath(os.path.join(home, os.path.expanduser(text_field(request, name))))


def text_list(request: Json, name: str) -> List[str]:
    """Return a list of texts of the request, empty when it is missing."""
    value = request.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) and "\0" not in item for item in value):
        raise Refused("bad_request", "%s must be a list of texts" % name)
    return value


def variables(request: Json, name: str) -> Dict[str, str]:
    """Return environment variables of the request; a value is never repeated in an error."""
    value = request.get(name) or {}
    if not isinstance(value, dict):
        raise Refused("bad_request", "%s must be an object of names and texts" % name)
    for key, item in value.items():
        if not ENV_NAME.match(key):
            raise Refused("bad_request", "%s: %r is not a variable's name" % (name, key))
        if not isinstance(item, str) or "\0" in item:
            raise Refused("bad_request", "%s: the value of %s must be a text" % (name, key))
    return value


def number(request: Json, name: str, default: float) -> float:
    """Return a number of the request."""
    value = request.get(name, default)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("bad_request", "%s must be a number" % name)
    return value


def object_field(request: Json, name: str) -> Json:
    """Return an object of the request, empty when it is missing."""
    value = request.get(name) or {}
    if not isinstance(value, dict):
        raise Refused("bad_request", "%s must be an object" % name)
    return value


# --- start ------------------------------------------------------------------------------------------------------


def checked_start(request: Json) -> Json:
    """Return what run.json will hold; raise for what cannot be started."""
    project = host_path(request, "project_dir")
    if not os.path.isdir(project):
        raise Refused("no_project", "the folder %s is not there" % project, "sync the code first")
    launcher = text_field(request, "launcher", "python")
    if launcher not in LAUNCHERS:
        raise Refused("bad_request", "launcher %r is not known" % launcher, "one of " + ", ".join(LAUNCHERS))
    script = text_field(request, "script")
    if launcher != "command" and not os.path.isfile(os.path.join(project, script)):
        raise Refused(
            "no_script", "the script %s is not in %s" % (script, project), "check its path, or what sync left out"
        )
    gpus = request.get("gpus")
    if gpus is not None and not (isinstance(gpus, str) and re.match(r"[\w,.:-]*\Z", gpus)):
        raise Refused("bad_request", "gpus must be a list such as 0,1")
    s3 = object_field(request, "s3") or None
    if s3 is not None:
        s3 = {name: text_field(s3, name, "") for name in ("bucket", "prefix", "region")}
    if s3 is not None and not s3["bucket"]:
        raise Refused("bad_request", "s3 needs a bucket")
    if request.get("deps", "auto") not in ("auto", "none"):
        raise Refused("bad_request", "deps must be auto or none")
    env, secrets = variables(request, "env"), variables(request, "secrets")
    return {
        "run_id": request["run_id"], "created_at": utc(), "project_dir": project, "script": script,
        "args": text_list(request, "args"), "launcher": launcher, "gpus": gpus, "deps": request.get("deps", "auto"),
        "checkpoint_dir": text_field(request, "checkpoint_dir", "checkpoints"), "s3": s3,
        "checkpoint_globs": text_list(request, "checkpoint_globs"), "resume_from": request.get("resume_from"),
        "resume_flag": text_field(request, "resume_flag", "--resume"), "parent": request.get("parent"),
        "meta": object_field(request, "meta"), "env_names": sorted(env), "secret_names": sorted(secrets),
    }  # fmt: skip


def refuse_busy_project(project: str) -> None:
    """Raise when a living run works in the same project folder."""
    for other in all_runs():
        same = os.path.realpath(other.request().get("project_dir", "")) == os.path.realpath(project)
        if same and other.alive():
            raise Refused(
                "project_busy", "run %s is still active in %s" % (other.run_id, project), "stop it, or allow_concurrent"
            )


def verb_start(request: Json) -> Json:
    """Make a run's folder and start its supervisor; answers once the supervisor has taken over."""
    run = Run(request.get("run_id", ""))
    record = checked_start(request)
    os.makedirs(RUNS, mode=0o700, exist_ok=True)
    with open_private(os.path.join(ROOT, "lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(run.folder):
            raise Refused("run_exists", "run %s is already on this host" % run.run_id, "a resumed run needs a new id")
        if not request.get("allow_concurrent"):
            refuse_busy_project(record["project_dir"])
        os.mkdir(run.folder, 0o700)
        write_json(run.path("run.json"), record)
        write_json(run.path("env"), dict(variables(request, "env"), **variables(request, "secrets")))
        os.makedirs(run.checkpoint_dir(), exist_ok=True)
        write_json(
            run.path("baseline.json"), {entry["name"]: entry["signature"] for entry in scan(run.checkpoint_dir())}
        )
        open_private(run.log).close()
        write_json(run.path("state.json"), {"phase": "starting", "created_at": record["created_at"]})
        pid = detach("supervise", run.run_id)
        record_process(run.path("supervisor"), pid)
    return {"run_id": run.run_id, "run_dir": run.folder, "supervisor": pid, "log": run.log}


# --- dependencies -----------------------------------------------------------------------------------------------


def toml_list(text: str, key: str) -> List[str]:
    """Return the strings of the first ``key = [...]`` of a piece of TOML; enough for lists of requirements."""
    match = re.search(r"(?m)^\s*%s\s*=\s*\[" % re.escape(key), text)
    found = []  # type: List[str]
    if match:
        for token in re.findall(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|\#[^\n]*|\]", text[match.end() :]):
            if token == "]":
                break
            if token[0] != "#":
                found.append(json.loads(token) if token[0] == '"' else token[1:-1])
    return found


def script_block(path: str) -> Optional[str]:
    """Return the TOML of a script's PEP 723 block, None when it has none."""
    pattern = r"(?m)^# /// script[ \t]*$\n((?:^#(?:| .*)$\n)+?)^# ///[ \t]*$"
    match = re.search(pattern, read_text(path).replace("\r\n", "\n") + "\n")
    return re.sub(r"(?m)^# ?", "", match.group(1)) if match else None


def requirements(project: str) -> Tuple[str, List[str]]:
    """Return where a project's requirements come from and pip's arguments for them, none when there is nothing."""
    listed = os.path.join(project, "requirements.txt")
    lines = [line.split("#")[0].strip() for line in read_text(listed).splitlines()]
    if os.path.isfile(listed):
        return "requirements.txt", ["-r", listed] if any(lines) else []
    text = read_text(os.path.join(project, "pyproject.toml"))
    section = re.search(r"(?ms)^\[project\]\s*$(.*?)(?=^\[[^\n]*\]\s*$|\Z)", text)
    return "pyproject.toml", toml_list(section.group(1), "dependencies") if section else []


class Setup:
    """Which Python a run uses and which commands prepare it."""

    def __init__(self, request: Json) -> None:
        self.project = request["project_dir"]
        self.script = os.path.join(self.project, request["script"])
        self.uv = shutil.which("uv", path=search_path())
        self.python = (
            next((path for path in VENDOR_PYTHONS if os.path.exists(path)), "")
            or shutil.which("python3")
            or sys.executable
        )
        self.venv = ""
        self.commands = []  # type: List[List[str]]
        self.note = "no dependencies to install"
        self.uv_script = False
        self.stamp = ""
        if request["deps"] == "auto":
            self.decide(request["launcher"])

    def decide(self, launcher: str) -> None:
        """Choose between the script's own block, the project's environment and the project's requirements."""
        block = script_block(self.script) if launcher == "python" else None
        if block is not None and self.uv:
            self.uv_script, self.note = True, "the script names its dependencies: uv run --script prepares them"
        elif block is not None:
            self.install("the script's own list", toml_list(block, "dependencies"), self.script)
        elif os.path.exists(os.path.join(self.project, ".venv", "bin", "python")):
            self.use(os.path.join(self.project, ".venv"))
            self.note = "using the project's own .venv as it is"
        else:
            source, wanted = requirements(self.project)
            self.install(source, wanted, self.project)

    def use(self, venv: str) -> None:
        """Run with a virtual environment's Python."""
        self.venv, self.python = venv, os.path.join(venv, "bin", "python")

    def install(self, source: str, wanted: List[str], owner: str) -> None:
        """Plan an environment of our own with the wanted packages; nothing when it is already like that."""
        if not wanted:
            return
        content = read_text(wanted[1]) if wanted[0] == "-r" else "\n".join(wanted)
        self.stamp = hashlib.sha256((self.python + "\n" + content).encode("utf-8")).hexdigest()
        base = self.python
        self.use(os.path.join(ROOT, "venvs", hashlib.sha256(owner.encode("utf-8")).hexdigest()[:12]))
        if read_text(self.stamp_path()) == self.stamp:
            self.note = "dependencies of %s are already installed in %s" % (source, self.venv)
            return
        self.note = "installing dependencies of %s into %s" % (source, self.venv)
        if self.uv:
            make = [self.uv, "venv", "--allow-existing", "--system-site-packages", "--python", base, self.venv]
            self.commands = [make, [self.uv, "pip", "install", "--python", self.python] + wanted]
        else:
            make = [base, "-m", "venv", "--system-site-packages", self.venv]
            self.commands = [make, [self.python, "-m", "pip", "install", "--disable-pip-version-check"] + wanted]

    def stamp_path(self) -> str:
        """Return the file that says what an environment holds."""
        return os.path.join(self.venv, ".runctl-stamp")

    def command(self, request: Json) -> List[str]:
        """Return the argument list of the training command."""
        args = list(request["args"])
        if request.get("resume_from") and request["resume_flag"]:
            args += [request["resume_flag"], request["resume_from"]]
        script, launcher = request["script"], request["launcher"]
        if launcher == "command":
            return shlex.split(script) + args
        if launcher == "torchrun":
            count = (
                str(len(request["gpus"].split(",")))
                if request["gpus"]
                else ("gpu" if shutil.which("nvidia-smi") else "1")
            )
            runner = [self.python, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=" + count]
            return runner + [script] + args
        if launcher == "accelerate":
            return [self.python, "-m", "accelerate.commands.launch", script] + args
        if self.uv_script and self.uv:
            return [self.uv, "run", "--script", script] + args
        return ["bash" if script.endswith(".sh") else self.python, script] + args


def search_path() -> str:
    """Return PATH with the folder in which people install uv for themselves."""
    home = os.path.expanduser("~")
    extra = [os.path.join(home, ".local", "bin"), os.path.join(home, ".cargo", "bin")]
    return os.pathsep.join([os.environ.get("PATH", os.defpath)] + extra)


# --- the supervisor ---------------------------------------------------------------------------------------------


class Supervisor:
    """Prepares and runs one run's command, and writes down what becomes of it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.request = run.request()
        self.state = run.state()
        self.log = open(run.log, "ab", buffering=0)  # noqa: SIM115 - it stays open as long as the process
        self.beaten = 0.0
        self.stop = {}  # type: Json
        self.kill_at = 0.0
        self.uploader_tried = 0.0

    def main(self) -> None:
        """Run the command to its end, whatever that is."""
        for number_ in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number_, self.told)
        record_process(self.run.path("supervisor"), os.getpid())
        self.keep_uploader()
        try:
            code, reason = self.work()
        except (OSError, ValueError) as error:
            code, reason = 127, "could not start: %s" % error
            self.say(reason)
        self.finish(code, reason)

    def work(self) -> Tuple[int, str]:
        """Install, then run; returns the exit code and why, empty for a plain success."""
        setup = Setup(self.request)
        self.say(setup.note)
        env = self.environment(setup)
        for argv in setup.commands:
            code = self.execute(argv, env, "installing")
            if code or self.stop:
                return code or 143, self.why(code, "the installation of dependencies failed with exit code %d" % code)
        if setup.commands:
            write_file(setup.stamp_path(), setup.stamp)
        code = self.execute(setup.command(self.request), env, "running")
        return code, self.why(code, "the command ended with exit code %d" % code)

    def why(self, code: int, failure: str) -> str:
        """Return the reason of an end."""
        if self.stop:
            return str(self.stop.get("reason") or "stopped on request")
        return failure if code else ""

    def environment(self, setup: Setup) -> Dict[str, str]:
        """Return the command's environment: the host's, ours, then the run's own variables and secrets."""
        env = dict(os.environ, PATH=search_path(), PYTHONUNBUFFERED="1", TRAINCTL_DEVICE="auto")
        env["TRAINCTL_CHECKPOINT_DIR"] = self.run.checkpoint_dir()
        env["RUNCTL_RUN_ID"] = self.run.run_id
        folders = [self.request["project_dir"], env.get("PYTHONPATH", "")]
        env["PYTHONPATH"] = os.pathsep.join(folder for folder in folders if folder)
        if setup.venv:
            env["VIRTUAL_ENV"] = setup.venv
            env["PATH"] = os.path.join(setup.venv, "bin") + os.pathsep + env["PATH"]
        if self.request["gpus"] is not None:
            env["CUDA_VISIBLE_DEVICES"] = self.request["gpus"]
        if self.request.get("resume_from"):
            env["TRAINCTL_RESUME_FROM"] = self.request["resume_from"]
        env.update(read_json(self.run.path("env")))
        return env

    def execute(self, argv: List[str], env: Dict[str, str], phase: str) -> int:
        """Run a command in a process group of its own until it ends; returns its exit code, 128 + signal."""
        if self.check_stop():
            return 143
        self.say("$ " + " ".join(shlex.quote(word) for word in argv))
        child = subprocess.Popen(
            argv, cwd=self.request["project_dir"], env=env, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        record_process(self.run.path("pid"), child.pid)
        write_file(self.run.path("pgid"), "%d\n" % child.pid)
        self.enter(phase)
        while child.poll() is None:
            self.beat()
            self.obey(child.pid)
            time.sleep(TICK)
        self.clear(child.pid)
        return child.returncode if child.returncode >= 0 else 128 - child.returncode

    def obey(self, pgid: int) -> None:
        """Act on a request to stop: TERM at first, KILL when the grace is over."""
        already = bool(self.stop)
        if not self.check_stop():
            return
        if not already or not self.kill_at:
            self.say("stopping: %s" % (self.stop.get("reason") or "asked to stop"))
            self.enter("stopping")
            self.kill_at = time.time() + float(self.stop.get("grace", 30))
            signal_group(pgid, signal.SIGTERM)
        elif time.time() >= self.kill_at and not self.state.get("killed"):
            self.say("the grace period is over: killing it")
            self.state["killed"] = True
            self.enter("stopping")
            signal_group(pgid, signal.SIGKILL)

    def clear(self, pgid: int) -> None:
        """End what the command left behind in its group, since it would hold the GPUs."""
        deadline = time.time() + 5
        signal_group(pgid, signal.SIGTERM)
        while group_alive(pgid) and time.time() < deadline:
            self.beat()
            time.sleep(TICK)
        signal_group(pgid, signal.SIGKILL)

    def check_stop(self) -> bool:
        """Tell whether somebody asked for the end."""
        if not self.stop and os.path.exists(self.run.path("stop.json")):
            self.stop = read_json(self.run.path("stop.json"))
        return bool(self.stop)

    def told(self, number_: int, _frame: Any) -> None:
        """Take a signal to the supervisor as a request to stop."""
        self.stop = self.stop or {
            "reason": "the host told the supervisor to end (signal %d)" % number_,
            "by": "host",
            "grace": 30,
        }

    def beat(self) -> None:
        """Write the heartbeat when it is due; a full disk must not end the run."""
        if time.time() - self.beaten >= BEAT_EVERY:
            self.beaten = time.time()
            try:
                write_file(self.run.path("heartbeat"), utc() + "\n")
            except OSError:
                pass
            self.keep_uploader()

    def keep_uploader(self) -> None:
        """Start the uploader, again when it has died."""
        if time.time() - self.uploader_tried > 30 and not recorded_alive(self.run.path("uploader")):
            self.uploader_tried = time.time()
            try:
                start_uploader(self.run)
            except OSError:
                pass

    def enter(self, phase: str, **more: Any) -> None:
        """Write the state; each phase keeps the time of its first entry."""
        self.state.update(more, phase=phase, updated_at=utc())
        self.state.setdefault(phase + "_at", utc())
        if self.stop:
            self.state["stop"] = self.stop
        try:
            write_json(self.run.path("state.json"), self.state)
        except OSError:
            pass

    def finish(self, code: int, reason: str) -> None:
        """Write the end down, however long a full disk makes that take, and drop the secrets."""
        phase = "failed" if code and not self.stop else "exited"
        self.say("%s with exit code %d%s" % (phase, code, ": " + reason if reason else ""))
        for _ in range(600):
            try:
                self.state.update(phase=phase, exit_code=code, reason=reason, ended_at=utc(), updated_at=utc())
                if self.stop:
                    self.state["stop"] = self.stop
                write_json(self.run.path("state.json"), self.state)
                write_file(self.run.path("exit_code"), "%d\n" % code)
                os.unlink(self.run.path("env"))
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(1)

    def say(self, text: str) -> None:
        """Add a line of our own to the log."""
        try:
            self.log.write(("[runctl] %s\n" % text).encode("utf-8", "replace"))
        except OSError:
            pass


# --- checkpoints ------------------------------------------------------------------------------------------------


def files_under(folder: str, name: str) -> List[Tuple[str, os.stat_result]]:
    """Return the regular files of an entry as paths relative to the folder, links that lead outside left out."""
    top = os.path.join(folder, name)
    paths = [top]
    if os.path.isdir(top):
        paths = [os.path.join(base, file) for base, _, files in os.walk(top) for file in files]
    inside = os.path.realpath(folder) + os.sep
    found = []
    for path in sorted(paths):
        try:
            if os.path.isfile(path) and os.path.realpath(path).startswith(inside):
                found.append((os.path.relpath(path, folder), os.stat(path)))
        except OSError:
            continue
    return found


def step_of(name: str) -> Optional[int]:
    """Return the training step that a checkpoint's name tells."""
    for pattern in STEP_NAMES:
        match = pattern.search(name.lower())
        if match:
            return int(match.group(1))
    return None


def format_of(name: str, files: List[str]) -> str:
    """Return a checkpoint's format by names alone, 'unknown' if need be."""
    inside = {os.path.basename(file) for file in files}
    folders = (("trainer_state.json", "hf-folder"), ("config.json", "hf-folder"), (".metadata", "dcp"),
               ("_CHECKPOINT_METADATA", "orbax"), ("zero_to_fp32.py", "deepspeed"))  # fmt: skip
    if name in MARKERS:
        return "marker"
    if len(files) != 1 or files[0] != name:
        named = [kind for file, kind in folders if file in inside]
        if not named and re.search(r"global_?step", name):
            named = ["deepspeed"]
        if not named and name.startswith("iter_"):
            named = ["megatron"]
        return (
            named[0] if named else ("hf-folder" if any(file.endswith(".safetensors") for file in inside) else "unknown")
        )
    return next((kind for suffix, kind in SUFFIX_FORMATS if name.endswith(suffix)), "unknown")


def looks_whole(path: str, size: int) -> bool:
    """Tell whether a file's own structure is complete, as far as that costs nothing and runs nothing."""
    try:
        with open(path, "rb") as file:
            head = file.read(8)
            if path.endswith(".safetensors"):
                return safetensors_whole(file, head, size)
            if head[:4] == b"PK\x03\x04":
                return zipfile.is_zipfile(path)
            if path.endswith(".json") and size < MIB:
                json.loads((head + file.read()).decode("utf-8"))
    except (OSError, ValueError):
        return False
    return size > 0


def safetensors_whole(file: IO[bytes], head: bytes, size: int) -> bool:
    """Tell whether a safetensors file is as long as its header says."""
    length = int.from_bytes(head, "little")
    if len(head) < 8 or length > min(size, 100 * MIB):
        return head[:7] == b"version"
    tensors = json.loads(file.read(length).decode("utf-8"))
    ends = [item["data_offsets"][1] for key, item in tensors.items() if key != "__metadata__"]
    return bool(8 + length + max(ends or [0]) == size)


def scan(folder: str, globs: Optional[List[str]] = None) -> List[Json]:
    """Return every entry of a checkpoint folder with what can be told from names and sizes."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    entries = []
    for name in names:
        if name.startswith(".") or (globs and not any(fnmatch.fnmatch(name, glob) for glob in globs)):
            continue
        files = files_under(folder, name)
        if files:
            entries.append(describe_entry(folder, name, files))
    return entries


def signature_of(stats: List[os.stat_result]) -> str:
    """Return what changes whenever one of the files changes."""
    newest = max(stat.st_mtime_ns for stat in stats)
    return "%d:%d:%d" % (len(stats), sum(stat.st_size for stat in stats), newest)


def describe_entry(folder: str, name: str, files: List[Tuple[str, os.stat_result]]) -> Json:
    """Return one checkpoint entry."""
    epoch = EPOCH_NAME.search(name.lower())
    return {
        "name": name, "path": os.path.join(folder, name), "step": step_of(name),
        "epoch": int(epoch.group(1)) if epoch else None, "format": format_of(name, [path for path, _ in files]),
        "size": sum(stat.st_size for _, stat in files), "mtime": max(stat.st_mtime for _, stat in files),
        "files": [{"path": path, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns} for path, stat in files],
        "signature": signature_of([stat for _, stat in files]),
    }  # fmt: skip


def own_entries(run: Run) -> List[Json]:
    """Return the entries that a run itself has written, what lay there before left out."""
    before = read_json(run.path("baseline.json"))
    entries = scan(run.checkpoint_dir(), run.request().get("checkpoint_globs"))
    return [entry for entry in entries if before.get(entry["name"]) != entry["signature"]]


def judge(entry: Json, settled: bool) -> str:
    """Return 'writing', 'ok', or 'damaged' for one that stopped changing while its structure is incomplete."""
    if TMP_NAME.search(entry["name"]) or any(
        TMP_NAME.search(os.path.basename(file["path"])) for file in entry["files"]
    ):
        return "writing"
    if not settled:
        return "writing"
    folder = os.path.dirname(entry["path"])
    if all(looks_whole(os.path.join(folder, file["path"]), file["size"]) for file in entry["files"]):
        return "ok"
    return "damaged" if time.time() - entry["mtime"] > 60 else "writing"


def judged(entries: List[Json], again: Callable[[], List[Json]], over: bool) -> List[Json]:
    """Return the entries with their state; fresh ones are looked at twice to see whether they still grow."""
    fresh = [entry for entry in entries if time.time() - entry["mtime"] < SETTLE_SECONDS]
    later = {}  # type: Json
    if fresh and not over:
        time.sleep(0.25)
        later = {entry["name"]: entry["signature"] for entry in again()}
    for entry in entries:
        settled = over or entry not in fresh or later.get(entry["name"]) == entry["signature"]
        entry["state"] = judge(entry, settled)
    return entries


def upload_of(entry: Json, uploads: Json) -> Optional[Json]:
    """Return how far a checkpoint is in S3; done only when each file, as it is now, was verified there."""
    table = uploads.get("files", {})
    rows = [table.get("checkpoints/" + file["path"]) for file in entry["files"]]
    if not any(rows):
        return None
    same = [
        row is not None and row["state"] == "done" and row["signature"] == [file["size"], file["mtime_ns"]]
        for row, file in zip(rows, entry["files"])  # noqa: B905 - strict needs Python 3.10
    ]
    first = next(row for row in rows if row)
    failed = next((row for row in rows if row and row["state"] == "failed"), None)
    single = len(rows) == 1
    unfinished = first["state"] if single and first["state"] != "done" else "pending"
    return {
        "state": "done" if all(same) else ("failed" if failed else unfinished),
        "files_done": sum(same), "files": len(rows), "key": first["key"], "error": (failed or {}).get("error"),
        "etag": first.get("etag") if single else None, "sha256": first.get("sha256") if single else None,
        "verified_at": max(row["verified_at"] for row in rows if row) if all(same) else None,
    }  # fmt: skip


def verb_checkpoints(request: Json) -> Json:
    """List the checkpoints of a run, or of a folder; sha256 true adds digests."""
    uploads = {}  # type: Json
    over = False
    if request.get("run_id"):
        run = Run(request["run_id"]).require()
        folder, uploads, over = run.checkpoint_dir(), read_json(run.path("uploads.json")), run.ended()
        entries = judged(own_entries(run), lambda: own_entries(run), over)
    else:
        folder = host_path(request, "dir")
        entries = judged(scan(folder), lambda: scan(folder), over)
    for entry in entries:
        entry["upload"] = upload_of(entry, uploads)
        if request.get("sha256"):
            for file in entry["files"]:
                file["sha256"] = file_sha256(os.path.join(folder, file["path"]))
    return {"dir": folder, "checkpoints": entries}


# --- status, log, stop ------------------------------------------------------------------------------------------


def checkpoint_summary(run: Run) -> Json:
    """Return how many checkpoints a run has and which is the newest."""
    entries = [
        entry for entry in own_entries(run) if entry["format"] != "marker" and not TMP_NAME.search(entry["name"])
    ]
    newest = (
        max(entries, key=lambda entry: (entry["step"] is not None, entry["step"] or 0, entry["mtime"]))
        if entries
        else None
    )
    names = ("name", "step", "size", "mtime")
    return {"count": len(entries), "newest": {name: newest[name] for name in names} if newest else None}


def upload_summary(run: Run) -> Json:
    """Return how many checkpoint files are where on their way to S3."""
    uploads = read_json(run.path("uploads.json"))
    rows = [row for path, row in uploads.get("files", {}).items() if path.startswith("checkpoints/")]
    counts = {state: sum(row["state"] == state for row in rows) for state in ("pending", "done", "failed", "waiting")}
    return {
        "state": uploads.get("state", "off"), "pending": counts["pending"] + counts["waiting"], "done": counts["done"],
        "failed": counts["failed"], "waiting_for_urls": counts["waiting"], "note": uploads.get("note", ""),
        "bytes_left": sum(row["signature"][0] for row in rows if row["state"] != "done"),
        "uploader_alive": bool(recorded_alive(run.path("uploader"))),
    }  # fmt: skip


def status_of(run: Run) -> Json:
    """Return all that is known about a run."""
    state, code = run.state(), run.exit_code()
    supervisor, command = run.supervisor(), run.command()
    alive = code is None and bool(supervisor or command or run.starting())
    try:
        heartbeat = max(0.0, time.time() - os.stat(run.path("heartbeat")).st_mtime)  # type: Optional[float]
    except OSError:
        heartbeat = None
    try:
        log = os.stat(run.log)
        log_size, log_inode = log.st_size, log.st_ino
    except OSError:
        log_size, log_inode = 0, 0
    phase = state.get("phase", "starting")
    return {
        "run_id": run.run_id, "phase": phase, "reason": state.get("reason", ""), "alive": alive,
        "supervised": bool(supervisor), "pid": command or None, "exit_code": code, "lost": code is None and not alive,
        "heartbeat_age": heartbeat, "log_size": log_size, "log_inode": log_inode,
        "created_at": state.get("created_at"), "started_at": state.get("running_at"), "ended_at": state.get("ended_at"),
        "stop": state.get("stop"), "checkpoints": checkpoint_summary(run), "uploads": upload_summary(run),
    }  # fmt: skip


def verb_status(request: Json) -> Json:
    """Return the status of the named runs, or of all."""
    wanted = request.get("run_ids")
    runs = all_runs() if wanted is None else [Run(name) for name in text_list(request, "run_ids")]
    present = [run for run in runs if os.path.isdir(run.folder)]
    missing = [run.run_id for run in runs if not os.path.isdir(run.folder)]
    return {"runs": [status_of(run) for run in present], "missing": missing, "boot_id": boot_id(), "time": utc()}


def verb_sweep(_request: Json) -> Json:
    """Return every run of this host with the request it came from."""
    return {"runs": [dict(status_of(run), request=run.request()) for run in all_runs()], "time": utc()}


def open_log(run: Run) -> IO[bytes]:
    """Open a run's log for reading."""
    try:
        return open(run.log, "rb", buffering=0)
    except OSError as error:
        raise Refused("no_log", "the log of %s cannot be read: %s" % (run.run_id, error)) from error


def emit(header: Json, body: bytes = b"") -> None:
    """Write one frame: a line of JSON that says how many bytes follow, then the bytes."""
    header["bytes"] = len(body)
    sys.stdout.buffer.write(json.dumps(header, sort_keys=True).encode("utf-8") + b"\n" + body)
    sys.stdout.buffer.flush()


def verb_read(request: Json) -> None:
    """Answer with one frame of the log from an offset; a negative offset counts from the end."""
    run = Run(request.get("run_id", "")).require()
    offset, limit = int(number(request, "offset", 0)), int(number(request, "limit", MIB))
    with open_log(run) as log:
        stat = os.fstat(log.fileno())
        renewed = request.get("inode") not in (None, 0, stat.st_ino) or offset > stat.st_size
        start = 0 if renewed else (max(0, stat.st_size + offset) if offset < 0 else offset)
        log.seek(start)
        body = log.read(max(0, min(limit, stat.st_size - start)))
    emit({"ok": True, "offset": start, "size": stat.st_size, "inode": stat.st_ino, "truncated": renewed}, body)


def verb_follow(request: Json) -> None:
    """Send the log from an offset, with a status and vitals every two seconds, until the run has ended."""
    run = Run(request.get("run_id", "")).require()
    offset, inode = int(number(request, "offset", 0)), int(number(request, "inode", 0))
    vitals, told = Vitals(run.checkpoint_dir()), 0.0
    with open_log(run) as log:
        stat = os.fstat(log.fileno())
        if inode not in (0, stat.st_ino) or offset > stat.st_size:
            offset, renewed = 0, True
        else:
            offset, renewed = max(0, stat.st_size + offset) if offset < 0 else offset, False
        emit({"ok": True, "frame": "open", "offset": offset, "inode": stat.st_ino, "truncated": renewed})
        log.seek(offset)
        while True:
            over = run.ended()
            body = log.read(FRAME)
            if body:
                emit({"frame": "log", "offset": offset, "inode": stat.st_ino}, body)
                offset += len(body)
            last = over and not body
            if last or time.time() - told >= BEAT_EVERY:
                told = time.time()
                emit({"frame": "status", "status": status_of(run), "vitals": vitals.sample()})
            if last:
                emit({"frame": "end", "offset": offset, "inode": stat.st_ino})
                return
            if not body:
                time.sleep(TICK)


def verb_stop(request: Json) -> Json:
    """Ask for a run's end and wait for it: TERM, the grace in seconds, then KILL; once ended it changes nothing."""
    run = Run(request.get("run_id", "")).require()
    grace = max(0.0, number(request, "grace", 30))
    if run.alive():
        if not os.path.exists(run.path("stop.json")):
            reason = text_field(request, "reason", "stopped on request")
            write_json(run.path("stop.json"), {"requested_at": utc(), "grace": grace, "reason": reason, "by": "person"})
        deadline = time.time() + grace + 15
        while run.alive() and run.supervisor() and time.time() < deadline:
            time.sleep(TICK)
        if run.alive() and not run.starting():
            stop_orphan(run, grace)
    return status_of(run)


def stop_orphan(run: Run, grace: float) -> None:
    """Stop a command whose supervisor is dead, and write its end down in the supervisor's place."""
    pgid = run.command()
    signal_group(pgid, signal.SIGTERM)
    deadline = time.time() + grace
    while run.command() and time.time() < deadline:
        time.sleep(TICK)
    killed = bool(run.command())
    if killed:
        signal_group(pgid, signal.SIGKILL)
    code = 128 + int(signal.SIGKILL if killed else signal.SIGTERM)
    end = {"phase": "exited", "exit_code": code, "reason": "stopped on request after its supervisor had died"}
    write_json(run.path("state.json"), dict(run.state(), stop=read_json(run.path("stop.json")), ended_at=utc(), **end))
    write_file(run.path("exit_code"), "%d\n" % code)


def verb_forget(request: Json) -> Json:
    """Delete the folder of a run that has ended; its project and checkpoints stay."""
    run = Run(request.get("run_id", "")).require()
    if run.alive():
        raise Refused("run_active", "run %s has not ended" % run.run_id, "stop it first")
    shutil.rmtree(run.folder)
    return {"run_id": run.run_id}


# --- S3 ---------------------------------------------------------------------------------------------------------


class Http(Exception):
    """A request that S3 or the metadata service answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        code = re.search(r"<Code>([^<]*)</Code>", text)
        Exception.__init__(self, "HTTP %d %s" % (status, code.group(1) if code else text[:120].strip()))
        self.status = status


class Reply:
    """An HTTP answer."""

    def __init__(self, status: int, headers: Dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


def http_call(method: str, url: str, headers: Dict[str, str], body: Any = None, timeout: float = 60) -> Reply:
    """Make one request on a connection of its own; the body is bytes or a file with Content-Length given."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, (parts.path or "/") + ("?" + parts.query if parts.query else ""), body, headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read(MIB))
    except http.client.HTTPException as error:
        raise OSError("%s: %s" % (type(error).__name__, error)) from error
    finally:
        connection.close()


class Metadata:
    """The instance metadata service, version 2."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.token, self.token_until = "", 0.0
        self.cached = None  # type: Optional[Json]
        self.cached_until = 0.0

    def get(self, path: str) -> Optional[str]:
        """Return a value, None when there is none; OSError when there is no such service."""
        if time.time() >= self.token_until:
            wanted = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
            reply = http_call("PUT", self.endpoint + "/latest/api/token", wanted, timeout=2)
            if reply.status != 200:
                raise Http(reply.status, reply.body.decode("utf-8", "replace"))
            self.token, self.token_until = reply.body.decode("ascii").strip(), time.time() + 20000
        reply = http_call("GET", self.endpoint + path, {"X-aws-ec2-metadata-token": self.token}, timeout=2)
        if reply.status == 401:
            self.token_until = 0.0
        return reply.body.decode("utf-8") if reply.status == 200 else None

    def credentials(self) -> Optional[Json]:
        """Return the instance profile's credentials, None when the instance has no profile."""
        if self.cached and time.time() < self.cached_until:
            return self.cached
        base = "/latest/meta-data/iam/security-credentials/"
        role = (self.get(base) or "").strip().split("\n")[0]
        text = self.get(base + role) if role else None
        value = json.loads(text) if text else {}
        self.cached = value if value.get("AccessKeyId") else None
        self.cached_until = time.time() + 300
        return self.cached


def hmac_sha256(key: bytes, text: str) -> bytes:
    """Return an HMAC-SHA256."""
    return hmac.new(key, text.encode("utf-8"), hashlib.sha256).digest()


def signed(method: str, url: str, headers: Dict[str, str], payload: str, who: Tuple[Json, str]) -> Dict[str, str]:
    """Return the headers with an AWS Signature Version 4 for S3; `who` is credentials and region."""
    credentials, region = who
    parts = urllib.parse.urlsplit(url)
    stamp = datetime.datetime.fromtimestamp(time.time(), datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = dict(headers, **{"host": parts.netloc, "x-amz-date": stamp, "x-amz-content-sha256": payload})
    if credentials.get("Token"):
        headers["x-amz-security-token"] = credentials["Token"]
    lowered = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    names = ";".join(sorted(lowered))
    query = "&".join(sorted(item if "=" in item else item + "=" for item in parts.query.split("&") if item))
    lines = [method, parts.path or "/", query] + ["%s:%s" % (name, lowered[name]) for name in sorted(lowered)]
    canonical = "\n".join(lines + ["", names, payload])
    scope = "%s/%s/s3/aws4_request" % (stamp[:8], region)
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode("utf-8")).hexdigest()])
    key = ("AWS4" + credentials["SecretAccessKey"]).encode("utf-8")
    for step in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac_sha256(key, step)
    signature = hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()
    form = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
    headers["Authorization"] = form % (credentials["AccessKeyId"], scope, names, signature)
    return headers


class Bucket:
    """Where a run's files go, with the few S3 calls that this needs."""

    def __init__(self, s3: Json, endpoint: str, credentials: Callable[[], Optional[Json]]) -> None:
        self.region = s3.get("region") or "us-east-1"
        self.credentials = credentials
        bucket = s3["bucket"]
        if endpoint:
            self.base = endpoint.rstrip("/") + "/" + bucket
        elif "." in bucket:
            self.base = "https://s3.%s.amazonaws.com/%s" % (self.region, bucket)
        else:
            self.base = "https://%s.s3.%s.amazonaws.com" % (bucket, self.region)

    def call(self, method: str, key: str, query: str = "", headers: Optional[Dict[str, str]] = None,
             body: Any = None, payload: str = "") -> Reply:  # fmt: skip
        """Make a signed call; raises Http for an error answer."""
        who = self.credentials()
        if who is None:
            raise OSError("the instance profile's credentials are gone")
        url = self.base + "/" + urllib.parse.quote(key, safe="/-_.~") + ("?" + query if query else "")
        digest = payload or hashlib.sha256(body or b"").hexdigest()
        reply = http_call(method, url, signed(method, url, headers or {}, digest, (who, self.region)), body, 120)
        if reply.status >= 300:
            raise Http(reply.status, reply.body.decode("utf-8", "replace"))
        return reply

    def put(self, key: str, path: str, size: int, sha256: str) -> None:
        """Send a file in one request."""
        headers = content_headers(size, sha256)
        with open(path, "rb") as file:
            self.call("PUT", key, "", headers, file if size else b"", sha256)

    def begin(self, key: str, sha256: str) -> str:
        """Begin a multipart upload and return its id."""
        reply = self.call("POST", key, "uploads=", {"x-amz-meta-runctl-sha256": sha256})
        found = next(
            (node.text for node in ElementTree.fromstring(reply.body).iter() if node.tag.endswith("UploadId")), None
        )
        if not found:
            raise OSError("S3 began no multipart upload")
        return found

    def part(self, key: str, upload_id: str, index: int, block: bytes) -> str:
        """Send one part and return its ETag."""
        query = "partNumber=%d&uploadId=%s" % (index, urllib.parse.quote(upload_id, safe="-_.~"))
        return self.call("PUT", key, query, {"Content-Length": str(len(block))}, block).headers["etag"]

    def complete(self, key: str, upload_id: str, etags: List[str]) -> None:
        """Join the parts."""
        rows = ["<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % row for row in enumerate(etags, 1)]
        text = "<CompleteMultipartUpload>%s</CompleteMultipartUpload>" % "".join(rows)
        query = "uploadId=" + urllib.parse.quote(upload_id, safe="-_.~")
        reply = self.call("POST", key, query, {"Content-Type": "application/xml"}, text.encode("utf-8"))
        if b"<Error>" in reply.body:
            raise Http(reply.status, reply.body.decode("utf-8", "replace"))

    def head(self, key: str) -> Reply:
        """Ask what S3 has."""
        return self.call("HEAD", key)


def content_headers(size: int, sha256: str) -> Dict[str, str]:
    """Return the headers of a single PUT: length, S3's checksum and our own digest."""
    checksum = base64.b64encode(bytes.fromhex(sha256)).decode("ascii")
    return {"Content-Length": str(size), "x-amz-checksum-sha256": checksum, "x-amz-meta-runctl-sha256": sha256}


def verified(reply: Reply, size: int, sha256: str) -> str:
    """Return the ETag of what S3 says it has; raise OSError when that is not what was sent."""
    if int(reply.headers.get("content-length", "-1")) != size:
        raise OSError("S3 has %s bytes instead of %d" % (reply.headers.get("content-length"), size))
    if reply.headers.get("x-amz-meta-runctl-sha256", sha256) != sha256:
        raise OSError("S3 has a file with another SHA-256")
    return reply.headers.get("etag", "").strip('"')


# --- the uploader -----------------------------------------------------------------------------------------------


class Preempted(Exception):
    """A newer checkpoint must go first."""


class Changed(Exception):
    """The file changed while it was sent."""


class Uploader:
    """Brings a run's finished checkpoints, log and request to S3, and watches for the instance's interruption."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.request = run.request()
        self.s3 = self.request.get("s3")
        self.endpoints = {name: os.environ.get(name, "") for name in
                          ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT")}  # fmt: skip
        imds = self.endpoints["AWS_EC2_METADATA_SERVICE_ENDPOINT"] or "http://169.254.169.254"
        self.metadata = Metadata(imds)
        self.imds_off = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
        self.imds_retry, self.imds_failures = 0.0, 0
        self.table = read_json(run.path("uploads.json")).get("files", {})  # type: Dict[str, Json]
        self.seen = {}  # type: Dict[str, str]
        self.noticed = threading.Event()
        self.note = ""
        self.log_sent, self.collected = time.time(), 0.0
        self.bucket = None  # type: Optional[Bucket]
        if self.s3:
            endpoint = self.endpoints["AWS_ENDPOINT_URL_S3"] or self.endpoints["AWS_ENDPOINT_URL"]
            self.bucket = Bucket(self.s3, endpoint, self.credentials)

    def main(self) -> None:
        """Work until the run has ended and all is uploaded, or its folder is gone."""
        lock = open_private(self.run.path("uploader.lock"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        record_process(self.run.path("uploader"), os.getpid())
        threading.Thread(target=self.watch_spot, daemon=True).start()
        while os.path.isdir(self.run.folder):
            over = self.run.ended()
            try:
                if self.turn(over):
                    return
            except OSError as error:
                self.note = str(error)
            time.sleep(SCAN_EVERY if not self.noticed.is_set() else 0.2)

    def turn(self, over: bool) -> bool:
        """Look once and upload what is due; returns whether nothing is left to do."""
        if not self.s3:
            return over
        self.collect(over)
        self.upload_due(over)
        rows = self.table.values()
        done = over and all(row["state"] in ("done", "gone") for row in rows)
        self.save("done" if done else "")
        return done

    def save(self, state: str = "") -> None:
        """Write uploads.json."""
        rows = list(self.table.values())
        if not state and any(row["state"] == "waiting" for row in rows):
            state = "waiting for credentials or relay"
        elif not state:
            state = "uploading" if any(row["state"] in ("pending", "failed", "uploading") for row in rows) else "idle"
        value = {"state": state, "files": self.table, "note": self.note, "updated_at": utc(), "s3": self.s3}
        if os.path.isdir(self.run.folder):
            write_json(self.run.path("uploads.json"), value)

    def key(self, name: str) -> str:
        """Return the S3 key of one of the run's files."""
        return "/".join(part for part in ((self.s3 or {})["prefix"].strip("/"), self.run.run_id, name) if part)

    def local(self, name: str) -> str:
        """Return the path on this host of one of the run's files."""
        if name.startswith("checkpoints/"):
            return os.path.join(self.run.checkpoint_dir(), name[len("checkpoints/") :])
        return self.run.path(name)

    def collect(self, over: bool) -> None:
        """Add what is finished and new to the table, and mark what vanished before it was sent."""
        entries = own_entries(self.run)
        self.collected = time.time()
        for entry in entries:
            settled = over or self.noticed.is_set() or self.seen.get(entry["name"]) == entry["signature"]
            self.seen[entry["name"]] = entry["signature"]
            if judge(entry, settled) == "ok" or (over and not TMP_NAME.search(entry["name"])):
                for file in entry["files"]:
                    self.offer("checkpoints/" + file["path"], [file["size"], file["mtime_ns"]])
        present = {"checkpoints/" + file["path"] for entry in entries for file in entry["files"]}
        for name, row in self.table.items():
            if name.startswith("checkpoints/") and name not in present and row["state"] != "done":
                row["state"] = "gone"
        self.offer_own("run.json")
        if over:
            self.offer_own("log")

    def offer_own(self, name: str) -> None:
        """Offer one of the run folder's own files."""
        try:
            stat = os.stat(self.run.path(name))
        except OSError:
            return
        self.offer(name, [stat.st_size, stat.st_mtime_ns])

    def offer(self, name: str, signature: List[int]) -> None:
        """Put a file into the table unless it is there as it is now."""
        row = self.table.get(name)
        if row is None or row["signature"] != signature or row["state"] == "gone":
            self.table[name] = {"state": "pending", "signature": signature, "key": self.key(name), "attempts": 0,
                                "next_try": 0}  # fmt: skip

    def credentials(self) -> Optional[Json]:
        """Return the instance profile's credentials; a host without the service is asked ever more seldom."""
        if self.imds_off or time.time() < self.imds_retry:
            return None
        try:
            found = self.metadata.credentials()
        except (OSError, Http, ValueError):
            found = None
        self.imds_failures = 0 if found else self.imds_failures + 1
        self.imds_retry = 0.0 if found else time.time() + min(60, 2**self.imds_failures)
        return found

    def upload_due(self, over: bool) -> None:
        """Send what is due, the newest checkpoint first, with a new look in between when sending takes long."""
        direct = self.credentials() is not None
        urls = {} if direct else read_json(self.run.path("urls.json"))
        for name, row in self.table.items():
            if row["state"] in ("done", "gone"):
                continue
            if not direct and name not in urls:
                self.wait_for_url(name, row)
            elif row["state"] == "waiting":
                row["state"] = "pending"
        while True:
            name = self.next_due()
            if not name:
                break
            try:
                self.attempt(name, self.table[name], None if direct else urls.pop(name))
            except Preempted:
                self.collect(over)
            if direct and time.time() - self.collected >= SCAN_EVERY:
                self.collect(over)
        if direct and not over and time.time() - self.log_sent >= LOG_UPLOAD_EVERY:
            self.send_log()

    def next_due(self) -> str:
        """Return the file to send next, empty when none is due."""
        ready = [name for name, row in self.table.items()
                 if row["state"] not in ("done", "gone", "waiting") and time.time() >= row["next_try"]]  # fmt: skip
        return max(
            ready, key=lambda name: (name.startswith("checkpoints/"), self.table[name]["signature"][1]), default=""
        )

    def wait_for_url(self, name: str, row: Json) -> None:
        """Say that a file needs a URL, with all that whoever signs it has to know."""
        row["state"] = "waiting"
        if "sha256" not in row:
            try:
                row["sha256"] = file_sha256(self.local(name))
            except OSError:
                pass

    def attempt(self, name: str, row: Json, url: Optional[Json]) -> None:
        """Send one file and verify it; a failure is written down and tried again later."""
        row["state"] = "uploading"
        self.save()
        try:
            if url:
                self.send_presigned(name, row, url)
            else:
                self.send(name, row)
            row.update(state="done", verified_at=utc(), error=None)
            row.pop("upload_id", None)
            row.pop("parts", None)
        except Changed:
            row.update(state="gone", error="it changed while it was sent")
        except Preempted:
            row["state"] = "pending"
            raise
        except FileNotFoundError:
            row.update(state="gone", error="it was deleted before it was sent")
        except (OSError, Http) as error:
            attempts = row["attempts"] + 1
            row.update(state="failed", error=str(error), attempts=attempts, next_try=time.time() + min(60, 2**attempts))
            if isinstance(error, Http) and error.status == 404:
                row.pop("upload_id", None)
        self.save()

    def send(self, name: str, row: Json) -> None:
        """Send one file with the instance profile's credentials."""
        bucket = self.bucket
        assert bucket is not None
        path, size = self.local(name), row["signature"][0]
        row["sha256"] = row.get("sha256") or file_sha256(path)
        if size <= SINGLE_PUT:
            bucket.put(row["key"], path, size, row["sha256"])
        else:
            self.send_parts(bucket, path, row)
        self.unchanged(path, row)
        row["etag"] = verified(bucket.head(row["key"]), size, row["sha256"])

    def send_parts(self, bucket: Bucket, path: str, row: Json) -> None:
        """Send a large file in parts, going on where an earlier attempt had ended."""
        size, key = row["signature"][0], row["key"]
        step = max(PART, -(-size // 9000))
        if not row.get("upload_id"):
            row.update(upload_id=bucket.begin(key, row["sha256"]), parts=[])
        with open(path, "rb") as file:
            for index in range(len(row["parts"]), -(-size // step)):
                if self.noticed.is_set() and not row.get("urgent"):
                    row["urgent"] = True
                    raise Preempted
                file.seek(index * step)
                row["parts"].append(bucket.part(key, row["upload_id"], index + 1, file.read(step)))
                row["sent"] = min(size, (index + 1) * step)
                self.save()
        bucket.complete(key, row["upload_id"], row["parts"])

    def send_presigned(self, name: str, row: Json, url: Json) -> None:
        """Send one file to a URL that a relay has signed."""
        path, size = self.local(name), row["signature"][0]
        if size > PRESIGNED_LIMIT:
            raise OSError("larger than 5 GiB: only an instance profile can upload it")
        row["sha256"] = row.get("sha256") or file_sha256(path)
        ours = content_headers(size, row["sha256"])
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(url["put_url"]).query)
        names = query.get("X-Amz-SignedHeaders", [""])[0].split(";")
        headers = {key: value for key, value in ours.items() if key == "Content-Length" or key.lower() in names}
        headers.update(url.get("headers") or {})
        with open(path, "rb") as file:
            reply = http_call("PUT", url["put_url"], headers, file if size else b"", 300)
        if reply.status == 403:
            self.drop_url(name)
        if reply.status >= 300:
            raise Http(reply.status, reply.body.decode("utf-8", "replace"))
        self.unchanged(path, row)
        head = http_call("HEAD", url["head_url"], {}) if url.get("head_url") else reply
        if head.status >= 300:
            raise Http(head.status, "the check after the upload failed")
        row["etag"] = (
            verified(head, size, row["sha256"]) if url.get("head_url") else reply.headers.get("etag", "").strip('"')
        )
        self.drop_url(name)

    def drop_url(self, name: str) -> None:
        """Forget a URL that was used or has expired."""
        with open_private(self.run.path("urls.lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            urls = read_json(self.run.path("urls.json"))
            urls.pop(name, None)
            write_json(self.run.path("urls.json"), urls)

    def unchanged(self, path: str, row: Json) -> None:
        """Raise when a file is no longer what was sent."""
        stat = os.stat(path)
        if [stat.st_size, stat.st_mtime_ns] != row["signature"]:
            raise Changed

    def send_log(self) -> None:
        """Send a copy of the growing log."""
        self.log_sent = time.time()
        bucket, copy = self.bucket, self.run.path("log.part")
        assert bucket is not None
        try:
            shutil.copyfile(self.run.log, copy)
            bucket.put(self.key("log"), copy, os.stat(copy).st_size, file_sha256(copy))
            os.unlink(copy)
        except (OSError, Http) as error:
            self.note = "the log could not be sent: %s" % error

    def watch_spot(self) -> None:
        """Stop the run when its spot instance is about to be taken away."""
        while not self.noticed.is_set() and os.path.isdir(self.run.folder):
            try:
                text = None if self.imds_off else self.metadata.get("/latest/meta-data/spot/instance-action")
            except (OSError, Http):
                text = None
            if text:
                self.obey_notice(text)
                return
            time.sleep(SPOT_EVERY)

    def obey_notice(self, text: str) -> None:
        """Write the interruption down and ask the supervisor for the end of the run."""
        try:
            notice = json.loads(text)
        except ValueError:
            notice = {"action": text.strip()}
        stop = {"requested_at": utc(), "grace": 30, "reason": "spot interruption", "by": "spot", "notice": notice}
        if self.run.alive() and not os.path.exists(self.run.path("stop.json")):
            write_json(self.run.path("stop.json"), stop)
        self.noticed.set()


def start_uploader(run: Run) -> int:
    """Start a run's uploader unless it lives; returns its process number."""
    pid = recorded_alive(run.path("uploader"))
    if not pid:
        pid = detach("upload", run.run_id)
        record_process(run.path("uploader"), pid)
    return pid


def verb_uploader(request: Json) -> Json:
    """Start a run's uploader, after a reboot say; `restart` ends a living one first, for the new environment."""
    run = Run(request.get("run_id", "")).require()
    if request.get("restart"):
        end_uploader(run)
    return {"pid": start_uploader(run), "uploads": upload_summary(run)}


def end_uploader(run: Run) -> None:
    """End a run's uploader; what it had sent in parts is kept."""
    deadline = time.time() + 10
    pid = recorded_alive(run.path("uploader"))
    if pid:
        os.kill(pid, signal.SIGTERM)
    while recorded_alive(run.path("uploader")) and time.time() < deadline:
        time.sleep(TICK)


def verb_pending(request: Json) -> Json:
    """List the files that wait for a URL, the newest checkpoint first."""
    run = Run(request.get("run_id", "")).require()
    uploads = read_json(run.path("uploads.json"))
    urls = read_json(run.path("urls.json"))
    rows = [
        {"path": name, "key": row["key"], "size": row["signature"][0], "sha256": row.get("sha256"),
         "state": row["state"], "mtime_ns": row["signature"][1]}
        for name, row in uploads.get("files", {}).items()
        if row["state"] in ("waiting", "failed") and name not in urls
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["path"].startswith("checkpoints/"), row["mtime_ns"]), reverse=True)
    return {"pending": rows, "s3": uploads.get("s3"), "ended": run.ended()}


def verb_urls(request: Json) -> Json:
    """Take presigned URLs from a relay: urls is a list of {path, put_url, head_url, headers}."""
    run = Run(request.get("run_id", "")).require()
    given = request.get("urls")
    if not isinstance(given, list):
        raise Refused("bad_request", "urls must be a list")
    accepted = {}
    for item in given:
        if not isinstance(item, dict):
            raise Refused("bad_request", "an item of urls must be an object")
        path = text_field(item, "path")
        for name in ("put_url", "head_url"):
            if not re.match(r"https?://", text_field(item, name, "https://")):
                raise Refused("bad_request", "%s must be an http or https URL" % name)
        text_field(item, "put_url")
        accepted[path] = {name: item.get(name) for name in ("put_url", "head_url", "headers")}
    with open_private(run.path("urls.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_json(run.path("urls.json"), dict(read_json(run.path("urls.json")), **accepted))
    if run.request().get("s3"):
        start_uploader(run)
    return {"accepted": len(accepted)}


# --- vitals -----------------------------------------------------------------------------------------------------


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
            row = {"index": int(items[0]), "name": items[1]}  # type: Json
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


# --- code sync --------------------------------------------------------------------------------------------------


def sync_target(request: Json) -> str:
    """Return the folder that code is brought to; a home folder or a root is refused."""
    target = os.path.realpath(host_path(request, "dest"))
    if target in ("/", "/root", "/home", "/tmp", os.path.realpath(os.path.expanduser("~")), os.path.realpath(ROOT)):
        raise Refused("bad_destination", "code is never brought into %s itself" % target, "name a folder below it")
    if os.path.exists(target) and not os.path.isdir(target):
        raise Refused("bad_destination", "%s is not a folder" % target)
    return target


def sync_files(request: Json) -> Dict[str, str]:
    """Return the wanted files of a request, path to fingerprint; a path that leaves the folder is refused."""
    files = object_field(request, "files")
    for path, mark in files.items():
        parts = path.split("/")
        if path.startswith("/") or ".." in parts or "" in parts or "\0" in path or not isinstance(mark, str):
            raise Refused("bad_request", "%r is not a path inside the project" % path)
    return files


def fingerprint(path: str) -> str:
    """Return 'link TARGET', or mode and SHA-256 of a file; empty when there is none."""
    try:
        if os.path.islink(path):
            return "link " + os.readlink(path)
        if not os.path.isfile(path):
            return ""
        return "%s %s" % ("x" if os.stat(path).st_mode & 0o100 else "-", file_sha256(path))
    except OSError:
        return ""


def foreign(target: str, ours: Json, files: Dict[str, str]) -> List[str]:
    """Return the wanted paths at which somebody else's file would be overwritten."""
    found = []  # type: List[str]
    for path in files:
        whole = os.path.join(target, path)
        if path in ours or not os.path.lexists(whole):
            continue
        if os.path.isdir(whole) and not os.path.islink(whole):
            inside = [
                os.path.relpath(os.path.join(base, name), target) for base, _, names in os.walk(whole) for name in names
            ]
            found.extend(name for name in inside if name not in ours)
        elif fingerprint(whole) != files[path]:
            found.append(path)
    return found


def verb_sync_begin(request: Json) -> Json:
    """Compare a destination with what is wanted there and answer which files must be sent."""
    target, files = sync_target(request), sync_files(request)
    manifest = os.path.join(target, SYNC_MANIFEST)
    ours = read_json(manifest).get("files", {})
    if not os.path.exists(manifest) and os.path.isdir(target) and os.listdir(target):
        raise Refused("foreign_files", "%s holds files that did not come from here" % target, "name another folder")
    strangers = foreign(target, ours, files)
    if strangers:
        more = ", ".join(sorted(strangers)[:5])
        raise Refused(
            "foreign_files", "%s has files that did not come from here: %s" % (target, more), "move them away"
        )
    os.makedirs(target, exist_ok=True)
    needed = [path for path, mark in files.items() if fingerprint(os.path.join(target, path)) != mark]
    stale = sorted(set(ours) - set(files))
    for path in needed:
        clear_the_way(target, path)
    for path in in_the_way(stale, needed):
        remove_ours(target, path)
    if needed or ours != files:
        write_json(manifest, {"files": dict(ours, **files), "complete": False, "updated_at": utc()})
    return {"dest": target, "needed": sorted(needed), "stale": stale, "first": not ours}


def folders_above(path: str) -> List[str]:
    """Return the folders on the way to a path, the topmost first."""
    parts = path.split("/")
    return ["/".join(parts[:index]) for index in range(1, len(parts))]


def in_the_way(stale: List[str], needed: List[str]) -> List[str]:
    """Return the old paths that became a folder, or whose folder became a file."""
    wanted = set(needed)
    folders = {folder for path in needed for folder in folders_above(path)}
    return [path for path in stale if path in folders or any(folder in wanted for folder in folders_above(path))]


def clear_the_way(target: str, path: str) -> None:
    """Remove our own links that stand where a folder on the way to a file must be."""
    for folder in folders_above(path):
        step = os.path.join(target, folder)
        if os.path.islink(step):
            os.unlink(step)


def verb_sync_finish(request: Json) -> Json:
    """Delete what we had sent and is gone, compare every file, and write the manifest."""
    target, files = sync_target(request), sync_files(request)
    manifest = os.path.join(target, SYNC_MANIFEST)
    stale = sorted(set(read_json(manifest).get("files", {})) - set(files), reverse=True)
    deleted = [path for path in stale if remove_ours(target, path)]
    wrong = sorted(path for path, mark in files.items() if fingerprint(os.path.join(target, path)) != mark)
    if not wrong:
        write_json(manifest, {"files": files, "complete": True, "updated_at": utc()})
    return {"dest": target, "deleted": deleted, "wrong": wrong, "files": len(files)}


def remove_ours(target: str, path: str) -> bool:
    """Delete a file that we had sent, and the folders that this empties; never through a link."""
    whole = os.path.join(target, path)
    if not os.path.realpath(os.path.dirname(whole)).startswith(target) or not os.path.lexists(whole):
        return False
    try:
        os.unlink(whole)
        folder = os.path.dirname(whole)
        while folder != target and not os.listdir(folder):
            os.rmdir(folder)
            folder = os.path.dirname(folder)
    except OSError:
        return not os.path.lexists(whole)
    return True


# --- the command line -------------------------------------------------------------------------------------------

VERBS = {
    "start": verb_start,
    "status": verb_status,
    "stop": verb_stop,
    "checkpoints": verb_checkpoints,
    "uploader": verb_uploader,
    "pending": verb_pending,
    "urls": verb_urls,
    "vitals": verb_vitals,
    "sweep": verb_sweep,
    "forget": verb_forget,
    "sync_begin": verb_sync_begin,
    "sync_finish": verb_sync_finish,
}  # type: Dict[str, Callable[[Json], Json]]
STREAMS = {"read": verb_read, "follow": verb_follow}  # type: Dict[str, Callable[[Json], None]]


def read_request() -> Json:
    """Return the request on standard input; nothing means an empty one."""
    raw = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    try:
        value = json.loads(raw.decode("utf-8") or "{}")
    except ValueError as error:
        raise Refused("bad_json", "the request is not JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise Refused("bad_json", "the request is not a JSON object")
    return value


def answer(value: Json) -> None:
    """Write the one JSON object of an answer."""
    sys.stdout.buffer.write(json.dumps(value, sort_keys=True).encode("utf-8") + b"\n")
    sys.stdout.buffer.flush()


def serve(verb: str) -> int:
    """Do what a verb asks and answer; returns the exit status."""
    try:
        if verb not in VERBS and verb not in STREAMS:
            raise Refused(
                "bad_verb", "there is no verb %r" % verb, "one of " + ", ".join(sorted(list(VERBS) + list(STREAMS)))
            )
        os.makedirs(ROOT, mode=0o700, exist_ok=True)
        request = read_request()
        if verb in STREAMS:
            STREAMS[verb](request)
        else:
            answer(dict(VERBS[verb](request), ok=True))
        return 0
    except Refused as error:
        answer({"ok": False, "error": {"code": error.code, "message": error.message, "hint": error.hint}})
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        text = "%s: %s" % (type(error).__name__, error)
        answer({"ok": False, "error": {"code": "failed", "message": text, "hint": "see doctor for the host's state"}})
    return 2


def main(argv: List[str]) -> int:
    """Run one verb; supervise and upload are for the agent's own detached processes."""
    if len(argv) == 3 and argv[1] == "supervise":
        Supervisor(Run(argv[2])).main()
        return 0
    if len(argv) == 3 and argv[1] == "upload":
        Uploader(Run(argv[2])).main()
        return 0
    return serve(argv[1] if len(argv) == 2 else " ".join(argv[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
