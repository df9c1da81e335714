from __future__ import annotations

import pytest

from runctl_tui.services.errors import ResourceExists, ResourceNotFound
from runctl_tui.services.local.provider import LocalProvider
from runctl_tui.services.registry import Registry
from tests.services.providers.conftest import WallClock


def test_a_provider_is_found_by_its_name_in_the_order_of_registration() -> None:
    local = LocalProvider(WallClock(), "me")
    registry = Registry([local])
    assert registry.get("local") is local
    assert registry.all() == (local,)


def test_a_name_is_taken_once() -> None:
    registry = Registry([LocalProvider(WallClock(), "me")])
    with pytest.raises(ResourceExists, match="local"):
        registry.register(LocalProvider(WallClock(), "me"))


def test_a_missing_provider_names_those_that_exist() -> None:
    with pytest.raises(ResourceNotFound, match="no provider azure: there is: local"):
        Registry([LocalProvider(WallClock(), "me")]).get("azure")
    with pytest.raises(ResourceNotFound, match="there is: none"):
        Registry().get("aws")
