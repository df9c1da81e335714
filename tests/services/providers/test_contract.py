from __future__ import annotations

from runctl_tui.domain.resource import ResourceState, normalize_state
from tests.services.providers.contract import ProviderContract

EC2_STATES = {
    "pending": ResourceState.STARTING,
    "running": ResourceState.RUNNING,
    "stopping": ResourceState.STOPPING,
    "stopped": ResourceState.STOPPED,
    "shutting-down": ResourceState.TERMINATING,
    "terminated": ResourceState.TERMINATED,
}


class TestContract(ProviderContract):
    """Every provider, by the fixture `case`."""


def test_every_word_of_ec2_has_its_state() -> None:
    assert {word: normalize_state(word) for word in EC2_STATES} == EC2_STATES
    assert normalize_state("something new") is ResourceState.UNKNOWN
