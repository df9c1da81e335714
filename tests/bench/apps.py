"""The programs that the benchmark runs in a pseudo-terminal: `python -m tests.bench.apps NAME [ROWS]`."""

from __future__ import annotations

import sys

MOST = 10_000
"""Rows that are always made, so that making them counts in no comparison."""


def bare() -> None:
    """Run a Textual application with one label, which `j` changes."""
    from typing import ClassVar

    from textual.app import App, ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Static

    class Bare(App[None]):
        BINDINGS: ClassVar[list[BindingType]] = [("j", "tick", "tick"), ("ctrl+q", "quit", "quit")]
        count = 0

        def compose(self) -> ComposeResult:
            yield Static("bare-ready", id="label")

        def action_tick(self) -> None:
            self.count += 1
            self.query_one("#label", Static).update(f"bare-ready {self.count}", layout=False)

    Bare().run(mouse=False)


def fleet(rows: int, *, hanging: bool = False) -> None:
    """Run the real application over a provider with so many machines, or over backends that never answer."""
    from runctl_tui.app import RunctlApp
    from tests.ui.fake_data import many
    from tests.ui.fakes import World

    world = World()
    if hanging:
        world = world.hanging()
    else:
        world.fleet.push(many(MOST)[:rows])
    RunctlApp(world.services()).run(mouse=False)


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    if name == "bare":
        bare()
    else:
        fleet(int(rest[0]) if rest else 10, hanging=name == "hanging")
