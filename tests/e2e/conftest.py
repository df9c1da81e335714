"""Worlds for the end-to-end tests: one shared by a module's tests, and one for a test that ends it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.world import World, end


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox for all tests of a module, kept running between their calls."""
    shared = World(tmp_path_factory.mktemp("world"))
    shared.ask("sandbox", "start")
    yield shared
    end(shared)


@pytest.fixture
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox for one test, begun by its first client."""
    own = World(tmp_path_factory.mktemp("own"))
    yield own
    end(own)
