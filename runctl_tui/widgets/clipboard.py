"""How a text reaches the terminal's clipboard: OSC 52, wrapped for tmux and screen; pure, used by the app."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

_CHUNK: Final = 500
"""Bytes that screen passes on at once at most."""


def multiplexer(environment: Mapping[str, str]) -> str:
    """Return what stands between this program and the terminal: 'tmux', 'screen', or nothing."""
    term = environment.get("TERM", "")
    if environment.get("TMUX") or term.startswith("tmux"):
        return "tmux"
    return "screen" if environment.get("STY") or term.startswith("screen") else ""


def way(environment: Mapping[str, str]) -> str:
    """Say which way a text goes."""
    through = multiplexer(environment)
    return f"over OSC 52 through {through}" if through else "over OSC 52"


def wrapped(text: str, environment: Mapping[str, str]) -> str:
    """Return what to send beside the plain OSC 52, so that a multiplexer passes it on; empty where there is none."""
    through = multiplexer(environment)
    plain = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    if through == "tmux":
        return f"\x1bPtmux;{plain.replace(chr(27), chr(27) * 2)}\x1b\\"
    if through == "screen":
        return "".join(f"\x1bP{plain[at : at + _CHUNK]}\x1b\\" for at in range(0, len(plain), _CHUNK))
    return ""
