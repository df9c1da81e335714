"""When the sandbox ends: with its last client, unless something that the user started is still at work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

FIRST_CLIENT_S: Final = 30.0
"""How long a new sandbox waits for its first client."""
GRACE_S: Final = 2.0
"""How long after its last client it ends when nothing is at work."""
REST_S: Final = 6.0
"""How long after the end of a run it waits for the agent to begin with the last upload."""
LONGEST_S: Final = 1800.0
"""How long it goes on without a client at most."""
POLL_S: Final = 0.25


class Lifetime:
    """Watches clients and work, and says when it is time to end."""

    def __init__(
        self,
        clients: Callable[[], int],
        seen: Callable[[], int],
        working: Callable[[], bool],
        card: Path,
    ) -> None:
        self._clients = clients
        self._seen = seen
        self._working = working
        self._card = card
        self._ended = asyncio.Event()

    def end(self) -> None:
        """End as soon as possible."""
        self._ended.set()

    async def over(self) -> None:
        """Return when it is time to end, as it also is when somebody has removed the folder."""
        loop = asyncio.get_running_loop()
        alone_since = loop.time()
        asked = loop.time()
        rest_until = 0.0
        while not self._ended.is_set() and await asyncio.to_thread(self._card.exists):
            now = loop.time()
            if self._clients() > 0:
                alone_since = now
            alone = now - alone_since
            patience = GRACE_S if self._seen() else FIRST_CLIENT_S
            if alone >= LONGEST_S:
                return
            if alone >= patience and now - asked >= 1.0:
                asked = now
                if await asyncio.to_thread(self._working):
                    rest_until = now + REST_S
                elif now >= rest_until:
                    return
            try:
                await asyncio.wait_for(self._ended.wait(), POLL_S)
            except TimeoutError:
                pass
