"""What every screen can do beside showing: plan and confirm changes, launch, follow jobs, shells, copy, help."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.resource import GONE
from runctl_tui.domain.states import Operation
from runctl_tui.domain.text import safe
from runctl_tui.messages import Navigate
from runctl_tui.screens.commanding import CommandingScreen
from runctl_tui.screens.labelling import plan_in_known_accounts
from runctl_tui.screens.placing import ask_for_place
from runctl_tui.services.errors import Refused, TrainctlError
from runctl_tui.widgets import clipboard
from runctl_tui.widgets.key_hints import live_keys
from runctl_tui.widgets.status_line import StatusNote

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.instance import Tagged
    from runctl_tui.domain.launch import LaunchRequest
    from runctl_tui.domain.plan import JobView, Plan
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.domain.states import Capability

CHANGE = "change"
_CHANGING = frozenset({"delete", "end", "terminate", "shell"})
"""Actions of keys that open the plan of a change, or where anything can be done."""
T = TypeVar("T")


class ChangingScreen(CommandingScreen):
    """Adds the one path by which anything is changed; no key here changes anything without a dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "actions", "actions", id="screen.actions", priority=True),
        Binding("question_mark", "help", "help", key_display="?", id="screen.help"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Have no keys that change anything while nothing may be changed."""
        if action in _CHANGING and self.shared.facts is not None and self.locked:
            return False
        return super().check_action(action, parameters)

    @property
    def locked(self) -> str:
        """Why nothing may be changed now, as menus say it; empty: changes are allowed."""
        facts = self.shared.facts or self.services.session.cached()
        return "" if facts.armed_for else facts.lock

    def menu(self) -> Sequence[modals.PickItem]:
        """Return what the action menu offers for the rows at hand."""
        return ()

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the rows that were at hand when the menu opened."""

    def run_names(self) -> dict[str, str]:
        """Return what runs are called by their ids, as far as anybody has told."""
        fleet, runs = self.services.fleet.feed.latest, self.services.runs.feed.latest
        told = [run for row in (fleet.value if fleet else ()) for run in row.runs]
        return {run.id: run.name for run in (*told, *(runs.value if runs else ()))}

    def go(self, mode: str, reference: str = "", machine: str = "", view: str = "") -> None:
        """Go to another screen, narrowed to what belongs to one machine, or as a saved view says."""
        self.post_message(Navigate(mode, reference, machine, view))

    def copy(self, text: str) -> None:
        """Copy to the terminal's clipboard, and say which way it went."""
        self.app.copy_to_clipboard(text)
        self.tell(f"copied {text}   {clipboard.way(os.environ)}")

    async def export_text(self, name: str, text: str) -> None:
        """Write a new file into the folder for logs, and say where it is."""
        self.tell(f"exported to {await self.services.exports.write(name, text)}")

    async def pick(self, title: str, items: Sequence[modals.PickItem]) -> str | None:
        """Let one of many be picked."""
        return await self.app.push_screen_wait(modals.Pick(self.services.clock, safe(title), items))

    async def copy_one_of(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Let one of a thing's fields be picked, and copy it."""
        choice = await self.pick("Copy", [modals.PickItem(name, safe(name), safe(value)) for name, value in pairs])
        if choice is not None:
            self.copy(dict(pairs)[choice])

    def change(self, operation: Operation, references: Sequence[str]) -> None:
        """Plan an operation on exactly these keys, and ask."""
        if references:
            self.work(self._change, operation, tuple(references), group=CHANGE)

    def change_all(self, operation: Operation, references: Sequence[str]) -> None:
        """Plan an operation on those of these keys that it is allowed on, and ask."""
        self.work(self._change_all, operation, tuple(references), group=CHANGE)

    def launch(self, request: LaunchRequest) -> None:
        """Open the launch form with this request."""
        self.work(self.open_launch, request, group=CHANGE)

    def shell(self, key: str, name: str) -> None:
        """Lend the terminal to a shell on a machine."""
        self.work(self._shell, key, name, group=CHANGE)

    def tunnel(self, key: str, name: str) -> None:
        """Ask for the ports of a tunnel to a machine, and open it."""
        self.work(self._open_tunnel, key, name, group=CHANGE)

    def open_job(self, job: JobView) -> None:
        """Follow a job in a dialog."""
        self.work(self.follow_job, job.id, job.title, group="job dialog")

    def heard_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Let the questions of our own jobs interrupt, and say how they ended."""
        self._refresh_after(jobs)
        for job in jobs:
            if job.id not in self.shared.own_jobs or job.id in self.shared.watched_jobs:
                continue
            if job.ended_at is not None:
                self.shared.own_jobs.discard(job.id)
                words = f"{job.title}: {job.result or ('done' if job.ok else 'failed')}"
                self.say(StatusNote(safe(words), level="done" if job.ok else "error"))
            elif job.question and (job.id, job.question) not in self.shared.asked and self.is_current:
                self.shared.asked.add((job.id, job.question))
                self.open_job(job)

    def action_actions(self) -> None:
        """Open the action menu; its choice is about the rows at hand now."""
        items = self.menu()
        if items:
            self.app.push_screen(modals.Pick(self.services.clock, safe("Actions"), items), self._obey_choice)

    def action_help(self) -> None:
        """Show the keys of this screen as they are bound now."""
        self.app.push_screen(modals.Help(self.services.clock, safe(self.NAME), live_keys(self), self.HELP or ""))

    def action_launch(self) -> None:
        """Open the launch form as the configuration suggests, with a name that no machine has."""
        self.work(self._launch_as_configured, group=CHANGE)

    async def _launch_as_configured(self) -> None:
        from runctl_tui.domain.launch import with_free_name

        fleet = self.services.fleet.feed.latest
        if fleet is None:
            fleet = await self._while_waiting("looking at the machines that there are…", self._first_fleet())
        taken = {row.instance.name for row in fleet.value if row.instance.state not in GONE}
        await self.open_launch(with_free_name(self.services.launcher.defaults(), taken))

    async def _first_fleet(self) -> Snapshot[tuple[FleetRow, ...]]:
        await self.shared.ready.wait()
        return await anext(self.services.fleet.feed.watch())

    async def open_launch(self, request: LaunchRequest) -> None:
        """Open the launch form and follow the job that comes of it."""
        from runctl_tui.screens.launching import ServicesSource

        dialog = modals.LaunchDialog(self.services.clock, request, ServicesSource(self.services))
        job_id = await self.app.push_screen_wait(dialog)
        if job_id is not None:
            self.shared.own_jobs.add(job_id)
            await self.follow_job(job_id, request.title)

    async def _ask_job(self, ask: Callable[[], None]) -> None:
        """Ask a job for something; one of another program refuses, which is said like every other error."""
        ask()

    async def follow_job(self, job_id: str, title: str) -> None:
        """Show a job's steps until the dialog is closed; then the job goes on by itself."""
        jobs = self.services.jobs
        handle = modals.JobHandle(
            watch=lambda: jobs.watch(job_id),
            answer=lambda yes: self.work(self._ask_job, partial(jobs.answer, job_id, yes), group="job"),
            cancel=lambda: self.work(self._ask_job, partial(jobs.cancel, job_id), group="job"),
        )
        self.shared.watched_jobs.add(job_id)
        try:
            run_id = await self.app.push_screen_wait(modals.LaunchSteps(self.services.clock, title, handle))
        finally:
            self.shared.watched_jobs.discard(job_id)
        if run_id:
            self.go("monitor", run_id)

    def _refresh_after(self, jobs: tuple[JobView, ...]) -> None:
        """Ask everything again as soon as a job has ended that was seen at work."""
        ended = {job.id for job in jobs if job.ended_at is not None}
        if self.shared.at_work & ended:
            services = self.services
            feeds = (services.fleet.feed, services.runs.feed, services.checkpoints.feed(), services.volumes.feed)
            for feed in (*feeds, services.uploads.feed):
                feed.refresh()
            if all(watched is not services.fleet.feed for watched, _ in self.feeds()):
                self.work(self._count_again, group="count again")
        self.shared.at_work = {job.id for job in jobs if job.ended_at is None}

    async def _count_again(self) -> None:
        """Let the ledger, and with it the cost bar, hear of a change while no screen watches the fleet."""
        await self.services.fleet.now()

    def _obey_choice(self, choice: str | None) -> None:
        if choice is not None:
            self.obey_menu(choice)

    async def _change(self, operation: Operation, references: tuple[str, ...]) -> None:
        await self.ask_and_commit(await self._planned(operation, references))

    async def _change_all(self, operation: Operation, references: tuple[str, ...]) -> None:
        from runctl_tui.services.bulk import plan_for_all

        made = plan_for_all(self.services.actions, operation, references)
        bulk = await self._while_waiting(_looking(operation), made)
        if bulk.plan is None:
            raise Refused(f"{operation.verb}: nothing of yours allows it", bulk.why_not, code="left-out")
        await self.ask_and_commit(bulk.plan)

    async def ask_and_commit(self, plan: Plan) -> str:
        """Show a plan, or the better way that is chosen instead, and carry out what is confirmed.

        Returns the job of this very plan; empty where it was not confirmed, or another was.
        """
        asked = plan
        answer = await self.app.push_screen_wait(modals.dialog_for(self.services.clock, plan))
        while isinstance(answer, modals.Instead):
            better = await self._better(plan, answer)
            if better is None:
                break
            plan = better
            answer = await self.app.push_screen_wait(modals.dialog_for(self.services.clock, plan))
        if answer is None or isinstance(answer, modals.Instead):
            await self.services.actions.decline(plan)
            return ""
        job_id = await self.services.actions.commit(plan, answer)
        self.shared.own_jobs.add(job_id)
        self.tell(f"{plan.effect}: at work, see 7 Tasks")
        return job_id if plan is asked else ""

    async def _better(self, plan: Plan, chosen: modals.Instead) -> Plan | None:
        """Return the plan of a better way; None where a person gives up to say when."""
        if chosen.operation is not Operation.SCHEDULE:
            return await self._planned(chosen.operation, chosen.references)
        from runctl_tui.screens.marking import ask_to_schedule

        kind = plan.targets[0].kind
        request = await ask_to_schedule(self.app, self.services.clock, kind, chosen.references)
        if request is None:
            return None
        made = self.services.actions.plan_marks(request)
        return await self._while_waiting(_looking(request.operation), made)

    def mark(self, kind: str, rows: Sequence[Tagged]) -> None:
        """Ask what shall be marked on these, and open its plan."""
        self.work(self._mark, kind, tuple(rows), group=CHANGE)

    async def _mark(self, kind: str, rows: Sequence[Tagged]) -> None:
        from runctl_tui.screens.marking import ask_for_mark

        request = await ask_for_mark(self.app, self.services.clock, kind, rows)
        if request is not None:
            made = self.services.actions.plan_marks(request)
            await self.ask_and_commit(await self._while_waiting(_looking(request.operation), made))

    async def _planned(self, operation: Operation, references: tuple[str, ...]) -> Plan:
        def make() -> Awaitable[Plan]:
            return self._while_waiting(_looking(operation), self.services.actions.plan(operation, references))

        plan = await plan_in_known_accounts(self.app, self.services, make)
        request = await ask_for_place(self.app, self.services.clock, plan, references)
        if request is None:
            return plan
        made = self.services.actions.plan_upload(request)
        return await self._while_waiting(_looking(operation), made)

    async def _while_waiting(self, words: str, made: Awaitable[T]) -> T:
        """Await something while a dialog takes the keys; giving up cancels the worker that waits here."""
        waiting = modals.Waiting(self.services.clock, safe(words))
        self.app.push_screen(waiting, self._give_up_planning)
        try:
            return await made
        finally:
            waiting.done()

    def _why_not(self, provider: str, capability: Capability) -> str:
        """Return why a provider cannot do something, or nothing."""
        try:
            return self.services.registry.get(provider).capabilities.why_not(capability)
        except TrainctlError as error:
            return error.what

    def _give_up_planning(self, came: bool | None) -> None:
        if not came:
            self.workers.cancel_group(self, CHANGE)

    async def _open_tunnel(self, key: str, name: str) -> None:
        draft = await self.app.push_screen_wait(modals.TunnelDialog(self.services.clock, safe(name)))
        if draft is None:
            return
        self.busy(f"opening a tunnel to {name}…")
        tunnel = await self.services.tunnels.open(key, draft.remote_port, draft.local_port, keep=draft.keep)
        self.busy("")
        moved = tunnel.local_port != (draft.local_port or draft.remote_port)
        self.tell(f"port {tunnel.remote_port} of {name} is at {tunnel.url}" + (", a free port" if moved else ""))
        self.go("tunnels", tunnel.id)

    async def _shell(self, key: str, name: str) -> None:
        self.busy(f"opening a shell on {name}…")
        command = await self.services.shells.command(key)
        self.busy("")
        from runctl_tui.screens.terminal import lend_terminal

        status = await lend_terminal(self.app, command, f"shell on {safe(name)}; leave it with exit")
        if status:
            self.say(StatusNote(safe(f"the shell on {name} ended with status {status}"), level="warn"))


def _looking(operation: Operation) -> str:
    return f"looking at what {operation.verb} would do…"
