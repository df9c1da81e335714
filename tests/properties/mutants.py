"""Inputs beyond what anybody types, made of right ones: cut, joined, doubled, and with strangers put in."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from typing import Final

INPUTS: Final = 100_000 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 400
"""How many a parser is given: `make fuzz` gives it many more."""
_STRANGERS: Final = (
    *"\0\x1b\x7f\n\r\t\x85\u2028\u200b\u202e\ufeff\ud800\uffff\U000e0041",
    *" /\\'\"`$;&|<>()*?[]{}~!#%@:=,+-._^",
    *"٣²ⅣéßİK零",
    *("..", "aws:", "-o", "1e999999999", "nan", "inf", "0x1", "1_0", "9" * 5000, "[" * 3000, "é" * 600, "--", "://"),
)


def inputs(seeds: Sequence[str], salt: str = "") -> Iterator[str]:
    """Yield the seeds, and as many inputs made of them as a parser is to be given; the same ones each time."""
    rng = random.Random(f"{salt}{seeds}")
    yield from seeds
    yield ""
    for _ in range(INPUTS):
        text = rng.choice(seeds)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            text = _mutant(rng, text, seeds)
        yield text


def _mutant(rng: random.Random, text: str, seeds: Sequence[str]) -> str:
    here, there = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
    match rng.randrange(7):
        case 0:
            return text[:here] + text[there:]
        case 1:
            return f"{text[:here]}{rng.choice(_STRANGERS)}{text[here:]}"
        case 2:
            return f"{text[:here]}{rng.choice(_STRANGERS)}{text[there:]}"
        case 3:
            return text[:here] + text[here:there] * 2 + text[there:]
        case 4:
            return text[:here] + rng.choice(seeds)[here:]
        case 5:
            return text.swapcase()
    return text[:here] + chr(rng.randrange(0x110000)) + text[here:]
