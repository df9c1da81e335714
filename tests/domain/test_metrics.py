"""What log lines measure."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.metrics import MetricSeries, parse_line, series_of


@pytest.mark.parametrize(
    ("line", "step", "total", "expected"),
    [
        (
            "step 120/600 | loss 2.1840 | lr 3.0e-04 | 41022 tok/s | 98.1 ms/step",
            120,
            600,
            {"loss": 2.184, "lr": 3e-4, "tokens_per_second": 41022.0, "step_time_s": 0.0981},
        ),
        ("iter 250: loss 3.1234, time 112.50ms, mfu 12.30%", 250, None, {"loss": 3.1234, "step_time_s": 0.1125}),
        (
            "{'loss': '5.072', 'grad_norm': '20.19', 'learning_rate': '4e-05', 'epoch': '0.5'}",
            None,
            None,
            {"loss": 5.072, "grad_norm": 20.19, "lr": 4e-5},
        ),
        ('{"step": 7, "loss": 1.5}', 7, None, {"loss": 1.5}),
        ("Epoch 2/10 loss=0.412, acc=88.1%", None, None, {"loss": 0.412, "accuracy": 88.1}),
        ("Step: 1,250 of 9,000 train_loss: 0.9", 1250, 9000, {"loss": 0.9}),
    ],
)
def test_reads_common_lines(line: str, step: int | None, total: int | None, expected: dict[str, float]) -> None:
    point = parse_line(line)
    assert point is not None
    assert (point.step, point.total_steps) == (step, total)
    for name, value in expected.items():
        assert point.metric(name) == pytest.approx(value)


@pytest.mark.parametrize(
    "line",
    ["", "Saved checkpoint: checkpoints/step_000100.json", "lossless compression on", "downloading 120/600 files", "{"],
)
def test_other_lines_measure_nothing(line: str) -> None:
    assert parse_line(line) is None


def test_a_loss_that_is_not_a_number_stays_one() -> None:
    point = parse_line("step 3 loss nan")
    assert point is not None
    value = point.metric("loss")
    assert value is not None
    assert math.isnan(value)


def test_progress_is_the_last_word_on_each_figure() -> None:
    series = series_of([b"step 1/10 | loss 3.0 | 500 ms/step\nnoise\nstep 2/10 | loss 2.5\n"])
    progress = series.progress
    assert (progress.step, progress.total_steps, progress.loss) == (2, 10, 2.5)
    assert progress.eta_seconds == pytest.approx(4.0)
    assert series.points("loss") == [(1.0, 3.0), (2.0, 2.5)]
    assert series.value_at("loss", 1) == 3.0


def test_a_progress_bar_counts_as_its_last_state() -> None:
    series = MetricSeries()
    assert series.feed(b"step 1 loss 9\rstep 2 loss 8\r\n") == ["step 2 loss 8"]


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=1, max_value=7))
def test_how_bytes_are_cut_does_not_matter(parts: list[bytes], size: int) -> None:
    data = b"".join(parts) + b"\nstep 5/9 | loss 1.5\n"
    whole, pieces = MetricSeries(), MetricSeries()
    lines = whole.feed(data)
    cut = [line for start in range(0, len(data), size) for line in pieces.feed(data[start : start + size])]
    assert cut == lines
    assert pieces.progress.step == whole.progress.step == 5
