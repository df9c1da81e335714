"""Which Python a run uses, and which commands bring its dependencies; the supervisor carries them out."""

import hashlib
import json
import os
import re
import shlex
import shutil
import sys
from typing import List, Optional, Tuple

from .basics import ROOT, Json
from .files import read_text

VENDOR_PYTHONS = ("/opt/pytorch/bin/python3",)


def toml_list(text: str, key: str) -> List[str]:
    """Return the strings of the first ``key = [...]`` of a piece of TOML; enough for lists of requirements."""
    match = re.search(r"(?m)^\s*%s\s*=\s*\[" % re.escape(key), text)
    found: List[str] = []
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
        self.commands: List[List[str]] = []
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
