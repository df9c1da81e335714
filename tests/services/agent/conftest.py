from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.agent.harness import Machine, moto


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "home")
    made.project.mkdir(parents=True)
    yield made
    made.clean()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with moto() as endpoint:
        yield endpoint
