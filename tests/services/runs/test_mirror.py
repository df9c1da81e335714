"""The mirrored log: no byte twice, none missing, whoever writes."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runctl_tui.services.runs.mirror import LogMirror

LOG = b"".join(b"step %d/50 | loss %.3f\n" % (step, 5 - step / 20) for step in range(1, 51))


def test_pieces_that_overlap_are_taken_once(tmp_path: Path) -> None:
    mirror = LogMirror(tmp_path / "r-1.log")
    mirror.append(0, LOG[:100], 7)
    assert mirror.append(50, LOG[50:200], 7)
    assert mirror.append(0, LOG, 7)
    assert mirror.read()[1] == LOG
    assert mirror.series.progress.step == 50


def test_a_gap_is_told_and_not_written(tmp_path: Path) -> None:
    mirror = LogMirror(tmp_path / "r-1.log")
    mirror.append(0, LOG[:10], 7)
    assert not mirror.append(20, LOG[20:30], 7)
    assert mirror.read()[1] == LOG[:10]


def test_it_is_there_after_a_restart_with_what_it_measured(tmp_path: Path) -> None:
    LogMirror(tmp_path / "r-1.log").append(0, LOG, 7)
    again = LogMirror(tmp_path / "r-1.log")
    assert (again.end, again.inode, again.series.progress.step) == (len(LOG), 7, 50)


def test_another_file_begins_anew(tmp_path: Path) -> None:
    mirror = LogMirror(tmp_path / "r-1.log")
    mirror.append(0, LOG, 7)
    mirror.append(0, b"step 1/9 | loss 2\n", 8)
    assert mirror.read()[1] == b"step 1/9 | loss 2\n"
    assert mirror.series.progress.total_steps == 9


def test_two_processes_may_mirror_the_same_log(tmp_path: Path) -> None:
    one, other = LogMirror(tmp_path / "r-1.log"), LogMirror(tmp_path / "r-1.log")
    one.append(0, LOG[:300], 7)
    other.append(0, LOG[:500], 7)
    one.append(300, LOG[300:], 7)
    assert one.read()[1] == LOG
    assert len(one.series) == 50


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(LOG)), st.integers(0, len(LOG))), max_size=12))
def test_whatever_arrives_the_mirror_is_a_prefix(tmp_path: Path, cuts: list[tuple[int, int]]) -> None:
    path = tmp_path / "r-2.log"
    path.unlink(missing_ok=True)
    path.with_suffix(".log.json").unlink(missing_ok=True)
    mirror = LogMirror(path)
    for one, two in cuts:
        start, end = sorted((one, two))
        mirror.append(start, LOG[start:end], 7)
    assert mirror.read()[1] == LOG[mirror.base : mirror.end]
