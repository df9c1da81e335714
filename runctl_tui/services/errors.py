"""The one tree of errors that services raise and everybody else shows.

TrainctlError                     exit 2
 ├─ ConfigError                   exit 3
 │   ├─ InvalidProvider
 │   ├─ MissingField
 │   ├─ InvalidValue
 │   ├─ ConfigNotFound
 │   └─ ConfigParseError
 ├─ UserError                     exit 1
 │   ├─ ValidationError
 │   ├─ ResourceNotFound
 │   ├─ ResourceExists
 │   ├─ Refused                   a plan that may not be carried out
 │   └─ PlanChanged               a confirmed plan that no longer holds
 ├─ CloudProviderError            a provider said no; retryable when it says so
 │   ├─ AwsError
 │   │   ├─ CredentialsError
 │   │   └─ NoCapacity
 │   └─ Unsupported               the provider cannot do this at all
 ├─ HostError                     a host, or the way to it
 │   ├─ HostUnreachable
 │   ├─ HostLinkLost
 │   ├─ HostKeyUnknown
 │   ├─ HostKeyChanged
 │   └─ AgentError
 ├─ DataTransferError
 ├─ StateError                    our own ledger, journal or lock
 ├─ OutputLost                    an answer that nobody could be given
 └─ SandboxFailed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from runctl_tui.domain.problem import Problem
from runctl_tui.services.redaction import redacted

if TYPE_CHECKING:
    from runctl_tui.domain.plan import Plan


@runtime_checkable
class IsRetryable(Protocol):
    """An error that knows whether the same call may succeed later."""

    @property
    def retryable(self) -> bool:
        """Whether trying again can help."""


class TrainctlError(Exception):
    """What failed, why, and what to do; every error of the product is one, and no secret is in its words."""

    exit_code: ClassVar[int] = 2
    default_code: ClassVar[str] = "error"
    not_connected: ClassVar[str] = ""
    """Which provider was never asked because nobody is logged in there."""

    def __init__(self, what: str, why: str = "", todo: str = "", *, code: str = "", request_id: str = "") -> None:
        self.what, self.why, self.todo = redacted(what), redacted(why), redacted(todo)
        super().__init__(self.what)
        self.code = code or self.default_code
        self.request_id = request_id

    @property
    def retryable(self) -> bool:
        """Whether trying again can help; the base says no."""
        return False

    def to_problem(self, *, scope: str = "", retry_in: float | None = None) -> Problem:
        """Return what a person is shown."""
        return Problem(
            code=self.code,
            what=self.what,
            why=self.why,
            todo=self.todo,
            request_id=self.request_id,
            retry_in=retry_in,
            scope=scope,
            not_connected=self.not_connected,
        )

    def __str__(self) -> str:
        return ": ".join(part for part in (self.what, self.why) if part)


class ConfigError(TrainctlError):
    """The configuration cannot be used as it is."""

    exit_code = 3
    default_code = "config"


class InvalidProvider(ConfigError):
    """A provider that does not exist."""

    default_code = "config.provider"


class MissingField(ConfigError):
    """A key that has no default and no value."""

    default_code = "config.missing"


class InvalidValue(ConfigError):
    """A value that its key cannot have, or an unknown key."""

    default_code = "config.value"


class ConfigNotFound(ConfigError):
    """A configuration file that was named and is not there."""

    default_code = "config.not-found"


class ConfigParseError(ConfigError):
    """A configuration file that is not TOML."""

    default_code = "config.parse"


class UserError(TrainctlError):
    """Something that the person asked for is not possible as asked."""

    exit_code = 1
    default_code = "user"


class ValidationError(UserError):
    """An argument or field that cannot be right."""

    default_code = "validation"


class ResourceNotFound(UserError):
    """No such instance, run, checkpoint or object."""

    default_code = "not-found"


class ResourceExists(UserError):
    """A name that is taken."""

    default_code = "exists"


class Refused(UserError):
    """A plan that its verdict, a mode or a protection does not allow."""

    default_code = "refused"


class PlanChanged(UserError):
    """The world changed between the plan and its confirmation."""

    default_code = "plan-changed"


class CloudProviderError(TrainctlError):
    """A provider refused or failed; `transient` tells whether later may be better."""

    default_code = "provider"

    def __init__(
        self,
        what: str,
        why: str = "",
        todo: str = "",
        *,
        code: str = "",
        request_id: str = "",
        transient: bool = False,
    ) -> None:
        super().__init__(what, why, todo, code=code, request_id=request_id)
        self.transient = transient

    @property
    def retryable(self) -> bool:
        """Whether the provider called it a passing condition."""
        return self.transient


class AwsError(CloudProviderError):
    """AWS refused or failed; the code is AWS's own."""

    default_code = "aws"


class CredentialsError(AwsError):
    """No credentials, or expired ones."""

    default_code = "aws.credentials"
    not_connected = "AWS"


class NoCapacity(AwsError):
    """The market has no such machine at the moment."""

    default_code = "InsufficientInstanceCapacity"


class Unsupported(CloudProviderError):
    """The provider cannot do this; the capability's reason says why."""

    exit_code = 1
    default_code = "unsupported"


class HostError(TrainctlError):
    """A host, or the way to it, failed."""

    default_code = "host"


class HostUnreachable(HostError):
    """No connection could be made."""

    default_code = "host.unreachable"

    @property
    def retryable(self) -> bool:
        """A host may be booting."""
        return True


class HostLinkLost(HostError):
    """The connection ended in the middle; what the command did is not known."""

    default_code = "host.link-lost"

    @property
    def retryable(self) -> bool:
        """Reading again is safe; callers decide about changes."""
        return True


class HostKeyUnknown(HostError):
    """A host key that nobody vouched for."""

    default_code = "host.key-unknown"


class HostKeyChanged(HostError):
    """A host key other than the trusted one."""

    default_code = "host.key-changed"


class AgentError(HostError):
    """The agent on the host answered with an error."""

    default_code = "host.agent"


class DataTransferError(TrainctlError):
    """Code or data did not arrive whole."""

    default_code = "transfer"


class StateError(TrainctlError):
    """Our own ledger, journal or lock cannot be read or written."""

    default_code = "state"


class OutputLost(TrainctlError):
    """An answer that could not be written to standard output."""

    default_code = "output"


class SandboxFailed(TrainctlError):
    """The embedded cloud did not start or went away."""

    default_code = "sandbox"


def unread(what: str, missing: Sequence[Problem]) -> CloudProviderError:
    """Return the one error that several problems with reading come to: the first one's code and way out."""
    first, *others = missing
    why = "; ".join(": ".join(filter(None, (problem.what, problem.why))) for problem in (first, *others))
    return CloudProviderError(what, why, first.todo, code=first.code, request_id=first.request_id)


def refusal(plan: Plan) -> Refused:
    """Return the error about a plan that may not be carried out: all its reasons, and the one thing to do."""
    why = "; ".join(reason.text for reason in plan.verdict.blocking)
    return Refused(f"refused: {plan.effect}", why, plan.verdict.way_out, code=plan.verdict.blocking[0].code)


def unacknowledged(plan: Plan, given: frozenset[str]) -> Refused:
    """Return the error about a plan that a person has to acknowledge reasons against, each by its code."""
    missing = [one for one in plan.verdict.blocking if one.code not in given]
    why = "; ".join(f"{one.text} [{one.code}]" for one in missing) or "a reason of ten characters or more is missing"
    better = f"{plan.verdict.way_out}; or " if plan.verdict.way_out else ""
    todo = f"{better}acknowledge each with --ack CODE, and say why with --reason"
    return Refused(f"not acknowledged: {plan.effect}", why, todo, code=plan.verdict.blocking[0].code)
