"""What botocore raises, turned into the product's errors: AWS's code and request id, why, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.durations import in_one_unit
from runctl_tui.services.aws.codes import AS_BY_CLOCK, CAPACITY, CLOCK, EXPIRED, KEYS, MISSING, REFUSED, TODO, TRANSIENT
from runctl_tui.services.errors import (
    AwsError,
    CredentialsError,
    NoCapacity,
    Refused,
    ResourceExists,
    ResourceNotFound,
    TrainctlError,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

TRIED: Final = (
    "the environment, the profile's files and SSO session, a container's credentials, this machine's instance profile"
)
RENEWALS: Final = {
    "env": "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, and start this program again",
    "shared-credentials-file": "write new keys: `aws configure --profile {profile}`",
    "config-file": "write new keys: `aws configure --profile {profile}`",
    "custom-process": "see why it fails: `aws sts get-caller-identity --profile {profile}`",
    "login": "run `aws login --profile {profile}`",
    "iam-role": "see whether this machine still has its role: `aws sts get-caller-identity`",
    "container-role": "see whether this container still has its role: `aws sts get-caller-identity`",
}
"""What renews credentials, by how they came; all others come from a login."""
SKEW: Final = 120.0
"""Seconds of difference between our clock and AWS's from which on it is named as the cause."""
_ENCODED: Final = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)
_ACTION: Final = re.compile(r"perform: ([A-Za-z0-9-]+:[A-Za-z0-9]+)")
_LONGEST: Final = 600


@dataclass(frozen=True, slots=True)
class AwsFaults:
    """Maps exceptions for one profile."""

    profile: str
    now: Callable[[], datetime]
    """UTC; compared with the date of AWS's answers to recognise a wrong clock."""
    endpoint: str = ""
    """Set for the sandbox, where there is nothing to log in to."""
    method: Callable[[], str] = lambda: ""
    """How botocore came by the credentials in use, in its own word; empty where there are none yet."""

    def named(self, what: str) -> Callable[[Exception], TrainctlError]:
        """Return a mapper whose errors say that `what` failed: 'us-west-2: the instances could not be listed'."""
        return lambda error: self.of(error, what)

    def of(self, error: Exception, what: str) -> TrainctlError:
        """Return the product's error for anything that boto3 raises."""
        from botocore.exceptions import ClientError

        if isinstance(error, ClientError):
            return self._of_answer(error, what)
        return self._of_way(error, what)

    @property
    def log_in(self) -> str:
        """The command that renews the credentials."""
        return f"aws sso login --profile {self.profile}" if self.profile else "aws sso login"

    def _of_answer(self, error: ClientError, what: str) -> TrainctlError:
        answer: Mapping[str, Any] = error.response
        meta = answer.get("ResponseMetadata", {})
        status = int(meta.get("HTTPStatusCode", 0) or 0)
        told = str(answer.get("Error", {}).get("Code", ""))
        code = told or f"HTTP {status}"
        if code.isdigit() and not error.operation_name.startswith("Head"):
            code = f"HTTP {code}"  # only an answer without a body says by its number that something is not there
        request = str(meta.get("RequestId", ""))
        why = _plain(str(answer.get("Error", {}).get("Message", ""))) or told or f"AWS answered {status} without a word"
        if code in CLOCK or code in AS_BY_CLOCK:
            skew = self._skew(meta.get("HTTPHeaders", {}))
            if code in CLOCK or (skew is not None and abs(skew) > SKEW):
                return AwsError(what, _skew_words(skew, why), _CLOCK_TODO, code=code, request_id=request)
        if code in EXPIRED:
            return CredentialsError(what, why, self._renew(), code=code, request_id=request)
        if code in KEYS:
            todo = f"check the keys of profile {self.profile or 'default'}: `aws sts get-caller-identity`"
            return CredentialsError(what, why, todo, code=code, request_id=request)
        if code in CAPACITY:
            return NoCapacity(what, why, TODO.get(code, TODO["InsufficientInstanceCapacity"]), code=code,
                              request_id=request, transient=True)  # fmt: skip
        if code in MISSING or code.endswith((".NotFound", ".Malformed")):
            return ResourceNotFound(what, why, TODO.get(code, "refresh the list"), code=code, request_id=request)
        if code.endswith((".Duplicate", "AlreadyExists")):
            return ResourceExists(what, why, "choose another name", code=code, request_id=request)
        if code == "OperationNotPermitted":
            return Refused(what, why, TODO[code], code=code, request_id=request)
        transient = code in TRANSIENT or status >= 500
        return AwsError(what, why, _todo(code, why, transient), code=code, request_id=request, transient=transient)

    def _of_way(self, error: Exception, what: str) -> TrainctlError:
        from botocore import exceptions as aws
        from botocore import parsers

        name, why = type(error).__name__, _plain(str(error))
        if isinstance(error, aws.ProfileNotFound):
            todo = "`aws configure list-profiles` names those that exist; `aws configure sso` makes one"
            return CredentialsError(what, why, todo, code=name)
        if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError):
            tried = f"no usable credentials; tried: {TRIED}"
            return CredentialsError(what, tried, f"{self._renew()}, or `aws configure`", code=name)
        if isinstance(error, aws.SSOError | aws.TokenRetrievalError | aws.CredentialRetrievalError) or (
            "Token" in name and "Error" in name
        ):
            return CredentialsError(what, why, self._renew(), code=name)
        if isinstance(error, aws.ConnectionError | aws.HTTPClientError | aws.ReadTimeoutError):
            todo = "check the network, proxy and region; it is tried again"
            return AwsError(what, f"AWS did not answer: {why}", todo, code=name, transient=True)
        if isinstance(error, aws.NoRegionError):
            return AwsError(what, why, "set aws.region", code=name)
        if isinstance(error, aws.ParamValidationError):
            return AwsError(what, why.replace("\n", "; "), "correct the value that is named", code=name)
        if isinstance(error, parsers.ResponseParserError):
            found = "the answer is not AWS's: a proxy or the endpoint is at fault"
            return AwsError(what, found, "check the network: does it want a login? then try again", code=name,
                            transient=True)  # fmt: skip
        return AwsError(what, f"{name}: {why}", "look at the log; if it comes again, report it", code=name)

    def _renew(self) -> str:
        if self.endpoint:
            return "start the sandbox again"
        way = RENEWALS.get(self.method(), f"run `{self.log_in}`")
        return way.format(profile=self.profile or "default")

    def _skew(self, headers: Mapping[str, str]) -> float | None:
        """Seconds by which our clock is ahead of AWS's."""
        try:
            told = parsedate_to_datetime(headers["date"])
        except (KeyError, TypeError, ValueError):
            return None
        if told.tzinfo is None:
            told = told.replace(tzinfo=UTC)
        return (self.now() - told).total_seconds()


_CLOCK_TODO: Final = (
    "set this machine's clock (`timedatectl set-ntp true`, `chronyc makestep`); the keys are not at fault"
)


def _plain(text: str) -> str:
    """One line without the encoded part that only an administrator can decode, and without a web page."""
    if "<html" in text.lower():
        return "the service answered with a web page instead of an error"
    return " ".join(_ENCODED.sub("", text).split())[:_LONGEST]


def _skew_words(skew: float | None, why: str) -> str:
    if skew is None:
        return f"this machine's clock differs from AWS's: {why}"
    return f"this machine's clock is {in_one_unit(abs(skew))} {'fast' if skew > 0 else 'slow'}"


def _todo(code: str, why: str, transient: bool) -> str:
    if code in REFUSED:
        action = _ACTION.search(why)
        return f"ask for the permission {action.group(1)}" if action else "ask for the permission that the call needs"
    if code in TODO:
        return TODO[code]
    return "it is tried again by itself" if transient else f"look up {code} in AWS's documentation of the call"
