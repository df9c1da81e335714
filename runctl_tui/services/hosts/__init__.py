"""Machines on which commands run: this one and those behind SSH, with the trust in their keys."""
