"""The noun `config`: the effective configuration; works also where the files are wrong."""

from __future__ import annotations

from runctl_tui.domain.setting_spec import Kind
from runctl_tui.domain.settings import SPECS
from runctl_tui.headless import output
from runctl_tui.headless.confirm import add_dry_run
from runctl_tui.headless.parser import Nouns, Parser, UsageError, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.errors import ConfigError, UserError
from runctl_tui.services.ports import Settings

_COLUMNS = {"KEY": "key", "VALUE": "value", "ORIGIN": "origin", "WHAT": "help"}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "show", "show every key with its value and where that comes from")
    parser.add_argument("key", metavar="KEY", nargs="?", default="", help="only this key")
    parser.set_defaults(handler=show, needs=Needs.SETTINGS)
    parser = add_noun(verbs, "set", "write one key into the file that is in force; comments stay")
    parser.add_argument("key", metavar="KEY", help="such as aws.region")
    words = "lists with commas; tables as a=b;c=d; empty unsets; of a secret only '-', to read it from standard input"
    parser.add_argument("value", metavar="VALUE", nargs="?", help=words)
    add_dry_run(parser)
    parser.set_defaults(handler=change, needs=Needs.SETTINGS)
    parser = add_noun(verbs, "validate", "say everything that is wrong with files, environment and flags")
    parser.set_defaults(handler=validate, needs=Needs.SETTINGS)


async def show(settings: Settings, call: Call) -> Reply:
    """Every key, or one."""
    if call.args.key:
        settings.value(call.args.key)
    rows: list[output.Row] = [
        {"key": item.key, "value": item.value, "origin": item.origin, "help": item.help}
        for item in settings.all()
        if call.args.key in ("", item.key)
    ]
    for problem in settings.validate():
        call.console.progress(f"▲ {problem.what}: {problem.why or problem.todo}")
    return Reply(rows, output.table(rows, _COLUMNS, ""))


async def change(settings: Settings, call: Call) -> Reply:
    """Write one key; with --dry-run say what writing it would do."""
    value = await _value(call)
    if call.args.dry_run:
        return _draft(settings, call, value)
    file = settings.set(call.args.key, value)
    shown = next(item for item in settings.all() if item.key == call.args.key)
    data = {"key": shown.key, "value": shown.value, "origin": shown.origin, "file": file}
    text = f"{file}: {shown.key} written"
    if file not in shown.origin:
        text += f"; still in force is {shown.value!r}, from {shown.origin}"
    return Reply(data, text)


async def _value(call: Call) -> str:
    """Return the text to write: a secret from standard input or a person, anything else from the command line."""
    key, value = call.args.key, call.args.value
    if key not in SPECS or SPECS[key].kind is not Kind.SECRET:
        if value is None:
            raise UsageError(f"{key} to what?", todo=f"runctl-tui config set {key} VALUE; '' unsets it")
        return str(value)
    if value == "":
        return ""
    if value is None and call.console.interactive:
        return _given(await call.console.ask_secret(f"{key}:"))
    if value == "-":
        return _given(await call.console.read_line())
    why = "everybody on this machine sees the words of a command, and the shell keeps them in its history"
    todo = f"'runctl-tui config set {key} -' reads a line of standard input; without '-' a terminal is asked"
    raise UsageError(f"{key} is a secret and takes no value from the command line", why if value else "", todo)


def _given(line: str) -> str:
    if not line.strip():
        raise UserError("nothing was given", "nothing was changed", "an empty VALUE, '', unsets it", code="cancelled")
    return line.strip()


def _draft(settings: Settings, call: Call, value: str) -> Reply:
    """Return what would be written; ConfigError where it cannot be."""
    draft = settings.draft(call.args.key, value)
    if draft.problem:
        raise ConfigError(f"{draft.key} cannot be written", draft.problem)
    text = f"{draft.file}: {draft.key} would go from {draft.old!r} to {draft.new!r}; nothing was written: --dry-run"
    if draft.overruled_by:
        text += f"; {draft.overruled_by} would stay in force"
    return Reply({"dry_run": True, "key": draft.key, "old": draft.old, "new": draft.new, "file": draft.file}, text)


async def validate(settings: Settings, call: Call) -> Reply:
    """What is wrong; ConfigError where anything is."""
    problems = settings.validate()
    if not problems:
        return Reply({"problems": []}, "the configuration is right")
    words = [": ".join(filter(None, (problem.what, problem.why))) for problem in problems]
    todo = "; ".join(dict.fromkeys(problem.todo for problem in problems if problem.todo))
    what = words[0] if len(words) == 1 else f"{len(words)} things are wrong with the configuration"
    raise ConfigError(what, "" if len(words) == 1 else "; ".join(words), todo, code=problems[0].code)
