"""Makes the generated pages of docs/: `make docs` writes them, a test compares them with what is there."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import runctl_tui
from runctl_tui.domain.setting_spec import SettingSpec
from runctl_tui.domain.settings import SCHEMA, SECTIONS
from runctl_tui.domain.settings_sample import example
from runctl_tui.headless.parser import NOUNS, noun_parser, walk
from tests.hygiene.source import ROOT, modules, name_of, tree

DOCS: Final = ROOT / "docs"
_NOTE: Final = "<!-- Made by `make docs`; edit the source instead. -->\n"
_INTERFACE: Final = ("runctl_tui.app", "runctl_tui.screens", "runctl_tui.widgets", "runctl_tui.modals")


def pages() -> dict[str, Callable[[], str]]:
    """Return the generated pages by file name."""
    return {
        "api.md": api,
        "commands.md": commands,
        "configuration.md": configuration,
        "keys.md": keys,
        "modules.md": all_modules,
    }


def api() -> str:
    """The names of the library with what each is."""
    parts = [
        "# The library\n",
        _NOTE,
        "`import runctl_tui` gives the types that the screens use themselves. Each is imported when first asked for.\n"
        "`open_services` gives what they act on: its `costs` is the `ResourceTracker`, its `registry` the\n"
        "`ProviderRegistry`, and `safe_cleanup` takes its `actions` and `jobs`.\n",
    ]
    for name, home in sorted(runctl_tui._HOMES.items(), key=lambda item: item[0].lower()):
        thing = getattr(runctl_tui, name)
        module, _, attribute = home.partition(":")
        parts.append(f"## {name}\n")
        parts.append(f"`{module}.{attribute}`: {_first_paragraph(thing)}\n")
        parts.extend(_members(thing))
    return _joined(parts)


def commands() -> str:
    """Every noun, verb and flag."""
    parts = [
        "# Commands\n",
        _NOTE,
        "Global flags may stand before and after the noun. With `--json` every noun answers with one object. A verb\n"
        "that changes something answers with its plan first, and acts with `--yes --plan-hash HASH` (and the name\n"
        "where data is destroyed), or after the same questions on a terminal; `--dry-run` never acts.\n",
    ]
    rows: dict[str, list[tuple[str, str]]] = {}
    for command, word, help_text in walk(noun_parser("*")):
        if word not in ("-h", "--help") and help_text != argparse.SUPPRESS:
            rows.setdefault(command, []).append((word, help_text))
    rows.update({f"runctl-tui {noun}": rows.get(f"runctl-tui {noun}", []) for noun in NOUNS})
    for command in sorted(rows, key=_command_order):
        title = "Global flags" if command == "runctl-tui" else f"`{command}`"
        words = NOUNS.get(command.removeprefix("runctl-tui "), ("", ""))[1]
        parts.append(f"{'###' if command.count(' ') > 1 else '##'} {title}\n")
        parts.extend([f"{words[0].upper()}{words[1:]}.\n"] if words else [])
        parts.extend([_table(("word", "meaning"), [(f"`{word}`", text) for word, text in rows[command]])])
    return _joined(parts)


def configuration() -> str:
    """Every configuration key."""
    parts = [
        "# Configuration\n",
        _NOTE,
        textwrap.dedent("""\
            Stronger sources first: flags; the environment (`aws.region` is `RUNCTL_TUI_AWS_REGION`; `RUNPOD_API_KEY`
            too); the project's `.runctl.toml`, found in this folder or the nearest one above; the user's
            `config.toml`, or runctl's own while there is none; the defaults. `--config FILE` replaces both files. Every
            section and key is optional. `runctl-tui init` writes a commented sample, `config show` says where each
            value comes from, `config set KEY VALUE` keeps comments, `config validate` names everything that is wrong.
            Where nobody names `aws.region`, AWS's own words count: the region of the profile in `~/.aws`, `AWS_REGION`,
            `AWS_DEFAULT_REGION`. The sandbox has a file and defaults of its own.

            A secret is never given as VALUE, where everybody on the machine could read it: `config set KEY -` reads it
            from standard input, `config set KEY` asks for it on a terminal.

            A file that holds a secret must be readable by its owner alone. Keys marked `*` are runctl's. One default
            differs: `aws.default_ami` is empty, because runctl's image exists in one region only and has no GPU driver.
            """),
    ]
    for section in ("", *SECTIONS):
        words = SECTIONS[section].__doc__ if section else "Top level."
        parts.append(f"## {f'[{section}]' if section else 'Top level'}\n")
        parts.extend([f"{words}\n"] if section else [])
        rows = [
            (f"`{spec.name}`{' *' if spec.heritage else ''}", spec.kind.value, _default(spec.default), _limits(spec))
            for spec in SCHEMA
            if spec.section == section
        ]
        parts.append(_table(("key", "type", "default", "what"), rows))
    examples = "\n".join(f"{spec.name} = {example(spec)}" for spec in SCHEMA if spec.section == "aws")
    parts.append(f"An example of every key of `[aws]`:\n\n```toml\n[aws]\n{examples}\n```\n")
    return _joined(parts)


def keys() -> str:
    """Every key of every screen, from the bindings themselves."""
    parts = [
        "# Keys\n",
        _NOTE,
        "All keys can be changed by the name of their binding: `ui.keymap` in the [configuration](configuration.md).\n",
    ]
    for title, words, rows in _bindings():
        parts.append(f"## {title}\n")
        parts.extend([f"{words}\n", _table(("key", "what", "binding"), rows)])
    return _joined(parts)


def all_modules() -> str:
    """Every module with its purpose."""
    parts = ["# Modules\n", _NOTE]
    packages: dict[str, list[tuple[str, str]]] = {}
    for path in modules():
        name = name_of(path)
        purpose = " ".join((ast.get_docstring(tree(path)) or "").partition("\n\n")[0].split())
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        packages.setdefault(package, []).append((f"[`{name}`](../{path.relative_to(ROOT)})", purpose))
    for package in sorted(packages):
        parts.extend([f"## {package}\n", _table(("module", "purpose"), packages[package])])
    return _joined(parts)


def _bindings() -> Iterator[tuple[str, str, list[tuple[str, ...]]]]:
    from textual.binding import Binding
    from textual.dom import DOMNode

    seen: set[type] = set()
    for module in _interface_modules():
        for thing in vars(module).values():
            if not (isinstance(thing, type) and issubclass(thing, DOMNode)) or thing in seen:
                continue
            if thing.__module__ != module.__name__ or "BINDINGS" not in vars(thing):
                continue
            seen.add(thing)
            bindings = Binding.make_bindings(thing.BINDINGS)
            rows: list[tuple[str, ...]] = [
                (_key(each), each.description, f"`{each.id}`" if each.id else "")
                for each in bindings
                if each.description
            ]
            if rows:
                yield thing.__name__, _first_paragraph(thing), rows


def _interface_modules() -> Iterator[Any]:
    for name in _INTERFACE:
        module = importlib.import_module(name)
        yield module
        for info in sorted(pkgutil.iter_modules(getattr(module, "__path__", [])), key=lambda each: each.name):
            yield importlib.import_module(f"{name}.{info.name}")


def _key(binding: Any) -> str:
    shown = binding.key_display or binding.key
    return f"`{shown}`"


def _members(thing: Any) -> list[str]:
    if not isinstance(thing, type):
        signature = inspect.signature(thing)
        return [
            f"```python\n{'async ' if inspect.iscoroutinefunction(thing) else ''}{thing.__name__}{signature}\n```\n"
        ]
    rows = []
    for name, member in vars(thing).items():
        if name.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property | classmethod)):
            continue
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        rows.append((f"`{name}{'' if isinstance(member, property) else '()'}`", _first_paragraph(function)))
    return [_table(("member", "what"), rows)] if rows else []


def _default(value: object) -> str:
    match value:
        case None | () | {}:
            return "none"
        case bool():
            return "true" if value else "false"
    return f"`{value}`"


def _limits(spec: SettingSpec) -> str:
    limits = spec.limits
    extra = [", ".join(limits.choices)] if limits.choices else []
    extra += [f"at least {limits.minimum}"] if limits.minimum is not None else []
    extra += [f"at most {limits.maximum}"] if limits.maximum is not None else []
    return spec.help + (f" ({'; '.join(extra)})" if extra else "")


def _command_order(command: str) -> tuple[int, str]:
    noun = command.split(" ")[1] if " " in command else ""
    return ([*NOUNS].index(noun) if noun in NOUNS else -1), command


def _first_paragraph(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def _table(heads: tuple[str, ...], rows: Any) -> str:
    if not rows:
        return ""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines) + "\n"


def _joined(parts: list[str]) -> str:
    return "\n".join(part for part in parts if part)


def main() -> None:
    """Write every generated page."""
    for name, make in pages().items():
        (DOCS / name).write_text(make(), "utf-8")
        print(Path("docs", name), file=sys.stderr)


if __name__ == "__main__":
    main()
