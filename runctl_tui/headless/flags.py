"""Checks of the domain as types of argparse, in the words of the domain; used by the nouns."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def strictly(check: Callable[[str], T]) -> Callable[[str], T]:
    """Make a check usable as an argparse type, keeping its words."""

    def convert(text: str) -> T:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """Do what `strictly` does, where an empty text means 'choose sensibly'."""
    convert = strictly(check)
    return lambda text: convert(text) if text else text
