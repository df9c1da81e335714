"""The verb `start`: makes a run's folder and hands it to a supervisor."""

import fcntl
import os
import re

from .basics import ROOT, Json, Refused, utc
from .checkpoints import scan
from .fields import host_path, object_field, s3_place, text_field, text_list, variables
from .files import open_private, write_json
from .processes import detach, record_process
from .run_folder import RUNS, Run, all_runs

LAUNCHERS = ("python", "torchrun", "accelerate", "command")


def checked_start(request: Json) -> Json:
    """Return what run.json will hold; raise for what cannot be started."""
    project = host_path(request, "project_dir")
    if not os.path.isdir(project):
        raise Refused("no_project", "the folder %s is not there" % project, "sync the code first")
    launcher = text_field(request, "launcher", "python")
    if launcher not in LAUNCHERS:
        raise Refused("bad_request", "launcher %r is not known" % launcher, "one of " + ", ".join(LAUNCHERS))
    script = text_field(request, "script")
    if launcher != "command" and not os.path.isfile(os.path.join(project, script)):
        raise Refused(
            "no_script", "the script %s is not in %s" % (script, project), "check its path, or what sync left out"
        )
    gpus = request.get("gpus")
    if gpus is not None and not (isinstance(gpus, str) and re.match(r"[\w,.:-]*\Z", gpus)):
        raise Refused("bad_request", "gpus must be a list such as 0,1")
    if request.get("deps", "auto") not in ("auto", "none"):
        raise Refused("bad_request", "deps must be auto or none")
    env, secrets = variables(request, "env"), variables(request, "secrets")
    return {
        "run_id": request["run_id"], "created_at": utc(), "project_dir": project, "script": script,
        "args": text_list(request, "args"), "launcher": launcher, "gpus": gpus, "deps": request.get("deps", "auto"),
        "checkpoint_dir": text_field(request, "checkpoint_dir", "checkpoints"), "s3": s3_place(request),
        "checkpoint_globs": text_list(request, "checkpoint_globs"), "resume_from": request.get("resume_from"),
        "resume_flag": text_field(request, "resume_flag", "--resume"), "parent": request.get("parent"),
        "meta": object_field(request, "meta"), "env_names": sorted(env), "secret_names": sorted(secrets),
    }  # fmt: skip


def refuse_busy_project(project: str) -> None:
    """Raise when a living run works in the same project folder."""
    for other in all_runs():
        same = os.path.realpath(other.request().get("project_dir", "")) == os.path.realpath(project)
        if same and other.alive():
            raise Refused(
                "project_busy", "run %s is still active in %s" % (other.run_id, project), "stop it, or allow_concurrent"
            )


def verb_start(request: Json) -> Json:
    """Make a run's folder and start its supervisor; answers once the supervisor has taken over."""
    run = Run(request.get("run_id", ""))
    record = checked_start(request)
    os.makedirs(RUNS, mode=0o700, exist_ok=True)
    with open_private(os.path.join(ROOT, "lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(run.folder):
            raise Refused("run_exists", "run %s is already on this host" % run.run_id, "a resumed run needs a new id")
        if not request.get("allow_concurrent"):
            refuse_busy_project(record["project_dir"])
        os.mkdir(run.folder, 0o700)
        write_json(run.path("run.json"), record)
        write_json(run.path("env"), dict(variables(request, "env"), **variables(request, "secrets")))
        os.makedirs(run.checkpoint_dir(), exist_ok=True)
        write_json(
            run.path("baseline.json"), {entry["name"]: entry["signature"] for entry in scan(run.checkpoint_dir())}
        )
        open_private(run.log).close()
        write_json(run.path("state.json"), {"phase": "starting", "created_at": record["created_at"]})
        pid = detach("supervise", run.run_id)
        record_process(run.path("supervisor"), pid)
    return {"run_id": run.run_id, "run_dir": run.folder, "supervisor": pid, "log": run.log}
