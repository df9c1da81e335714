"""How often a call to AWS is really sent: botocore's standard mode for reads, once for what changes something."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from math import ceil
from typing import Any, Final

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.settings import AwsSettings
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.retrying import Onlooker, watched
from runctl_tui.services.threads import BackendPool
from tests.services.aws.world import FakeClock, World

SLEPT: Final = list[float]()
"""The seconds that botocore waited."""
GOLDEN: Final = [
    # code, status, sends of a read, sends of a change
    ("RequestLimitExceeded", 503, 5, 1),
    ("Throttling", 400, 5, 1),
    ("InternalError", 500, 5, 1),
    ("Unavailable", 503, 5, 1),
    ("InsufficientInstanceCapacity", 500, 5, 1),
    ("InsufficientInstanceCapacity", 400, 1, 1),
    ("InvalidInstanceID.NotFound", 400, 1, 1),
    ("AuthFailure", 401, 1, 1),
    ("RequestExpired", 400, 1, 1),
    ("VcpuLimitExceeded", 400, 1, 1),
    ("UnauthorizedOperation", 403, 1, 1),
    ("connect", 0, 5, 1),
    ("read", 0, 5, 1),
]


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._body


class Failing:
    """Answers every request with one failure, and counts them."""

    def __init__(self, code: str, status: int) -> None:
        self.code, self.status, self.sent = code, status, 0

    def __call__(self, request: Any, **_: object) -> AWSResponse:
        self.sent += 1
        if not self.status:
            kind = ConnectTimeoutError if self.code == "connect" else ReadTimeoutError
            raise kind(endpoint_url=request.url)
        body = f"<Response><Errors><Error><Code>{self.code}</Code><Message>m</Message></Error></Errors></Response>"
        return AWSResponse(request.url, self.status, HTTPHeaders(), _Raw(body.encode()))


async def sends(
    clients: AwsClients, failure: Failing, changes: bool, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> int:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: SLEPT.append(seconds))
    client: Any = clients._client("ec2", "us-east-1", changes)
    client.meta.events.register("before-send", failure)
    with watched(Onlooker(told.append)), pytest.raises(TrainctlError):
        await clients.ec2("us-east-1", "x", lambda ec2: ec2.describe_instances(), changes=changes)
    await asyncio.sleep(0)
    return failure.sent


@pytest.mark.parametrize(("code", "status", "reads", "changes"), GOLDEN)
async def test_how_often_it_is_sent(
    settings: AwsSettings,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    status: int,
    reads: int,
    changes: int,
) -> None:
    clients, told = AwsClients(settings, BackendPool("t", 1), clock), list[str]()
    SLEPT.clear()
    assert await sends(clients, Failing(code, status), False, told, monkeypatch) == reads
    waits = [f"retry {attempt} of 5 in {ceil(SLEPT[attempt - 2])} s" for attempt in range(2, reads + 1)]
    assert told == (waits and [*waits, ""]), "each retry is told with its wait, and that there is no other"
    told.clear()
    assert await sends(clients, Failing(code, status), True, told, monkeypatch) == changes
    assert told == []


async def test_a_read_that_hangs_is_given_up_at_its_deadline(settings: AwsSettings, clock: FakeClock) -> None:
    from dataclasses import replace
    from threading import Event

    from runctl_tui.services.aws.settings import ReadSettings

    released = Event()
    hasty = AwsClients(replace(settings, retry=ReadSettings(2, 0.1)), BackendPool("t", 1), clock)
    with pytest.raises(TrainctlError, match=r"no answer within 0\.1 seconds") as caught:
        await hasty.ec2("us-east-1", "x", lambda _: released.wait(20))
    released.set()
    assert caught.value.retryable


async def test_a_scripted_provider_of_credentials_ends_and_returns(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime, timedelta

    from botocore.credentials import RefreshableCredentials
    from botocore.exceptions import CredentialRetrievalError

    from runctl_tui.domain.facts import Known, Unknown
    from runctl_tui.services.aws.identity import Caller

    ended = [False]

    def refresh() -> dict[str, str]:
        if ended[0]:
            raise CredentialRetrievalError(provider="sso", error_msg="Token has expired and refresh failed")
        soon = datetime.now(UTC) + timedelta(seconds=1)
        return {"access_key": "A", "secret_key": "s", "token": "t", "expiry_time": soon.isoformat()}

    clients = AwsClients(world.settings, BackendPool("t", 1), world.clock)
    opened = clients._core

    def scripted() -> Any:
        core: Any = opened()
        core._credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "env")
        return core

    monkeypatch.setattr(clients, "_core", scripted)
    caller = Caller(clients, world.settings, world.clock)
    told = await caller.identity()
    assert isinstance(told, Known)
    assert told.value.expires_at is not None
    ended[0] = True
    told = await caller.identity()
    assert isinstance(told, Unknown)
    assert told.code == "aws.credentials"
    ended[0] = False
    clients.forget()
    assert isinstance(await caller.identity(), Known)
