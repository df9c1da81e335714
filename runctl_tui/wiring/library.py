"""The services for a program that imports the package: the same that the screens and the command line work on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from runctl_tui.options import Options
from runctl_tui.services.ports_services import Services
from runctl_tui.wiring.ground import Ground


@asynccontextmanager
async def open_services(
    *, sandbox: bool = False, state_dir: str | Path = "", profile: str = "", regions: tuple[str, ...] = ()
) -> AsyncIterator[Services]:
    """Yield services that are ready for work; jobs begun within are waited for at the end. ConfigError, StateError.

    What is configured, remembered and counted lies in `state_dir`, without it where the program keeps its own.
    """
    from runctl_tui.wiring.assembly import Assembly

    assembly = Assembly(Ground(Options(sandbox=sandbox, state_dir=str(state_dir), profile=profile, regions=regions)))
    try:
        async for _ in assembly.start():
            pass
        services = assembly.services()
        yield services
        await services.jobs.drain()
    finally:
        await assembly.aclose()
