"""One verb per call: its request comes as JSON on standard input, its answer leaves as JSON or as frames."""

import importlib
import os
from functools import partial
from typing import Any, Callable, Dict, List, Optional

from .basics import ROOT, Refused
from .exchange import answer, read_request

VERBS: Dict[str, str] = {
    "start": "start:verb_start",
    "status": "status:verb_status",
    "stop": "ending:verb_stop",
    "checkpoints": "listing:verb_checkpoints",
    "uploader": "uploads:verb_uploader",
    "send": "uploads:verb_send",
    "pending": "relay_urls:verb_pending",
    "urls": "relay_urls:verb_urls",
    "vitals": "vitals:verb_vitals",
    "host": "watching:verb_host",
    "process": "one_process:verb_process",
    "sweep": "status:verb_sweep",
    "forget": "ending:verb_forget",
    "sync_begin": "code_sync:verb_sync_begin",
    "sync_finish": "code_sync:verb_sync_finish",
}
"""Verb -> 'module:function', imported when it is called: a host that trains has better things to do than importing."""
STREAMS: Dict[str, str] = {"read": "logs:verb_read", "follow": "logs:verb_follow", "watch": "watching:verb_watch"}
DETACHED: Dict[str, str] = {"supervise": "supervisor:Supervisor", "upload": "uploader:Uploader"}


def found(home: str) -> Any:
    """Import what 'module:attribute' names."""
    module, _, attribute = home.partition(":")
    return getattr(importlib.import_module("." + module, __package__), attribute)


def serve(verb: str, work: Optional[Callable[[Any], Any]]) -> int:
    """Do what a verb asks and answer; returns the exit status."""
    try:
        if work is None:
            raise Refused(
                "bad_verb", "there is no verb %r" % verb, "one of " + ", ".join(sorted(list(VERBS) + list(STREAMS)))
            )
        os.makedirs(ROOT, mode=0o700, exist_ok=True)
        request = read_request()
        if verb in STREAMS:
            work(request)
        else:
            answer(dict(work(request), ok=True))
        return 0
    except Refused as error:
        answer({"ok": False, "error": {"code": error.code, "message": error.message, "hint": error.hint}})
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        text = "%s: %s" % (type(error).__name__, error)
        answer({"ok": False, "error": {"code": "failed", "message": text, "hint": "see doctor for the host's state"}})
    return 2


def detached(make: Any, run: Any) -> int:
    """Do what the agent starts as a detached process of its own."""
    make(run).main()
    return 0


def task(argv: List[str]) -> Callable[[], int]:
    """Import all that a call needs and return what does it; until then nothing is read and nothing is done."""
    if len(argv) == 3 and argv[1] in DETACHED:
        make, run = found(DETACHED[argv[1]]), found("run_folder:Run")
        return partial(detached, make, run(argv[2]))
    verb = argv[1] if len(argv) == 2 else " ".join(argv[1:])
    home = VERBS.get(verb) or STREAMS.get(verb)
    return partial(serve, verb, found(home) if home else None)


def main(argv: List[str]) -> int:
    """Run one verb, or what the agent starts as a detached process of its own."""
    return task(argv)()
