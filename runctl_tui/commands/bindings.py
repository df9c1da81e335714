"""All bindings of the product by id: what a user's keymap may change, and what the papers list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key

from runctl_tui.domain.text import MAX_QUOTED, safe

_MODIFIERS = frozenset({"alt", "ctrl", "hyper", "meta", "shift", "super"})
_NAMES = frozenset(
    {key.value for key in Keys if key.value[0] != "<"} | {_character_to_key(chr(n)) for n in range(33, 256)}
)


def known_bindings() -> dict[str, Binding]:
    """Return each binding of our own classes by its id; only classes that are imported count."""
    found: dict[str, Binding] = {}
    for cls in _ours(DOMNode):
        for binding in vars(cls).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                found.setdefault(binding.id, binding)
    return found


def read_keymap(setting: object) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the usable part of a keymap setting (id to keys), and words about the rest."""
    if setting in (None, {}):
        return {}, ()
    if not isinstance(setting, Mapping):
        return {}, ("ui.keymap is a table of binding names and keys",)
    known = known_bindings()
    keymap: dict[str, str] = {}
    wrong: list[str] = []
    for name, text in setting.items():
        keys = [_named(key.strip()) for key in str(text).split(",")]
        missing = [_no_such(key, _NAMES) for key in keys if not _exists(key)]
        if str(name) not in known:
            missing.insert(0, _no_such(str(name), known))
        if not missing:
            keymap[str(name)] = ",".join(keys)
        wrong += missing
    return keymap, (*wrong, *_clashes(keymap, known))


def _named(key: str) -> str:
    """Return a key as Textual names it: bindings may be written with the character itself."""
    return _character_to_key(key) if len(key) == 1 else key


def _exists(key: str) -> bool:
    *modifiers, last = key.split("+")
    return _MODIFIERS.issuperset(modifiers) and (len(last) == 1 or last in _NAMES)


def _no_such(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name.lower(), known, 1)
    return f"ui.keymap: there is no {safe(name, MAX_QUOTED) or 'key without a name'}" + (
        f"; did you mean {near[0]}?" if near else ""
    )


def _clashes(keymap: Mapping[str, str], known: Mapping[str, Binding]) -> Iterator[str]:
    """Find keys that the keymap gives to two things of the same screen, or takes from another."""
    owner: dict[tuple[str, str], str] = {}
    for name, binding in known.items():
        area = name.partition(".")[0]
        for key in keymap.get(name, binding.key).split(","):
            other = owner.setdefault((area, key.strip()), name)
            if other != name and (name in keymap or other in keymap):
                yield f"ui.keymap: {key.strip()} would do both {other} and {name}"


def _ours(cls: type) -> Iterator[type]:
    subclasses: list[type] = cls.__subclasses__()
    for each in subclasses:
        if each.__module__.startswith("runctl_tui."):
            yield each
        yield from _ours(each)
