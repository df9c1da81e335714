from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.settings import AwsCredentials, AwsSettings
from tests.services.aws.moto_server import moto_server
from tests.services.aws.world import OWNER, FakeClock, World, dead_endpoint


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(tmp_path: Path) -> AwsSettings:
    """Nobody listens at this endpoint: for what is decided before, or instead of, a call."""
    keys = AwsCredentials("AKIATEST", "secret")
    return AwsSettings(tmp_path, OWNER, endpoint_url=dead_endpoint(), credentials=keys)


@pytest.fixture
def world(moto_url: str, settings: AwsSettings, clock: FakeClock) -> Iterator[World]:
    """An empty account on moto, and a provider for two regions of it."""
    urllib.request.urlopen(urllib.request.Request(f"{moto_url}/moto-api/reset", method="POST")).close()
    settings = replace(settings, endpoint_url=moto_url, regions=("us-east-1", "us-west-2"))
    provider = AwsProvider(settings, clock)
    yield World(provider, clock, settings)
    provider.close()
