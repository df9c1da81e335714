"""The HTTP edge of the sandbox's AWS: lets our clients in, adds what moto lacks, passes the rest to moto."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Protocol

from runctl_tui.sandbox import s3_uploads
from runctl_tui.sandbox.answers import Answer, Call, Refusal, refused
from runctl_tui.sandbox.cloud import Cloud

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
READ_ONLY: Final = ("Describe", "Get", "List", "HEAD", "GET", "OPTIONS")
CATALOGUE: Final = frozenset({"DescribeInstanceTypes", "DescribeInstanceTypeOfferings", "DescribeRegions"})
KEPT_LOOK_UPS: Final = 64
LOG: Final = logging.getLogger(__name__)


class Service(Protocol):
    """What the front asks before and after moto for one AWS service."""

    def before(self, call: Call) -> Answer | Mapping[str, str] | None:
        """Answer the call, change its parameters, or leave it to moto; Refusal where AWS would refuse."""
        ...

    def after(self, call: Call, body: bytes) -> None:
        """See a call that moto has granted."""
        ...


class Keys:
    """The access keys that are valid in this run of the sandbox."""

    def __init__(self, access_key: str) -> None:
        self._valid = {access_key}

    def add(self, access_key: str) -> None:
        """Let a further key in, such as an instance's."""
        self._valid.add(access_key)

    def check(self, call: Call) -> None:
        """Refuse a call whose key is unknown, in the words of its service."""
        if call.access_key in self._valid:
            return
        if call.service == "s3":
            raise Refusal(
                "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403
            )
        if call.service == "ec2":
            raise Refusal("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
        if call.service in ("ssm", "pricing"):
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        raise Refusal("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


class Front:
    """A WSGI application around moto's."""

    def __init__(self, inner: Application, cloud: Cloud, keys: Keys, services: Mapping[str, Service]) -> None:
        self._inner = inner
        self._cloud = cloud
        self._keys = keys
        self._services = services
        self._looked_up: dict[tuple[str, tuple[tuple[str, str], ...]], Answer] = {}
        self._uploads = 0
        self._guard = threading.Lock()
        self._last_upload = float("-inf")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one HTTP request."""
        call = read_call(environ)
        try:
            if environ.get("PATH_INFO", "").startswith("/moto-api"):
                raise Refusal("AccessDenied", "Not part of AWS", 403)
            self._keys.check(call)
            refuse_expired(environ)
            if call.service == "s3":
                return self._pass_on(call, environ, start_response)
            answer = self._serve(call, environ)
        except Refusal as refusal:
            answer = refused(call, refusal)
            _exhaust(environ)
        return _send(answer, start_response)

    def uploading(self, within_s: float) -> bool:
        """Whether something is written to S3 now, or was in the last seconds."""
        return self._uploads > 0 or time.monotonic() - self._last_upload < within_s

    def _serve(self, call: Call, environ: dict[str, Any]) -> Answer:
        self._cloud.ec2(call.region)
        if call.action in CATALOGUE:
            return self._look_up(call, environ)
        service = self._services.get(call.service)
        if service is None:
            return self._ask_moto(call, environ)
        with self._cloud.lock:
            found = service.before(call)
            if isinstance(found, Answer):
                return found
            if found is not None:
                _replace_form(environ, found)
            answer = self._ask_moto(call, environ)
            if answer.status == HTTPStatus.OK:
                service.after(call, answer.body)
        return answer

    def _look_up(self, call: Call, environ: dict[str, Any]) -> Answer:
        """Answer from the catalogue, which takes moto seconds and never changes; nobody waits for it but the caller."""
        asked = (call.region, tuple(sorted(call.form.items())))
        if asked not in self._looked_up:
            self._looked_up[asked] = self._ask_moto(call, environ)
            while len(self._looked_up) > KEPT_LOOK_UPS:
                del self._looked_up[next(iter(self._looked_up))]
        return self._looked_up[asked]

    def _ask_moto(self, call: Call, environ: dict[str, Any]) -> Answer:
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            said.append((status, headers))

        try:
            body = b"".join(self._inner(environ, note))
        except Exception as error:  # the net under moto's request handlers, which raise anything
            LOG.warning("%s %s is not played: %r", call.service, call.action, error)
            raise Refusal("UnsupportedOperation", f"The sandbox does not play {call.action}: {error}") from error
        status, headers = said[-1]
        if status.startswith("5"):
            raise Refusal("UnsupportedOperation", f"The sandbox does not play {call.action} with these parameters")
        if not call.action.startswith(READ_ONLY):
            self._cloud.changed()
        kind = next((value for name, value in headers if name.lower() == "content-type"), "text/xml")
        return Answer(int(status.split(" ", 1)[0]), body, kind)

    def _pass_on(self, call: Call, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if call.action.startswith(READ_ONLY):
            listing = "uploads" in urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
            return (self._list_uploads if listing else self._inner)(environ, start_response)
        with self._guard:
            self._uploads += 1
        try:
            return list(self._inner(environ, start_response))
        finally:
            with self._guard:
                self._uploads -= 1
            self._last_upload = time.monotonic()
            self._cloud.changed()

    def _list_uploads(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """List unfinished uploads as moto knows them, with what it does not know."""
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            said.append((status, headers))

        answer = s3_uploads.dated(self._cloud, environ["PATH_INFO"], self._inner(environ, note))
        status, headers = said[-1]
        start_response(status, _with_length(headers, sum(map(len, answer))))
        return answer


def _with_length(headers: list[tuple[str, str]], length: int) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return [*kept, ("Content-Length", str(length))]


def read_call(environ: dict[str, Any]) -> Call:
    """Read who calls what from the headers and the body, leaving the body to be read again."""
    query = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", "")))
    credential = query.get("X-Amz-Credential", "")
    for part in environ.get("HTTP_AUTHORIZATION", "").replace(",", " ").split():
        if part.startswith("Credential="):
            credential = part.removeprefix("Credential=")
    scope = credential.split("/")
    _, _, old_style = environ.get("HTTP_AUTHORIZATION", "").partition("AWS ")
    access_key, region, service = query.get("AWSAccessKeyId", old_style.partition(":")[0]), "us-east-1", "s3"
    if len(scope) == 5:
        access_key, region, service = scope[0], scope[2], scope[3]
    form: dict[str, str] = {}
    content: dict[str, Any] = {}
    action = environ.get("REQUEST_METHOD", "GET")
    if service != "s3":
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(raw)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target:
            action = target.rpartition(".")[2]
            content = json.loads(raw or b"{}")
        else:
            form = dict(urllib.parse.parse_qsl(raw.decode(), keep_blank_values=True))
            action = form.get("Action", action)
    return Call(service, region, action, access_key, form, content)


def refuse_expired(environ: Mapping[str, Any]) -> None:
    """Refuse a presigned address after its time, as S3 does."""
    query = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", "")))
    if "X-Amz-Expires" in query:
        signed = datetime.strptime(query.get("X-Amz-Date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        ends = signed.timestamp() + int(query["X-Amz-Expires"])
    elif "Expires" in query and "Signature" in query:
        ends = int(query["Expires"])
    else:
        return
    if time.time() > ends:
        raise Refusal("AccessDenied", "Request has expired", 403)


def _replace_form(environ: dict[str, Any], form: Mapping[str, str]) -> None:
    raw = urllib.parse.urlencode(form).encode()
    environ["wsgi.input"] = io.BytesIO(raw)
    environ["CONTENT_LENGTH"] = str(len(raw))


def _exhaust(environ: Mapping[str, Any]) -> None:
    """Read what the client still sends, so that it sees the answer instead of a broken connection."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0 and (data := environ["wsgi.input"].read(min(left, 1 << 20))):
        left -= len(data)


def _send(answer: Answer, start_response: Any) -> Iterable[bytes]:
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    start_response(status, [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))])
    return [answer.body]
