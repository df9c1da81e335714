"""The style sheets of the app, parsed once per theme; used by the app."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class ThemedStylesheet(Stylesheet):
    """Parses its sources anew only for other variables: while it starts, Textual asks for it with the same ones."""

    _stale = False

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the variables of a theme."""
        if variables != self._variables:
            self._stale = True
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse everything again where the variables are others."""
        if self._stale:
            super().reparse()
            self._stale = False
