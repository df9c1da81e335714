"""The cloud that the suite runs on: the sandbox in `make test`, a real account in `make e2e` with RUNCTL_E2E=1."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.cloud.place import Account, Cloud, account, opened, wanted_kinds
from tests.e2e.world import World, end


@pytest.fixture(scope="session", params=wanted_kinds())
def paid_by(request: pytest.FixtureRequest) -> Account:
    """The account, with one purse for the whole suite."""
    return account(request.param, os.environ)


@pytest.fixture(scope="module")
def cloud_folder(paid_by: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a module's tests; their sandbox is kept running between them and leaves nothing behind."""
    world = World(tmp_path_factory.mktemp("cloud"))
    if paid_by.kind == "sandbox":
        world.ask("sandbox", "start")
    yield world.folder
    if paid_by.kind == "sandbox":
        end(world)


@pytest.fixture
async def cloud(paid_by: Account, cloud_folder: Path) -> AsyncIterator[Cloud]:
    """The services of the account, and nothing left of the test at its end."""
    async with opened(paid_by, cloud_folder, uuid.uuid4().hex[:8]) as opened_cloud:
        yield opened_cloud
