"""The themes: legible everywhere, complete, and the only place where a colour is written."""

from __future__ import annotations

import re

import pytest
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from textual.color import Color
from textual.theme import Theme

from runctl_tui import theme
from runctl_tui.paths import styles_dir
from tests.ui.widgets.showcase import ShowcaseApp

TRUE_COLOUR = [each for each in theme.themes() if not each.ansi]
NOT_TEXT = {"rule", "bar", "cursor-row", "cursor-row-blurred", "changed", "found", "field", "field-focused"}
ON_BADGE = {"sandbox": ("sandbox-badge",), "armed": ("armed-badge",), "on-colour": ("focus", "danger")}
NAMES_OF_16 = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]
XTERM = dict(
    zip(
        ["ansi_default", *(f"ansi_{tone}{name}" for tone in ("", "bright_") for name in NAMES_OF_16)],
        ["#000000", *(Color(*each).hex for each in DEFAULT_TERMINAL_THEME.ansi_colors._colors)],
        strict=True,
    )
)
"""What the 16 colours look like on a light ground."""


def contrast(one: str, other: str) -> float:
    lights = sorted(light(Color.parse(one)) + 0.05 for one in (one, other))
    return lights[1] / lights[0]


def light(colour: Color) -> float:
    def linear(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b)


@pytest.mark.parametrize("each", TRUE_COLOUR, ids=lambda each: each.name)
def test_text_is_legible_on_every_ground_it_stands_on(each: Theme) -> None:
    grounds = [
        each.background,
        each.variables["bar"],
        each.variables["cursor-row"],
        each.variables["changed"],
        each.variables["field-focused"],
    ]
    poor = [
        (name, ground, round(contrast(each.variables[name], ground), 1))
        for name in theme.variable_defaults()
        if name not in NOT_TEXT | set(ON_BADGE)
        for ground in grounds
        if ground and contrast(each.variables[name], ground) < 4.5
    ]
    assert not poor


@pytest.mark.parametrize("each", TRUE_COLOUR, ids=lambda each: each.name)
def test_badges_are_legible(each: Theme) -> None:
    for text, grounds in ON_BADGE.items():
        assert min(contrast(each.variables[text], each.variables[ground]) for ground in grounds) >= 4.5


def test_the_16_colours_are_legible_on_a_light_ground() -> None:
    (light_one,) = (each for each in theme.themes() if each.name == theme.ANSI_LIGHT)
    seen = {name: XTERM[light_one.variables[name]] for name in theme.variable_defaults()}
    text = seen.keys() - NOT_TEXT - ON_BADGE.keys() - {"sandbox-badge", "armed-badge"}
    assert not [name for name in text if contrast(seen[name], "#ffffff") < 3.5]
    assert not [name for name in ("cursor-row-text", "strong") if contrast(seen[name], seen["cursor-row"]) < 4.5]
    for name, grounds in ON_BADGE.items():
        assert min(contrast(seen[name], seen[ground]) for ground in grounds) >= 4.5, name


def test_every_theme_names_everything() -> None:
    names = set(theme.variable_defaults())
    for each in theme.themes():
        assert names <= set(each.variables), each.name


@pytest.mark.parametrize("each", TRUE_COLOUR, ids=lambda each: each.name)
def test_colours_are_the_same_with_256_colours(each: Theme) -> None:
    levels = {"00", "5f", "87", "af", "d7", "ff"}
    greys = {f"{8 + 10 * step:02x}" for step in range(24)}
    for name in theme.variable_defaults():
        parts = re.findall("..", each.variables[name].removeprefix("#"))
        assert set(parts) <= levels or (len(set(parts)) == 1 and parts[0] in greys), name


@pytest.mark.parametrize("name", [each.name for each in theme.themes()])
async def test_every_theme_draws_the_whole_frame(name: str) -> None:
    app = ShowcaseApp(theme_name=name)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert app.theme == name
        assert "llama-7b" in "\n".join(app.screen_text())


def test_style_sheets_name_no_colour_of_their_own() -> None:
    sheets = list(styles_dir().rglob("*.tcss"))
    assert len(sheets) >= 3
    for sheet in sheets:
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!.*\{)|rgb\(|!important|\bansi_", sheet.read_text()), sheet
