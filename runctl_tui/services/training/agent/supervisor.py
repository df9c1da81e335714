"""The detached process that runs a run's command and writes down what becomes of it."""

import os
import shlex
import signal
import subprocess
import time
from typing import Any, Dict, List, Tuple

from .basics import BEAT_EVERY, TICK, Json, utc
from .dependencies import Setup, search_path
from .files import read_json, write_file, write_json
from .processes import group_alive, record_process, recorded_alive, signal_group
from .run_folder import Run
from .uploads import start_uploader


class Supervisor:
    """Prepares and runs one run's command, and writes down what becomes of it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.request = run.request()
        self.state = run.state()
        self.log = open(run.log, "ab", buffering=0)  # noqa: SIM115 - it stays open as long as the process
        self.beaten = 0.0
        self.stop: Json = {}
        self.kill_at = 0.0
        self.uploader_tried = 0.0

    def main(self) -> None:
        """Run the command to its end, whatever that is."""
        for number_ in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number_, self.told)
        record_process(self.run.path("supervisor"), os.getpid())
        self.keep_uploader()
        try:
            code, reason = self.work()
        except (OSError, ValueError) as error:
            code, reason = 127, "could not start: %s" % error
            self.say(reason)
        self.finish(code, reason)

    def work(self) -> Tuple[int, str]:
        """Install, then run; returns the exit code and why, empty for a plain success."""
        setup = Setup(self.request)
        self.say(setup.note)
        env = self.environment(setup)
        for argv in setup.commands:
            code = self.execute(argv, env, "installing")
            if code or self.stop:
                return code or 143, self.why(code, "the installation of dependencies failed with exit code %d" % code)
        if setup.commands:
            write_file(setup.stamp_path(), setup.stamp)
        code = self.execute(setup.command(self.request), env, "running")
        return code, self.why(code, "the command ended with exit code %d" % code)

    def why(self, code: int, failure: str) -> str:
        """Return the reason of an end."""
        if self.stop:
            return str(self.stop.get("reason") or "stopped on request")
        return failure if code else ""

    def environment(self, setup: Setup) -> Dict[str, str]:
        """Return the command's environment: the host's, ours, then the run's own variables and secrets."""
        env = dict(os.environ, PATH=search_path(), PYTHONUNBUFFERED="1", TRAINCTL_DEVICE="auto")
        env["TRAINCTL_CHECKPOINT_DIR"] = self.run.checkpoint_dir()
        env["RUNCTL_RUN_ID"] = self.run.run_id
        folders = [self.request["project_dir"], env.get("PYTHONPATH", "")]
        env["PYTHONPATH"] = os.pathsep.join(folder for folder in folders if folder)
        if setup.venv:
            env["VIRTUAL_ENV"] = setup.venv
            env["PATH"] = os.path.join(setup.venv, "bin") + os.pathsep + env["PATH"]
        if self.request["gpus"] is not None:
            env["CUDA_VISIBLE_DEVICES"] = self.request["gpus"]
        if self.request.get("resume_from"):
            env["TRAINCTL_RESUME_FROM"] = self.request["resume_from"]
        env.update(read_json(self.run.path("env")))
        return env

    def execute(self, argv: List[str], env: Dict[str, str], phase: str) -> int:
        """Run a command in a process group of its own until it ends; returns its exit code, 128 + signal."""
        if self.check_stop():
            return 143
        self.say("$ " + " ".join(shlex.quote(word) for word in argv))
        child = subprocess.Popen(
            argv, cwd=self.request["project_dir"], env=env, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        record_process(self.run.path("pid"), child.pid)
        write_file(self.run.path("pgid"), "%d\n" % child.pid)
        self.enter(phase)
        while child.poll() is None:
            self.beat()
            self.obey(child.pid)
            time.sleep(TICK)
        self.clear(child.pid)
        return child.returncode if child.returncode >= 0 else 128 - child.returncode

    def obey(self, pgid: int) -> None:
        """Act on a request to stop: TERM at first, KILL when the grace is over."""
        already = bool(self.stop)
        if not self.check_stop():
            return
        if not already or not self.kill_at:
            self.say("stopping: %s" % (self.stop.get("reason") or "asked to stop"))
            self.enter("stopping")
            self.kill_at = time.time() + float(self.stop.get("grace", 30))
            signal_group(pgid, signal.SIGTERM)
        elif time.time() >= self.kill_at and not self.state.get("killed"):
            self.say("the grace period is over: killing it")
            self.state["killed"] = True
            self.enter("stopping")
            signal_group(pgid, signal.SIGKILL)

    def clear(self, pgid: int) -> None:
        """End what the command left behind in its group, since it would hold the GPUs."""
        if group_alive(pgid):
            self.say("the command has ended: ending what it left behind")
        deadline = time.time() + 5
        signal_group(pgid, signal.SIGTERM)
        while group_alive(pgid) and time.time() < deadline:
            self.beat()
            time.sleep(TICK)
        signal_group(pgid, signal.SIGKILL)

    def check_stop(self) -> bool:
        """Tell whether somebody asked for the end."""
        if not self.stop and os.path.exists(self.run.path("stop.json")):
            self.stop = read_json(self.run.path("stop.json"))
        return bool(self.stop)

    def told(self, number_: int, _frame: Any) -> None:
        """Take a signal to the supervisor as a request to stop."""
        self.stop = self.stop or {
            "reason": "the host told the supervisor to end (signal %d)" % number_,
            "by": "host",
            "grace": 30,
        }

    def beat(self) -> None:
        """Write the heartbeat when it is due; a full disk must not end the run."""
        if time.time() - self.beaten >= BEAT_EVERY:
            self.beaten = time.time()
            try:
                write_file(self.run.path("heartbeat"), utc() + "\n")
            except OSError:
                pass
            self.keep_uploader()

    def keep_uploader(self) -> None:
        """Start the uploader, again when it has died."""
        if time.time() - self.uploader_tried > 30 and not recorded_alive(self.run.path("uploader")):
            self.uploader_tried = time.time()
            try:
                start_uploader(self.run)
            except OSError:
                pass

    def enter(self, phase: str, **more: Any) -> None:
        """Write the state; each phase keeps the time of its first entry."""
        self.state.update(more, phase=phase, updated_at=utc())
        self.state.setdefault(phase + "_at", utc())
        if self.stop:
            self.state["stop"] = self.stop
        try:
            write_json(self.run.path("state.json"), self.state)
        except OSError:
            pass

    def finish(self, code: int, reason: str) -> None:
        """Write the end down, however long a full disk makes that take, and drop the secrets."""
        phase = "failed" if code and not self.stop else "exited"
        self.say("%s with exit code %d%s" % (phase, code, ": " + reason if reason else ""))
        for _ in range(600):
            try:
                self.state.update(phase=phase, exit_code=code, reason=reason, ended_at=utc(), updated_at=utc())
                if self.stop:
                    self.state["stop"] = self.stop
                write_json(self.run.path("state.json"), self.state)
                write_file(self.run.path("exit_code"), "%d\n" % code)
                os.unlink(self.run.path("env"))
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(1)

    def say(self, text: str) -> None:
        """Add a line of our own to the log."""
        try:
            self.log.write(("[runctl] %s\n" % text).encode("utf-8", "replace"))
        except OSError:
            pass
