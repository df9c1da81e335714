"""Writes down again what is told about each circumstance: `make circumstances`; read every line that changes."""

from __future__ import annotations

from tests.domain.circumstances.sections import FOLDER, SECTIONS


def main() -> None:
    """Write one file for each section."""
    for name, tell in SECTIONS.items():
        (FOLDER / f"{name}.txt").write_text(tell(), "utf-8")


if __name__ == "__main__":
    main()
