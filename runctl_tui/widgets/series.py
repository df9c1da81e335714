"""Numbers made ready for a chart: gaps at values that are no numbers, extremes kept; pure, used by the chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from runctl_tui.domain.text import SafeText

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart; x rises."""

    name: SafeText
    points: Points
    style: str = ""
    """A theme variable such as `$chart-1`; by default one after the other."""


def stretches(points: Points) -> list[list[tuple[float, float]]]:
    """Split points where a value is no finite number; a gap is a gap and never a straight line."""
    out: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if isfinite(x) and isfinite(y):
            out[-1].append((x, y))
        elif out[-1]:
            out.append([])
    return [stretch for stretch in out if stretch]


def thin(points: Points, columns: int, bounds: tuple[float, float]) -> list[tuple[float, float]]:
    """Keep the lowest and the highest point of each column of the chart, so that no spike is lost."""
    low, high = bounds
    if len(points) <= 2 * columns or high <= low:
        return list(points)
    scale = (columns - 1) / (high - low)
    buckets: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        bucket = buckets.setdefault(int((point[0] - low) * scale), [point, point])
        if point[1] < bucket[0][1]:
            bucket[0] = point
        if point[1] >= bucket[1][1]:
            bucket[1] = point
    out: list[tuple[float, float]] = []
    for bucket in buckets.values():
        out.extend(sorted(set(bucket)))
    return out


def bounds_of(parts: Sequence[Points]) -> tuple[float, float]:
    """Return the lowest and highest x of all parts; (0, 1) for none."""
    xs = [x for part in parts for x in (part[0][0], part[-1][0])]
    return (min(xs), max(xs)) if xs else (0.0, 1.0)


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most about `most` round numbers from `low` to `high`."""
    if high <= low or most < 1:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = ceil(low / step - 1e-9)
    last = floor(high / step + 1e-9)
    ticks = [round(index * step, 12) for index in range(first, last + 1)]
    return [tick for tick in ticks if low - step * 1e-6 <= tick <= high + step * 1e-6] or [low]


def enough_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers as `round_ticks` does, but three of them wherever there is room for three."""
    for number in range(most, 3 * most):
        ticks = round_ticks(low, high, number)
        if len(ticks) >= min(3, most):
            break
    return ticks


def tick_label(value: float) -> str:
    """Return a number as short as an axis needs it: `2.5`, `400`, `12k`, `3M`, `1e-05`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"
