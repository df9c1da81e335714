"""Asks hosts about their runs: states, what is new in their logs, and uploaders that died; used by the register.

A host that hangs costs the others nothing but its own time limit, and in the feed not even that after the first time.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.services.errors import AgentError, HostError, HostLinkLost, HostUnreachable, TrainctlError
from runctl_tui.services.runs.mirror import KEEP, SKIP_BEYOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.run import ResourceUsage
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.runs.mirror import LogMirror, Mirrors
    from runctl_tui.services.training.agent_client import AgentClient
    from runctl_tui.services.training.agent_values import RunStatus

_LOG: Final = logging.getLogger(__name__)
HOST_TIMEOUT: Final = 10.0
"""Seconds that one host may take to tell about its runs."""
PATIENCE: Final = 0.5
"""Seconds for which the feed waits for a host that hung the last time."""
QUIET_SECONDS: Final = 15.0
"""Seconds for which the feed leaves a machine alone on which no run lives and no upload waits."""
MEASURED_EVERY: Final = 60.0
"""Seconds between two measurements of what a machine is doing."""
REVIVE_EVERY: Final = 300.0
"""Seconds between two attempts to start a dead uploader again."""
PAGE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What one machine told, or why it told nothing."""

    machine: Instance
    statuses: tuple[RunStatus, ...] = ()
    usage: ResourceUsage | None = None
    """What it was doing when it was last measured; None: not measured yet."""
    problem: Problem | None = None


class HostSweeps:
    """Sweeps hosts, several at once."""

    def __init__(self, hosts: HostBook, mirrors: Mirrors, clock: Clock, timeout: float = HOST_TIMEOUT) -> None:
        self._hosts = hosts
        self._mirrors = mirrors
        self._clock = clock
        self._timeout = timeout
        self._slow: set[str] = set()
        self._waiting: dict[str, asyncio.Task[Answer]] = {}
        self._revived: dict[str, float] = {}
        self._told: dict[str, tuple[float, Answer]] = {}
        self._measured: dict[str, tuple[float, ResourceUsage]] = {}

    async def ask(self, machines: Sequence[Instance]) -> list[Answer]:
        """Ask every machine now and wait for each as long as it may take."""
        return list(await asyncio.gather(*(self._ask(machine) for machine in machines)))

    async def look(self, machines: Sequence[Instance]) -> list[Answer]:
        """Ask as `ask` does, for the feed: quiet machines seldom, and none that hung the last time is waited for."""
        now = self._clock.monotonic()
        quiet = {one.id: kept for one in machines if (kept := self._quiet(one, now)) is not None}
        tasks = {machine.id: self._task(machine) for machine in machines if machine.id not in quiet}
        prompt = [task for key, task in tasks.items() if key not in self._slow]
        if prompt:
            await asyncio.wait(prompt)
        if late := [task for task in tasks.values() if not task.done()]:
            await asyncio.wait(late, timeout=PATIENCE)
        return [quiet.get(machine.id) or self._outcome(machine, tasks[machine.id]) for machine in machines]

    def wake(self, machine_id: str) -> None:
        """Ask a machine at the next look, quiet or not, because something begins on it."""
        self._told.pop(machine_id, None)

    def _quiet(self, machine: Instance, now: float) -> Answer | None:
        """Return the last answer of a machine on which nothing was going on a moment ago."""
        told_at, answer = self._told.get(machine.id, (float("-inf"), None))
        return answer if now - told_at < QUIET_SECONDS else None

    def _task(self, machine: Instance) -> asyncio.Task[Answer]:
        task = self._waiting.get(machine.id)
        if task is None or task.done():
            task = asyncio.get_running_loop().create_task(self._ask(machine))
            self._waiting[machine.id] = task
        return task

    def _outcome(self, machine: Instance, task: asyncio.Task[Answer]) -> Answer:
        if not task.done():
            return Answer(machine, problem=_hangs(machine))
        self._waiting.pop(machine.id, None)
        return Answer(machine, problem=_hangs(machine)) if task.cancelled() else task.result()

    async def _ask(self, machine: Instance) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                agent = await self._hosts.agent(machine)
                statuses, usage = await self._sweep(machine, agent)
                await self._attend(agent, statuses)
        except TimeoutError:
            self._slow.add(machine.id)
            return Answer(machine, problem=_hangs(machine))
        except TrainctlError as error:
            self._slow.discard(machine.id)
            return Answer(machine, problem=_silence(machine, error))
        self._slow.discard(machine.id)
        answer = Answer(machine, statuses, usage)
        if any(status.alive or status.uploads.pending for status in statuses):
            self._told.pop(machine.id, None)
        else:
            self._told[machine.id] = self._clock.monotonic(), answer
        return answer

    async def _sweep(self, machine: Instance, agent: AgentClient) -> tuple[tuple[RunStatus, ...], ResourceUsage]:
        """Ask for the runs, and now and then for what the machine is doing; its clock is not trusted with the time."""
        now = self._clock.monotonic()
        at, usage = self._measured.get(machine.id, (float("-inf"), None))
        if usage is not None and now - at < MEASURED_EVERY:
            return await agent.sweep(), usage
        statuses, measured = await agent.measured_sweep()
        usage = replace(measured, timestamp=self._clock.now())
        self._measured[machine.id] = now, usage
        return statuses, usage

    async def _attend(self, agent: AgentClient, statuses: Iterable[RunStatus]) -> None:
        """Fetch what is new of each run, and see to its uploader; one that refuses does not hide the others."""
        for status in statuses:
            try:
                mirror = await asyncio.to_thread(self._mirrors.of, status.run_id)
                if (status.log_inode, status.log_size) != (mirror.inode, mirror.end):
                    await fetch_log(agent, status.run_id, mirror)
                await self._revive(agent, status)
            except (AgentError, OSError) as error:
                _LOG.warning("%s: %s", status.run_id, error)

    async def _revive(self, agent: AgentClient, status: RunStatus) -> None:
        """Start the uploader of an ended run again where it died with its work undone, as after a reboot."""
        if status.alive or status.uploader_alive or status.upload_state in ("off", "done"):
            self._revived.pop(status.run_id, None)
            return
        now = self._clock.monotonic()
        if now - self._revived.get(status.run_id, float("-inf")) >= REVIVE_EVERY:
            self._revived[status.run_id] = now
            await agent.restart_uploader(status.run_id)


async def fetch_log(agent: AgentClient, run_id: str, mirror: LogMirror) -> None:
    """Bring a mirror up to the log's end; one that is far behind goes on near the end."""
    while True:
        page = await agent.read(run_id, mirror.end, PAGE, mirror.inode)
        if page.truncated or page.size - page.offset > SKIP_BEYOND:
            start = max(page.size - KEEP, 0) if page.size > SKIP_BEYOND else 0
            await asyncio.to_thread(mirror.restart, start, page.inode)
            continue
        await asyncio.to_thread(mirror.append, page.offset, page.data, page.inode)
        if page.offset + len(page.data) >= page.size or not page.data:
            return


def _silence(machine: Instance, error: TrainctlError) -> Problem:
    """Return why a machine tells nothing, by its name: the address that was tried stands with the reasons."""
    problem = error.to_problem(scope=machine.id)
    what = f"{machine.name or machine.id} cannot be reached"
    if error.what == what or not isinstance(error, HostUnreachable | HostLinkLost):
        return problem
    return replace(problem, what=what, why=str(error))


def _hangs(machine: Instance) -> Problem:
    what = f"{machine.name or machine.id} took too long to tell about its runs"
    return HostError(what, "", "it is asked again").to_problem(scope=machine.id)
