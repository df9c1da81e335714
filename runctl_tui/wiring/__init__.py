"""The composition root: options to configuration to services; the only package that knows what implements a port.

`build` reads the configuration and no more; the services are put together when the first of them is asked for, or when
`Services.start()` is iterated, so that the first frame waits for none of their imports.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from runctl_tui.services.ports import Services
from runctl_tui.wiring.ground import Ground

if TYPE_CHECKING:
    from runctl_tui.options import Options
    from runctl_tui.wiring.assembly import Assembly

_ASSEMBLY: Final = "runctl_tui.wiring.assembly"


def build(options: Options) -> Services:
    """Return the services that these options ask for; ConfigError where the configuration cannot be used."""
    return _Deferred(Ground(options))


class _Deferred(Services):
    """Services of which only what a first frame needs is there; the others come when the first of them is asked for."""

    __slots__ = ("_assembly", "_ground", "_whole")
    _assembly: Assembly | None
    _ground: Ground
    _whole: Services

    def __init__(self, ground: Ground) -> None:
        early: dict[str, object] = {
            "clock": ground.clock,
            "session": ground.session,
            "settings": ground.place.settings,
            "log_path": str(ground.place.log),
            "start": self._start,
            "close": self._close,
            "_ground": ground,
            "_assembly": None,
        }
        for name, value in early.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> object:
        """Return what is not here yet; Python asks here for every slot that is empty."""
        if name == "_whole":
            object.__setattr__(self, name, self._assemble().services())
            return object.__getattribute__(self, name)
        return getattr(self._whole, name)

    def _assemble(self) -> Assembly:
        made: Assembly = importlib.import_module(_ASSEMBLY).Assembly(self._ground)
        object.__setattr__(self, "_assembly", made)
        return made

    async def _start(self) -> AsyncIterator[str]:
        await asyncio.to_thread(importlib.import_module, _ASSEMBLY)
        async for words in self._whole.start():
            yield words

    def _close(self) -> None:
        if self._assembly is not None:
            self._assembly.close()
