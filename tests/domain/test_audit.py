"""The audit log's chain: whatever is changed, put in or taken out shows, but for lines cut off at the end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.audit import LONGEST, AuditEntry, AuditEvent, Chain, from_line, link_of, read_chain, to_line

AT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
TEXT = st.text(max_size=40)
ENTRIES = st.builds(
    AuditEntry,
    at=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    event=st.sampled_from(AuditEvent),
    effect=TEXT,
    result=TEXT,
    user=TEXT,
    codes=st.lists(TEXT, max_size=3).map(tuple),
)


def written(*entries: AuditEntry) -> list[bytes]:
    lines: list[bytes] = []
    for entry in entries:
        lines.append(to_line(entry, link_of(lines[-1]) if lines else ""))
    return lines


@given(st.lists(ENTRIES, max_size=5))
def test_what_is_written_is_read(entries: list[AuditEntry]) -> None:
    lines = written(*entries)
    assert all(b"\n" not in line and line.isascii() for line in lines)
    assert read_chain(lines) == Chain(tuple(entries))


@given(st.lists(ENTRIES, min_size=2, max_size=6), st.data())
def test_a_change_before_the_last_line_shows(entries: list[AuditEntry], data: st.DataObject) -> None:
    lines = written(*entries)
    where = data.draw(st.integers(0, len(lines) - 2))
    how = data.draw(st.sampled_from(["a byte", "left out", "doubled", "another"]))
    if how == "a byte":
        at = data.draw(st.integers(0, len(lines[where]) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda one: one not in (lines[where][at], 10)))
        lines[where] = lines[where][:at] + bytes([byte]) + lines[where][at + 1 :]
    elif how == "left out":
        del lines[where]
    elif how == "doubled":
        lines.insert(where, lines[where])
    else:
        lines[where] = to_line(AuditEntry(AT, AuditEvent.DONE, "something else"), from_line(lines[where])[1])
        if lines == written(*entries):
            return
    assert read_chain(lines).breaks


@given(st.lists(ENTRIES, min_size=2, max_size=3), st.data())
def test_a_change_of_the_last_line_shows(entries: list[AuditEntry], data: st.DataObject) -> None:
    lines = written(*entries)
    at = data.draw(st.integers(0, len(lines[-1]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one not in (lines[-1][at], 10)))
    lines[-1] = lines[-1][:at] + bytes([byte]) + lines[-1][at + 1 :]
    assert read_chain(lines).breaks == (len(lines),)


def test_lines_from_before_there_were_sums_are_read_and_none_may_follow_one_that_has_its_sum() -> None:
    old, new = (AuditEntry(AT, AuditEvent.DONE, words) for words in ("old", "new"))
    bare = re.sub(rb',"sum":"[0-9a-f]+"', b"", to_line(old, ""))
    assert from_line(bare) == (old, "")
    summed = to_line(new, link_of(bare))
    assert read_chain([bare, summed]) == Chain((old, new))
    stripped = re.sub(rb',"sum":"[0-9a-f]+"', b"", to_line(old, link_of(summed)))
    assert read_chain([bare, summed, stripped]).breaks == (3,)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"previous":""}',
        b'{"at":"2026-11-22T10:30:00","event":"done","effect":"x","previous":""}',
        b'{"at":"2026-11-22T10:30:00+00:00","event":"eaten","effect":"x","previous":""}',
        b'{"at":"2026-11-22T10:30:00+00:00","event":"done","effect":"x"}',
        b'{"at":5,"event":"done","effect":"x","previous":""}',
        b'{"at":"2026-11-22T10:30:00+00:00","event":"done","codes":7,"previous":""}',
    ],
)
def test_a_damaged_line_is_named_and_the_others_are_read(line: bytes) -> None:
    whole = AuditEntry(AT, AuditEvent.DONE, "terminate x")
    chain = read_chain([line, to_line(whole, link_of(line))])
    assert chain == Chain((whole,), (1,))


def test_the_longest_line_is_still_found_from_the_end() -> None:
    much = "\N{PILE OF POO}" * 100_000
    entry = AuditEntry(
        AT,
        AuditEvent.DONE,
        much,
        result=much,
        user=much,
        targets=(much,) * 5000,
        codes=(much,) * 5000,
        names=(much,) * 5000,
    )
    line = to_line(entry, "0" * 64)
    assert len(line) < LONGEST
    assert from_line(line)[0].targets[-1] == "and 4940 more"


def test_times_keep_their_moment() -> None:
    east = AT.astimezone(timezone(timedelta(hours=5)))
    assert from_line(to_line(AuditEntry(east, AuditEvent.DONE, "x"), ""))[0].at == AT
