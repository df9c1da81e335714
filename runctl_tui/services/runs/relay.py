"""The relay: gives hosts without credentials presigned URLs, in a process that outlives the interface.

The command line's hidden noun `relay` runs it; one per state folder.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.locks import held
from runctl_tui.services.training.request import s3_location

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.services.aws.s3 import S3Store
    from runctl_tui.services.machines import MachineList
    from runctl_tui.services.runs.register import RunRegister
    from runctl_tui.services.training.agent_values import PendingFile, PresignedUrl

URL_SECONDS: Final = 3600
"""How long a URL serves; one that expires unused is asked for again."""
PAUSE: Final = 3.0
QUIET_TURNS: Final = 3
"""Turns without any run to serve after which the relay ends."""


class UploadRelay:
    """Serves every run whose host cannot write to S3 itself."""

    def __init__(
        self,
        runs: RunRegister,
        machines: MachineList,
        store: Callable[[], S3Store],
        lock: Path,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._runs = runs
        self._machines = machines
        self._store = store
        self._lock = lock
        self._sleep = sleep

    def working(self) -> bool:
        """Tell whether a relay of this state folder works now."""
        with held(self._lock) as ours:
            return not ours

    async def work(self) -> None:
        """Serve until no run needs it; returns at once where another relay works.

        It looks once more when it has let go: who wanted a relay just before found this one at work.
        """
        needed = True
        while needed:
            with held(self._lock) as ours:
                if not ours:
                    return
                await self._serve_until_quiet()
            needed = bool(await self._needing_or_none())

    async def _serve_until_quiet(self) -> None:
        quiet = 0
        while quiet < QUIET_TURNS:
            needing = await self._needing_or_none()
            await asyncio.gather(*(self._serve(session) for session in needing))
            quiet = 0 if needing else quiet + 1
            await self._sleep(PAUSE)

    async def needing(self) -> list[TrainingSession]:
        """Return the runs whose uploads depend on a relay, asked now."""
        return await self.needed_by((await self._runs.now()).value)

    async def needed_by(self, sessions: Sequence[TrainingSession]) -> list[TrainingSession]:
        """Return those of the runs whose uploads depend on a relay: their host runs and has no credentials."""
        if not any(session.output_dest for session in sessions):
            return []
        machines = {(one.provider, one.id): one for one in (await self._machines.now()).value}
        found = []
        for session in sessions:
            machine = machines.get((session.provider, session.instance_id))
            alone = machine is not None and machine.state is ResourceState.RUNNING and not machine.profile
            if alone and session.output_dest and (session.status.live or _unfinished(session)):
                found.append(session)
        return found

    async def _needing_or_none(self) -> list[TrainingSession]:
        try:
            return await self.needing()
        except TrainctlError:
            return []

    async def _serve(self, session: TrainingSession) -> None:
        try:
            agent = await self._runs.agent_of(session)
            pending = await agent.pending(session.id)
            if pending:
                await agent.urls(session.id, await self._signed(session, pending))
        except TrainctlError:
            return  # the host is asked again at the next turn, and says in its uploads that it waits

    async def _signed(self, session: TrainingSession, pending: Sequence[PendingFile]) -> list[PresignedUrl]:
        from runctl_tui.services.training.agent_values import PresignedUrl

        bucket = s3_location(session.output_dest).container
        store, urls = self._store(), []
        for file in pending:
            metadata = {"runctl-sha256": file.sha256} if file.sha256 else {}
            put = await store.presign_put(bucket, file.key, URL_SECONDS, metadata)
            head = await store.presign_head(bucket, file.key, URL_SECONDS)
            headers = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
            urls.append(PresignedUrl(file.path, put, head, headers))
        return urls


def _unfinished(session: TrainingSession) -> bool:
    uploads = session.uploads
    return not uploads.complete and bool(uploads.pending or uploads.waiting or uploads.done)
