"""What a person does in the full screen, step by step, in the words of the screen."""

from __future__ import annotations

import re
from typing import Final

from tests.e2e.terminal import Terminal

STARTED: Final = re.compile(r"(?P<run>r-[0-9a-z]+) trains on (?P<instance>i-[0-9a-f]{17})")
MOST_FIELDS: Final = 30


def fleet_is_there(screen: Terminal) -> None:
    """Wait for the fleet with its prices."""
    screen.wait("SANDBOX", "llama-eval", "this machine", "db-primary")
    screen.until(lambda text: re.search(r"forgotten-ben\S* .* 1\.21 +\d+\.\d\d", text) is not None, "priced")
    screen.until(lambda text: re.search(r"● \$\d+\.\d\d/h", text) is not None, "burning money")


def choose(screen: Terminal, action: str) -> None:
    """Choose an action from the menu."""
    screen.press("x")
    screen.wait("Actions")
    screen.type(action)
    screen.until(lambda text: re.search(rf"▌ +{re.escape(action)}", text) is not None, f"{action} under the cursor")
    screen.press("enter")


def go_to_row(screen: Terminal, name: str) -> None:
    """Move the cursor down to the row with this name, from the top."""
    screen.press("g")
    screen.settle(0.3)
    for _ in range(MOST_FIELDS):
        before = _cursor_row(screen)
        if before.startswith(name[:12]):
            return
        screen.press("j")
        screen.until(lambda _, row=before: _cursor_row(screen) != row, f"below {before!r}", 10)  # type: ignore[misc] # the default binds the loop's value
    raise AssertionError(f"no row {name!r}\n{screen.text}")


def fill(screen: Terminal, **fields: str) -> None:
    """Type into the fields of a form, which are named by the first word of their labels."""
    for label, value in fields.items():
        go_to_field(screen, label)
        screen.press("end", "ctrl+u")
        screen.type(value)
        screen.until(lambda _, value=value: value[-20:] in screen.cursor_line, f"{value!r} typed")  # type: ignore[misc] # the default binds the loop's value


def go_to_field(screen: Terminal, label: str) -> None:
    """Tab to the field with this label."""
    for _ in range(MOST_FIELDS):
        if _is_at(screen, label):
            screen.settle(0.3)
            if _is_at(screen, label):
                return
            screen.press("shift+tab")
        else:
            screen.press("tab")
    raise AssertionError(f"no field {label!r}\n{screen.text}")


def launch(screen: Terminal, **fields: str) -> tuple[str, str]:
    """Fill in the wizard that is open, pass the price gate, wait for the last step; return instance and run."""
    fill(screen, **fields)
    screen.press("ctrl+r")
    screen.wait("COST", "y  launch, costs money")
    return start(screen)


def start(screen: Terminal) -> tuple[str, str]:
    """Confirm the cost and wait until training is detached; return the ids of instance and run."""
    pause_for_deaf_dialog(screen)
    screen.press("y")
    found = STARTED.search(screen.wait("✓  Detached", "trains on"))
    assert found, screen.text
    return found["instance"], found["run"]


def go_to_monitor(screen: Terminal) -> None:
    """Leave the steps of a launch for the Monitor."""
    screen.press("m")
    screen.gone("m  monitor")
    has_title(screen, "Monitor")


def go_to_screen(screen: Terminal, key: str, title: str) -> None:
    """Go to a screen by its key, and wait until it is in front."""
    screen.press(key)
    has_title(screen, title)


def has_title(screen: Terminal, title: str) -> None:
    """Wait for the screen with this title."""
    screen.until(lambda text: re.search(rf"(?m)^ ?{title} ", text) is not None, f"the title {title}")


def pause_for_deaf_dialog(screen: Terminal) -> None:
    """Let the moment pass in which a dialog that has just opened ignores keys."""
    screen.drain(0.4)


def confirm_what_was_typed(screen: Terminal) -> None:
    """Go from the field to the button and press it; two keys at once would both be the field's."""
    screen.press("enter")
    screen.drain(0.4)
    screen.press("enter")


def command(screen: Terminal, words: str) -> None:
    """Type a command after the colon."""
    screen.press(":")
    screen.wait("tab complete")
    screen.settle(0.3)
    screen.type(words)
    screen.until(lambda _: words in screen.cursor_line, f"{words!r} typed")
    screen.press("enter")


def names(screen: Terminal) -> set[str]:
    """Return the names in the table of the Instances screen, those that are cut off in full."""
    known = (
        "forgotten-bench",
        "llama-eval",
        "prod-features",
        "db-primary",
        "sdxl-spot",
        "this machine",
        "old-notebook",
    )
    lines = [line.lstrip("▌▏▪ ") for line in screen.text.splitlines()[4:]]
    return {name for name in known if any(line.startswith(name[:12]) for line in lines)}


def dismiss(screen: Terminal, text: str) -> None:
    """Close the dialog that shows this text."""
    pause_for_deaf_dialog(screen)
    screen.press("escape")
    screen.gone(text)


def _is_at(screen: Terminal, label: str) -> bool:
    return re.search(rf"│ {label}\b", screen.cursor_line) is not None


def _cursor_row(screen: Terminal) -> str:
    """Return the row under the cursor: that of the dialog where one is open."""
    rows = [line.partition("▌")[2] for line in screen.text.splitlines() if "▌" in line]
    dialog = [line.partition("│ ▌")[2] for line in screen.text.splitlines() if "│ ▌" in line]
    return (dialog or rows or [""])[0].strip(" ▪")
