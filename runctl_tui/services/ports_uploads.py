"""The port of unfinished uploads, as screens and the command line see it; beside `ports.py`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.domain.uploads import UnfinishedUpload
    from runctl_tui.services.ports_feed import Feed


class Uploads(Protocol):
    """What was begun to be uploaded to S3 and is neither complete nor aborted; `Actions` aborts it."""

    @property
    def feed(self) -> Feed[tuple[UnfinishedUpload, ...]]:
        """All of it, of all buckets, live."""

    def below(self, bucket: str = "", prefix: str = "") -> AsyncGenerator[Snapshot[tuple[UnfinishedUpload, ...]], None]:
        """What is unfinished below a prefix, without a bucket everywhere: as it is listed, at last with sizes."""

    async def now(self, bucket: str = "", prefix: str = "") -> Snapshot[tuple[UnfinishedUpload, ...]]:
        """The same once, whole."""
