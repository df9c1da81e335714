"""Invariants that the command line before this one promised, held by the code that replaced it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.resource import BILLED_STATES, ResourceState, normalize_state
from runctl_tui.domain.retry import ExponentialBackoffPolicy

jitters = st.floats(0, 1, exclude_max=True)
policies = st.builds(
    ExponentialBackoffPolicy,
    max_attempts=st.integers(1, 12),
    initial=st.floats(0.01, 5),
    factor=st.floats(1, 4),
    maximum=st.floats(5, 120),
)
WORDS = {
    "running": ResourceState.RUNNING,
    "active": ResourceState.RUNNING,
    "ready": ResourceState.RUNNING,
    "pending": ResourceState.STARTING,
    "starting": ResourceState.STARTING,
    "initializing": ResourceState.STARTING,
    "provisioning": ResourceState.STARTING,
    "stopping": ResourceState.STOPPING,
    "stopped": ResourceState.STOPPED,
    "exited": ResourceState.STOPPED,
    "terminating": ResourceState.TERMINATING,
    "shutting-down": ResourceState.TERMINATING,
    "terminated": ResourceState.TERMINATED,
}


@given(policies, jitters)
def test_waits_are_bounded_and_grow_to_the_cap(policy: ExponentialBackoffPolicy, jitter: float) -> None:
    waits = [policy.delay(attempt, jitter) for attempt in range(1, policy.max_attempts)]
    known = [wait for wait in waits if wait is not None]
    assert known == waits
    assert all(0 < wait <= policy.maximum for wait in known)
    assert known == sorted(known)


@given(policies, jitters, st.integers(0, 20))
def test_a_call_is_made_as_often_as_the_policy_says(
    policy: ExponentialBackoffPolicy, jitter: float, failures: int
) -> None:
    calls = 1
    while calls <= failures and policy.delay(calls, jitter) is not None:
        calls += 1
    assert calls == min(failures + 1, policy.max_attempts)


@given(st.sampled_from(sorted(WORDS)), st.randoms(use_true_random=False))
def test_states_are_read_whatever_their_case(word: str, luck: object) -> None:
    choice = getattr(luck, "choice")  # noqa: B009 (hypothesis types its randoms as objects)
    mixed = "".join(choice((letter.lower(), letter.upper())) for letter in word)
    assert normalize_state(f" {mixed} ") is WORDS[word]


@given(st.text())
def test_any_word_is_some_state(word: str) -> None:
    state = normalize_state(word)
    if word.strip().lower() not in WORDS:
        assert state in (ResourceState.ERROR, ResourceState.UNKNOWN)


def test_a_machine_on_its_way_still_costs() -> None:
    """What replaced 'stopping is stopped', which hid a state that is billed."""
    assert {ResourceState.STARTING, ResourceState.RUNNING, ResourceState.STOPPING} == BILLED_STATES
