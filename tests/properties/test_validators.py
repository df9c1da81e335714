"""Checks of what people type: they take what its provider takes, name what is wrong, and fail in no other way."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain import durations, figures, validation
from runctl_tui.domain.location import DataLocation
from runctl_tui.domain.text import quoted
from runctl_tui.modals.launch_draft import check_environment, check_ports, check_words
from tests.properties.mutants import inputs

Check = Callable[[str], Any]
LONGEST_WORDS: Final = 400
ACCEPTED: Final[dict[str, tuple[Check, tuple[str, ...], str]]] = {
    "instance": (validation.instance_id, ("i-0123456789abcdef0", "i-01234567"), r"i-([0-9a-f]{8}|[0-9a-f]{17})"),
    "volume": (validation.volume_id, ("vol-0123456789abcdef0",), r"vol-([0-9a-f]{8}|[0-9a-f]{17})"),
    "snapshot": (validation.snapshot_id, ("snap-0123456789abcdef0",), r"snap-([0-9a-f]{8}|[0-9a-f]{17})"),
    "image": (validation.image_id, ("ami-0123456789abcdef0",), r"ami-([0-9a-f]{8}|[0-9a-f]{17})"),
    "pod": (validation.pod_id, ("xedezhzb9la3ye", "pod-1_a"), r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"),
    "run": (DataLocation.parse, ("r-20261101-abcde",), r""),
    "bucket": (validation.bucket, ("my-runs.2026", "a0b"), r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
    "key": (validation.object_key, ("runs/a b/c.pt", "é" * 300), r"(?s).*"),
    "region": (validation.region, ("us-east-1", "us-gov-west-1"), r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}"),
    "zone": (validation.zone, ("us-east-1a", "us-west-2-lax-1a", "EU-RO-1", "secure"), r"[A-Za-z0-9-]+"),
    "project": (validation.project_name, ("llama-7b_v1.2",), r"[A-Za-z0-9._-]{1,64}"),
    "name": (validation.resource_name, ("llama-7b_v1.2",), r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"),
    "tag key": (validation.tag_key, ("runctl:owner", "Käse / 1"), r"(?s).{1,128}"),
    "tag value": (validation.tag_value, ("", "a=b, c\td"), r"(?s).{0,256}"),
    "path": (validation.path, ("../data", "/mnt/my data"), r"[^\x00-\x1f\x7f]+"),
    "folder": (validation.folder, ("out/checkpoints", "a..b"), r"[^\x00-\x1f\x7f~/][^\x00-\x1f\x7f]*"),
    "ssh": (validation.ssh_address, ("ubuntu@10.0.0.7:2222", "bastion", "me@[fe80::1]:22"), r"[A-Za-z0-9._@:\[\]%-]+"),
    "type": (validation.instance_type, ("g5.xlarge", "u-6tb1.metal"), r"[a-z][a-z0-9-]*\.[a-z0-9-]+"),
    "account": (validation.account, ("012345678901",), r"[0-9]{12}"),
    "range": (validation.cidr, ("203.0.113.0/24", "::/0"), r"[0-9a-fA-F.:]+/[0-9]{1,3}"),
    "variable": (validation.environment_name, ("HF_TOKEN",), r"[A-Za-z_][A-Za-z0-9_]*"),
    "gpus": (validation.gpus, ("0,1", ""), r"([0-9]+(,[0-9]+)*)?"),
    "pod port": (validation.pod_port, ("8888/http", "6006/tcp"), r"[1-9][0-9]{0,4}/(http|tcp)"),
    "location": (DataLocation.parse, ("s3://bucket/a/b", "i-01234567:/data", "r-20261101-abcde", "a/b", "~/x"), r""),
    "size": (figures.gib, ("1", "65536"), r""),
    "iops": (partial(figures.whole, least=100, most=256_000), ("3000", "256000"), r""),
    "port": (figures.port, ("22", "65535"), r""),
    "amount": (figures.amount, ("0.40", "$2", "-1", "1e3"), r""),
    "price": (figures.price, ("0.40", "$2"), r""),
    "duration": (figures.duration, ("90", "1h30m", "2 d 4 h", "1.5h"), r""),
    "day": (figures.day, ("2026-11-30",), r""),
    "schedule": (figures.schedule, ("2026-11-30", "2026-11-30T18:00:00Z", "0001-01-01T00:00+14:00"), r""),
}
"""By what is checked: the check, texts that are right, and the pattern of every text that may be."""


@pytest.mark.parametrize("noun", ACCEPTED)
def test_any_input_is_taken_or_refused_in_words(noun: str) -> None:
    check, seeds, pattern = ACCEPTED[noun]
    taken = 0
    for text in inputs(seeds, noun):
        try:
            found = check(text)
        except ValueError as error:
            words = str(error)
            assert words.isprintable(), (text, words)
            assert len(words) < LONGEST_WORDS, (text, words)
        else:
            taken += 1
            assert not pattern or (found == text and re.fullmatch(pattern, text)), text
    assert taken >= len(seeds)


HEX: Final = st.text("0123456789abcdef", min_size=17, max_size=17)
PLAIN: Final = st.text("ABCxyz019._-", max_size=60)


@given(HEX, PLAIN, st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=128))
def test_what_the_provider_takes_is_taken(digits: str, word: str, tag: str) -> None:
    for check, prefix in (
        (validation.instance_id, "i"),
        (validation.volume_id, "vol"),
        (validation.snapshot_id, "snap"),
    ):
        assert check(f"{prefix}-{digits}") == f"{prefix}-{digits}"
    assert validation.resource_name(f"a{word}") == f"a{word}"
    assert validation.tag_value(tag) == tag
    assert validation.object_key(f"{word}/{tag}") == f"{word}/{tag}"
    if not tag.lower().startswith("aws:"):
        assert validation.tag_key(tag) == tag


@pytest.mark.parametrize(
    "noun", ["instance", "volume", "snapshot", "pod", "bucket", "project", "name", "size", "iops", "port"]
)
@given(letter=st.sampled_from("\0\x1b\n /'\"$;&|~é٣²"), data=st.data())
def test_the_bad_part_is_named(noun: str, letter: str, data: st.DataObject) -> None:
    check, seeds, _ = ACCEPTED[noun]
    seed = seeds[0]
    first = seed.index("-") + 1 if noun in ("instance", "volume", "snapshot") else 1
    place = data.draw(st.integers(min(first, len(seed) - 1), len(seed) - 1)) if len(seed) > 1 else 0
    wrong = f"{seed[:place]}{letter}{seed[place:]}"
    if noun in ("size", "iops", "port") and wrong.strip() == seed:
        return
    with pytest.raises(ValueError, match=re.escape(quoted(letter))):
        check(wrong)


@given(st.floats(0, 30 * 86_400))
def test_a_length_of_time_is_read_as_it_is_written(seconds: float) -> None:
    read = figures.duration(durations.in_two_units(seconds))
    assert durations.in_two_units(read) == durations.in_two_units(seconds)
    assert figures.duration(durations.in_a_word(seconds)) <= max(seconds, 0.0)


def test_units_of_time_and_none() -> None:
    assert figures.duration("10", "min") == figures.duration("10m") == figures.duration("10 min") == 600
    assert figures.duration("1h30m") == 5400
    for wrong, part in (("10 lightyears", "lightyears"), ("1h30", "30 of what"), ("", "length of time"), ("h", "'h'")):
        with pytest.raises(ValueError, match=part):
            figures.duration(wrong)


def test_tags_together_have_their_own_limit() -> None:
    assert validation.tags({f"k{n}": "v" for n in range(50)})
    with pytest.raises(ValueError, match="51 tags"):
        validation.tags({f"k{n}": "v" for n in range(51)})
    with pytest.raises(ValueError, match="AWS's own"):
        validation.tag_key("AWS:name")


def test_the_region_of_a_zone() -> None:
    for zone, region in (("us-east-1a", "us-east-1"), ("us-west-2-lax-1a", "us-west-2"), ("EU-RO-1", "EU-RO-1")):
        assert validation.region_of(validation.zone(zone)) == region
    with pytest.raises(ValueError, match="is a region: name a zone of it, such as us-east-1a"):
        validation.zone("us-east-1")


@pytest.mark.parametrize("check", [check_environment, check_ports, check_words])
def test_fields_of_words_say_what_is_wrong(check: Check) -> None:
    for text in inputs(("A=1 B='two words'", "8888/http 6006/tcp", "x")):
        wrong = check(text)
        assert wrong is None or str(wrong)
