"""Requests and answers of the AWS protocols (query, JSON, S3) in the few shapes that the front needs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

EC2_NAMESPACE: Final = "http://ec2.amazonaws.com/doc/2016-11-15/"


@dataclass(frozen=True, slots=True)
class Call:
    """One API call as it came in."""

    service: str
    """Short name of the service, from the credential scope: ec2, s3, ssm, pricing..."""
    region: str
    action: str
    """Operation name; for S3 the HTTP method."""
    access_key: str
    form: Mapping[str, str]
    """Parameters of the query protocol."""
    body: Mapping[str, Any]
    """Parameters of the JSON protocol."""

    def listed(self, name: str) -> list[str]:
        """Return the values of a numbered parameter of the query protocol: Name.1, Name.2 and so on."""
        values = []
        number = 1
        while (value := self.form.get(f"{name}.{number}")) is not None:
            values.append(value)
            number += 1
        return values

    def flag(self, name: str) -> bool:
        """Whether a parameter of the query protocol says true."""
        return self.form.get(name, "").lower() == "true"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, complete."""

    status: int
    body: bytes
    content_type: str = "text/xml;charset=UTF-8"


class Refusal(Exception):
    """AWS would refuse this call with this error code."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code: Final = code
        self.message: Final = message
        self.status: Final = status


def refused(call: Call, refusal: Refusal) -> Answer:
    """Return a refusal in the protocol of the service."""
    code, message, request_id = escape(refusal.code), escape(refusal.message), str(uuid.uuid4())
    if call.service in ("ssm", "pricing"):
        content = {"__type": refusal.code, "message": refusal.message}
        return Answer(refusal.status, json.dumps(content).encode(), "application/x-amz-json-1.1")
    if call.service == "ec2":
        inner = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        text = f"<Response>{inner}<RequestID>{request_id}</RequestID></Response>"
    elif call.service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    else:
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{inner}<RequestId>{request_id}</RequestId></ErrorResponse>"
    return Answer(refusal.status, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


def as_json(content: Mapping[str, Any]) -> Answer:
    """Return an answer in the JSON protocol."""
    return Answer(200, json.dumps(content).encode(), "application/x-amz-json-1.1")


def as_ec2(action: str, content: str) -> Answer:
    """Return an EC2 answer around XML that is already escaped."""
    head = f'<{action}Response xmlns="{EC2_NAMESPACE}"><requestId>{uuid.uuid4()}</requestId>'
    return Answer(200, f"{head}{content}</{action}Response>".encode())


def items(rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows as the items of an EC2 list."""
    return "".join(
        "<item>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items()) + "</item>"
        for row in rows
    )
