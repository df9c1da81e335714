"""What is wrong with a user's keymap: only the screens know their bindings, so they are imported for the answer."""

from __future__ import annotations


def wrong_in_keymap(setting: object) -> tuple[str, ...]:
    """Return words about names and keys that do not exist; imports the interface only where a keymap is set."""
    if not setting:
        return ()
    from runctl_tui.app import SCREENS, screen_class
    from runctl_tui.commands.bindings import read_keymap

    for mode in SCREENS:
        screen_class(mode)
    return read_keymap(setting)[1]
