"""Presets stay within AWS's limits, and what AWS refuses is said in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.volume import VolumeShape
from runctl_tui.domain.volume_shapes import LIMITS, USES, advice, preset, settled, wrong_with


@given(st.sampled_from(sorted(LIMITS)), st.sampled_from(sorted(USES)), st.data())
def test_every_preset_is_one_that_aws_accepts(kind: str, use: str, data: st.DataObject) -> None:
    limits = LIMITS[kind]
    size = data.draw(st.integers(limits.smallest_gib, limits.largest_gib))
    assert wrong_with(preset(use, kind, size)) == ()


@pytest.mark.parametrize(
    ("use", "kind", "size", "iops", "throughput"),
    [
        ("archive", "gp3", 100, 3000, 125),
        ("general", "gp3", 100, 13_000, 2_000),
        ("data", "gp3", 10, 5_000, 1_250),
        ("data", "gp3", 1, 3_000, 750),
        ("checkpoints", "gp3", 1_000, 80_000, 2_000),
        ("data", "io2", 10, 5_000, None),
        ("general", "io2", 2_000, 3_000, None),
        ("data", "st1", 500, None, None),
    ],
)
def test_presets_follow_the_table(use: str, kind: str, size: int, iops: int | None, throughput: int | None) -> None:
    assert preset(use, kind, size) == VolumeShape(kind, size, iops, throughput)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (VolumeShape("gp3", 10, 6_000), "10 GiB of gp3 allow 5,000 IOPS (500 per GiB), not 6,000"),
        (VolumeShape("gp3", 100, 3_000, 1_000), "1,000 MiB/s need at least 4,000 IOPS"),
        (VolumeShape("gp3", 100, None, 800), "800 MiB/s need at least 3,200 IOPS"),
        (VolumeShape("gp3", 100, 2_999), "gp3 has 3,000 to 80,000 IOPS, not 2,999"),
        (VolumeShape("gp3", 100, None, 2_001), "gp3 has 125 to 2,000 MiB/s, not 2,001"),
        (VolumeShape("io2", 100), "io2 needs its IOPS said"),
        (VolumeShape("io2", 100, 1_000, 200), "the throughput of io2 cannot be chosen"),
        (VolumeShape("st1", 100), "st1 has 125 to 16,384 GiB, not 100"),
        (VolumeShape("st1", 200, 3_000), "the IOPS of st1 cannot be chosen"),
        (VolumeShape("gp9", 200), "there is no volume type 'gp9': gp3, gp2, io1, io2, st1, sc1"),
    ],
)
def test_what_aws_refuses_is_said(shape: VolumeShape, words: str) -> None:
    assert words in wrong_with(shape)


def test_advice_and_baselines() -> None:
    assert [advice("data", 2_000), advice("checkpoints", 200), advice("archive", 600)] == ["st1", "io2", "sc1"]
    assert {advice(use, 50) for use in USES} == {"gp3"}
    assert settled(VolumeShape("gp3", 10)) == VolumeShape("gp3", 10, 3_000, 125)
    assert settled(VolumeShape("st1", 200)) == VolumeShape("st1", 200)
