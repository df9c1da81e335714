"""The frame of every screen: header, tabs, title, body, problems, key hints, cost bar; feeds and the worker net.

Each screen is a subclass that composes a body and names its feeds; feeds work only while their screen is in front.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from runctl_tui import modals
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.text import safe
from runctl_tui.messages import Faulted, Told
from runctl_tui.screens.frame import cost_facts, data_age, header_facts, login_words, problem_lines, problem_note, tabs
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.redaction import redacted_problem
from runctl_tui.services.retrying import Onlooker, watched
from runctl_tui.widgets.cost_bar import CostBar
from runctl_tui.widgets.header import HeaderBar
from runctl_tui.widgets.key_hints import KeyHints
from runctl_tui.widgets.screen_tabs import ScreenTabs
from runctl_tui.widgets.status_line import StatusLine, StatusNote, joined, lasting
from runctl_tui.widgets.title_line import TitleFacts, TitleLine

if TYPE_CHECKING:
    from runctl_tui.domain.cost import CostSummary
    from runctl_tui.domain.plan import JobView
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.screens.kept import Stance
    from runctl_tui.screens.shared import Shared
    from runctl_tui.services.ports import Feed
    from runctl_tui.services.ports_services import Services

log = logging.getLogger(__name__)
T = TypeVar("T")
FACTS_EVERY: Final = 30.0
"""Seconds between two questions about who we are."""
FEEDS: Final = "feeds"
UNASKED: Final = frozenset({FEEDS, "facts", "count again", "spent", "follow", "history", "report", "start"})
"""Groups of workers that no key press began: what fails in them stays until it is read."""


class BaseScreen(Screen[None]):
    """What all screens have in common."""

    MODE: ClassVar[str] = ""
    TAB: ClassVar[str] = ""
    """The mode whose tab it stands under, where that is another's."""
    NAME: ClassVar[str] = ""
    ABOUT_REFERENCE: ClassVar[bool] = False
    """The whole screen is about its reference, so that coming back to a view takes it up again."""
    HINTS: ClassVar[tuple[str, ...]] = ()
    """Binding ids in the order in which the hint line shows them."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual declares it on the instance
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "refresh_now", "refresh", show=False, id="screen.refresh"),
        Binding("exclamation_mark", "read_problem", "read problem", show=False, key_display="!", id="screen.problem"),
    ]

    def __init__(self, services: Services, shared: Shared) -> None:
        super().__init__()
        self.services = services
        self.shared = shared
        self._taken_at: Callable[[], Snapshot[Any] | None] = lambda: None
        self._ticker: Timer | None = None
        self._composed = False
        self._asked_facts_at = float("-inf")
        self._busy = ""

    def compose(self) -> ComposeResult:
        """Lay out the frame around the body."""
        yield HeaderBar()
        yield ScreenTabs()
        yield TitleLine()
        with Container(id="body"):
            yield from self.compose_body()
        yield from self.compose_prompts()
        yield StatusLine()
        yield KeyHints(self.HINTS, keep=("table.filter", "screen.help"))
        yield CostBar()

    def compose_body(self) -> ComposeResult:
        """Compose what is this screen's own."""
        raise NotImplementedError

    def compose_prompts(self) -> ComposeResult:
        """Compose lines under the body that appear when asked for."""
        return iter(())

    def show_reference(self, reference: str) -> None:
        """Put the cursor on what somebody wants to see here; an unknown reference changes nothing."""

    def narrow_to(self, machine: str) -> None:
        """Show only what belongs to the machine with this key, or with an empty one everything."""

    def show_view(self, name: str) -> None:
        """Look at the screen as a saved view says."""

    def stance(self) -> Stance | None:
        """Return how the screen stands, so that it can be left and come back to; None: there is nothing to keep."""
        return None

    def stand_as_left(self) -> None:
        """Take up how the screen was left, where there is something to take up."""

    def show_filter(self, text: str) -> None:
        """Filter what is shown, where there is a table."""

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Name the feeds to watch while in front, and what shows each snapshot; the first gives the data's age."""
        return ()

    def on_mount(self) -> None:
        """Say what is known without asking anybody."""
        self._composed = True
        self.query_one(TitleLine).facts = self.title_facts()
        self.query_one(ScreenTabs).current = self.TAB or self.MODE
        self._ticker = self.set_interval(1.0, self.tick)
        self.tick()

    def on_screen_resume(self) -> None:
        """Begin to watch, and say again what has not been read."""
        self._show_notes()
        self.show_title()
        if self._ticker is not None:
            self._ticker.resume()
        self._restart_feeds()

    @property
    def seen(self) -> bool:
        """Whether this screen is on the terminal, be it under a dialog."""
        return self in self.app.screen_stack

    def on_screen_suspend(self) -> None:
        """Stop watching: nothing works for a screen that nobody sees."""
        if self.seen:
            return
        self.workers.cancel_group(self, FEEDS)
        if self._ticker is not None:
            self._ticker.pause()

    @on(Worker.StateChanged)
    def report_failed_worker(self, event: Worker.StateChanged) -> None:
        """Turn any error of a worker into words; the traceback goes to the log file."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and self._busy:
            self.busy("")
        if event.state is not WorkerState.ERROR or error is None:
            return
        if isinstance(error, TrainctlError):
            log.info("%s: %s", event.worker.name, error)
            self.post_message(Faulted(error.to_problem(), passing=event.worker.group not in UNASKED))
            return
        log.error("%s failed", event.worker.name, exc_info=error)
        self.post_message(Faulted(self._own_failure(error)))

    @on(StatusLine.Read)
    def keep_the_rest(self, event: StatusLine.Read) -> None:
        """Remember that a note was read, on every screen."""
        self.shared.notes = tuple(note for note in self.shared.notes if note != event.note)

    def say(self, note: StatusNote) -> None:
        """Show a note until it is read, or until it gives way as `joined` says."""
        self.shared.notes = joined(self.shared.notes, note)
        self._show_notes()

    def go_on(self, answered: Sequence[StatusNote]) -> None:
        """Let go of those notes that only answered a key press: the person has gone on to something else."""
        self.shared.notes = lasting(self.shared.notes, answered)
        self._show_notes()

    def _show_notes(self) -> None:
        """Bring the status line up to date; there is none before the first frame, nor while the program ends."""
        for line in self.query(StatusLine):
            line.notes = self.shared.notes

    def show_problem(self, problem: Problem, passing: bool = False) -> None:
        """Show a problem until it is read; one that answers a key press until the person goes on."""
        problem = redacted_problem(problem)
        note = problem_note(problem, passing)
        self.shared.problems[note] = problem
        self.say(note)

    def tell(self, text: str) -> None:
        """Say that something went well."""
        self.post_message(Told(text))

    def work(self, call: Callable[..., Coroutine[Any, Any, None]], *values: Any, group: str) -> None:
        """Run a coroutine function in a worker of its own; a newer one of the same group takes its place."""
        name = f"{type(self).__name__} {getattr(call, '__name__', group)}"
        job = partial(call, *values)
        self._start_worker(job if group in UNASKED else partial(self._do_as_asked, job), name, group, alone=True)

    async def _do_as_asked(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do what a key press began; where that succeeds, the answers to earlier ones are over."""
        before = self.shared.notes
        with watched(Onlooker(self.busy)):
            await job()
        self.go_on(before)

    def busy(self, words: str) -> None:
        """Say in the title line what is being waited for; nothing ends it."""
        self._busy = words
        self.show_title()

    async def breathe(self) -> None:
        """Let keys and repaints have their turn."""
        await asyncio.sleep(0)

    def title_facts(self) -> TitleFacts:
        """Return what the title line says; subclasses add counts, order and filter."""
        return TitleFacts(safe(self.NAME), note=safe(self.waiting_for()))

    def waiting_for(self) -> str:
        """Return what is being waited for, in words, or nothing."""
        return self._busy or self.shared.starting

    def show_title(self) -> None:
        """Bring title and tab line up to date; before the first frame there are none."""
        if not self._composed:
            return
        self.query_one(TitleLine).facts = self.title_facts()
        self.query_one(ScreenTabs).tabs = tabs(self.shared.working)

    def tick(self) -> None:
        """Let ages grow, once a second; a line repaints only where its words change."""
        facts = self.shared.facts or self.services.session.cached()
        snapshot = self._taken_at()
        age = data_age(snapshot.taken_at if snapshot else None, self.services.clock.now())
        self.query_one(HeaderBar).facts = header_facts(facts, age, facts.armed_for)
        due = self.services.clock.monotonic() - self._asked_facts_at >= FACTS_EVERY
        if due and self.shared.ready.is_set() and self._has_rows():
            self._asked_facts_at = self.services.clock.monotonic()
            self.work(self._hear_facts, group="facts")

    def _has_rows(self) -> bool:
        """Who we are is asked after the first rows, because a client made for it would delay them."""
        return self._taken_at() is not None or not self.feeds()

    def action_refresh_now(self) -> None:
        """Ask all feeds of this screen again."""
        for feed, _ in self.feeds():
            feed.refresh()
        self._asked_facts_at = float("-inf")
        self._restart_feeds()

    def action_read_problem(self) -> None:
        """Read the newest problem in full, with the log file's path; a word of success just goes."""
        note = self.query_one(StatusLine).read()
        if note is not None and note.level != "done":
            problem = self.shared.problems.pop(note, None) or Problem(note.code, note.text)
            lines = problem_lines(problem, self.services.log_path)
            self.app.push_screen(modals.TextView(self.services.clock, safe("Problem"), lines, wrapped=True))

    async def _hear_facts(self) -> None:
        try:
            before = self.shared.facts
            self.shared.facts = await self.services.session.facts()
            if before is None or before.read_only != self.shared.facts.read_only:
                self.refresh_bindings()
            self.shared.facts_code = ""
        except TrainctlError as error:
            if error.code != self.shared.facts_code:
                self.shared.facts_code = error.code
                raise
        self.tick()
        self._mind_login()

    def _mind_login(self) -> None:
        """Ask once for a login that has ended, and begin anew with one that has come back."""
        facts = self.shared.facts
        if facts is None:
            return
        if facts.returns > self.shared.returns:
            dropped = self._begin_anew(facts.returns)
            self.action_refresh_now()
            self.tell("the credentials are renewed" + (", and the open plan is dropped: ask again" if dropped else ""))
        elif facts.renew and self.shared.login_dialog is None and self.app.screen is self:
            self.shared.login_dialog = modals.Ask(self.services.clock, *login_words(facts.renew))
            self.app.push_screen(self.shared.login_dialog, self._look_again)

    def _look_again(self, wanted: bool | None) -> None:
        if wanted:
            self._asked_facts_at = float("-inf")

    def _begin_anew(self, returns: int) -> bool:
        """Close what asks for the login, and what asks about a plan; tell whether there was a plan."""
        dialog, self.shared.login_dialog, self.shared.returns = self.shared.login_dialog, None, returns
        if dialog is not None and self.app.screen is dialog:
            dialog.dismiss(None)
        return drop_plan(self.app.screen)

    def _restart_feeds(self) -> None:
        self.workers.cancel_group(self, FEEDS)
        self._start_worker(self._begin_feeds, f"{type(self).__name__} feeds", FEEDS, alone=False)

    async def _begin_feeds(self) -> None:
        """Watch as soon as there are services to watch; asking for them earlier would delay the first frame."""
        await self.shared.ready.wait()
        own = list(self.feeds())
        if own:
            first = own[0][0]
            self._taken_at = lambda: first.latest
        own += [(self.services.costs.feed, self._show_costs), (self.services.jobs.feed, self._count_jobs)]
        for feed, show in own:
            name = f"{type(self).__name__} {getattr(show, '__name__', 'feed')}"
            self._start_worker(partial(self._watch, feed, show), name, FEEDS, alone=False)

    def _start_worker(self, job: Callable[[], Coroutine[None, None, None]], name: str, group: str, alone: bool) -> None:
        worker: Worker[None] = self.run_worker(job, name, group, exit_on_error=False, exclusive=alone)
        log.debug("%s begins", worker.name)

    async def _watch(self, feed: Feed[T], show: Callable[[Snapshot[T]], None]) -> None:
        async for snapshot in feed.watch():
            show(snapshot)
            self.tick()
            await self.breathe()

    def _show_costs(self, snapshot: Snapshot[CostSummary]) -> None:
        self.query_one(CostBar).facts = cost_facts(snapshot.value)

    def _count_jobs(self, snapshot: Snapshot[tuple[JobView, ...]]) -> None:
        self.shared.working = sum(job.ended_at is None for job in snapshot.value)
        self.query_one(ScreenTabs).tabs = tabs(self.shared.working)
        self.heard_jobs(snapshot.value)

    def heard_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """React to what the jobs say; the base only counts them."""

    def _own_failure(self, error: BaseException) -> Problem:
        return Problem(
            code=type(error).__name__,
            what="something in this program failed",
            why="the rest goes on working",
            todo=f"the details are in {self.services.log_path}",
        )


def drop_plan(front: Screen[Any]) -> bool:
    """Close the dialog that asks about a plan, if it is in front: what it says was true of other credentials."""
    from runctl_tui.modals.confirm import ConfirmPlan  # no first frame needs it

    if isinstance(front, ConfirmPlan):
        front.dismiss(None)
        return True
    return False
