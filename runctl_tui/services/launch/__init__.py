"""Launches: what would be done, and doing it step by step."""
