"""Palette and command-line providers, generated from live bindings."""
