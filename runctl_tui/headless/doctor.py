"""The noun `doctor`: what is missing, and how to get it."""

from __future__ import annotations

from runctl_tui.domain.text import safe
from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.ports import Finding
from runctl_tui.services.ports_services import Services

_SIGNS = {True: "✓", False: "✗", None: "?"}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun."""
    parser = add_noun(nouns, name, help_text)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--metrics", action="store_true", help="what this program's own calls, feeds and runs are at")
    ways.add_argument("--prometheus", action="store_true", help="the same, as Prometheus reads it")
    parser.set_defaults(handler=examine, needs=Needs.SERVICES)


async def examine(services: Services, call: Call) -> Reply:
    """Everything that matters, in the order in which to mend it."""
    if call.args.metrics or call.args.prometheus:
        from runctl_tui.headless.figures import figures

        return await figures(services, call)
    findings = await services.doctor.examine()
    return Reply(findings, text_of(findings))


def text_of(findings: tuple[Finding, ...]) -> str:
    """Return the findings for a person."""
    width = max((len(finding.area) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{_SIGNS[finding.ok]} {finding.area:<{width}}  {safe(finding.text, 300)}")
        if finding.todo and finding.ok is not True:
            lines.append(f"  {'':<{width}}  do: {safe(finding.todo, 300)}")
    return "\n".join(lines)
