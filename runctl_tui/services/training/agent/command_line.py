"""One verb per call: its request comes as JSON on standard input, its answer leaves as JSON or as frames."""

import os
from typing import Callable, Dict, List

from .basics import ROOT, Json, Refused
from .code_sync import verb_sync_begin, verb_sync_finish
from .ending import verb_forget, verb_stop
from .exchange import answer, read_request
from .listing import verb_checkpoints
from .logs import verb_follow, verb_read
from .one_process import verb_process
from .relay_urls import verb_pending, verb_urls
from .run_folder import Run
from .start import verb_start
from .status import verb_status, verb_sweep
from .supervisor import Supervisor
from .uploader import Uploader
from .uploads import verb_uploader
from .vitals import verb_vitals
from .watching import verb_host, verb_watch

VERBS: Dict[str, Callable[[Json], Json]] = {
    "start": verb_start,
    "status": verb_status,
    "stop": verb_stop,
    "checkpoints": verb_checkpoints,
    "uploader": verb_uploader,
    "pending": verb_pending,
    "urls": verb_urls,
    "vitals": verb_vitals,
    "host": verb_host,
    "process": verb_process,
    "sweep": verb_sweep,
    "forget": verb_forget,
    "sync_begin": verb_sync_begin,
    "sync_finish": verb_sync_finish,
}
STREAMS: Dict[str, Callable[[Json], None]] = {"read": verb_read, "follow": verb_follow, "watch": verb_watch}


def serve(verb: str) -> int:
    """Do what a verb asks and answer; returns the exit status."""
    try:
        if verb not in VERBS and verb not in STREAMS:
            raise Refused(
                "bad_verb", "there is no verb %r" % verb, "one of " + ", ".join(sorted(list(VERBS) + list(STREAMS)))
            )
        os.makedirs(ROOT, mode=0o700, exist_ok=True)
        request = read_request()
        if verb in STREAMS:
            STREAMS[verb](request)
        else:
            answer(dict(VERBS[verb](request), ok=True))
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


def main(argv: List[str]) -> int:
    """Run one verb; supervise and upload are for the agent's own detached processes."""
    if len(argv) == 3 and argv[1] == "supervise":
        Supervisor(Run(argv[2])).main()
        return 0
    if len(argv) == 3 and argv[1] == "upload":
        Uploader(Run(argv[2])).main()
        return 0
    return serve(argv[1] if len(argv) == 2 else " ".join(argv[1:]))
