"""runctl-tui: launch, watch, pay for, keep and clean up machine-learning training from one terminal screen."""

from __future__ import annotations

__version__ = "0.1.0"
