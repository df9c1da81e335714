"""The official SDK, for what changes pods; imported at the first change, since its import takes a second.

The SDK keeps key and address in globals of the process, so that there is one account per process, and pastes texts into
GraphQL strings as they are, so that they are written here as such strings hold them.
"""

from __future__ import annotations

import importlib
import json
import os
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from runctl_tui.services.errors import ValidationError
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.settings import API, RunpodSettings
from runctl_tui.services.telemetry import measured
from runctl_tui.services.threads import BackendPool

BASE: Final = "RUNPOD_API_BASE_URL"
PATIENCE: Final = 75.0
"""Seconds for one call; the SDK gives up each request after 30, and a create makes up to three."""


class RunpodSdk:
    """Creates, stops, resumes and terminates pods."""

    def __init__(self, settings: RunpodSettings, pool: BackendPool) -> None:
        self._settings = settings
        self._pool = pool

    async def create(self, what: str, order: Mapping[str, Any]) -> str:
        """Create a pod from the arguments of the SDK's `create_pod` and return its id."""
        check_texts(order)
        answer = await self._call(what, "create_pod", in_strings(order))
        pod_id = answer.get("id") if isinstance(answer, Mapping) else None
        if not pod_id:
            raise faults.unclear(what, "RunPod's answer names no pod")
        return str(pod_id)

    async def stop(self, what: str, pod_id: str) -> None:
        """Stop a pod."""
        await self._on_pod(what, "stop_pod", {"pod_id": pod_id})

    async def resume(self, what: str, pod_id: str, gpus: int) -> None:
        """Start a stopped pod with so many GPUs."""
        await self._on_pod(what, "resume_pod", {"pod_id": pod_id, "gpu_count": gpus})

    async def terminate(self, what: str, pod_id: str) -> None:
        """Delete a pod; the SDK hands no answer on, so that only a look at the pod tells whether it is gone."""
        await self._on_pod(what, "terminate_pod", {"pod_id": pod_id})

    async def _on_pod(self, what: str, name: str, arguments: Mapping[str, Any]) -> None:
        check_texts(arguments)
        answer = await self._call(what, name, in_strings(arguments))
        if name != "terminate_pod" and not (isinstance(answer, Mapping) and answer.get("id") == arguments["pod_id"]):
            raise faults.unclear(what, "RunPod's answer does not name the pod")

    async def _call(self, what: str, name: str, arguments: Mapping[str, Any]) -> Any:
        self._settings.check_changes(what)

        def work() -> Any:
            with measured("runpod", name):
                return self._function(name)(**arguments)

        return await self._pool.run(work, timeout=PATIENCE, faults=lambda error: faults.from_sdk(what, error))

    def _function(self, name: str) -> Callable[..., Any]:
        if self._settings.url != API:
            os.environ[BASE] = self._settings.url
        runpod: Any = importlib.import_module("runpod")
        runpod.api_key = self._settings.key.reveal()
        function: Callable[..., Any] = getattr(runpod, name)
        return function


def check_texts(value: object, name: str = "") -> None:
    """Raise ValidationError where a text holds what no environment or command line can; it tells no variable."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            check_texts(key)
            check_texts(each, f"the value of {key}" if name == "env" else key)
    elif isinstance(value, str) and cannot_be_sent(value):
        why = "control characters cannot be sent to RunPod"
        told = name if name.startswith("the value of ") else repr(value[:60])
        raise ValidationError(f"{told} cannot be used", why, "leave them out")


def cannot_be_sent(text: str) -> bool:
    """Tell whether a text holds control characters other than line breaks and tabs, or halves of letters."""
    return any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in text)


def in_strings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same with each text as it stands inside the quotes of a GraphQL string, which are those of JSON."""
    return {_in_string(key): _in_string(value) for key, value in values.items()}


def _in_string(value: Any) -> Any:
    if isinstance(value, Mapping):
        return in_strings(value)
    return json.dumps(value, ensure_ascii=False)[1:-1] if isinstance(value, str) else value
