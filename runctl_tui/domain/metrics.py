"""What a log line says that can be measured: step, epoch, loss, rates; nothing is invented.

Used by the monitor, the run register and the checkpoint table. `parse_line` reads one line, `MetricSeries` a stream
of bytes.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from runctl_tui.domain.run import MetricPoint, RunProgress

_ALIASES: Final = {
    "loss": "loss",
    "train_loss": "loss",
    "training_loss": "loss",
    "train/loss": "loss",
    "lm_loss": "loss",
    "val_loss": "eval_loss",
    "eval_loss": "eval_loss",
    "valid_loss": "eval_loss",
    "validation_loss": "eval_loss",
    "lr": "lr",
    "learning_rate": "lr",
    "grad_norm": "grad_norm",
    "gnorm": "grad_norm",
    "acc": "accuracy",
    "accuracy": "accuracy",
    "train_acc": "accuracy",
    "val_acc": "eval_accuracy",
    "mfu": "mfu",
    "tokens_per_second": "tokens_per_second",
    "tok/s": "tokens_per_second",
    "tokens/s": "tokens_per_second",
    "ms/step": "step_time_ms",
    "ms/it": "step_time_ms",
    "s/step": "step_time_s",
    "step_time": "step_time_s",
    "step_time_s": "step_time_s",
    "time": "time",
}
_NUMBER: Final = r"[-+]?(?:\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|NaN|inf|Infinity)"
_STEP: Final = re.compile(
    r"\b(?:global[_ ])?(?:step|iter|iteration)s?\b\s*[:=#]?\s*(\d[\d,]*)(?:\s*(?:/|of)\s*(\d[\d,]*))?", re.IGNORECASE
)
_EPOCH: Final = re.compile(r"\bepoch\b\s*[:=#]?\s*\[?(\d+(?:\.\d+)?)(?:\s*(?:/|of)\s*(\d+))?", re.IGNORECASE)
_NAME: Final = "|".join(
    sorted((re.escape(name) for name in _ALIASES if name[0].isalpha() and "/" not in name), key=len)[::-1]
)
_NAMED: Final = re.compile(rf"(?<![\w/])({_NAME})\b[\"']?\s*[:=]?\s*[\"']?({_NUMBER})\s*(ms|s|%)?", re.IGNORECASE)
_UNIT: Final = re.compile(rf"({_NUMBER})\s*(tok/s|tokens/s|ms/step|ms/it|s/step)", re.IGNORECASE)
_CLOCK: Final = re.compile(r"\b(\d{4}-\d\d-\d\d[T ])?(\d\d:\d\d:\d\d)")
_HINTS: Final = ("loss", "step", "iter", "epoch", "acc", "Step", "Epoch", "Iter", "Loss", "tok/s")
MAX_LINE: Final = 64 * 1024
"""Bytes of one line that are looked at; the rest of a longer line is dropped from parsing."""


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("Infinity", "inf"))


def _from_mapping(data: Mapping[object, object]) -> MetricPoint | None:
    metrics: dict[str, float] = {}
    for key, value in data.items():
        name = _ALIASES.get(str(key).lower())
        if name is None or isinstance(value, bool):
            continue
        try:
            metrics.setdefault(name, float(str(value)))
        except ValueError:
            continue
    step = next((data[key] for key in ("step", "global_step", "iter", "iteration") if key in data), None)
    epoch = data.get("epoch")
    if not metrics:
        return None
    return MetricPoint(
        step=int(step) if isinstance(step, (int, float)) and math.isfinite(step) else None,
        epoch=float(str(epoch)) if re.fullmatch(r"\d+(\.\d+)?", str(epoch)) else None,
        time=None,
        metrics=tuple(metrics.items()),
    )


def _as_mapping(line: str) -> Mapping[object, object] | None:
    start, end = line.find("{"), line.rfind("}")
    if start < 0 or end < start or end - start > 4096:
        return None
    text = line[start : end + 1]
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, dict) else None
    return None


def _from_text(line: str) -> MetricPoint | None:
    metrics: dict[str, float] = {}
    for number, unit in _UNIT.findall(line):
        metrics.setdefault(_ALIASES[unit.lower()], _number(number))
    for name, number, unit in _NAMED.findall(line):
        canonical = _ALIASES[name.lower()]
        if canonical == "time":
            canonical = "step_time_ms" if unit == "ms" else ""
        if canonical:
            metrics.setdefault(canonical, _number(number))
    if "step_time_ms" in metrics:
        metrics.setdefault("step_time_s", metrics.pop("step_time_ms") / 1000)
    step, epoch, clock = _STEP.search(line), _EPOCH.search(line), _CLOCK.search(line)
    if not metrics or (step is None and epoch is None and "loss" not in metrics):
        return None
    return MetricPoint(
        step=int(step[1].replace(",", "")) if step else None,
        epoch=float(epoch[1]) if epoch else None,
        time=clock[0] if clock else None,
        metrics=tuple(metrics.items()),
        total_steps=int(step[2].replace(",", "")) if step and step[2] else None,
    )


def parse_line(line: str) -> MetricPoint | None:
    """Return what a log line measures, or None where it measures nothing."""
    if not any(hint in line for hint in _HINTS):
        return None
    if "{" in line and (mapping := _as_mapping(line)) is not None:
        return _from_mapping(mapping)
    return _from_text(line)


class MetricSeries:
    """The points of one log, fed in pieces of bytes of any size; memory is bounded by `limit` points."""

    def __init__(self, limit: int = 200_000) -> None:
        self._tail = b""
        self._points: deque[MetricPoint] = deque(maxlen=limit)
        self._total: int | None = None

    def feed(self, data: bytes) -> list[str]:
        """Take bytes in and return the lines that became complete; a progress bar counts as its last state."""
        *complete, self._tail = (self._tail + data).split(b"\n")
        if len(self._tail) > MAX_LINE:
            self._tail = self._tail[-MAX_LINE:]
        lines = [_decode(raw) for raw in complete]
        for line in lines:
            self._take(line)
        return lines

    def reset(self) -> None:
        """Forget everything, as when the log was replaced."""
        self._tail, self._total = b"", None
        self._points.clear()

    def points(self, metric: str) -> list[tuple[float, float]]:
        """Return (step, value) pairs of one metric; a line without a step counts from the one before it."""
        pairs: list[tuple[float, float]] = []
        for index, point in enumerate(self._points):
            value = point.metric(metric)
            if value is not None:
                pairs.append((float(point.step if point.step is not None else index), value))
        return pairs

    def names(self) -> list[str]:
        """Return the metrics seen, loss first."""
        seen = {name for point in self._points for name, _ in point.metrics}
        return sorted(seen, key=lambda name: (name != "loss", name))

    def value_at(self, metric: str, step: int) -> float | None:
        """Return the metric's value at this step or the nearest one before it."""
        best = None
        for point in self._points:
            if point.step is not None and point.step <= step and (value := point.metric(metric)) is not None:
                best = value
        return best

    @property
    def progress(self) -> RunProgress:
        """What the log said last about each figure."""
        latest: dict[str, float] = {}
        step = epoch = None
        for point in reversed(self._points):
            step = point.step if step is None else step
            epoch = point.epoch if epoch is None else epoch
            for name, value in point.metrics:
                latest.setdefault(name, value)
            if step is not None and {"loss", "step_time_s"} <= latest.keys():
                break
        return RunProgress(
            step=step,
            total_steps=self._total,
            epoch=epoch,
            loss=latest.get("loss"),
            step_seconds=latest.get("step_time_s"),
            tokens_per_second=latest.get("tokens_per_second"),
        )

    def __iter__(self) -> Iterator[MetricPoint]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)

    def _take(self, line: str) -> None:
        point = parse_line(line[:MAX_LINE])
        if point is not None:
            self._points.append(point)
            self._total = point.total_steps or self._total


def _decode(raw: bytes) -> str:
    text = raw[-MAX_LINE:].decode("utf-8", "backslashreplace").rstrip("\r")
    return text.rsplit("\r", 1)[-1]


def series_of(chunks: Sequence[bytes]) -> MetricSeries:
    """Return the series of a whole log given in pieces."""
    series = MetricSeries()
    for chunk in chunks:
        series.feed(chunk)
    series.feed(b"\n")
    return series
