"""`SessionService`: where we are, who we are, and whether changes are allowed; the header and the safety rules ask it.

Only accounts in `safety.production_accounts` start read-only, and can be armed for a while. While such accounts are
configured and the account in use is not known, it counts as one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.lock import Lock
from runctl_tui.services.errors import CredentialsError, Refused, TrainctlError, ValidationError
from runctl_tui.services.ports_provider import Renewable
from runctl_tui.services.ports_session import SessionFacts

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.identity import Identity
    from runctl_tui.domain.settings import Configuration
    from runctl_tui.services.ports_provider import ProviderRegistry

LONGEST_ARMED: Final = 3600.0
CALLER_PATIENCE: Final = 3.0
"""Seconds that the audit log waits to hear who calls: nobody's work waits longer for that."""
_CLOUD: Final = "aws"


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """What does not change while the program runs."""

    configuration: Configuration
    registry: ProviderRegistry
    clock: Clock
    sandbox: bool = False
    root: bool = False


class SessionService:
    """Implements the port `Session`."""

    def __init__(self, place: SessionPlace) -> None:
        self._place = place
        self._identity: Fact[Identity] = Unknown("not asked yet")
        self._armed_until: float | None = None
        self._renew = ""
        self._returns = 0
        self._account = ""
        """The first that was told; what is shown and planned is about it."""

    @property
    def owner(self) -> str:
        """Who resources belong to: configured, else the login name."""
        return owner_of(self._place.configuration, login_name())

    @property
    def identity(self) -> Fact[Identity]:
        """Who we are to the cloud, as last told."""
        return self._identity

    async def facts(self) -> SessionFacts:
        """Ask the provider who we are; keeps the last answer where it fails."""
        try:
            provider = self._place.registry.get(_CLOUD)
            if self._renew and isinstance(provider, Renewable):
                provider.forget_credentials()
            answer = await provider.identity()
        except TrainctlError as error:
            answer = Unknown(str(error))
        self._hear(answer)
        return self.cached()

    def _hear(self, answer: Fact[Identity]) -> None:
        if isinstance(answer, Known):
            self._returns += bool(self._renew)
            self._renew, self._account = "", self._account or answer.value.account
            self._identity = answer
            return
        if answer.code == CredentialsError.default_code:
            self._renew = answer.todo or "log in again"
        if not isinstance(self._identity, Known):
            self._identity = answer

    def cached(self) -> SessionFacts:
        """What is known without asking anybody."""
        configuration = self._place.configuration
        known = self._identity.value if isinstance(self._identity, Known) else None
        return SessionFacts(
            sandbox=self._place.sandbox,
            profile=(known.profile if known else "") or configuration.aws.profile or "",
            regions=self._regions(),
            who=known.caller if known else "",
            expires_in=self._expires_in(known),
            lock=self._lock_words(),
            armed_for=self._armed_for() if self.production else None,
            root=self._place.root,
            renew=self._renew,
            returns=self._returns,
        )

    async def caller(self) -> str:
        """Return who the cloud takes us for; empty where it does not tell soon."""
        if not self.cached().who:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CALLER_PATIENCE):
                    await self.facts()
        return self.cached().who

    def _regions(self) -> tuple[str, ...]:
        """The regions that are really looked at; the configured ones while the cloud is not there yet."""
        clouds = [one for one in self._place.registry.all() if one.name == _CLOUD]
        return clouds[0].regions() if clouds else self._place.configuration.regions

    @property
    def production(self) -> bool:
        """Whether this is, or may be, one of the production accounts."""
        accounts = self._place.configuration.safety.production_accounts
        if self._place.sandbox or not accounts:
            return False
        return not isinstance(self._identity, Known) or self._identity.value.account in accounts

    @property
    def read_only(self) -> bool:
        """Whether changes are refused now; asked again where a call is made."""
        return bool(self.why_read_only())

    def why_read_only(self) -> str:
        """Return why changes are refused now; empty: they are allowed."""
        lock = self.lock()
        return lock.why if lock is not None else ""

    def lock(self) -> Lock | None:
        """Return why changes are refused now and what lifts that; None: they are allowed."""
        safety = self._place.configuration.safety
        if safety.read_only:
            why = "safety.read_only is set"
            return Lock(why, f"start without it: {self._origin('safety.read_only')}", why)
        if self._renew:
            return Lock(f"the credentials have ended: {self._renew}", self._renew, "the login has ended")
        if isinstance(self._identity, Known) and self._identity.value.account != self._account:
            now = self._identity.value.account
            return Lock(
                f"the account is {now} now and was {self._account}: start again",
                "start again",
                "another account: start again",
            )
        if not self.production or self._armed_for() > 0.0:
            return None
        if safety.arming:
            return Lock("a production account that is not armed", ":arm 10m", ":arm 10m first")
        origin = self._origin("safety.arming")
        why = f"a production account, and safety.arming is off: {origin}"
        return Lock(why, "use another account", "safety.arming is off")

    def _lock_words(self) -> str:
        lock = self.lock()
        return lock.words if lock is not None else ""

    def _origin(self, key: str) -> str:
        return self._place.configuration.origins.get(key, "configuration")

    def arm(self, seconds: float) -> None:
        """Allow changes in a production account for a while, at most an hour; 0 ends it."""
        if self._place.configuration.safety.read_only:
            origin = self._origin("safety.read_only")
            raise Refused(
                "read-only mode cannot be lifted here", f"it comes from: {origin}", "start without --read-only"
            )
        if not self._place.configuration.safety.arming:
            origin = self._origin("safety.arming")
            raise Refused("changes cannot be armed here", f"safety.arming is off: {origin}", "use another account")
        if not self.production:
            raise ValidationError("nothing to arm", "this is no production account: changes are allowed already")
        if not 0 <= seconds <= LONGEST_ARMED:
            raise ValidationError(f"{seconds:g} s is too long", todo=f"at most {LONGEST_ARMED / 60:.0f} minutes")
        self._armed_until = self._place.clock.monotonic() + seconds

    def _armed_for(self) -> float:
        if self._armed_until is None:
            return 0.0
        return max(self._armed_until - self._place.clock.monotonic(), 0.0)

    def _expires_in(self, known: Identity | None) -> float | None:
        if known is None or known.expires_at is None:
            return None
        return max((known.expires_at - self._place.clock.now()).total_seconds(), 0.0)


def owner_of(configuration: Configuration, login: str) -> str:
    """Return who resources belong to."""
    return configuration.owner or configuration.aws.user_id or login or "unknown"


def login_name() -> str:
    """Return the name that the person logged in with, nothing where the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
