"""The noun `relay`: serves hosts that cannot write to S3 themselves; the program starts it when one needs it."""

from __future__ import annotations

from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.ports_services import Services


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun."""
    add_noun(nouns, name, help_text).set_defaults(handler=serve, needs=Needs.SERVICES)


async def serve(services: Services, call: Call) -> Reply:
    """Serve until no run needs it."""
    await services.relay()
    return Reply({"served": True}, "no run needs the relay any more")
