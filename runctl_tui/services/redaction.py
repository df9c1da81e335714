"""Takes secrets out of any text: the one place; used where texts reach a screen, a stream or a file.

What is secret: what this process knows to be (`domain.secret.KNOWN`), and what has the shape of a well-known kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.secret import KNOWN, MASK

_HEAD: Final = 16
"""Characters by which a long secret is recognised although its end was cut off."""
_TAIL: Final = r"[A-Za-z0-9+/%._~=-]*"
_NAMES: Final = (
    r"secret[-_]?access[-_]?key|(?:secret|api|access|private|auth)[-_]?key|(?:session|auth|access|api|hf)[-_]?token"
    r"|client[-_]?secret|passw(?:or)?d|passphrase"
)
_CONTEXTS: Final = (
    (r"(?i:signature|security-token|credential)(?:=|%3[dD])", r"""[^&\s"'<>,]+"""),
    (r"(?i:authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token)?\s*)", r"[A-Za-z0-9+/._~=-]{8,}"),
    (r"(?i:bearer\s+)", r"[A-Za-z0-9+/._~=-]{6,}"),
    (rf"(?i:{_NAMES})[\"']?\s?=\s?[\"']?", r"""[^\s"',;&<>]{8,}"""),
    (rf"(?i:{_NAMES})[\"']?\s?:\s?[\"']?", r"[A-Za-z0-9+/._~=-]{20,}"),
    (r"(?i:secret)[^\n]{0,40}?(?<![A-Za-z0-9+/=])", r"(?=[A-Za-z+/]*[0-9])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])"),
    (r"(?i:wandb)[^\n]{0,40}?\b", r"[0-9a-f]{40}\b"),
    (r"://[^\s/:@]*:", r"[^\s/@]+(?=@)"),
)
"""What comes before a secret that has no shape of its own, and the secret."""
_SHAPES: Final = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    r"A(?:KIA|SIA)[A-Z0-9]{12,}",
    r"(?:FwoG|IQoJ)[A-Za-z0-9+/%=]{40,}",
    r"rpa_[A-Za-z0-9]{8,}",
    r"hf_[A-Za-z0-9]{16,}",
    r"gh[opsru]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"wandb_v1_[A-Za-z0-9_]{20,}",
    r"\bsk-[A-Za-z0-9_-]{20,}",
)
_HINTS: Final = (
    "signature", "security-token", "credential", "authorization", "bearer", "key", "token", "client", "passw",
    "passphrase", "secret", "wandb", "://", "akia", "asia", "fwog", "iqoj", "rpa_", "hf_", "gho_", "ghp_", "ghr_",
    "ghs_", "ghu_", "github_pat_", "sk-",
)  # fmt: skip
"""One of these is in every text in which a context or shape can be found: most texts need no closer look."""
_BLOCK: Final = re.compile(_SHAPES[0])


def redacted(text: str) -> str:
    """Return a text without the secrets in it; what has none comes back as it is."""
    hints, pattern = _rules(KNOWN.texts)
    lowered = text.lower()
    return pattern.sub(_masked, text) if any(hint in lowered for hint in hints) else text


def redacted_lines(text: str) -> str:
    """Return a text of many lines without the secrets in it; other threads can run between two lines."""
    return "".join(map(redacted, _BLOCK.sub(MASK, text).splitlines(keepends=True)))


def redacted_problem(problem: Problem) -> Problem:
    """Return a problem without the secrets in its words."""
    return replace(
        problem,
        what=redacted(problem.what),
        why=redacted(problem.why),
        todo=redacted(problem.todo),
        scope=redacted(problem.scope),
    )


def know_environment(environment: Mapping[str, str]) -> None:
    """Take the values of variables whose names say that they are secret for known ones."""
    for name, value in environment.items():
        KNOWN.add_variable(name, value)


def _masked(found: re.Match[str]) -> str:
    """Keep what led to the secret, in whichever context it was."""
    kept = found.lastgroup
    return f"{found[kept]}{MASK}" if kept else MASK


@lru_cache(maxsize=4)
def _rules(known: frozenset[str]) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Return what a text with a secret has in it, in lower case, and what finds the secrets."""
    forms = sorted({form for text in known for form in _forms(text)}, key=lambda each: len(each[0]), reverse=True)
    exact = [re.escape(form) + (_TAIL if cut else "") for form, cut in forms]
    contexts = [f"(?P<c{number}>{before}){secret}" for number, (before, secret) in enumerate(_CONTEXTS)]
    hints = dict.fromkeys((*_HINTS, *(form.lower() for form, _ in forms)))
    return tuple(hints), re.compile("|".join([*exact, *contexts, *_SHAPES]))


def _forms(secret: str) -> Iterator[tuple[str, bool]]:
    """Yield how a known secret may be written, whole or as a head whose rest may have been cut off."""
    lines = (line for line in secret.split("\n") if len(line) >= _HEAD)
    for form in {secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1], *lines}:
        yield form, False
        if len(form) > _HEAD:
            yield form[:_HEAD], True
