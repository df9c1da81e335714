"""What goes wrong between a service and AWS: each fault once, and which calls can meet it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from tests.faults.proxy import Fault, Request, Way

WEST: Final = "us-west-2"
REQUEST: Final = "0f0f0f0f-1111-2222-3333-444444444444"
HTML: Final = b"<!DOCTYPE html><html><body><h1>Sign in to the hotel's network</h1></body></html>"
_REGION: Final = re.compile(rb"Credential=[^/]+/\d+/([a-z0-9-]+)/")
_SUBRESOURCES: Final = ("versioning", "object-lock", "tagging", "uploads", "delete", "partNumber", "uploadId")
_OTHERS: Final = {"GetCallerIdentity": "sts", "GetProducts": "json", "GetParameter": "json"}
HEADERS: Final = (("x-amz-request-id", REQUEST),)


def call_of(request: Request) -> str:
    """Return the name of a call to AWS: 'RunInstances', 'S3 GET key'; those to the other region end in ' west'."""
    action = parse_qs(request.body.decode("latin-1")).get("Action", [""])[0] if request.method == "POST" else ""
    if action:
        region = _REGION.search(request.head)
        return f"{action} west" if region and region[1].decode() == WEST else action
    target = re.search(rb"(?i)x-amz-target: *\w+\.(\w+)", request.head)
    if target:
        return target[1].decode()
    parts = urlsplit(request.target)
    bucket, _, key = parts.path.strip("/").partition("/")
    place = "key" if key else "bucket" if bucket else "all"
    asked = parse_qs(parts.query, keep_blank_values=True)
    detail = next((f"?{name}" for name in _SUBRESOURCES if name in asked), "")
    copied = "+copy" if b"x-amz-copy-source:" in request.head.lower() else ""
    return f"S3 {request.method} {place}{detail}{copied}"


def service_of(call: str) -> str:
    """Return whose call it is."""
    return "s3" if call.startswith("S3 ") else _OTHERS.get(call, "ec2")


def error(service: str, code: str, message: str) -> bytes:
    """Return an error in the words of a service."""
    told = f"<Code>{code}</Code><Message>{message}</Message>"
    match service:
        case "s3":
            return f"<Error>{told}<RequestId>{REQUEST}</RequestId></Error>".encode()
        case "sts":
            return f"<ErrorResponse><Error>{told}</Error><RequestId>{REQUEST}</RequestId></ErrorResponse>".encode()
        case "json":
            return f'{{"__type": "{code}", "message": "{message}"}}'.encode()
        case _:
            return (
                f"<Response><Errors><Error>{told}</Error></Errors><RequestID>{REQUEST}</RequestID></Response>".encode()
            )


def _has_body(call: str) -> bool:
    return not call.startswith(("S3 HEAD", "S3 DELETE")) and call not in ("S3 PUT key", "S3 PUT key?partNumber")


def _any(_: str) -> bool:
    return True


def _of(*calls: str) -> Callable[[str], bool]:
    return lambda call: call in calls


@dataclass(frozen=True, slots=True)
class Case:
    """A fault as a service's calls meet it."""

    code: str
    """Of the table of faults: F01 to F29."""
    make: Callable[[str], Fault]
    """From the call's name."""
    meets: Callable[[str], bool] = _any
    gone: bool = False
    """Whether it truly says that something is not there."""
    slow: bool = False
    """Whether only a read time-out ends it."""
    harmless: bool = False
    """Whether the call must succeed all the same where it may be sent twice."""

    def __str__(self) -> str:
        return f"{self.code}-{self.make('DescribeInstances').name}"


def _way(name: str, way: Way, code: str = "F08", **more: object) -> Case:
    made = Fault(name, way, **more)  # type: ignore[arg-type]  # the fields of a Fault
    return Case(code, lambda _: made, slow=way is Way.HANG)


def _body(name: str, code: str, status: int, body: bytes, *headers: tuple[str, str]) -> Case:
    return Case(code, lambda _: Fault(name, Way.ANSWER, status=status, body=body, headers=headers))


def _told(
    name: str,
    code: str,
    status: int,
    words: str,
    meets: Callable[[str], bool] = _any,
    *,
    times: int = 1_000_000,
    gone: bool = False,
    headers: tuple[tuple[str, str], ...] = (),
) -> Case:
    def make(call: str) -> Fault:
        body = error(service_of(call), words, f"{words}: told by a test")
        return Fault(name, Way.ANSWER, status=status, body=body, times=times, headers=(*HEADERS, *headers))

    return Case(code, make, meets, gone, harmless=times == 1)


def _throttled(times: int, name: str) -> Case:
    def make(call: str) -> Fault:
        words = {"s3": "SlowDown", "ec2": "RequestLimitExceeded"}.get(service_of(call), "ThrottlingException")
        body = error(service_of(call), words, "Request limit exceeded.")
        status = 400 if service_of(call) in ("json", "sts") else 503
        return Fault(name, Way.ANSWER, status=status, body=body, times=times, headers=HEADERS)

    return Case("F01", make, harmless=times == 1)


def _swapped(call: str) -> Fault:
    """Another call's answer, as a mixed-up connection or cache would give it."""
    if service_of(call) == "json":
        return Fault("another-answer", Way.ANSWER, body=b'{"Services": []}', headers=HEADERS)
    body = b"<DescribeAccountAttributesResponse><requestId>r</requestId></DescribeAccountAttributesResponse>"
    return Fault("another-answer", Way.ANSWER, body=body, headers=HEADERS)


def _hollow(call: str) -> Fault:
    """The call's own answer with nothing in it."""
    return Fault(
        "hollow-answer", Way.ANSWER, body=f"<{call}Response><requestId>r</requestId></{call}Response>".encode()
    )


def _has_xml(call: str) -> bool:
    return call.startswith(("S3 GET all", "S3 GET bucket", "S3 POST")) or call == "S3 PUT key+copy"


def _late_error(call: str) -> Fault:
    """What S3 says when it fails after it has begun to answer with success."""
    body = error(service_of(call), "InternalError", "We encountered an internal error. Please try again.")
    return Fault("error-in-success-once", Way.ANSWER, status=200, body=body, headers=HEADERS, times=1)


def _reads_a_bucket(call: str) -> bool:
    return call.startswith(("S3 GET", "S3 HEAD")) and call != "S3 GET all"


def _elsewhere(call: str) -> Fault:
    """What S3 says to whoever asks the wrong region, as after a bucket was made anew in another."""
    body = error("s3", "PermanentRedirect", "The bucket must be addressed by another endpoint.")
    headers = (*HEADERS, ("x-amz-bucket-region", WEST))
    return Fault("wrong-region", Way.ANSWER, status=301, body=body, headers=headers, times=1)


_NAMING = _of("RunInstances", "CreateVolume", "CreateSnapshot", "CopySnapshot", "GetCallerIdentity")
_ON_INSTANCE = _of(
    "StartInstances", "StopInstances", "TerminateInstances", "DescribeInstances", "ModifyInstanceAttribute"
)
_OLD: Final = (("Date", "Sun, 22 Nov 2020 10:00:00 GMT"),)

CASES: Final = (
    _throttled(1_000_000, "throttled"),
    _throttled(1, "throttled-once"),
    _told("internal-error", "F02", 500, "InternalError"),
    _told("internal-error-once", "F02", 500, "InternalError", times=1),
    _told("expired-token", "F04", 400, "ExpiredToken"),
    _told("keys-not-accepted", "F04", 401, "AuthFailure"),
    _told("clock-is-wrong", "F06", 403, "RequestTimeTooSkewed", headers=_OLD),
    _told("looks-like-keys-but-is-the-clock", "F06", 403, "SignatureDoesNotMatch", headers=_OLD),
    _told("unavailable", "F07", 503, "Unavailable"),
    _way("reset", Way.RESET, "F07"),
    _way("closed", Way.CLOSE, "F07"),
    _way("reset-once", Way.RESET, "F07", times=1),
    _way("hangs", Way.HANG, "F08", seconds=60.0),
    Case("F08", lambda _: Fault("slow", Way.DELAY, seconds=0.02), harmless=True),
    _told("not-visible-yet", "F10", 400, "InvalidInstanceID.NotFound", _ON_INSTANCE, gone=True),
    _told("no-capacity", "F12", 400, "InsufficientInstanceCapacity", _of("RunInstances", "StartInstances")),
    _told("no-capacity-500", "F12", 500, "InsufficientInstanceCapacity", _of("RunInstances", "StartInstances")),
    _told("vcpu-quota", "F13", 400, "VcpuLimitExceeded", _of("RunInstances", "StartInstances")),
    _told("spot-quota", "F13", 400, "MaxSpotInstanceCountExceeded", _of("RunInstances")),
    _way("carried-out-then-reset", Way.RESET, "F15", forwarded=True),
    _way("carried-out-then-closed", Way.CLOSE, "F15", forwarded=True),
    _way("carried-out-then-hangs", Way.HANG, "F15", forwarded=True, seconds=60.0),
    Case("F15", lambda _: Fault("carried-out-then-502", Way.ANSWER, True, status=502, body=HTML)),
    Case("F15", _hollow, _NAMING),
    _told("changed-meanwhile", "F22", 412, "PreconditionFailed", lambda call: call.startswith("S3 ") and "key" in call),
    Case("F24", lambda _: Fault("cut-at-0", Way.CUT, at=0), _has_body),
    Case("F24", lambda _: Fault("cut-at-30", Way.CUT, at=30), _has_body),
    Case("F24", lambda _: Fault("cut-before-the-last", Way.CUT, at=1 << 30), _has_body),
    Case("F24", lambda _: Fault("truncated-to-0", Way.TRUNCATE, at=0), _has_body),
    Case("F24", lambda _: Fault("truncated-to-3", Way.TRUNCATE, at=3), _has_body),
    Case("F24", _swapped, lambda call: _has_body(call) and not call.startswith("S3 GET key")),
    _body("web-page", "F24", 200, HTML),
    _body("web-page-502", "F24", 502, HTML),
    _body("nothing", "F24", 200, b""),
    _body("nothing-400", "F24", 400, b""),
    _body("nothing-503", "F24", 503, b""),
    _body("no-xml", "F24", 200, b"\xff\xfe\x00 not xml \x1b]0;x\x07"),
    _body("json-instead", "F24", 200, b'{"ok": true}'),
    _body("moved", "F24", 307, b"", ("Location", "http://127.0.0.1:9/elsewhere")),
    Case("F02", _late_error, _has_xml, harmless=True),
    Case("F24", _elsewhere, _reads_a_bucket, harmless=True),
    _told("forbidden", "F24", 403, "UnauthorizedOperation"),
    _told("code-nobody-knows", "F24", 400, "SomethingNew.Entirely"),
)

BRIEF: Final = frozenset(
    {
        "F01-throttled",
        "F01-throttled-once",
        "F04-expired-token",
        "F07-reset",
        "F08-hangs",
        "F15-carried-out-then-closed",
        "F24-cut-at-30",
        "F24-another-answer",
        "F24-web-page",
        "F24-nothing",
        "F24-forbidden",
    }
)
"""What calls meet that only lead to the one that an operation is about."""

ELSEWHERE: Final = {
    "F03": "two layers of retrying: tests/services/aws/test_retries.py counts sends",
    "F05": "another identity: plans, tests/services/test_identity.py",
    "F09": "no metadata service: the session's credentials, tests/services/aws/test_clients.py",
    "F11": "stale lists after a deletion: tests/services/test_actions.py",
    "F14": "spot interruption: the agent, tests/services/agent",
    "F16": "a terminate whose answer was lost: F15 of the operation 'terminate'",
    "F17": "half-open SSH: tests/faults/test_hosts.py, tests/services/hosts",
    "F18": "a link that ends in a command: tests/faults/test_hosts.py; a job outlives SSH: tests/services/agent",
    "F19": "full disk: tests/services/test_landing.py",
    "F20": "killed in a transfer: tests/services/test_landing.py",
    "F21": "uploads that were begun: the operation 'upload in parts'",
    "F23": "RunPod: tests/faults/test_runpod.py",
    "F25": "RunPod: tests/faults/test_runpod.py",
    "F26": "RunPod: tests/faults/test_runpod.py",
    "F27": "no operation asks Systems Manager but the choice of an image: the operation 'create'",
    "F28": "what a host says: tests/faults/test_hosts.py; logs: tests/ui/widgets/test_log_view.py",
    "F29": "answers of another shape: tests/faults/test_hosts.py; logs: tests/ui/widgets/test_log_view.py",
}
