"""One line of a .gitignore as a regular expression over bytes, with git's own meaning; `ignore` uses it.

Git matches a path itself and reaches what lies below through the folder, while libraries for such files match
through parents as well; `a/**/` and `foo*` with `!foo/` come out differently, which would send or drop files.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

CLASSES: Final = {
    b"alnum": rb"A-Za-z0-9",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": rb"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"space": rb"\s",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one line says about paths."""

    text: str
    """The line as it is shown."""
    ignores: bool
    """False for a negation, which brings back."""
    folders_only: bool
    anchored: bool
    """Whether the whole path counts rather than its last part."""
    expression: re.Pattern[bytes]

    def matches(self, path: str, folder: bool) -> bool:
        """Tell whether the line names this path, given relative to the line's own folder."""
        if self.folders_only and not folder:
            return False
        subject = path if self.anchored else path.rpartition("/")[2]
        return self.expression.fullmatch(os.fsencode(subject)) is not None


def parse(line: str) -> Pattern | None:
    """Return what a line says, None for a comment, an empty line and a line that can match nothing."""
    text = re.sub(r"(?<!\\)((?:\\\\)*) +\Z", r"\1", line.removesuffix("\r"))
    body = text.removeprefix("!")
    if not body or text.startswith("#"):
        return None
    folders_only, body = body.endswith("/"), body.removesuffix("/")
    anchored, body = "/" in body, body.removeprefix("/")
    try:
        expression = re.compile(translate(os.fsencode(body)), re.DOTALL)
    except (ValueError, re.error):
        return None
    return Pattern(text, not text.startswith("!"), folders_only, anchored, expression) if body else None


def translate(glob: bytes) -> bytes:
    """Return the regular expression of git's wildcard; ValueError for one that can match nothing.

    Git compares what stands before the first special character by itself, so that two stars after it count as
    standing at the beginning.
    """
    special = re.search(rb"[*?\[\\]", glob)
    literal = special.start() if special else len(glob)
    parts, rest, position = [re.escape(glob[:literal])], glob[literal:], 0
    while position < len(rest):
        part, position = _piece(rest, position)
        parts.append(part)
    return b"".join(parts)


def _piece(glob: bytes, start: int) -> tuple[bytes, int]:
    """Return the expression of what begins at a position, and where the next begins."""
    character = glob[start : start + 1]
    if character == b"*":
        return _stars(glob, start)
    if character == b"?":
        return b"[^/]", start + 1
    if character == b"[":
        return _bracket(glob, start)
    if character == b"\\":
        if start + 1 == len(glob):
            raise ValueError("a pattern that ends with a backslash matches nothing")
        return re.escape(glob[start + 1 : start + 2]), start + 2
    return re.escape(character), start + 1


def _stars(glob: bytes, start: int) -> tuple[bytes, int]:
    """Return the expression of stars; two that fill a whole level reach over any number of levels."""
    end = start
    while glob[end : end + 1] == b"*":
        end += 1
    whole_level = (start == 0 or glob[start - 1 : start] == b"/") and glob[end : end + 1] in (b"", b"/")
    if end - start < 2 or not whole_level:
        return b"[^/]*", end
    return (b"(?:.*/)?", end + 1) if end < len(glob) else (b".*", end)


def _bracket(glob: bytes, start: int) -> tuple[bytes, int]:
    """Return the expression of a set of characters, which never holds the slash."""
    position = start + 1
    negated = glob[position : position + 1] in (b"!", b"^")
    position += negated
    items, first = b"", True
    while first or glob[position : position + 1] != b"]":
        item, position = _item(glob, position)
        items, first = items + item, False
    return (b"(?!/)[" + (b"^" if negated else b"") + items + b"]" if items else b"(?!)"), position + 1


def _item(glob: bytes, position: int) -> tuple[bytes, int]:
    """Return one member of a set: a class, a range or a character."""
    if glob[position : position + 2] == b"[:" and (end := glob.find(b":]", position)) > 0:
        name = glob[position + 2 : end]
        if name not in CLASSES:
            raise ValueError("an unknown class matches nothing")
        return CLASSES[name], end + 2
    low, position = _character(glob, position)
    if glob[position : position + 1] != b"-" or glob[position + 1 : position + 2] in (b"]", b""):
        return re.escape(low), position
    high, position = _character(glob, position + 1)
    return (re.escape(low) + b"-" + re.escape(high) if low <= high else b""), position


def _character(glob: bytes, position: int) -> tuple[bytes, int]:
    """Return one character of a set, a backslash before it taken off."""
    position += glob[position : position + 1] == b"\\"
    if position >= len(glob):
        raise ValueError("a set without an end matches nothing")
    return glob[position : position + 1], position + 1
