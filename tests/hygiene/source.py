"""The repository's own source, parsed once: what the hygiene tests look at."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "runctl_tui"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(folder: Path = PACKAGE) -> list[Path]:
    """Return every Python file of ours below a folder."""
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    """Return the file's syntax tree."""
    return ast.parse(path.read_text("utf-8"), str(path))


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def shown(path: Path) -> str:
    """Return the path as a person names it."""
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[Function]:
    """Yield every function of a file, methods and inner ones included."""
    yield from (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Yield (module, statement) for every import; of `from a import b` both 'a' and 'a.b'."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolved(path, node)
            yield module, node
            yield from ((f"{module}.{alias.name}", node) for alias in node.names)


def resolved(path: Path, node: ast.ImportFrom) -> str:
    """Return the absolute name of the module that an `import from` names."""
    home = ".".join(path.relative_to(ROOT).parts[: -node.level]) if node.level else ""
    return ".".join(part for part in (home, node.module or "") if part)


def texts(path: Path) -> Iterator[str]:
    """Yield every string constant of a file that is no docstring."""
    documentation = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def code_lines(path: Path) -> int:
    """Return the number of lines of a file."""
    return len(path.read_text("utf-8").splitlines())


def mentioned_modules(text: str) -> list[str]:
    """Return dotted names of our modules in a text, as in 'runctl_tui.app:RunctlApp'."""
    return re.findall(r"runctl_tui(?:\.\w+)+", text)
