"""The SDK's clients: one session per profile, one client per service, region and kind of call, made in the pool.

Every call to AWS goes through `AwsClients`, so that time-outs, retries, errors and the loopback rule hold everywhere.
"""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from runctl_tui import __version__
from runctl_tui.domain.clock import Clock
from runctl_tui.domain.secret import KNOWN
from runctl_tui.services.aws.answers import check_read, check_sent
from runctl_tui.services.aws.circuit import Circuits
from runctl_tui.services.aws.codes import DRY_RUN_PASSED
from runctl_tui.services.aws.faults import AwsFaults
from runctl_tui.services.aws.measuring import measure
from runctl_tui.services.aws.models import teach
from runctl_tui.services.aws.retries import tell_retries
from runctl_tui.services.aws.settings import AwsSettings
from runctl_tui.services.calls import note_call
from runctl_tui.services.errors import Refused, TrainctlError
from runctl_tui.services.threads import BackendPool, CancelToken

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from botocore.session import Session as Core
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_pricing.client import PricingClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_sts.client import STSClient

T = TypeVar("T")
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20
_READING: Final = re.compile(r"(Describe|Get|List|Head)(?!PasswordData)")
"""Operations that change nothing, by what their names begin with."""
PRICING_REGION: Final = "us-east-1"
"""Where the price lists of all regions are asked for."""


class AwsClients:
    """All ways to AWS for one profile."""

    def __init__(self, settings: AwsSettings, pool: BackendPool, clock: Clock) -> None:
        settings.validate()
        self.pool = pool
        named = settings.profile or settings.ambient_profile
        self.faults = AwsFaults(named, clock.now, settings.endpoint_url, self._method)
        self._settings = settings
        self._circuits = Circuits(clock)
        self._lock = threading.Lock()
        self._session: Core | None = None
        self._boto: Session | None = None
        self._clients: dict[tuple[str, str, bool], object] = {}

    async def ec2(self, region: str, what: str, call: Callable[[EC2Client], T], *, changes: bool = False) -> T:
        """Return the call's answer; `what` says what failed where it does; `changes` sends it once only."""
        return await self._run("ec2", region, what, cast("Callable[[Any], T]", call), changes)

    async def ec2_pages(
        self, region: str, what: str, operation: str, request: Mapping[str, Any]
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield all pages of a reading operation such as 'describe_instances', each read by a call of its own."""
        token: str | None = None
        while True:
            asked = {**request, "NextToken": token} if token else {**request}
            page = await self._run("ec2", region, what, partial(_invoke, operation, asked))
            yield page
            token = page.get("NextToken")
            if not token:
                return

    async def s3(
        self,
        region: str,
        what: str,
        call: Callable[[S3Client], T],
        *,
        changes: bool = False,
        cancel: CancelToken | None = None,
    ) -> T:
        """Return an S3 call's answer; `changes` sends it once only, where repeating it could do harm."""
        return await self._run("s3", region, what, cast("Callable[[Any], T]", call), changes, cancel)

    async def ssm(self, region: str, what: str, call: Callable[[SSMClient], T]) -> T:
        """Return a Systems Manager call's answer."""
        return await self._run("ssm", region, what, cast("Callable[[Any], T]", call))

    async def sts(self, region: str, what: str, call: Callable[[STSClient], T]) -> T:
        """Return a Security Token Service call's answer."""
        return await self._run("sts", region, what, cast("Callable[[Any], T]", call))

    async def pricing(self, what: str, call: Callable[[PricingClient], T]) -> T:
        """Return a Pricing call's answer."""
        return await self._run("pricing", PRICING_REGION, what, cast("Callable[[Any], T]", call))

    async def session(self, what: str, call: Callable[[Core], T]) -> T:
        """Return what is read from the session itself, such as when its credentials end."""
        return await self.pool.run(lambda: call(self._opened()), faults=self.faults.named(what))

    def _method(self) -> str:
        """Told without asking anybody: what was loaded last stays in the session."""
        return getattr(getattr(self._session, "_credentials", None), "method", "") or ""

    def forget(self) -> None:
        """Drop the session and its clients, so that renewed credentials are read."""
        with self._lock:
            self._session = self._boto = None
            self._clients.clear()

    async def _run(
        self,
        service: str,
        region: str,
        what: str,
        call: Callable[[Any], T],
        changes: bool = False,
        cancel: CancelToken | None = None,
    ) -> T:
        def asked() -> Awaitable[T]:
            faults = self.faults.named(what)
            limit = None if service == "s3" or changes else self._settings.retry.deadline
            work = partial(self._called, service, region, changes, call)
            return self.pool.run(work, timeout=limit, faults=faults, cancel=cancel)

        if changes:
            return await _noted(asked())
        return await (self._circuits.guard(region, what, asked) if service == "ec2" else asked())

    def _called(self, service: str, region: str, changes: bool, call: Callable[[Any], T]) -> T:
        return call(self._client(service, region, changes))

    def _client(self, service: str, region: str, changes: bool) -> object:
        """Made under the lock, because sessions are not safe for threads and clients are."""
        key = (service, region, changes)
        core = self._opened()
        with self._lock:
            if key not in self._clients:
                make: Callable[..., object] = self._maker(service, core)
                endpoint = self._settings.endpoint_url or None
                config = self._config(service, changes)
                made: Any = make(service, region_name=region, endpoint_url=endpoint, config=config)
                made.meta.events.register("before-sign", partial(_know_keys, core))
                tell_retries(made, self._attempts(changes))
                made.meta.events.register("before-call", self._gate)
                made.meta.events.register("before-parse", check_sent)
                made.meta.events.register("after-call", check_read)
                measure(made.meta.events, service, region)
                self._clients[key] = made
            return self._clients[key]

    def _gate(self, model: Any, **_: object) -> None:
        """Let nothing but reads through while changes are forbidden, whoever asks and however it came here."""
        reason = self._settings.forbids()
        if reason and not _READING.match(model.name):
            raise Refused(f"{model.name} was not sent", f"read-only: {reason}", code="ro_mode")

    def _maker(self, service: str, core: Core) -> Callable[..., object]:
        """boto3 brings S3's machinery for transfers with it, for which the first rows of EC2 need not wait."""
        if service != "s3":
            return core.create_client
        if self._boto is None:
            from boto3.session import Session

            self._boto = Session(botocore_session=core)
        return self._boto.client

    def _opened(self) -> Core:
        with self._lock:
            if self._session is None:
                self._session = teach(self._core(), self._settings.state_dir / "models")
            return self._session

    def _core(self) -> Core:
        """With an endpoint of its own, it reads neither environment nor files: real credentials never go there."""
        from botocore.session import Session as Core

        keys = self._settings.credentials
        if not self._settings.endpoint_url:
            return Core(profile=self._settings.profile or None)
        if keys is None:
            raise ValueError("an endpoint without credentials")
        nothing: dict[str, Any] = {
            "profile": (None, None, None, None),
            "config_file": (None, None, "/dev/null", None),
            "credentials_file": (None, None, "/dev/null", None),
            "ca_bundle": (None, None, None, None),
        }
        core = Core(session_vars=nothing)
        core.set_credentials(keys.access_key_id, keys.secret_access_key, keys.session_token or None)
        return core

    def _attempts(self, changes: bool) -> int:
        return 1 if changes else self._settings.retry.attempts

    def _config(self, service: str, changes: bool) -> Config:
        from botocore.config import Config

        options: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "retries": {"mode": "standard", "total_max_attempts": self._attempts(changes)},
            "user_agent_extra": f"runctl-tui/{__version__}",
            "max_pool_connections": 16,
        }
        if self._settings.endpoint_url:
            options["proxies"] = {}
        if service == "s3":
            options["signature_version"] = "s3v4"
            if self._settings.endpoint_url:
                options["s3"] = {"addressing_style": "path"}
        return Config(**options)


def _know_keys(core: Core, **_: object) -> None:
    """Know the keys that a call is about to be signed with as secrets; botocore reads them right afterwards itself."""
    credentials = core.get_credentials()
    for text in credentials.get_frozen_credentials() if credentials else ():
        KNOWN.add(text or "")


async def _noted(call: Awaitable[T]) -> T:
    """Take note of the service's own id of a changing call, failed or not."""
    try:
        answer = await call
    except TrainctlError as error:
        if error.code != DRY_RUN_PASSED:
            note_call(error.request_id)
        raise
    if isinstance(answer, Mapping):
        note_call(str(answer.get("ResponseMetadata", {}).get("RequestId", "")))
    return answer


def _invoke(operation: str, request: dict[str, Any], client: Any) -> Mapping[str, Any]:
    call: Callable[..., Mapping[str, Any]] = getattr(client, operation)
    return call(**request)
