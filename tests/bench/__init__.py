"""Figures of speed, as ratios to a bare Textual application measured side by side in the same run."""
