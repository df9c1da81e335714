"""Checkpoints of runs: what the host has and what S3 has, side by side."""
