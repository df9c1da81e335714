"""Train a tiny bigram language model in pure Python: no dependency, no GPU, about a minute.

The script keeps to the contract of runctl's examples: it writes checkpoints into a folder, resumes from one with
`--resume`, and saves a last one when it is told to stop.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

CORPUS = (
    "a cluster hums in the dark, and the loss goes down. every step is a small correction, "
    "and a small correction, made often enough, is learning. the fans spin, the hours pass, "
    "the gradient points the way, and in the morning there is a model that knows a little more. "
    "save what matters, stop what is idle, and never pay for silence. "
)
LETTERS = sorted(set(CORPUS))
SIZE = len(LETTERS)
CODES = [LETTERS.index(letter) for letter in CORPUS]
CHECKPOINT = re.compile(r"step_(\d+)\.json$")
LOG_EVERY = 5


class Stopped(Exception):
    """Somebody asked for an end."""


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600, help="steps in all, those before a resume included")
    parser.add_argument("--epochs", type=int, help="instead of --steps: passes over the text")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3.0)
    parser.add_argument("--checkpoint-dir", default=os.environ.get("TRAINCTL_CHECKPOINT_DIR", "checkpoints"))
    parser.add_argument("--save-every", type=int, default=100, help="steps between checkpoints")
    parser.add_argument("--resume", help="a checkpoint, or a folder whose newest one is taken")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sleep", type=float, default=0.1, help="seconds to rest after each step")
    chosen = parser.parse_args()
    if chosen.epochs is not None:
        chosen.steps = max(1, chosen.epochs * len(CODES) // chosen.batch_size)
    for name in ("steps", "batch_size", "save_every"):
        if getattr(chosen, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return chosen


def newest(path: Path) -> Path:
    """Return the checkpoint that a path means: itself, or the newest in a folder."""
    if path.is_file():
        return path
    found = [(int(match[1]), each) for each in path.glob("*.json") if (match := CHECKPOINT.search(each.name))]
    if not found:
        raise SystemExit(f"There is no checkpoint in {path}")
    return max(found)[1]


def save(folder: Path, step: int, loss: float, weights: list[list[float]]) -> None:
    """Write a checkpoint so that it is either whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step_{step:06d}.json"
    scratch = path.with_suffix(".json.tmp")
    with scratch.open("w") as stream:
        rounded = [[round(weight, 6) for weight in row] for row in weights]
        json.dump({"step": step, "loss": round(loss, 6), "letters": LETTERS, "weights": rounded}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.replace(path)
    print(f"Saved checkpoint: {path}", flush=True)


def learn(weights: list[list[float]], batch: list[int], rate: float) -> float:
    """Take one step of gradient descent on pairs of letters; returns the mean loss."""
    loss = 0.0
    gradients: dict[int, list[float]] = {}
    for position in batch:
        row, target = CODES[position], CODES[position + 1]
        highest = max(weights[row])
        powers = [math.exp(weight - highest) for weight in weights[row]]
        total = sum(powers)
        loss -= math.log(powers[target] / total)
        gradient = gradients.setdefault(row, [0.0] * SIZE)
        for column in range(SIZE):
            gradient[column] += powers[column] / total
        gradient[target] -= 1.0
    for row, gradient in gradients.items():
        weights[row] = [w - rate * g / len(batch) for w, g in zip(weights[row], gradient, strict=True)]
    return loss / len(batch)


def rate_at(step: int, steps: int, peak: float) -> float:
    """Return the learning rate: a short warm-up, then a cosine down to a tenth."""
    warm_up = max(1, steps // 20)
    if step <= warm_up:
        return peak * step / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))


def stop(number: int, frame: object) -> None:
    """Leave the loop at the next chance."""
    raise Stopped


def train(chosen: argparse.Namespace) -> int:
    """Train to the last step; returns the exit status."""
    folder = Path(chosen.checkpoint_dir)
    weights = [[0.0] * SIZE for _ in range(SIZE)]
    done, loss = 0, math.log(SIZE)
    if chosen.resume:
        source = newest(Path(chosen.resume))
        state = json.loads(source.read_text())
        done, loss, weights = state["step"], state["loss"], state["weights"]
        print(f"Resumed from {source} at step {done}", flush=True)
    print(f"Training {SIZE * SIZE} parameters on {len(CODES)} letters for {chosen.steps} steps", flush=True)
    chance = random.Random(chosen.seed + done)
    saved = done
    try:
        for step in range(done + 1, chosen.steps + 1):
            began = time.perf_counter()
            rate = rate_at(step, chosen.steps, chosen.lr)
            loss = learn(weights, [chance.randrange(len(CODES) - 1) for _ in range(chosen.batch_size)], rate)
            done = step
            time.sleep(chosen.sleep)
            if step % LOG_EVERY == 0 or step == chosen.steps:
                report(step, chosen, loss, rate, time.perf_counter() - began)
            if step % chosen.save_every == 0 or step == chosen.steps:
                save(folder, step, loss, weights)
                saved = step
    except Stopped:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(f"Told to stop at step {done}", flush=True)
        if done > saved:
            save(folder, done, loss, weights)
        return 128 + signal.SIGTERM
    Path("training_complete.txt").write_text(f"step {done} loss {loss:.4f}\n")
    print(f"Training complete: step {done}, loss {loss:.4f}", flush=True)
    return 0


def report(step: int, chosen: argparse.Namespace, loss: float, rate: float, seconds: float) -> None:
    """Print one line of progress."""
    speed = chosen.batch_size / seconds
    progress = f"step {step}/{chosen.steps} | loss {loss:.4f} | lr {rate:.1e}"
    print(f"{progress} | {speed:.0f} tok/s | {seconds * 1000:.1f} ms/step", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    sys.exit(train(options()))
