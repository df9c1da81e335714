"""Who the credentials in use belong to, and when they end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.identity import Identity
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.settings import AwsSettings
from runctl_tui.services.errors import CredentialsError, TrainctlError

if TYPE_CHECKING:
    from botocore.session import Session

WHAT: Final = "The AWS identity could not be read"


_NONE_AT_ALL: Final = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound")
"""What never was there has not ended: nobody has to log in again."""


class Caller:
    """Asks STS."""

    def __init__(self, clients: AwsClients, settings: AwsSettings, clock: Clock) -> None:
        self._clients = clients
        self._settings = settings
        self._clock = clock

    async def identity(self) -> Fact[Identity]:
        """Return account and caller; unknown with AWS's reason where they could not be read."""
        try:
            told = await self._clients.sts(self._settings.regions[0], WHAT, lambda sts: sts.get_caller_identity())
            ends = await self._clients.session(WHAT, expiry)
        except TrainctlError as error:
            ended = isinstance(error, CredentialsError) and error.code not in _NONE_AT_ALL
            code = CredentialsError.default_code if ended else error.code
            return Unknown(str(error), error.todo, code)
        value = Identity(told.get("Account", ""), told.get("Arn", ""), self._settings.profile, ends)
        return Known(value, self._clock.now(), "STS GetCallerIdentity")


def expiry(session: Session) -> datetime | None:
    """Return when a session's credentials end; None where they do not, or nobody tells.

    botocore keeps the time in a private field of refreshable credentials and offers no other way to it.
    """
    ends = getattr(session.get_credentials(), "_expiry_time", None)
    return ends.astimezone(UTC) if isinstance(ends, datetime) else None
