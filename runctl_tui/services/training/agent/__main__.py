"""Lets the package be run by its name where it is no archive: ``python -m runctl_tui.services.training.agent VERB``."""

import sys

from .command_line import main

sys.exit(main(sys.argv))
