"""RunPod's errors in the product's words: HTTP answers, GraphQL messages, and what its SDK raises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from runctl_tui.domain.durations import in_one_unit
from runctl_tui.domain.text import safe
from runctl_tui.services.errors import (
    CloudProviderError,
    CredentialsError,
    NoCapacity,
    ResourceNotFound,
    TrainctlError,
    ValidationError,
)

BAD_KEY: Final = "runpod.credentials"
UNCLEAR: Final = "runpod.unclear"
KEY_TODO: Final = "make a new key in RunPod's console under Settings, API Keys, then: export RUNPOD_API_KEY=…"
_EMPTY: Final = (
    "no longer any instances available",
    "not enough free gpus",
    "no instances currently available",
    "does not have the resources",
    "out of capacity",
    "no gpu available",
)
"""How RunPod says that the market has none."""
_POOR: Final = ("balance", "insufficient funds", "spend limit")
_SNIPPET: Final = 200
ODD: Final = "RunPod's answer is not what its documentation says"
_NO_WORDS: Final = "RunPod says no, without a word"
_TODO: Final = "correct what RunPod names, or look at its console"
_MISSING_TODO: Final = "refresh the list: it may be gone"
_RESETS: Final = re.compile(r"\bt=(\d+)")
_LONGEST_WAIT: Final = 86_400


def bad_key(what: str) -> CredentialsError:
    """Return the error for a key that RunPod does not take."""
    return CredentialsError(what, "RunPod does not take the API key: it is wrong or expired", KEY_TODO, code=BAD_KEY)


def unclear(what: str, why: str) -> CloudProviderError:
    """Return the error for a call of which nobody knows whether it took effect."""
    return CloudProviderError(what, why, "look before trying again", code=UNCLEAR, transient=True)


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Turn what goes wrong while an answer is taken apart into the error for one that nobody understands."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise unclear(what, ODD) from error


def not_found(what: str, why: str) -> ResourceNotFound:
    """Return the error for something that RunPod does not have."""
    return ResourceNotFound(what, why, _MISSING_TODO)


def from_status(what: str, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> TrainctlError:
    """Return the error for an HTTP status that is no success."""
    told = detail(body)
    if status == 401:
        return bad_key(what)
    if status == 403:
        return CredentialsError(what, told or "this API key may not do that", KEY_TODO, code=BAD_KEY)
    if status == 404:
        return not_found(what, told or "RunPod knows no such thing")
    if status == 429:
        why, todo = "RunPod's limit of calls is reached", f"wait {_window(headers or {})}"
        return CloudProviderError(what, why, todo, code="runpod.rate-limit", transient=True)
    if status >= 500:
        return unclear(what, f"RunPod answered {status}: {told or 'nothing more'}")
    return from_message(what, told or f"RunPod answered {status}")


def from_message(what: str, message: str) -> TrainctlError:
    """Return the error for what RunPod said in words."""
    message = _short(message) if message not in ("", "None") else _NO_WORDS
    low = message.lower()
    if any(words in low for words in _EMPTY):
        todo = "choose another GPU, cloud or data centre; a stopped pod can only start where its disk is"
        return NoCapacity(what, message, todo)
    if any(words in low for words in _POOR):
        return CloudProviderError(what, message, "add funds in RunPod's console under Billing", code="runpod.balance")
    if "not found" in low or "no gpu found" in low:
        return not_found(what, message)
    return CloudProviderError(what, message, _TODO, code="runpod")


def from_sdk(what: str, error: Exception) -> TrainctlError:
    """Return the error for what the SDK raised; it checks neither status nor shape of an answer."""
    if isinstance(error, TrainctlError):
        return error
    name = type(error).__name__
    if name == "AuthenticationError":
        return bad_key(what)
    if name == "QueryError":
        return from_message(what, str(error))
    if type(error) is ValueError:
        return ValidationError(what, _short(str(error)), "choose one of the types that are offered")
    if isinstance(error, ImportError):
        why = "the official SDK is not installed"
        return CloudProviderError(what, why, "pip install 'runctl-tui[runpod]'", code="runpod.sdk")
    return unclear(what, f"the answer was lost or is no answer ({name})")


def detail(body: bytes) -> str:
    """Return what an error's body says, short and fit for a terminal; nothing where it is no error of RunPod's."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return _short(body.decode("utf-8", "replace")) if body and b"<" not in body[:20] else ""
    if not isinstance(content, dict):
        return ""
    told = content.get("detail") or content.get("message") or content.get("error") or ""
    return _short(str(told))


def _window(headers: Mapping[str, str]) -> str:
    """Return for how long no call is let through, as headers with small names say it: '30 s'."""
    told = headers.get("retry-after", "")
    found = _RESETS.search(headers.get("ratelimit", ""))
    seconds = int(told) if told.isdecimal() else int(found[1]) if found else 0
    return in_one_unit(seconds) if 0 < seconds <= _LONGEST_WAIT else "a minute"


def _short(text: str) -> str:
    return str(safe(" ".join(text.split())[:_SNIPPET]))
