"""What botocore's own retries tell: which attempt comes next, and in how many seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runctl_tui.services.retrying import retry_words, tell_retry


def tell_retries(client: Any, most: int) -> None:
    """Have a client tell whoever waits of each retry before it waits; botocore decides on it as ever.

    The endpoint takes the delay from the answer of one handler, which nobody else is shown: so it is asked through us.
    """
    from botocore.retries.standard import register_retry_handler

    name = client.meta.service_model.service_id.hyphenize()
    event, known_as = f"needs-retry.{name}", f"retry-config-{name}"
    client.meta.events.unregister(event, unique_id=known_as)
    needs_retry = register_retry_handler(client, most).needs_retry
    client.meta.events.unregister(event, unique_id=known_as)
    client.meta.events.register(event, _telling(needs_retry, most), unique_id=known_as)


def _telling(needs_retry: Callable[..., float | None], most: int) -> Callable[..., float | None]:
    def asked(**kwargs: Any) -> float | None:
        delay = needs_retry(**kwargs)
        if delay is not None:
            tell_retry(retry_words(kwargs["attempts"] + 1, most, delay))
        elif kwargs["attempts"] > 1:
            tell_retry("")
        return delay

    return asked
