"""The launch dialog: one form, the price always in sight, a preview and a price gate before anything is created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from runctl_tui.domain.plan import Confirmation
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.modals.confirm import dialog_for
from runctl_tui.modals.launch_draft import NEW, RUNPOD, Draft
from runctl_tui.modals.launch_form import PREFIX, LaunchForm, markets, region_choices
from runctl_tui.modals.launch_tables import price_words
from runctl_tui.modals.review import ReviewDialog
from runctl_tui.modals.words import number, size
from runctl_tui.widgets.facts import Fact
from runctl_tui.widgets.form import CheckLine, FormField, RadioLine
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.launch import LaunchPreview, LaunchRequest
    from runctl_tui.domain.offer import TypeOffer
    from runctl_tui.modals.launch_source import LaunchSource, MachineChoice

_POD_DISK: Final = "GB, lost when the pod stops"
_NEW_ONLY: Final = ("region", "matching", "market", "disk")


class LaunchDialog(ReviewDialog[str]):
    """Answers with the id of the job that carries the launch out."""

    AUTO_FOCUS = "RadioLine"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual declares it on the instance
    HELP = "Nothing is created before the price has been confirmed in the next step."

    def __init__(self, clock: Clock, request: LaunchRequest, source: LaunchSource) -> None:
        verb, gap, name = request.title.partition(" ")
        super().__init__(clock, safe(f"{verb.upper()}{gap}{name}"))
        self._request = request
        self._source = source
        self._offered_for: tuple[str, str] = ("", "")
        self._opening = False

    def compose_body(self) -> ComposeResult:
        """Lay out the form over the price."""
        with VerticalScroll(can_focus=False, id="launch-scroll"):
            yield LaunchForm(self._request, self._source)
        yield Static("", id="launch-problem", markup=False)
        yield Static("", id="launch-price", markup=False)

    def on_mount(self) -> None:
        """Fill the tables."""
        self.query_one("#more").display = False
        self._machines.set_placeholder(Notice.empty(safe("no machine is running")))
        self._machines.set_rows(self._source.machines)
        if self._request.instance_key:
            self._machines.move_to(self._request.instance_key)
        self._show_where()
        self.watch(self.query_one("#launch-scroll"), "virtual_size", self._bring_more_up, init=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what went wrong inside this dialog instead of losing it."""
        if event.state is WorkerState.ERROR:
            self._complain(safe(f"this failed inside the program: {type(event.worker.error).__name__}"))

    @property
    def _offers(self) -> ResourceTable[str, TypeOffer]:
        return self.query_one("#offers", ResourceTable)

    @property
    def _machines(self) -> ResourceTable[str, MachineChoice]:
        return self.query_one("#machines", ResourceTable)

    @on(RadioLine.Changed)
    def follow_choice(self) -> None:
        """Show the fields that the choice needs, and the offers of the region."""
        self._show_where()

    @on(CheckLine.Changed, "#more-tick")
    def show_more(self, event: CheckLine.Changed) -> None:
        """Show the rest of the fields, or hide them."""
        self.query_one("#more").display = self._opening = event.value

    def _bring_more_up(self) -> None:
        """Bring the fields that were opened into sight, once there is room laid out for them."""
        if self._opening:
            self._opening = False
            self.call_after_refresh(self.query_one("#more-tick").scroll_visible, top=True, animate=False)

    @on(Input.Changed)
    def narrow_types(self, event: Input.Changed) -> None:
        """Narrow the list of types while typing."""
        if event.input is self._field("matching").control:
            self._offers.set_filter(event.value)
        elif event.input is self._field("disk").control:
            self._show_disk_price()
        self._complain(None)

    @on(ResourceTable.Highlighted)
    def tell_price(self) -> None:
        """Keep the price in sight."""
        self._show_price()

    @on(ResourceTable.Chosen)
    def go_on(self) -> None:
        """Go on to the next field."""
        self.focus_next()

    @on(ResourceTable.FilterRequested)
    def go_to_matching(self) -> None:
        """Let the list be narrowed."""
        self._field("matching").control.focus()

    def action_review(self) -> None:
        """Check all fields, then ask for the plan."""
        if not self.query_one(LaunchForm).validate_all():
            return
        draft = self._draft()
        if trouble := draft.trouble():
            self._complain(safe(trouble))
        else:
            self._review(draft.request(self._source.secret))

    @work(group="launch.offers", exclusive=True, exit_on_error=False)
    async def _load_offers(self, provider: str, region: str) -> None:
        words = f"types and prices of {region}; go on typing meanwhile"
        self._offers.set_placeholder(Notice.loading(safe(words)))
        self._offers.set_rows(())
        found = await self._source.offers(provider, region)
        if isinstance(found, Problem):
            self._offers.set_placeholder(Notice.error(safe(f"{found.what}: {found.why}")))
            return
        self._offers.set_placeholder(Notice.empty(safe(f"nothing is offered in {region}")))
        self._offers.set_rows(found)
        self._offers.move_to(self._wanted_type(provider))
        self._show_price()

    @work(group="launch.review", exclusive=True, exit_on_error=False)
    async def _review(self, request: LaunchRequest) -> None:
        self._complain(safe("looking at code, prices and permissions…"), "$muted")
        preview = await self._source.preview(request)
        if isinstance(preview, Problem):
            self._complain(_words(preview))
            return
        self._complain(None)
        answer = await self.app.push_screen_wait(dialog_for(self._clock, preview.plan, _extra(preview), offers=False))
        if isinstance(answer, Confirmation):
            await self._commit(preview, answer)
        else:
            await self._source.decline(preview.plan)

    async def _commit(self, preview: LaunchPreview, answer: Confirmation) -> None:
        job = await self._source.commit(preview.plan, answer)
        if isinstance(job, Problem):
            self._complain(_words(job))
        else:
            self.dismiss(job)

    def _draft(self) -> Draft:
        form = self.query_one(LaunchForm)
        values = form.values()
        where, _, provider = values["where"].partition(":")
        return Draft(
            fields=values,
            where=where,
            provider=provider,
            region=values.get("region", ""),
            type=self._offers.cursor_key or self._type_before_offers(provider),
            instance_key=self._machines.cursor_key or "",
            base=self._request,
            terminate_after=self.query_one("#terminate-tick", CheckLine).value,
        )

    def _type_before_offers(self, provider: str) -> str:
        """The type asked for stands while the list is still on its way, unless the list is narrowed to nothing."""
        return self._wanted_type(provider) if not self._offers.model.total else ""

    def _wanted_type(self, provider: str) -> str:
        """The type asked for, at another provider the one that a launch starts with there."""
        options = self._request.options
        if options is not None and options.provider == provider:
            return options.type
        return next((each.default_type for each in self._source.providers if each.name == provider), "")

    def _show_where(self) -> None:
        self._follow_provider()
        draft = self._draft()
        new = draft.where == NEW
        for name in _NEW_ONLY:
            self._field(name).display = new
        self._offers.display, self._machines.display = new, not new
        self.query_one("#terminate-tick").display = new
        self._show_group("#more-runpod", new and draft.provider == RUNPOD)
        self._show_group("#more-aws", new and draft.provider != RUNPOD)
        if new and (draft.provider, draft.region) != self._offered_for:
            self._offered_for = (draft.provider, draft.region)
            self._load_offers(draft.provider, draft.region)
        self._show_price()
        self._show_disk_price()

    def _show_group(self, group: str, shown: bool) -> None:
        """Show fields that belong together, or hide them; what is hidden is not checked."""
        for part in self.query(f"{group}, {group} FormField"):
            part.display = shown

    def _follow_provider(self) -> None:
        """Offer the regions and markets of the provider that is chosen; what it shares with the last one stays."""
        name = self._draft().provider
        chosen = next((each for each in self._source.providers if each.name == name), None)
        if chosen is None:
            return
        for field, choices in (("region", region_choices(chosen)), ("market", markets(chosen))):
            line = self._field(field).control
            if isinstance(line, RadioLine) and choices and line.choices != tuple(choices):
                line.choices = tuple(choices)
                if line.value not in [choice.id for choice in choices]:
                    line.value = choices[0].id

    def _show_price(self) -> None:
        draft = self._draft()
        if draft.where == NEW:
            words, known = price_words(self._offers.cursor_row, draft.text("market"), self._source.budget_left)
        else:
            row = self._machines.cursor_row
            hourly = row.usd_per_hour if row else "?"
            price = f"${hourly}/h, paid already" if hourly[0].isdigit() else hourly
            words = safe(f"{row.name}: {price}" if row else "choose a machine")
            known = hourly != "?"
        self.query_one("#launch-price", Static).update(content(words, "$cost bold" if known else "$warn"), layout=False)

    def _show_disk_price(self) -> None:
        draft = self._draft()
        month = self._source.disk_per_month(draft.provider, draft.region, draft.text("disk"))
        usual = _POD_DISK if draft.provider == RUNPOD else "GiB; empty: the image's"
        hint = f"GiB gp3, {month}/mo" if month else usual
        self._field("disk").set_hint(safe(hint))

    def _field(self, name: str) -> FormField:
        return self.query_one(f"#{PREFIX}{name}", FormField)

    def _complain(self, words: SafeText | None, style: str = "$danger") -> None:
        self.query_one("#launch-problem", Static).update(content(words, style) if words else "")


def _words(problem: Problem) -> SafeText:
    parts = [problem.what, problem.why, problem.todo]
    return safe("✗ " + "; ".join(part for part in parts if part) + (f"  [{problem.code}]" if problem.code else ""))


def _extra(preview: LaunchPreview) -> tuple[Fact, ...]:
    """Return what the disks cost besides and the code that would be sent, as lines of the plan."""
    rows = [Fact(safe("POD"), safe(preview.container))] if preview.container else []
    if preview.disk_words:
        rows.append(Fact(safe("DISKS"), safe(preview.disk_words)))
    if preview.code is not None:
        code = preview.code
        ignored = f", {len(code.ignored)} ignored: {' '.join(code.ignored[:4])}" if code.ignored else ""
        rows.append(Fact(safe("CODE"), safe(f"{number(code.files)} files, {size(code.total_bytes)}{ignored}")))
        rows.append(Fact(EMPTY, safe(f"from {code.root}; dependencies: {code.requirements or 'none found'}")))
    return tuple(rows)
