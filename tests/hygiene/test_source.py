"""What the source may look like: sizes, forbidden calls, the two seams, imports of the tests, styles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.hygiene.source import PACKAGE, ROOT, code_lines, functions, imports, modules, shown, texts, tree

MAXIMUM_FILE: Final = 400
MAXIMUM_FUNCTION: Final = 45
MAXIMUM_ARGUMENTS: Final = 6
SEAMS: Final = {
    "runctl_tui/services/threads.py",
    "runctl_tui/services/store.py",
    "runctl_tui/screens/base.py",
    "runctl_tui/app.py",
}
"""Threads, which carry every error to whoever awaits them, and the net under the workers."""
AGENT: Final = PACKAGE / "services" / "training" / "agent"
FOR_HOSTS: Final = (*modules(AGENT), AGENT.with_name("fetcher.py"))
"""They run under Python 3.6, which has no postponed annotations."""
FORBIDDEN_MODULES: Final = ("pickle", "cPickle", "dill", "torch", "marshal", "shelve", "git")
FORBIDDEN_CALLS: Final = ("eval", "exec", "compile", "__import__", "os.system", "yaml.load", "torch.load", "os.popen")
LAZY: Final = (
    "boto3",
    "botocore",
    "asyncssh",
    "moto",
    "runpod",
    "plotext",
    "textual_plotext",
    "tomlkit",
    "platformdirs",
)
PROMISES: Final = re.compile(r"(?:#|<!--).*\b(?:TODO|FIXME|XXX|HACK)\b|(?i:\bfor now\b|\bnot yet implemented\b)")


def found(lines: Iterator[str]) -> list[str]:
    return list(lines)


def test_files_are_short_enough() -> None:
    assert (
        found(f"{shown(path)}: {code_lines(path)} lines" for path in modules() if code_lines(path) > MAXIMUM_FILE) == []
    )


def test_functions_are_short_enough() -> None:
    assert (
        found(
            f"{shown(path)}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
            for path in modules()
            for node in functions(path)
            if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > MAXIMUM_FUNCTION
        )
        == []
    )


def test_functions_take_few_arguments() -> None:
    def count(arguments: ast.arguments) -> int:
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        return len([argument for argument in named if argument.arg not in ("self", "cls")])

    assert (
        found(
            f"{shown(path)}:{node.lineno} {node.name}"
            for path in modules()
            for node in functions(path)
            if count(node.args) > MAXIMUM_ARGUMENTS and node.name != "__init__"
        )
        == []
    )


def test_every_module_says_what_it_owns() -> None:
    assert found(shown(path) for path in modules() if not ast.get_docstring(tree(path))) == []


def test_every_module_postpones_annotations() -> None:
    assert (
        found(
            shown(path)
            for path in modules()
            if len(tree(path).body) > 1
            and path not in FOR_HOSTS
            and "__future__" not in {name for name, _ in imports(path)}
        )
        == []
    )


def test_only_the_two_seams_catch_everything() -> None:
    def catches_all(handler: ast.ExceptHandler) -> bool:
        names = (
            {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
            if handler.type
            else {"Exception"}
        )
        reraises = any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))
        return "Exception" in names or ("BaseException" in names and not reraises)

    assert (
        found(
            f"{shown(path)}:{node.lineno}"
            for path in modules()
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ExceptHandler) and catches_all(node)
            if shown(path) not in SEAMS and "sandbox" not in path.parts
        )
        == []
    )


def test_nothing_that_runs_foreign_code_is_called() -> None:
    calls = found(
        f"{shown(path)}:{node.lineno} {ast.unparse(node.func)}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in FORBIDDEN_CALLS
    )
    loads = found(
        f"{shown(path)} imports {name}" for path in modules() for name, _ in imports(path) if name in FORBIDDEN_MODULES
    )
    assert calls + loads == []


def test_nothing_is_run_through_a_shell_by_accident() -> None:
    assert (
        found(
            f"{shown(path)}:{node.value.lineno}"
            for path in modules()
            for node in ast.walk(tree(path))
            if isinstance(node, ast.keyword) and node.arg == "shell" and getattr(node.value, "value", False) is True
            if "sandbox" not in path.parts
        )
        == []
    )


def test_heavy_packages_are_imported_inside_functions() -> None:
    def top_level(path: Path) -> Iterator[str]:
        outer = [node for node in tree(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
        for name, node in imports(path):
            if node in outer and name.partition(".")[0] in LAZY:
                yield f"{shown(path)}:{node.lineno} {name}"

    exempt = PACKAGE / "sandbox"
    assert [line for path in modules() if not path.is_relative_to(exempt) for line in top_level(path)] == []


def test_nothing_is_promised_for_later() -> None:
    assert (
        found(
            f"{shown(path)}:{number} {line.strip()}"
            for folder in (PACKAGE, ROOT / "tests", ROOT / "styles", ROOT / "docs")
            for path in sorted(folder.rglob("*"))
            if path.suffix in (".py", ".tcss", ".md") and path != Path(__file__)
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if PROMISES.search(line)
        )
        == []
    )


@pytest.mark.parametrize("folder", ["domain", "services", "properties", "headless", "hygiene"])
def test_tests_below_the_interface_import_no_toolkit(folder: str) -> None:
    assert (
        found(
            f"{shown(path)}: {name}"
            for path in modules(ROOT / "tests" / folder)
            for name, _ in imports(path)
            if name.partition(".")[0] in ("textual", "rich")
        )
        == []
    )


def test_tests_sleep_for_a_fixed_time_only_to_show_that_nothing_happens_and_say_so() -> None:
    def sleeps(path: Path) -> Iterator[str]:
        lines = path.read_text("utf-8").splitlines()
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "asyncio.sleep") and node.args:
                seconds = node.args[0]
                long = isinstance(seconds, ast.Constant) and float(str(seconds.value)) > 0.5
                if long and "#" not in lines[node.lineno - 1]:
                    yield f"{shown(path)}:{node.lineno}"

    assert [line for path in modules(ROOT / "tests") for line in sleeps(path)] == []


def test_every_ignore_carries_a_reason() -> None:
    bare = re.compile(r"#\s*(type: ignore\[[^\]]*\]|noqa(: [A-Z0-9, ]+)?)\s*$")
    ignore = re.compile(r"#\s*(type: ignore|noqa)\s*$")
    assert (
        found(
            f"{shown(path)}:{number}"
            for folder in (PACKAGE, ROOT / "tests")
            for path in modules(folder)
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if bare.search(line) or ignore.search(line)
        )
        == []
    )


def test_styles_use_variables_only() -> None:
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|\brgba?\(|\bhsla?\(|!important")
    assert (
        found(
            f"{shown(path)}:{number} {line.strip()}"
            for path in sorted((ROOT / "styles").rglob("*.tcss"))
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if colour.search(line)
        )
        == []
    )


def test_colours_are_named_in_the_theme_alone() -> None:
    colour = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
    assert (
        found(
            f"{shown(path)}: {text}"
            for path in modules()
            if path.name != "theme.py" and "sandbox" not in path.parts
            for text in texts(path)
            if colour.fullmatch(text)
        )
        == []
    )


def test_the_product_speaks_of_itself_alone() -> None:
    strangers = re.compile(
        r"\.\./shared|/work/|wireframes\.md|\bclaude\b|\bchatgpt\b|\bcopilot\b|\bAI-generated\b", re.IGNORECASE
    )
    assert (
        found(
            f"{shown(path)}:{number}"
            for folder in (PACKAGE, ROOT / "tests", ROOT / "styles", ROOT / "docs")
            for path in sorted(folder.rglob("*"))
            if path.suffix in (".py", ".tcss", ".md", ".svg", ".json") and path != Path(__file__)
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if strangers.search(line)
        )
        == []
    )
