"""Where and who we are, and when changes are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.identity import Identity
from runctl_tui.domain.settings import AwsSection, Configuration, SafetySection
from runctl_tui.services.errors import HostUnreachable, Refused, ValidationError
from runctl_tui.services.identity import SessionPlace, SessionService, owner_of
from runctl_tui.services.ports import ProviderRegistry

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PRODUCTION = "123456789012"


class Clock:
    seconds = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds


class Provider:
    name = "aws"

    def __init__(self, answer: Fact[Identity] | Exception) -> None:
        self.answer = answer

    async def identity(self) -> Fact[Identity]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def regions(self) -> tuple[str, ...]:
        return Configuration().regions


class Registry:
    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def get(self, name: str) -> Any:
        return self.provider

    def all(self) -> tuple[Any, ...]:
        return (self.provider,)


def who(account: str = PRODUCTION) -> Known[Identity]:
    return Known(Identity(account, "me", "research", NOW + timedelta(minutes=47)), NOW, "STS")


def session(
    answer: Fact[Identity], *, accounts: tuple[str, ...] = (), read_only: bool = False, sandbox: bool = False
) -> tuple[SessionService, Clock, Provider]:
    clock, provider = Clock(), Provider(answer)
    configuration = Configuration(safety=SafetySection(read_only=read_only, production_accounts=accounts))
    place = SessionPlace(configuration, cast(ProviderRegistry, Registry(provider)), clock, sandbox)
    return SessionService(place), clock, provider


async def test_the_headers_facts() -> None:
    service, _, _ = session(who())
    before = service.cached()
    assert (before.who, before.expires_in) == ("", None)
    facts = await service.facts()
    assert (facts.who, facts.profile, facts.expires_in) == ("me", "research", 47 * 60)
    assert (facts.read_only, facts.armed_for) == (False, None)
    assert service.cached() == facts


async def test_a_failed_question_keeps_the_last_answer() -> None:
    service, _, provider = session(who())
    await service.facts()
    provider.answer = HostUnreachable("no network")
    assert (await service.facts()).who == "me"


async def test_production_starts_read_only_and_is_armed_for_a_while() -> None:
    service, clock, _ = session(who(), accounts=(PRODUCTION,))
    facts = await service.facts()
    assert (facts.read_only, facts.armed_for) == (True, 0.0)
    service.arm(600)
    assert (service.read_only, service.cached().armed_for) == (False, 600.0)
    clock.seconds = 601
    assert service.read_only is True


async def test_other_accounts_are_neither_read_only_nor_armed() -> None:
    service, _, _ = session(who("999999999999"), accounts=(PRODUCTION,))
    await service.facts()
    assert (service.read_only, service.cached().armed_for) == (False, None)
    with pytest.raises(ValidationError):
        service.arm(60)


async def test_an_unknown_account_counts_as_production_while_any_is_configured() -> None:
    service, _, _ = session(Unknown("no network"), accounts=(PRODUCTION,))
    await service.facts()
    assert service.read_only is True


async def test_the_sandbox_is_never_production() -> None:
    service, _, _ = session(who(), accounts=(PRODUCTION,), sandbox=True)
    assert (await service.facts()).read_only is False


async def test_read_only_mode_cannot_be_armed_away() -> None:
    service, _, _ = session(who(), accounts=(PRODUCTION,), read_only=True)
    await service.facts()
    with pytest.raises(Refused):
        service.arm(60)
    assert service.read_only is True


@pytest.mark.parametrize(
    ("safety", "words", "unlock"),
    [
        (SafetySection(production_accounts=(PRODUCTION,)), "read-only: :arm 10m first", ":arm 10m"),
        (
            SafetySection(production_accounts=(PRODUCTION,), arming=False),
            "read-only: safety.arming is off",
            "use another account",
        ),
        (SafetySection(read_only=True), "read-only: safety.read_only is set", "start without it: --read-only"),
        (SafetySection(), "", ""),
    ],
)
async def test_a_lock_says_to_arm_only_where_that_is_allowed(safety: SafetySection, words: str, unlock: str) -> None:
    origins = {"safety.read_only": "--read-only", "safety.arming": "policy (/etc/x)"}
    registry = cast(ProviderRegistry, Registry(Provider(who())))
    service = SessionService(SessionPlace(Configuration(safety=safety, origins=origins), registry, Clock()))
    facts, lock = await service.facts(), service.lock()
    assert (facts.lock, facts.read_only) == (words, bool(words))
    assert (lock.todo if lock else "") == unlock
    if unlock == ":arm 10m":
        service.arm(600)
        assert service.cached().lock == ""


@pytest.mark.parametrize("seconds", [-1, 3601])
async def test_arming_is_bounded(seconds: float) -> None:
    service, _, _ = session(who(), accounts=(PRODUCTION,))
    await service.facts()
    with pytest.raises(ValidationError):
        service.arm(seconds)


def test_the_owner() -> None:
    assert owner_of(Configuration(), "login") == "login"
    assert owner_of(Configuration(aws=AwsSection(user_id="heritage")), "login") == "heritage"
    assert owner_of(Configuration(owner="ours", aws=AwsSection(user_id="heritage")), "login") == "ours"
    assert owner_of(Configuration(), "") == "unknown"


class Expiring(Provider):
    """Answers by a script, one word per question, and counts how often its credentials were read anew."""

    def __init__(self, script: list[Fact[Identity]]) -> None:
        super().__init__(script[0])
        self.script, self.forgotten = script, 0

    async def identity(self) -> Fact[Identity]:
        return self.script.pop(0)

    def forget_credentials(self) -> None:
        self.forgotten += 1


ENDED = Unknown("the token has expired", "run `aws sso login --profile research`", "aws.credentials")
SILENT = Unknown("AWS did not answer", "check the network", "EndpointConnectionError")


async def test_credentials_that_end_make_it_read_only_until_they_return() -> None:
    service, _, _ = session(who())
    provider = Expiring([who(), SILENT, ENDED, ENDED, who()])
    service._place.registry.provider = provider  # type: ignore[attr-defined]  # the fake above
    assert not (await service.facts()).read_only
    assert (await service.facts()).renew == "", "silence is no expiry"
    for _ in range(2):
        facts = await service.facts()
        assert (facts.read_only, facts.renew) == (True, "run `aws sso login --profile research`")
        assert facts.who == "me", "what was known stays"
        assert "aws sso login --profile research" in service.why_read_only()
    facts = await service.facts()
    assert (facts.read_only, facts.renew, facts.returns) == (False, "", 1)
    assert provider.forgotten == 2, "the login is looked for at each question, and only then"


async def test_credentials_that_had_ended_before_the_start_are_told_and_read_anew() -> None:
    service, _, _ = session(who())
    provider = Expiring([ENDED, ENDED, who()])
    service._place.registry.provider = provider  # type: ignore[attr-defined]  # the fake above
    facts = await service.facts()
    assert (facts.read_only, facts.renew, facts.who) == (True, "run `aws sso login --profile research`", "")
    await service.facts()
    facts = await service.facts()
    assert (facts.read_only, facts.renew, facts.who, facts.returns) == (False, "", "me", 1)
    assert provider.forgotten == 2


async def test_what_never_was_there_has_not_ended() -> None:
    service, _, _ = session(Unknown("no usable credentials", "`aws configure`", "NoCredentialsError"))
    facts = await service.facts()
    assert (facts.read_only, facts.renew) == (False, "")


async def test_another_account_after_the_return_changes_nothing() -> None:
    service, _, _ = session(who())
    service._place.registry.provider = Expiring([who(), ENDED, who("999999999999"), who()])  # type: ignore[attr-defined]  # the fake above
    for _ in range(3):
        facts = await service.facts()
    assert (facts.read_only, facts.returns) == (True, 1)
    assert f"999999999999 now and was {PRODUCTION}" in service.why_read_only()
    assert not (await service.facts()).read_only
