"""No secret, known or of a well-known shape, is in what is shown or written; texts without one are left alone."""

from __future__ import annotations

import json
import time
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.run import TrainingJob
from runctl_tui.domain.secret import KNOWN, Secret
from runctl_tui.headless.output import failure, failure_text, missing_text
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.redaction import know_environment, redacted, redacted_lines, redacted_problem

UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
WORD: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def drawn(alphabet: str, least: int, most: int = 0) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most or least)


HEX: Final = drawn("0123456789abcdef", 40)
KEY: Final = drawn(WORD + "+/", 39).map(lambda text: f"{text}7")
SHAPED: Final = st.one_of(
    st.tuples(st.sampled_from(["", "key ", "for key id "]), drawn(UPPER, 16).map(lambda text: f"AKIA{text}")),
    st.tuples(st.just(""), drawn(UPPER, 16).map(lambda text: f"ASIA{text}")),
    st.tuples(st.just(""), drawn(WORD, 20, 44).map(lambda text: f"rpa_{text}")),
    st.tuples(st.just(""), drawn(WORD, 34).map(lambda text: f"hf_{text}")),
    st.tuples(st.just(""), drawn(WORD, 36).map(lambda text: f"ghp_{text}")),
    st.tuples(st.just(""), drawn(WORD + "+/", 60, 400).map(lambda text: f"IQoJ{text}")),
    st.tuples(st.sampled_from(["wandb login ", "WANDB_API_KEY=", "wandb: using the key "]), HEX),
    st.tuples(st.sampled_from(["aws_secret_access_key = ", '"SecretAccessKey": "', "the secret key "]), KEY),
    st.tuples(st.sampled_from(["Authorization: Bearer ", "bearer ", '"authorization": "Basic ']), drawn(WORD, 8, 90)),
    st.tuples(
        st.sampled_from(["?X-Amz-Signature=", "&X-Amz-Security-Token=", "&Signature="]), drawn(WORD + "%", 12, 90)
    ),
    st.tuples(st.sampled_from(["https://me:", "redis://:", "s3://a.b-c:"]), drawn(WORD + "!$", 3, 30)),
    st.tuples(st.sampled_from(["password=", "--api-key=", "session_token='"]), drawn(WORD + "!$", 8, 30)),
    st.tuples(
        st.just("-----BEGIN OPENSSH PRIVATE KEY-----\n"), st.lists(drawn(WORD + "+/=", 70), min_size=1).map("\n".join)
    ),
)
"""What comes before a secret, and the secret."""
AROUND: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def closed(before: str, secret: str) -> str:
    """Return a secret in its context, ended as such contexts are."""
    return f"{before}{secret}{'@host/x' if '://' in before else ''}"


@given(AROUND, SHAPED, AROUND)
def test_no_secret_of_a_known_shape_gets_through(left: str, shaped: tuple[str, str], right: str) -> None:
    before, secret = shaped
    assume(secret not in left + before + right)
    text = f"{left} {closed(before, secret)} {right}"
    for told in (redacted(text), redacted_lines(text)):
        assert secret not in told
    assert redacted(text).startswith(f"{left} "[: len(redacted(left))])


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=80), AROUND, AROUND, st.data())
def test_no_known_secret_gets_through_in_any_writing(secret: str, left: str, right: str, data: st.DataObject) -> None:
    KNOWN.clear()
    Secret(secret)
    written = data.draw(st.sampled_from([secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1]]))
    assert written not in redacted(f"{left}{written}{right}").replace("***", "")


@given(drawn(WORD, 20, 60), st.integers(16, 20))
def test_a_known_secret_that_was_cut_off_is_still_known(secret: str, length: int) -> None:
    KNOWN.clear()
    Secret(secret)
    assert redacted(f"not '{secret[:length]}… nor more") == "not '***… nor more"


ORDINARY: Final = (
    "us-east-1", "the instances could not be listed", "i-0123456789abcdef0", "s3://bucket/runs/step-100.pt",
    "https://host:22/x", "key", "token", "secret", "password", "bearer", "Authorization", "signature", "credentials",
    "hf_", "rpa_", "AKI", "RUNPOD_API_KEY", "runpod.api_key: it must be a text in quotes", "=", ":", "", "$ 55.04",
    "öäü", "to use it: set RUNPOD_API_KEY, or 'runctl-tui config set runpod.api_key -'", "wandb", "a\nb\r\nc",
    "SHA256:2Vbt0Gq2L3Jx6bG9yq1m7tq3R8w4s5t6u7v8x9y0zAB", "the provided security token is expired",
)  # fmt: skip


@given(st.lists(st.sampled_from(ORDINARY), max_size=8).map("; ".join))
def test_a_text_without_a_secret_is_left_as_it_is(text: str) -> None:
    assert redacted(text) == redacted_lines(text) == text


@given(AROUND, SHAPED)
def test_redacting_again_changes_nothing(left: str, shaped: tuple[str, str]) -> None:
    once = redacted(left + closed(*shaped))
    assert redacted(once) == once


def test_short_texts_are_words_and_no_secrets() -> None:
    Secret("secret")
    assert redacted("the secret of it") == "the secret of it"


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN", "DB_PASS", "WANDB_API_KEY"])
def test_values_of_variables_with_telling_names_are_secrets(name: str) -> None:
    know_environment(
        {name: "sentinel-of-it", "TOKENIZERS_PARALLELISM": "disabled", "AWS_SHARED_CREDENTIALS_FILE": "/home/me"}
    )
    assert redacted("sentinel-of-it disabled /home/me") == "*** disabled /home/me"


def test_secrets_of_a_run_and_of_a_pod_are_known_and_its_other_variables_are_words() -> None:
    TrainingJob(
        "train.py", secrets=(("ANY", "sentinel-1"),), environment=(("HF_TOKEN", "sentinel-2"), ("A", "my-model"))
    )
    assert repr(Secret.variable("DB_PASSWORD", "sentinel-3")) == repr(Secret.variable("MODE", "exactly-so")) == "***"
    assert redacted("sentinel-1 sentinel-2 sentinel-3 my-model exactly-so") == "*** *** *** my-model exactly-so"


def test_errors_and_problems_are_told_without_secrets() -> None:
    Secret("sentinel-value")
    error = TrainctlError("sentinel-value failed", "why sentinel-value", "do sentinel-value")
    problem = Problem("x", "sentinel-value failed", "why sentinel-value", "do sentinel-value")
    told = [
        str(error),
        repr(error),
        failure(error),
        failure_text(error),
        missing_text(problem),
        str(error.to_problem()),
    ]
    assert not [text for text in [*told, str(redacted_problem(problem))] if "sentinel" in text]


@pytest.mark.parametrize(
    "part",
    [
        "AKIA",
        "://",
        "://a:",
        "secret ",
        "wandb",
        "-----BEGIN PRIVATE KEY-----",
        "password=",
        "Bearer ",
        "authorization ",
    ],
)
def test_a_text_made_to_take_long_does_not(part: str) -> None:
    begun = time.monotonic()
    redacted(part * 20_000 + " " * 20_000 + "a" * 20_000)
    assert time.monotonic() - begun < 10, "the time grows faster than the text"
