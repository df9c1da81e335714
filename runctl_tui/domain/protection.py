"""What the tags of a resource protect it from; pure, used by the safety rules and by what is said about money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from runctl_tui.domain.facts import Fact, Unknown
from runctl_tui.domain.figures import schedule
from runctl_tui.domain.instance import PROTECTING_TAGS, TAG_PROTECT_UNTIL, ApiProtection


def protecting_tag(tags: Mapping[str, str]) -> str:
    """Return the tag that protects, or nothing: any value but 'false' does."""
    return next((tag for tag in PROTECTING_TAGS if tag in tags and tags[tag].strip().lower() != "false"), "")


def protected_until(tags: Mapping[str, str], at: datetime) -> str:
    """Return until when a date protects, in words; nothing where there is none or it has passed."""
    text = tags.get(TAG_PROTECT_UNTIL)
    if text is None:
        return ""
    until = _moment(text)
    if until is not None and until <= at:
        return ""
    return f"it is protected until {text}" if until else f"the date {text!r} in {TAG_PROTECT_UNTIL} cannot be read"


def protection_words(tags: Mapping[str, str], lock: Fact[ApiProtection], at: datetime) -> tuple[str, bool]:
    """Return what keeps a machine from its end, or that nothing does, and whether anything does or may."""
    held = protecting_tag(tags)
    found = [f"tag {held}={tags[held]}"] if held else []
    if until := protected_until(tags, at):
        found.append(until.removeprefix("it is "))
    if isinstance(lock, Unknown):
        return ", ".join([*found, f"the provider's locks are not known: {lock.reason}"]), True
    found += [f"{which} protection on" for which in ("termination", "stop") if getattr(lock.value, which)]
    return ", ".join(found) or "nothing protects it", bool(found)


def _moment(text: str) -> datetime | None:
    try:
        return schedule(text)
    except ValueError:
        return None
