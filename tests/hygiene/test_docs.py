"""The documentation: generated pages are fresh, links lead somewhere, documented words exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from runctl_tui.domain.settings import SECTIONS, SPECS
from runctl_tui.headless.parser import NOUNS, noun_parser, walk
from runctl_tui.services.aws.models import EC2_CALLS
from tests.hygiene.source import PACKAGE, ROOT, shown

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
WHOLE = (PACKAGE / "app.py").exists() and any((PACKAGE / "services").glob("actions*"))
_WORDS = {(command, word) for command, word, _ in walk(noun_parser("*"))}
_FLAGS = {word for _, word in _WORDS if word.startswith("-")} | {"--help", "-h", "--version"}
_COMMANDS = {command for command, _ in _WORDS}


@pytest.mark.skipif(not WHOLE, reason="the modules that some pages describe are not in this checkout")
@pytest.mark.parametrize("name", ["api.md", "commands.md", "configuration.md", "keys.md", "modules.md"])
def test_generated_pages_are_fresh(name: str) -> None:
    from tests.tools.docs import DOCS, pages

    assert (DOCS / name).read_text("utf-8") == pages()[name](), "run: make docs"


def test_the_policy_allows_every_call_that_is_made() -> None:
    policy = (ROOT / "docs" / "security.md").read_text("utf-8")
    assert set(re.findall(r'"ec2:(\w+)"', policy)) == EC2_CALLS | {"CreateTags"}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        destination = (page.parent / file).resolve() if file else page
        if not destination.exists() or (anchor and anchor not in anchors(destination)):
            dead.append(target)
    assert dead == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def snippets(page: Path) -> Iterator[str]:
    """Every `runctl-tui …` in code, inline or in a block."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in [*inline, *(line for block in blocks for line in block.splitlines())]:
        if match := re.search(r"(?:^|\s)runctl-tui(?: [^#]*)?", line):
            yield match[0].strip()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_documented_commands_and_flags_exist(page: Path) -> None:
    unknown = []
    for snippet in snippets(page):
        words = shlex.split(snippet.partition(" -- ")[0].replace("…", "").replace("[", " ").replace("]", " "))[1:]
        flags = [word.partition("=")[0] for word in words if word.startswith("-")]
        unknown += [f"{snippet}: {flag}" for flag in flags if flag not in _FLAGS]
        plain = [word for word in words if not word.startswith("-") and word not in ("NOUN", "VERB")]
        if words and not words[0].startswith("-") and plain[0] not in NOUNS:
            unknown.append(f"{snippet}: {plain[0]}")
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_documented_configuration_keys_exist(page: Path) -> None:
    sections = "|".join(SECTIONS)
    mentioned = re.findall(rf"`((?:{sections})\.[a-z_]+)(?: = [^`]*)?`", page.read_text("utf-8"))
    assert [key for key in mentioned if key not in SPECS] == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    assert [page.name for page in PAGES if page.parent.name == "docs" and page.name not in index] == ["index.md"]


@pytest.mark.parametrize("page", [page for page in PAGES if ".svg" in page.read_text("utf-8")], ids=shown)
def test_pictures_are_drawings_of_the_program(page: Path) -> None:
    for target in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text("utf-8")):
        head = (page.parent / target).read_text("utf-8")
        assert head.startswith("<svg"), f"{target} is no SVG"
        nobody = "No&#160;cloud&#160;answers" in head
        assert "SANDBOX" in head or nobody, f"{target} was taken neither in the sandbox nor without any account"


def test_no_screenshot_names_who_made_it() -> None:
    taken = sorted((ROOT / "screenshots").glob("*.svg"))
    assert len(taken) >= 6, "run: make screenshots"
    for path in taken:
        assert "/home/" not in path.read_text("utf-8"), f"{shown(path)} shows somebody's home folder"
