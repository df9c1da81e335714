from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from runctl_tui.services.aws.faults import AwsFaults
from runctl_tui.services.errors import (
    AwsError,
    CredentialsError,
    NoCapacity,
    Refused,
    ResourceExists,
    ResourceNotFound,
    TrainctlError,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
FAULTS = AwsFaults("lab", lambda: NOW)


def answered(code: str, message: str = "told", status: int = 400, skew: float = 0.0) -> aws.ClientError:
    headers = {"date": format_datetime(NOW - timedelta(seconds=skew), usegmt=True)}
    meta: Any = {"RequestId": "req-1", "HTTPStatusCode": status, "HTTPHeaders": headers}
    return aws.ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}, "RunInstances")


@pytest.mark.parametrize(
    ("code", "kind", "retryable", "todo"),
    [
        ("UnauthorizedOperation", AwsError, False, "permission"),
        ("AccessDenied", AwsError, False, "permission"),
        ("ExpiredToken", CredentialsError, False, "run `aws sso login --profile lab`"),
        ("RequestExpired", CredentialsError, False, "aws sso login --profile lab"),
        ("InvalidClientTokenId", CredentialsError, False, "get-caller-identity"),
        ("RequestLimitExceeded", AwsError, True, "tried again"),
        ("Throttling", AwsError, True, "tried again"),
        ("InsufficientInstanceCapacity", NoCapacity, True, "another zone"),
        ("SpotMaxPriceTooLow", NoCapacity, True, "raise the maximum price"),
        ("VcpuLimitExceeded", AwsError, False, "Service Quotas"),
        ("MaxSpotInstanceCountExceeded", AwsError, False, "Service Quotas"),
        ("InvalidInstanceID.NotFound", ResourceNotFound, False, "another region"),
        ("InvalidInstanceID.Malformed", ResourceNotFound, False, ""),
        ("InvalidKeyPair.Duplicate", ResourceExists, False, ""),
        ("NoSuchBucket", ResourceNotFound, False, "bucket"),
        ("OperationNotPermitted", Refused, False, "protection"),
        ("OptInRequired", AwsError, False, "opted in"),
        ("SomethingNew", AwsError, False, ""),
    ],
)
def test_aws_s_own_code_says_what_to_do(code: str, kind: type[TrainctlError], retryable: bool, todo: str) -> None:
    error = FAULTS.of(answered(code), "us-east-1: it failed")
    assert type(error) is kind
    assert (error.what, error.why, error.code, error.request_id) == ("us-east-1: it failed", "told", code, "req-1")
    assert error.retryable is retryable
    assert todo in error.todo


def test_a_failing_service_may_be_asked_again() -> None:
    assert FAULTS.of(answered("Strange", status=503), "x").retryable


def test_a_missing_permission_is_named_and_the_encoded_part_is_left_out() -> None:
    message = (
        "You are not authorized to perform: ec2:RunInstances on resource x. Encoded authorization failure message: "
        + "A" * 900
    )
    error = FAULTS.of(answered("UnauthorizedOperation", message), "x")
    assert error.todo == "ask for the permission ec2:RunInstances"
    assert "AAAA" not in error.why


@pytest.mark.parametrize(("skew", "words"), [(1020, "17 min fast"), (-1020, "17 min slow")])
def test_a_wrong_clock_is_not_taken_for_wrong_keys(skew: float, words: str) -> None:
    for code in ("AuthFailure", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "RequestExpired"):
        error = FAULTS.of(answered(code, skew=skew), "x")
        assert words in error.why
        assert "clock" in error.todo
        assert "check the keys" not in error.todo
        assert "sso login" not in error.todo
        assert not isinstance(error, CredentialsError)


def test_wrong_keys_are_not_taken_for_a_wrong_clock() -> None:
    assert isinstance(FAULTS.of(answered("AuthFailure", skew=3), "x"), CredentialsError)


def test_no_credentials_names_what_was_tried() -> None:
    error = FAULTS.of(aws.NoCredentialsError(), "x")
    assert isinstance(error, CredentialsError)
    for word in ("environment", "profile", "SSO", "container", "instance profile"):
        assert word in error.why
    assert "aws sso login --profile lab" in error.todo
    assert AwsFaults("", lambda: NOW).of(aws.NoCredentialsError(), "x").todo.startswith("run `aws sso login`")


@pytest.mark.parametrize(
    "raised",
    [
        aws.UnauthorizedSSOTokenError(),
        aws.SSOTokenLoadError(error_msg="expired"),
        aws.TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"),
        aws.CredentialRetrievalError(provider="process", error_msg="exit 1"),
    ],
)
def test_an_ended_login_gives_the_command_that_renews_it(raised: Exception) -> None:
    error = FAULTS.of(raised, "x")
    assert isinstance(error, CredentialsError)
    assert error.todo == "run `aws sso login --profile lab`"


def test_a_profile_that_does_not_exist_is_named() -> None:
    error = FAULTS.of(aws.ProfileNotFound(profile="lab"), "x")
    assert isinstance(error, CredentialsError)
    assert "lab" in error.why
    assert "list-profiles" in error.todo


@pytest.mark.parametrize(
    "raised",
    [
        aws.EndpointConnectionError(endpoint_url="https://e"),
        aws.ConnectTimeoutError(endpoint_url="https://e"),
        aws.ReadTimeoutError(endpoint_url="https://e"),
        aws.ConnectionClosedError(endpoint_url="https://e"),
        aws.SSLError(endpoint_url="https://e", error=OSError("handshake")),
        aws.ProxyConnectionError(proxy_url="http://p"),
    ],
)
def test_an_endpoint_that_does_not_answer_is_a_passing_condition(raised: Exception) -> None:
    error = FAULTS.of(raised, "x")
    assert isinstance(error, AwsError)
    assert error.retryable
    assert "did not answer" in error.why


def test_a_web_page_is_not_shown() -> None:
    for raised in (ResponseParserError("b'<html>secret</html>'"), answered("500", "<!doctype html><html lang=en>")):
        error = FAULTS.of(raised, "x")
        assert "html" not in str(error).lower()


def test_anything_else_is_named_in_one_line() -> None:
    assert "\n" not in FAULTS.of(ValueError("a\nb"), "x").why
    report = "Parameter validation failed:\nInvalid length"
    assert "Invalid length" in FAULTS.of(aws.ParamValidationError(report=report), "x").why


def test_in_the_sandbox_nobody_is_sent_to_log_in() -> None:
    sandbox = AwsFaults("", lambda: NOW, "http://127.0.0.1:1")
    assert sandbox.of(answered("ExpiredToken"), "x").todo == "start the sandbox again"


@pytest.mark.parametrize(
    ("method", "todo"),
    [
        ("sso", "run `aws sso login --profile lab`"),
        ("", "run `aws sso login --profile lab`"),
        ("login", "run `aws login --profile lab`"),
        ("env", "AWS_SESSION_TOKEN anew"),
        ("shared-credentials-file", "`aws configure --profile lab`"),
        ("custom-process", "`aws sts get-caller-identity --profile lab`"),
        ("iam-role", "still has its role"),
    ],
)
def test_the_way_to_renew_fits_how_the_credentials_came(method: str, todo: str) -> None:
    faults = AwsFaults("lab", lambda: NOW, "", lambda: method)
    assert todo in faults.of(answered("ExpiredToken"), "x").todo
