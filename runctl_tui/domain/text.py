"""Untrusted text made fit for a terminal: owns `SafeText`, the only text that a widget may show.

Names, tags, keys, log lines and error messages come from providers and hosts, so any of them may carry
terminal escapes, invisible characters or a megabyte of combining marks. Everything here is pure; the
interface, the headless commands and the tests use it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

ELLIPSIS: Final = "…"
MAX_FIELD: Final = 400
"""Characters that a name, tag or message may have before it is cut."""
MAX_LINE: Final = 4096
"""Characters that a log line may have before it is cut."""
MAX_PLAN: Final = 32_768
"""Characters of a line of a plan: room for the id of each of 128 disks, with its name."""
MAX_QUOTED: Final = 60
"""Characters of a value that an error quotes."""
UNSHOWN: Final = "\ufffd"
"""Stands for an invisible character where a text is edited, and each keeps its place."""
MAX_MARKS: Final = 8
"""Combining marks shown on one character; the rest becomes an ellipsis."""

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARK_CATEGORIES: Final = frozenset({"Mn", "Me"})
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_UNSEEN: Final = (
    range(0xFE00, 0xFE10),
    range(0xE0100, 0xE01F0),
    range(0x180B, 0x1810),
    range(0x34F, 0x350),
)
_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")


class SafeText(str):
    """Text without control, invisible or unassigned characters and of bounded length.

    Building one from any string cleans that string, so no unsafe instance can exist; `safe` is the
    usual way to get one.
    """

    __slots__ = ()

    def __new__(cls, value: object = "") -> SafeText:  # noqa: D102 - described by the class
        return safe(value)


def safe(value: object, limit: int = MAX_FIELD) -> SafeText:
    """Return `value` as text that is safe to draw, at most `limit` characters; idempotent.

    Control characters become their pictures (␛), invisible ones `\\u{202e}`; the end of a text that is
    too long becomes an ellipsis.
    """
    if isinstance(value, SafeText) and len(value) <= limit:
        return value
    text = str(value)
    if not (text.isascii() and text.isprintable()):
        text = _visible(text, limit)
    return str.__new__(SafeText, _cut(text, limit))


def safe_in_place(value: str) -> SafeText:
    """Return a text that is being edited as it may be drawn: each hidden character is one visible character."""
    if value.isascii() and value.isprintable():
        return str.__new__(SafeText, value)
    return str.__new__(SafeText, "".join(each if len(each) == 1 else UNSHOWN for each in map(_shown, value)))


EMPTY: Final[SafeText] = str.__new__(SafeText, "")
"""No text; the default of fields that may be left out."""


def quoted(value: object) -> str:
    """Return a value as an error quotes it, a text in quotes: one that is long is cut."""
    return repr(_cut(value, MAX_QUOTED)) if isinstance(value, str) else _cut(repr(value), MAX_QUOTED)


def safe_line(value: object, limit: int = MAX_LINE) -> SafeText:
    """Return one line of a log: colour codes dropped, tabs expanded, a progress bar's last state kept."""
    text = str(value)
    if not (text.isascii() and text.isprintable()):
        text = text.rstrip("\r\n").rpartition("\r")[2]
        text = _SGR.sub("", text).expandtabs(8)
    return safe(text, limit)


def safe_lines(value: object, limit: int = MAX_LINE) -> list[SafeText]:
    """Return the lines of a longer text, each as `safe_line` would show it."""
    return [safe_line(line, limit) for line in str(value).split("\n")]


def safe_join(parts: Iterable[SafeText], separator: str = " ") -> SafeText:
    """Join safe texts; the result is not cut again."""
    return str.__new__(SafeText, safe(separator).join(parts))


def _visible(text: str, limit: int) -> str:
    """Show each hidden character; looks at no more of the text than can be shown."""
    head = text[: 4 * limit + 64]
    shown = _capped("".join(map(_shown, head)))
    return shown if len(head) == len(text) else shown[:limit] + ELLIPSIS


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(0, limit - 1)] + ELLIPSIS[:limit]


@lru_cache(maxsize=8192)
def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return chr(0x2421) if code == 0x7F else chr(0x2400 + code)
    hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _BLANK_LETTERS
    return f"\\u{{{code:x}}}" if hidden or any(code in span for span in _UNSEEN) else character


@lru_cache(maxsize=8192)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in _MARK_CATEGORIES


def _capped(text: str) -> str:
    """Cut a pile of combining marks, and show a mark that has no character to sit on."""
    if not any(map(_is_mark, text)):
        return text
    out: list[str] = []
    pile = 0
    for index, character in enumerate(text):
        if not _is_mark(character):
            pile = 0
        elif index == 0:
            character = f"\\u{{{ord(character):x}}}"
        else:
            pile += 1
            if pile > MAX_MARKS:
                character = ELLIPSIS if pile == MAX_MARKS + 1 else ""
        out.append(character)
    return "".join(out)
