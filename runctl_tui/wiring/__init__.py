"""The composition root: options to configuration to services; the only package that knows what implements a port.

`build` reads the configuration and no more. What the first rows need is put together when the first of it is asked for,
or when `Services.start()` is iterated; everything else with the first of that, so that no frame and no row waits for an
import that it does not need.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from runctl_tui.services.ports_services import Services
from runctl_tui.wiring.elsewhere import Elsewhere
from runctl_tui.wiring.ground import Ground

if TYPE_CHECKING:
    from runctl_tui.options import Options
    from runctl_tui.wiring.assembly import Assembly

_ASSEMBLY: Final = "runctl_tui.wiring.assembly"
_CORE: Final = frozenset({"registry", "fleet", "runs", "jobs", "costs", "memory", "sandbox", "touch", "troubles"})
"""Services of the core, by their names there and in `Services`."""


def build(options: Options) -> Services:
    """Return the services that these options ask for; ConfigError where the configuration cannot be used."""
    return _Deferred(Ground(options), Elsewhere(options, build))


class _Deferred(Services):
    """Services of which only what a first frame needs is there; the others come when the first of them is asked for."""

    __slots__ = ("_assembly", "_ground", "_whole")
    _assembly: Assembly | None
    _ground: Ground
    _whole: Services

    def __init__(self, ground: Ground, elsewhere: Elsewhere) -> None:
        early: dict[str, object] = {
            "elsewhere": elsewhere,
            "clock": ground.clock,
            "session": ground.session,
            "settings": ground.place.settings,
            "log_path": str(ground.place.log),
            "start": self._start,
            "warm_up": self._warm_up,
            "close": self._close,
            "_ground": ground,
            "_assembly": None,
        }
        for name, value in early.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> object:
        """Return what is not here yet; Python asks here for every slot that is empty."""
        if name == "_whole":
            object.__setattr__(self, name, self._assembled().services())
            return object.__getattribute__(self, name)
        return getattr(self._assembled().core if name in _CORE else self._whole, name)

    def _assembled(self) -> Assembly:
        if self._assembly is None:
            object.__setattr__(self, "_assembly", importlib.import_module(_ASSEMBLY).Assembly(self._ground))
        return self._assembly  # type: ignore[return-value]  # it has just been set

    async def _start(self) -> AsyncIterator[str]:
        await asyncio.to_thread(importlib.import_module, _ASSEMBLY)
        async for words in self._assembled().start():
            yield words

    async def _warm_up(self) -> None:
        await self._assembled().warm_up()

    def _close(self) -> None:
        if self._assembly is not None:
            self._assembly.close()
