"""The looks: runctl's dark, light and 16-colour themes with one semantic name per meaning; used by the app.

The dark and light colours are taken from the 256-colour palette, so that a terminal without true colour
(most tmux and SSH sessions) shows exactly the same.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = "runctl-dark"
LIGHT: Final = "runctl-light"
ANSI: Final = "runctl-ansi"
ANSI_LIGHT: Final = "runctl-ansi-light"
DEFAULT_THEME: Final = DARK

_DARK: Final = {
    "state-running": "#87d787",
    "state-starting": "#d7af5f",
    "state-stopping": "#d7af5f",
    "state-stopped": "#9e9e9e",
    "state-failed": "#ff8787",
    "state-ended": "#9e9e9e",
    "state-unknown": "#d7afd7",
    "cost": "#d7d7af",
    "danger": "#ff8787",
    "warn": "#d7af5f",
    "ok": "#87d787",
    "focus": "#5fafd7",
    "muted": "#9e9e9e",
    "strong": "#eeeeee",
    "rule": "#4e4e4e",
    "heading": "#87afd7",
    "key": "#5fafd7",
    "mark": "#d7af5f",
    "bar": "#262626",
    "cursor-row": "#303030",
    "cursor-row-text": "#eeeeee",
    "cursor-row-blurred": "#262626",
    "changed": "#303030",
    "found": "#5f5f00",
    "on-colour": "#121212",
    "sandbox": "#121212",
    "sandbox-badge": "#d7af5f",
    "armed": "#121212",
    "armed-badge": "#ff8787",
    "field": "#262626",
    "field-focused": "#303030",
    "log-error": "#ff8787",
    "log-warn": "#d7af5f",
    "log-debug": "#9e9e9e",
    "chart-1": "#5fafd7",
    "chart-2": "#d7af5f",
    "chart-3": "#87d787",
    "chart-4": "#d787d7",
    "chart-5": "#ff8787",
    "chart-6": "#87d7d7",
}

_LIGHT: Final = {
    "state-running": "#005f00",
    "state-starting": "#875f00",
    "state-stopping": "#875f00",
    "state-stopped": "#585858",
    "state-failed": "#af0000",
    "state-ended": "#585858",
    "state-unknown": "#5f005f",
    "cost": "#5f5f00",
    "danger": "#af0000",
    "warn": "#875f00",
    "ok": "#005f00",
    "focus": "#005f87",
    "muted": "#585858",
    "strong": "#000000",
    "rule": "#b2b2b2",
    "heading": "#005f87",
    "key": "#005f87",
    "mark": "#875f00",
    "bar": "#e4e4e4",
    "cursor-row": "#d7ffff",
    "cursor-row-text": "#000000",
    "cursor-row-blurred": "#e4e4e4",
    "changed": "#ffffd7",
    "found": "#ffff87",
    "on-colour": "#eeeeee",
    "sandbox": "#ffffff",
    "sandbox-badge": "#875f00",
    "armed": "#ffffff",
    "armed-badge": "#af0000",
    "field": "#e4e4e4",
    "field-focused": "#ffffff",
    "log-error": "#af0000",
    "log-warn": "#875f00",
    "log-debug": "#585858",
    "chart-1": "#005f87",
    "chart-2": "#875f00",
    "chart-3": "#005f00",
    "chart-4": "#870087",
    "chart-5": "#af0000",
    "chart-6": "#005f5f",
}

_ANSI: Final = {
    "state-running": "ansi_green",
    "state-starting": "ansi_yellow",
    "state-stopping": "ansi_yellow",
    "state-stopped": "ansi_white",
    "state-failed": "ansi_bright_red",
    "state-ended": "ansi_white",
    "state-unknown": "ansi_magenta",
    "cost": "ansi_default",
    "danger": "ansi_bright_red",
    "warn": "ansi_yellow",
    "ok": "ansi_green",
    "focus": "ansi_cyan",
    "muted": "ansi_white",
    "strong": "ansi_bright_white",
    "rule": "ansi_bright_black",
    "heading": "ansi_cyan",
    "key": "ansi_cyan",
    "mark": "ansi_yellow",
    "bar": "ansi_default",
    "cursor-row": "ansi_blue",
    "cursor-row-text": "ansi_bright_white",
    "cursor-row-blurred": "ansi_default",
    "changed": "ansi_default",
    "found": "ansi_yellow",
    "on-colour": "ansi_default",
    "sandbox": "ansi_black",
    "sandbox-badge": "ansi_yellow",
    "armed": "ansi_bright_white",
    "armed-badge": "ansi_red",
    "field": "ansi_default",
    "field-focused": "ansi_default",
    "log-error": "ansi_bright_red",
    "log-warn": "ansi_yellow",
    "log-debug": "ansi_white",
    "chart-1": "ansi_cyan",
    "chart-2": "ansi_yellow",
    "chart-3": "ansi_green",
    "chart-4": "ansi_magenta",
    "chart-5": "ansi_red",
    "chart-6": "ansi_blue",
    "block-cursor-foreground": "ansi_bright_white",
    "block-cursor-background": "ansi_blue",
    "border": "ansi_cyan",
    "border-blurred": "ansi_bright_black",
    "footer-key-foreground": "ansi_cyan",
    "scrollbar": "ansi_bright_black",
}

_ANSI_LIGHT: Final = _ANSI | {
    "state-stopped": "ansi_bright_black",
    "state-failed": "ansi_red",
    "state-ended": "ansi_bright_black",
    "danger": "ansi_red",
    "warn": "ansi_magenta",
    "state-starting": "ansi_magenta",
    "state-stopping": "ansi_magenta",
    "state-unknown": "ansi_blue",
    "focus": "ansi_blue",
    "muted": "ansi_bright_black",
    "strong": "ansi_black",
    "rule": "ansi_white",
    "heading": "ansi_blue",
    "key": "ansi_blue",
    "mark": "ansi_magenta",
    "cursor-row": "ansi_white",
    "cursor-row-text": "ansi_black",
    "log-error": "ansi_red",
    "log-warn": "ansi_magenta",
    "log-debug": "ansi_bright_black",
    "on-colour": "ansi_bright_white",
    "chart-1": "ansi_blue",
    "chart-2": "ansi_magenta",
    "chart-4": "ansi_cyan",
    "chart-6": "ansi_bright_black",
}


def variable_defaults() -> dict[str, str]:
    """Return every semantic variable, for `App.get_theme_variable_defaults` (themes that lack one use it)."""
    return dict(_DARK)


def in_16_colours(name: str) -> str:
    """Return what takes a theme's place in a terminal of 16 colours, where the nearest ones would be illegible."""
    return {DARK: ANSI, LIGHT: ANSI_LIGHT}.get(name, name)


def themes() -> tuple[Theme, ...]:
    """Return the product's themes in the order in which they are offered."""
    return (
        Theme(
            name=DARK,
            primary="#5fafd7",
            secondary="#87afd7",
            warning="#d7af5f",
            error="#ff8787",
            success="#87d787",
            accent="#5fafd7",
            foreground="#d0d0d0",
            background="#121212",
            surface="#1c1c1c",
            panel="#262626",
            dark=True,
            variables=_DARK | _controls("#121212", "#5fafd7"),
        ),
        Theme(
            name=LIGHT,
            primary="#005f87",
            secondary="#5f5f87",
            warning="#875f00",
            error="#af0000",
            success="#005f00",
            accent="#005f87",
            foreground="#262626",
            background="#eeeeee",
            surface="#e4e4e4",
            panel="#dadada",
            dark=False,
            variables=_LIGHT | _controls("#ffffff", "#005f87"),
        ),
        _ansi(ANSI, _ANSI, dark=True),
        _ansi(ANSI_LIGHT, _ANSI_LIGHT, dark=False),
    )


def _controls(text: str, fill: str) -> dict[str, str]:
    """Return the colours of Textual's own controls, set for contrast."""
    return {
        "block-cursor-foreground": text,
        "block-cursor-background": fill,
        "block-cursor-text-style": "none",
        "button-color-foreground": text,
        "button-focus-text-style": "bold",
        "input-selection-background": f"{fill} 35%",
    }


def _ansi(name: str, variables: dict[str, str], dark: bool) -> Theme:
    """Return a theme of the terminal's own 16 colours."""
    own = {
        "ansi-background": "ansi_black" if dark else "ansi_white",
        "ansi-foreground": "ansi_white" if dark else "ansi_black",
    }
    return Theme(
        name=name,
        ansi=True,
        primary=variables["focus"],
        secondary=variables["heading"],
        warning=variables["warn"],
        error=variables["danger"],
        success=variables["ok"],
        accent=variables["focus"],
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        dark=dark,
        variables=variables | own,
    )
