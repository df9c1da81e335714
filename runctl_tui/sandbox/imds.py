"""A look-alike of the instance metadata service, one path prefix per instance; version 2 only."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runctl_tui.sandbox.cloud import Cloud
from runctl_tui.sandbox.front import Keys

STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"
LONGEST_TOKEN_S: Final = 21_600
VALID_FOR: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Notice:
    """A spot interruption notice."""

    action: str
    at: datetime


class Metadata:
    """A WSGI application: `/<instance-id>/latest/...`."""

    def __init__(self, cloud: Cloud, keys: Keys, power: Callable[[Any, str], None]) -> None:
        self._cloud = cloud
        self._keys = keys
        self._power = power
        self._tokens: dict[str, str] = {}
        self._credentials: dict[str, dict[str, str]] = {}
        self.notices: dict[str, Notice] = {}
        """Interruption notices by instance id."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request of a host."""
        instance_id, _, path = environ.get("PATH_INFO", "").strip("/").partition("/")
        status, text = self._answer(instance_id, path, environ)
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text.encode())))])
        return [text.encode()]

    def _answer(self, instance_id: str, path: str, environ: dict[str, Any]) -> tuple[str, str]:
        instance = self._cloud.instance(instance_id)
        if instance is None or instance.state not in ("running", "stopping", "shutting-down"):
            return "404 Not Found", ""
        if path.startswith("sandbox/"):
            return self._act(instance, path.removeprefix("sandbox/"), environ)
        if path == "latest/api/token":
            return self._token(instance_id, environ)
        if self._tokens.get(environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN", "")) != instance_id:
            return "401 Unauthorized", ""
        if environ.get("REQUEST_METHOD") != "GET":
            return "405 Method Not Allowed", ""
        found = self._look_up(instance, path.removeprefix("latest/"))
        return ("404 Not Found", "") if found is None else ("200 OK", found)

    def _act(self, instance: Any, act: str, environ: dict[str, Any]) -> tuple[str, str]:
        """Carry out a host's own shutdown or reboot; the header keeps web pages out."""
        if environ.get("REQUEST_METHOD") != "POST" or environ.get("HTTP_X_RUNCTL_SANDBOX") != "1":
            return "403 Forbidden", ""
        if act not in ("off", "reboot"):
            return "404 Not Found", ""
        self._power(instance, act)
        return "200 OK", ""

    def _token(self, instance_id: str, environ: dict[str, Any]) -> tuple[str, str]:
        if environ.get("REQUEST_METHOD") != "PUT":
            return "405 Method Not Allowed", ""
        lifetime = environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN_TTL_SECONDS", "")
        if not lifetime.isdigit() or not 1 <= int(lifetime) <= LONGEST_TOKEN_S:
            return "400 Bad Request", ""
        token = secrets.token_urlsafe(40)
        self._tokens[token] = instance_id
        return "200 OK", token

    def _look_up(self, instance: Any, path: str) -> str | None:
        facts: dict[str, Callable[[], str | None]] = {
            "meta-data/instance-id": lambda: instance.id,
            "meta-data/instance-type": lambda: instance.instance_type,
            "meta-data/instance-life-cycle": lambda: instance.lifecycle or "on-demand",
            "meta-data/ami-id": lambda: instance.image_id,
            "meta-data/local-ipv4": lambda: instance.private_ip,
            "meta-data/placement/region": lambda: instance.region_name,
            "meta-data/placement/availability-zone": lambda: instance.availability_zone,
            "meta-data/spot/instance-action": lambda: self._notice(instance.id, "action"),
            "meta-data/spot/termination-time": lambda: self._notice(instance.id, "time"),
            "meta-data/iam/security-credentials": lambda: self._role(instance),
            "dynamic/instance-identity/document": lambda: self._identity(instance),
        }
        path = path.rstrip("/")
        if path in facts:
            return facts[path]()
        role = self._role(instance)
        if role is not None and path == f"meta-data/iam/security-credentials/{role}":
            return json.dumps(self._credentials_of(instance.id))
        return None

    def _notice(self, instance_id: str, form: str) -> str | None:
        notice = self.notices.get(instance_id)
        if notice is None:
            return None
        at = notice.at.strftime(STAMP)
        return at if form == "time" else json.dumps({"action": notice.action, "time": at})

    def _role(self, instance: Any) -> str | None:
        held = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
        roles = held.iam_instance_profile.roles if held is not None else []
        return roles[0].name if roles else None

    def _credentials_of(self, instance_id: str) -> dict[str, str]:
        now = datetime.now(UTC)
        held = self._credentials.get(instance_id)
        if held is None:
            held = {
                "AccessKeyId": f"ASIA{secrets.token_hex(8).upper()}",
                "SecretAccessKey": secrets.token_urlsafe(30),
                "Token": secrets.token_urlsafe(64),
            }
            self._credentials[instance_id] = held
            self._keys.add(held["AccessKeyId"])
        return {
            "Code": "Success",
            "LastUpdated": now.strftime(STAMP),
            "Type": "AWS-HMAC",
            **held,
            "Expiration": (now + VALID_FOR).strftime(STAMP),
        }

    @staticmethod
    def _identity(instance: Any) -> str:
        document = {
            "accountId": instance.owner_id,
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "imageId": instance.image_id,
            "region": instance.region_name,
            "availabilityZone": instance.availability_zone,
            "privateIp": instance.private_ip,
        }
        return json.dumps(document)
