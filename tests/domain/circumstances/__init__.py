"""Circumstances and what is told about each: every reason and every plan line, kept in `told/` and read by people."""
