"""What `doctor` can tell about this machine without asking anybody: terminal, Python, tools, state folder.

Everything here may block for a moment; `services/doctor.py` calls it in a thread.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runctl_tui.services.ports import Finding

_LOW_SPACE: Final = 1 << 30
_EXTRAS: Final = {
    "boto3": ("local", "pip install runctl-tui"),
    "asyncssh": ("ssh", "pip install runctl-tui"),
    "moto": ("sandbox", "pip install 'runctl-tui[sandbox]'"),
    "runpod": ("runpod", "pip install 'runctl-tui[runpod]'"),
}


def terminal(environ: Mapping[str, str]) -> list[Finding]:
    """Terminal type, colours, size, characters, multiplexer."""
    term = environ.get("TERM", "")
    if not sys.stdout.isatty():
        return [Finding("terminal", None, "standard output is no terminal; the full screen needs one")]
    if term in ("", "dumb", "unknown"):
        return [Finding("terminal", False, f"TERM is {term!r}: nothing can be drawn", "export TERM=xterm-256color")]
    columns, lines = shutil.get_terminal_size()
    small = columns < 80 or lines < 24
    return [
        Finding("terminal", True, f"TERM={term}, {_colours(environ)}{_nesting(environ)}"),
        Finding("terminal", not small, f"{columns}x{lines}", "make it 80x24 or larger" if small else ""),
        _characters(environ),
    ]


def state_folder(folder: Path) -> list[Finding]:
    """Whether the state folder is private, writable and has room."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return [
            Finding("state", False, f"{folder} cannot be written", "mend its owner or choose another: --state-dir DIR")
        ]
    findings = [_modes(folder) if existing == folder else Finding("state", True, f"{folder} will be made when needed")]
    free = shutil.disk_usage(existing).free
    low = free < _LOW_SPACE
    findings.append(
        Finding(
            "state", not low, f"{free / (1 << 30):.1f} GiB free", "make room: ledger and sandbox need it" if low else ""
        )
    )
    return findings


def software(environ: Mapping[str, str]) -> list[Finding]:
    """Python, extras, ssh client; a missing git is fine."""
    findings = [Finding("local", True, f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")]
    for module, (area, command) in _EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        findings.append(
            Finding(area, there or None, f"{module} is {'' if there else 'not '}installed", "" if there else command)
        )
    path = environ.get("PATH")
    ssh = shutil.which("ssh", path=path)
    findings.append(
        Finding(
            "ssh", bool(ssh), ssh or "no ssh client: shells on hosts need it", "" if ssh else "install openssh-client"
        )
    )
    git = shutil.which("git", path=path)
    findings.append(Finding("local", True, f"git: {git or 'absent, and not needed'}"))
    return findings


def _modes(folder: Path) -> Finding:
    status = folder.stat()
    if status.st_uid != os.geteuid():
        return Finding("state", False, f"{folder} belongs to another user", "choose your own: --state-dir DIR")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(status.st_mode)
        return Finding("state", False, f"{folder} has mode {mode:04o}: others can look in", f"chmod 700 '{folder}'")
    return Finding("state", True, f"{folder} is private")


def _colours(environ: Mapping[str, str]) -> str:
    if environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "true colour"
    return "256 colours" if "256" in environ.get("TERM", "") else "16 colours"


def _nesting(environ: Mapping[str, str]) -> str:
    inside = [
        word
        for word, name in (("tmux", "TMUX"), ("screen", "STY"), ("an SSH session", "SSH_CONNECTION"))
        if environ.get(name)
    ]
    return f", inside {' and '.join(inside)}" if inside else ""


def _characters(environ: Mapping[str, str]) -> Finding:
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    utf8 = "utf-8" in locale.lower() or "utf8" in locale.lower()
    if utf8:
        return Finding("terminal", True, f"UTF-8 ({locale})")
    return Finding(
        "terminal", None, f"the locale is {locale or 'not set'}; symbols may look odd", "export LANG=C.UTF-8"
    )
