"""From words to an exit code: the full screen without a noun, one headless call with one.

Imports beyond the standard library happen inside the functions that need them, so that the first frame comes early.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runctl_tui import __version__
from runctl_tui.splash import Splash

if TYPE_CHECKING:
    import argparse

    from runctl_tui.headless.reply import Call, Needs, Reply
    from runctl_tui.options import Options
    from runctl_tui.services.errors import TrainctlError

INTERRUPTED = 130
PIPE_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 1 user, 2 system, 3 configuration, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    head, rest = _split(words)
    splash = Splash()
    splash.show(words)
    try:
        return _written(head, rest, splash, has_rest="--" in words)
    except BrokenPipeError:
        _write_no_more()
        return PIPE_CLOSED
    finally:
        splash.leave()


def _written(head: list[str], rest: tuple[str, ...], splash: Splash, *, has_rest: bool) -> int:
    """Run, and say where nobody could be given the answer."""
    from runctl_tui.headless.console import written
    from runctl_tui.services.errors import OutputLost
    from runctl_tui.services.redaction import know_environment

    know_environment(os.environ)
    try:
        code = _run(head, rest, splash, has_rest=has_rest)
        with written():
            sys.stdout.flush()
    except OutputLost as error:
        _write_no_more()
        return _fail(error, False)
    return code


def _write_no_more() -> None:
    """Let what is still buffered for standard output go nowhere, so that the end of the process is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(head: list[str], rest: tuple[str, ...], splash: Splash, *, has_rest: bool) -> int:
    from runctl_tui.services.errors import OutputLost, TrainctlError

    try:
        from runctl_tui.headless.parser import global_parser, repeat_regions

        flags, left = global_parser().parse_known_args(repeat_regions(head))
        options = _options(flags)
        if not left and not has_rest:
            return _screen(options, flags.json, splash)
        if left == ["--version"]:
            return _version(flags.json)
        return _headless(options, flags.json, left, head, rest)
    except OutputLost:
        raise
    except TrainctlError as error:
        splash.leave()
        return _fail(error, "--json" in head)


def _version(json: bool) -> int:
    from runctl_tui.headless import output
    from runctl_tui.headless.console import Console

    Console(json).answer(output.success({"version": __version__}) if json else f"runctl-tui {__version__}")
    return 0


def _split(words: list[str]) -> tuple[list[str], tuple[str, ...]]:
    if "--" not in words:
        return words, ()
    at = words.index("--")
    return words[:at], tuple(words[at + 1 :])


def _options(flags: argparse.Namespace) -> Options:
    from runctl_tui.options import Options

    return Options(
        sandbox=flags.sandbox or flags.fresh,
        fresh=flags.fresh,
        state_dir=flags.state_dir,
        config_file=flags.config,
        profile=flags.profile,
        regions=tuple(dict.fromkeys(map(_region, flags.region))),
        read_only=flags.read_only,
    )


def _region(text: str) -> str:
    from runctl_tui.domain import validation
    from runctl_tui.headless.parser import UsageError

    try:
        return validation.region(text)
    except ValueError as error:
        raise UsageError(f"--region: {error}", todo=validation.region_meant(text)) from None


def _screen(options: Options, json: bool, splash: Splash) -> int:
    from runctl_tui.headless.parser import UsageError

    if json:
        raise UsageError("--json needs a noun", todo="such as: runctl-tui instances list --json")
    _check_terminal()
    os.environ.setdefault("ESCDELAY", "25")
    gc.disable()  # the app collects again once its first rows are out: until then next to nothing becomes garbage
    from runctl_tui import wiring
    from runctl_tui.app import RunctlApp

    services = wiring.build(options)
    app = RunctlApp(services)
    mouse = bool(services.settings.value("ui.mouse"))
    splash.hand_over()
    app.run(mouse=mouse)
    return app.return_code or 0


def _check_terminal() -> None:
    from runctl_tui.headless.parser import UsageError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the full screen needs a terminal, and standard input or output is none",
            todo="for scripts: runctl-tui instances list --json; 'runctl-tui --help' lists the nouns",
            code="terminal",
        )
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        raise UsageError(
            f"the full screen cannot be drawn on a terminal of the type {os.environ.get('TERM', '')!r}",
            todo="set TERM to what your terminal is, such as TERM=xterm-256color",
            code="terminal",
        )


def _headless(options: Options, json: bool, left: list[str], head: list[str], rest: tuple[str, ...]) -> int:
    from runctl_tui.headless.console import Console
    from runctl_tui.headless.parser import UsageError, check_leftovers, check_noun, noun_parser
    from runctl_tui.headless.reply import Call

    noun = "" if left[0] in ("-h", "--help") else check_noun(left)
    parser = noun_parser(noun, __version__)
    try:
        args, leftovers = parser.parse_known_args(left)
    except SystemExit:
        return 0
    check_leftovers(parser, noun, leftovers)
    if rest and not getattr(args, "takes_rest", False):
        raise UsageError(f"'{noun}' takes no arguments after '--'")
    call = Call(args, Console(json), tuple(head), rest, os.environ, Path.cwd(), options.regions)
    return _call(options, call)


def _call(options: Options, call: Call) -> int:
    import asyncio

    from runctl_tui.headless import output

    try:
        reply = asyncio.run(_answer(options, call))
    except KeyboardInterrupt:
        return _interrupted(call)
    if call.console.json:
        call.console.answer(output.success(reply.data, reply.missing))
        return reply.exit_code
    if reply.text:
        call.console.answer(reply.text)
    for problem in reply.missing:
        call.console.progress(output.missing_text(problem))
    return reply.exit_code


async def _answer(options: Options, call: Call) -> Reply:
    from runctl_tui.headless.reply import Needs

    needs: Needs = call.args.needs
    if needs is Needs.NOTHING:
        return await _handled(call, None)
    if needs is Needs.SETTINGS:
        from runctl_tui.services.config.service import ConfigService
        from runctl_tui.services.config.sources import sources_of
        from runctl_tui.wiring.keymap import wrong_in_keymap

        sources = sources_of(options, os.environ, call.folder)
        return await _handled(call, ConfigService(sources, wrong_in_keymap))
    return await _with_services(options, call, needs)


async def _with_services(options: Options, call: Call, needs: Needs) -> Reply:
    from dataclasses import replace

    from runctl_tui import wiring
    from runctl_tui.headless.reply import Needs

    options = replace(options, sandbox=True) if call.args.noun == "sandbox" else options
    services = wiring.build(options)
    try:
        if needs is Needs.SERVICES:
            async for words in services.start():
                call.console.progress(words)
        reply = await _handled(call, services)
        await services.jobs.drain()
        return replace(reply, missing=(*reply.missing, *services.troubles()))
    finally:
        services.close()


async def _handled(call: Call, needed: object) -> Reply:
    reply: Reply = await call.args.handler(needed, call)
    return reply


def _interrupted(call: Call) -> int:
    from runctl_tui.headless import output
    from runctl_tui.services.errors import UserError

    console = call.console
    if console.ends_by_interrupt:
        return 0
    why, todo = _after_interrupt(call)
    if console.json:
        console.answer(output.failure(UserError("interrupted", why, todo, code="interrupted")))
    console.progress(f"interrupted: {why}; {todo}")
    return INTERRUPTED


def _after_interrupt(call: Call) -> tuple[str, str]:
    """Return what is true after an interruption, and where to look."""
    if going_on := call.console.afterwards:
        return "; ".join(each.what for each in going_on), "; ".join(each.look for each in going_on)
    if hasattr(call.args, "dry_run"):
        todo = "'runctl-tui' shows under Tasks each job that was; this command with --dry-run says what it would do now"
        return "this program knows of no job that was begun", todo
    return "nothing was changed by the interruption itself", "give the same command again"


def _fail(error: TrainctlError, json: bool) -> int:
    from runctl_tui.headless import output
    from runctl_tui.headless.console import Console

    if json:
        Console(json).answer(output.failure(error))
    else:
        print(output.failure_text(error), file=sys.stderr, flush=True)
    return error.exit_code
