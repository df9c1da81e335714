"""Templates of pods: one's own by id or name, public ones by id; read before a pod is made of one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runctl_tui.services.errors import ResourceNotFound, ValidationError
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.web import RunpodWeb


@dataclass(frozen=True, slots=True)
class Template:
    """The settings that a template brings to a pod."""

    id: str
    name: str
    image: str
    disk_gib: int | None = None
    """Container disk; None: not told."""
    volume_gib: int = 0
    """Volume disk; 0: none."""
    path: str = ""
    """Where the volume disk is mounted."""
    ports: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    arguments: str = ""

    def words(self) -> str:
        """Return what it brings, without the values of its environment."""
        parts = [self.image, f"container disk {self.disk_gib} GB" if self.disk_gib else ""]
        parts += [f"volume disk {self.volume_gib} GB at {self.path}" if self.volume_gib else ""]
        parts += [f"ports {' '.join(self.ports)}" if self.ports else ""]
        parts += [f"environment {' '.join(name for name, _ in self.environment)}" if self.environment else ""]
        return f"template {self.name or self.id}: {', '.join(part for part in parts if part)}"


async def find_template(web: RunpodWeb, wanted: str) -> Template:
    """Return the template with this id, or one's own with this name; ValidationError where it cannot make a pod."""
    own = await web.rows("RunPod's templates could not be listed", "templates", "templates")
    found = [one for one in own if wanted in (one.get("id"), one.get("name"))]
    if len(found) > 1:
        ids = ", ".join(str(one.get("id")) for one in found)
        raise ValidationError(f"{wanted!r} is the name of more than one template", ids, "name one by its id")
    raw = found[0] if found else await _public(web, wanted, [str(one.get("name") or one.get("id")) for one in own])
    if raw.get("serverless"):
        raise ValidationError(f"The template {wanted} makes no pod", "it is for serverless workers", "name another")
    with faults.understood(f"The template {wanted} could not be read"):
        found_one = template(raw)
    _check_arguments(found_one)
    return found_one


def _check_arguments(one: Template) -> None:
    """Raise ValidationError where no shell could read the arguments: the pod would be paid for, and not start."""
    try:
        shlex.split(one.arguments)
    except ValueError as error:
        what = f"The arguments of the template {one.name or one.id} cannot be read"
        raise ValidationError(what, str(error), "correct them in RunPod's console, or name another") from None


async def _public(web: RunpodWeb, wanted: str, own: list[str]) -> Mapping[str, Any]:
    what = f"There is no template {wanted!r}"
    try:
        return await web.one(what, "templates", wanted)
    except ResourceNotFound:
        why = f"yours are {', '.join(own)}" if own else "you have none of your own"
        raise ValidationError(what, why, "name one of yours, or a public one by its id") from None


def template(raw: Mapping[str, Any]) -> Template:
    """Return one template as API v2 tells it."""
    mounts = raw.get("mounts")
    mount = mounts.get("persistent") if isinstance(mounts, Mapping) else None
    kept = mount if isinstance(mount, Mapping) else {}
    env = raw.get("env")
    return Template(
        id=str(raw.get("id", "")),
        name=str(raw.get("name") or ""),
        image=str(raw.get("image") or ""),
        disk_gib=int(raw["disk"]) if raw.get("disk") else None,
        volume_gib=int(kept.get("size") or 0),
        path=str(kept.get("path") or ""),
        ports=tuple(str(port) for port in raw.get("ports") or ()),
        environment=tuple((str(key), str(value)) for key, value in env.items()) if isinstance(env, Mapping) else (),
        arguments=str(raw.get("args") or ""),
    )
