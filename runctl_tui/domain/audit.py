"""The audit log's entries and the chain that holds them together; pure, the file is `services/audit.py`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class AuditEvent(StrEnum):
    """What became of something that somebody wanted to change."""

    REFUSED = "refused"
    """The rules, or the world at the last look, did not let it pass."""
    CANCELLED = "cancelled"
    """The person was asked, and did not confirm."""
    CONFIRMED = "confirmed"
    """It is about to be looked at once more and carried out."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line: who wanted what, on which verdict, and what came of it. Every text in it is untrusted."""

    at: datetime
    """UTC."""
    event: AuditEvent
    effect: str
    """What it would do, in one sentence, as it was shown."""
    operation: str = ""
    targets: tuple[str, ...] = ()
    """Keys such as 'aws/i-0abc'."""
    names: tuple[str, ...] = ()
    """What the targets are called, where they have names."""
    account: str = ""
    plan_hash: str = ""
    verdict: str = ""
    """allow, warn or block."""
    level: str = ""
    """What it took to go on: enter, yes, name, reason, never."""
    codes: tuple[str, ...] = ()
    """The reasons' codes, the strictest first."""
    answer: str = ""
    """What was typed or confirmed."""
    acknowledged: tuple[str, ...] = ()
    """The codes of reasons against it that were taken note of one by one."""
    reason: str = ""
    """Why it should be done all the same, as it was typed."""
    job: str = ""
    result: str = ""
    code: str = ""
    """Of the error, as the service or we name it."""
    requests: tuple[str, ...] = ()
    """The service's own ids of the changing calls."""
    user: str = ""
    """Who this process belongs to."""
    login: str = ""
    """Who logged in, where that is told."""
    ssh: str = ""
    """From where: SSH_CONNECTION."""
    tty: str = ""
    caller: str = ""
    """Who the cloud takes us for."""

    def mentions(self, text: str) -> bool:
        """Return whether anything in it contains a text, in any case."""
        return not text or any(text.casefold() in str(value).casefold() for value in astuple(self))


@dataclass(frozen=True, slots=True)
class Chain:
    """The entries of a log, oldest first, and where its chain is broken."""

    entries: tuple[AuditEntry, ...]
    breaks: tuple[int, ...] = ()
    """Numbers of the lines, from 1, that are damaged or do not follow on the line before."""


PREVIOUS: Final = "previous"
BEGINNING: Final = ""
"""What the first line follows on."""
_SUM: Final = re.compile(rb',"sum":"([0-9a-f]{64})"\}\Z')
"""How a line ends: with the SHA-256 of itself without that, so that the last one cannot be changed unseen either."""
LONGEST: Final = 1 << 20
"""Bytes of a line at most, so that the last one of a file is found from its end."""
_LISTS: Final = ("targets", "names", "codes", "acknowledged", "requests")
_TEXT: Final = 2000
"""Characters of a text that are kept."""
_ITEMS: Final = 60
"""Items of a list that are kept; the last one then says how many there were."""


def link_of(line: bytes) -> str:
    """Return what the next line must name: the SHA-256 of this one, without its end."""
    return hashlib.sha256(line).hexdigest()


def to_line(entry: AuditEntry, previous: str) -> bytes:
    """Return an entry as a line that follows on another, without its end."""
    told = {name: _cut(value) for name, value in asdict(entry).items() if value}
    told |= {"at": entry.at.isoformat(), PREVIOUS: previous}
    line = json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return line[:-1] + f',"sum":"{link_of(line)}"}}'.encode()


def from_line(line: bytes) -> tuple[AuditEntry, str]:
    """Return an entry and what it follows on; ValueError for a line that is none, or was changed."""
    if (summed := _SUM.search(line)) and link_of(line[: summed.start()] + b"}") != summed[1].decode():
        raise ValueError("it was changed")
    told = json.loads(line)
    if not isinstance(told, Mapping):
        raise ValueError("no object")
    previous = told.get(PREVIOUS)
    if not isinstance(previous, str):
        raise ValueError("it follows on nothing")
    try:
        return _entry(told), previous
    except (KeyError, TypeError) as error:
        raise ValueError(f"{error}") from error


def read_chain(lines: Iterable[bytes]) -> Chain:
    """Return what lines tell, and which of them are damaged or were put in, changed or left out before."""
    entries: list[AuditEntry] = []
    breaks: list[int] = []
    link, summed = BEGINNING, False
    for number, line in enumerate(lines, 1):
        before, summed = summed, _SUM.search(line) is not None
        try:
            entry, previous = from_line(line)
        except ValueError:
            breaks.append(number)
        else:
            entries.append(entry)
            if previous != link or before > summed:
                breaks.append(number)
        link = link_of(line)
    return Chain(tuple(entries), tuple(breaks))


def _cut(value: object) -> object:
    if isinstance(value, tuple):
        kept = [str(one)[: _TEXT // 8] for one in value[:_ITEMS]]
        return [*kept, f"and {len(value) - _ITEMS} more"] if len(value) > _ITEMS else kept
    return str(value)[:_TEXT]


def _entry(told: Mapping[str, Any]) -> AuditEntry:
    at = datetime.fromisoformat(told["at"])
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    values: dict[str, Any] = {"at": at, "event": AuditEvent(told["event"])}
    for name in [each.name for each in fields(AuditEntry) if each.name not in values]:
        values[name] = tuple(map(str, told.get(name, ()))) if name in _LISTS else str(told.get(name, ""))
    return AuditEntry(**values)
