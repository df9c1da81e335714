"""One HTTP request at a time, to S3 or to the metadata service."""

import http.client
import re
import urllib.parse
from typing import Any, Dict

from .basics import MIB


class Http(Exception):
    """A request that S3 or the metadata service answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        code = re.search(r"<Code>([^<]*)</Code>", text)
        Exception.__init__(self, "HTTP %d %s" % (status, code.group(1) if code else text[:120].strip()))
        self.status = status


class Reply:
    """An HTTP answer."""

    def __init__(self, status: int, headers: Dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


def http_call(method: str, url: str, headers: Dict[str, str], body: Any = None, timeout: float = 60) -> Reply:
    """Make one request on a connection of its own; the body is bytes or a file with Content-Length given."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, (parts.path or "/") + ("?" + parts.query if parts.query else ""), body, headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read(MIB))
    except http.client.HTTPException as error:
        raise OSError("%s: %s" % (type(error).__name__, error)) from error
    finally:
        connection.close()
