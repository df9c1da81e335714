"""Says how many mutants of the safety rules the tests noticed: `make mutants` fails where too few were."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from tests.hygiene.source import ROOT

LEAST: Final = 95
"""Percent of all mutants, and of those of each module."""
_RESULTS: Final = ROOT / "mutants" / "runctl_tui" / "domain" / "safety"
_UNNOTICED: Final = (0, 5, 33, None)
"""What mutmut keeps of one that passed every test, that no test runs, and that was not tried."""


def main() -> int:
    """Print one line for each module and survivor; fail below the least share."""
    found = {path.name.removesuffix(".py.meta"): _read(path) for path in sorted(_RESULTS.glob("*.meta"))}
    found = {name: tried for name, tried in found.items() if tried}
    shares = [_told(name, tried) for name, tried in found.items()]
    everything = {key: code for tried in found.values() for key, code in tried.items()}
    shares.append(_told("all", everything) if everything else 0)
    for key, code in everything.items():
        if code in _UNNOTICED:
            print(f"  not noticed: {key} (mutmut show {key})")
    return 0 if min(shares) >= LEAST else 1


def _read(path: Path) -> dict[str, int | None]:
    codes: dict[str, int | None] = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
    return codes


def _told(name: str, tried: dict[str, int | None]) -> float:
    killed = sum(code not in _UNNOTICED for code in tried.values())
    share = 100 * killed / len(tried)
    print(f"{name:14} {killed:5} of {len(tried):5}  {share:5.1f} %")
    return share


if __name__ == "__main__":
    sys.exit(main())
