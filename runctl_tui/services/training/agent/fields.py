"""Reads the fields of a request, and refuses what is of another kind."""

import os
import re
from typing import Dict, List, Optional

from .basics import Json, Refused

ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def text_field(request: Json, name: str, default: Optional[str] = None) -> str:
    """Return a text of the request; a NUL, or a missing one without a default, is refused."""
    value = request.get(name, default)
    if value is None and default is not None:
        value = default
    if not isinstance(value, str) or "\0" in value or (not value and default is None):
        raise Refused("bad_request", "%s must be a text" % name)
    return value


def host_path(request: Json, name: str) -> str:
    """Return a path of the request, absolute; a relative one is taken from the home folder."""
    home = os.path.expanduser("~")
    return os.path.abspath(os.path.join(home, os.path.expanduser(text_field(request, name))))


def text_list(request: Json, name: str) -> List[str]:
    """Return a list of texts of the request, empty when it is missing."""
    value = request.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) and "\0" not in item for item in value):
        raise Refused("bad_request", "%s must be a list of texts" % name)
    return value


def variables(request: Json, name: str) -> Dict[str, str]:
    """Return environment variables of the request; a value is never repeated in an error."""
    value = request.get(name) or {}
    if not isinstance(value, dict):
        raise Refused("bad_request", "%s must be an object of names and texts" % name)
    for key, item in value.items():
        if not ENV_NAME.match(key):
            raise Refused("bad_request", "%s: %r is not a variable's name" % (name, key))
        if not isinstance(item, str) or "\0" in item:
            raise Refused("bad_request", "%s: the value of %s must be a text" % (name, key))
    return value


def number(request: Json, name: str, default: float) -> float:
    """Return a number of the request."""
    value = request.get(name, default)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("bad_request", "%s must be a number" % name)
    return value


def object_field(request: Json, name: str) -> Json:
    """Return an object of the request, empty when it is missing."""
    value = request.get(name) or {}
    if not isinstance(value, dict):
        raise Refused("bad_request", "%s must be an object" % name)
    return value


def s3_place(request: Json) -> Optional[Json]:
    """Return where a run's files go, None for nowhere."""
    given = object_field(request, "s3")
    place = {name: text_field(given, name, "") for name in ("bucket", "prefix", "region")}
    if given and not place["bucket"]:
        raise Refused("bad_request", "s3 needs a bucket")
    return place if given else None
