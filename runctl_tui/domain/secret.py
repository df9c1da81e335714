"""A text that must not be seen: configuration keeps API keys in it, so that no log or traceback prints them."""

from __future__ import annotations

import re
import threading
from typing import Final

MASK: Final = "***"
SHORTEST: Final = 8
"""Characters from which on a text is taken for a secret wherever it appears: shorter ones are words too."""

_SECRET_NAME: Final = re.compile(
    r"(?i)(?:^|_)(?:token|secret|passw(?:or)?d|pass|passphrase|(?:api|access|secret|private|auth)_?key|access_key_id)$"
)


class KnownSecrets:
    """The texts that this process knows to be secret; threads may add to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.texts: frozenset[str] = frozenset()

    def add(self, text: str) -> None:
        """Remember one; what is too short to be told from a word is not."""
        if len(text) >= SHORTEST and text not in self.texts:
            with self._lock:
                self.texts |= {text}

    def add_variable(self, name: str, value: str) -> None:
        """Remember the value of a variable whose name says that it is secret; others may be any word."""
        if _SECRET_NAME.search(name):
            self.add(value)

    def clear(self) -> None:
        """Forget them all, as one test does of another's."""
        self.texts = frozenset()


KNOWN: Final = KnownSecrets()


class Secret:
    """A secret text; only `reveal()` gives it away, and it is known as a secret from then on."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        KNOWN.add(text)

    @classmethod
    def variable(cls, name: str, value: str) -> Secret:
        """Return the value of a variable, which is never shown; where its name says no more, it may be any word."""
        made = cls("")
        made._text = value
        KNOWN.add_variable(name, value)
        return made

    def reveal(self) -> str:
        """Return the secret itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        raise TypeError("a secret is not written down")
