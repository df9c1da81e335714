"""Where words after the colon lead that are no command: a machine, run, volume, snapshot, checkpoint or address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runctl_tui.messages import Navigate

if TYPE_CHECKING:
    from runctl_tui.services.ports import Services


def destination(text: str, services: Services) -> tuple[Navigate, str] | None:
    """Return where a text leads, and the thing in words; only what is known already is looked at."""
    wanted = text.strip()
    if wanted.startswith("s3://"):
        return Navigate("s3", wanted), wanted
    for mode, reference, kind, names in _known(services) if wanted else ():
        if wanted in names:
            name = next((name for name in reversed(names) if name and name != wanted), "")
            return Navigate(mode, reference), f"{kind} {wanted}" + (f" ({name})" if name else "")
    return None


def names(services: Services) -> list[str]:
    """Return the words that completion offers beside commands."""
    found = (names for *_, names in _known(services))
    return list(dict.fromkeys(name for each in found for name in each if name and " " not in name))


def _known(services: Services) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield each thing: its screen, what that knows it by, its kind, and the words it goes by (key, id, name)."""
    if (fleet := services.fleet.feed.latest) is not None:
        for row in fleet.value:
            yield "instance", row.key, "machine", (row.key, row.instance.id, row.instance.name)
    if (runs := services.runs.feed.latest) is not None:
        for run in runs.value:
            yield "monitor", run.id, "run", (run.id, run.name)
    if (storage := services.volumes.feed.latest) is not None:
        for volume in storage.value.volumes:
            yield "volumes", volume.key, "volume", (volume.key, volume.id, volume.name)
        for snapshot in storage.value.snapshots:
            yield "snapshots", snapshot.key, "snapshot", (snapshot.key, snapshot.id, snapshot.name)
    if (checkpoints := services.checkpoints.feed().latest) is not None:
        for one in checkpoints.value:
            yield "checkpoints", one.run_id or one.folder, "checkpoint", (f"{one.run_id}/{one.name}",)
