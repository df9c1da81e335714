"""The question before anything changes: what a plan does, what it costs, what is lost; driven by its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from runctl_tui.domain.plan import Confirmation, Level, Operation, Plan, Severity
from runctl_tui.domain.states import DESTROYING, ON_PROCESSES
from runctl_tui.domain.text import EMPTY, MAX_PLAN, SafeText, safe
from runctl_tui.modals.acknowledge import Acknowledge, TypedInput, ask_for
from runctl_tui.modals.base import CANCEL, PASTED, Dialog, DialogButton
from runctl_tui.modals.base import Severity as Colour
from runctl_tui.modals.launch_draft import price_of
from runctl_tui.modals.words import rests_on, seen
from runctl_tui.widgets.facts import Fact, FactList
from runctl_tui.widgets.form import CheckLine
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

ACT: Final = "act"
ARM_SECONDS: Final = 3.0
"""How long what reasons stand against cannot be done yet: they are to be read."""
_VERBS: Final = {
    Operation.LAUNCH: "Launch",
    Operation.START: "Start",
    Operation.STOP: "Stop",
    Operation.TERMINATE: "Terminate",
    Operation.RUN_START: "Train",
    Operation.RUN_STOP: "Stop run",
    Operation.RUN_RESUME: "Resume",
    Operation.RUN_UPLOAD: "Upload",
    Operation.VOLUME_CREATE: "Create volume",
    Operation.VOLUME_ATTACH: "Attach volume",
    Operation.VOLUME_DETACH: "Detach volume",
    Operation.VOLUME_MODIFY: "Modify volume",
    Operation.VOLUME_SNAPSHOT: "Snapshot",
    Operation.VOLUME_DELETE: "Delete volume",
    Operation.SNAPSHOT_COPY: "Copy snapshot",
    Operation.SNAPSHOT_DELETE: "Delete snapshot",
    Operation.S3_DELETE: "Delete",
    Operation.S3_COPY: "Copy",
    Operation.S3_MOVE: "Move",
    Operation.CLAIM: "Claim",
    Operation.PROTECT: "Protect",
    Operation.UNPROTECT: "Unprotect",
    Operation.SCHEDULE: "Schedule",
    Operation.UNSCHEDULE: "Unschedule",
    Operation.PROCESS_END: "End process",
    Operation.PROCESS_KILL: "Kill process",
    Operation.UPLOAD_ABORT: "Abort upload",
    Operation.CLEAN_UP: "Clean up",
}
_SIGNS: Final = {
    Severity.BLOCK: ("✗ blocked", "$danger"),
    Severity.WARN: ("▲ careful", "$warn"),
    Severity.ALLOW: ("· note", "$muted"),
}


_CAREFUL: Final = {Operation.STOP, Operation.RUN_STOP, Operation.VOLUME_DETACH, Operation.UNPROTECT} | ON_PROCESSES
"""What ends or loosens something, and destroys nothing."""
_PRICE: Final = frozenset("0123456789.$")
"""What dollars are typed with."""
_OFFERS: Final = {
    Operation.RUN_STOP: "Stop the run first",
    Operation.RUN_UPLOAD: "Upload it first",
    Operation.STOP: "Stop instead",
    Operation.CLAIM: "Claim it first",
    Operation.START: "Start it first",
    Operation.TERMINATE: "Terminate instead",
    Operation.VOLUME_DETACH: "Detach it first",
    Operation.VOLUME_SNAPSHOT: "Snapshot it first",
    Operation.SCHEDULE: "Schedule it",
}
"""A better way as a button says it, in the order in which tab reaches them."""


@dataclass(frozen=True, slots=True)
class Instead:
    """The person chose another operation than the plan's; it wants a plan of its own."""

    operation: Operation
    references: tuple[str, ...]


class ConfirmPlan(Dialog[Confirmation | Instead]):
    """Answers with a confirmation of exactly this plan, with a better way, or None."""

    CONFIRM_BY_Y = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,pagedown", "scroll_plan(1)", "more of the plan", show=False, id="plan.down"),
        Binding("up,pageup", "scroll_plan(-1)", "back in the plan", show=False, id="plan.up"),
    ]

    def __init__(self, clock: Clock, plan: Plan, extra: Sequence[Fact] = (), *, offers: bool = True) -> None:
        super().__init__(clock, safe(_VERBS[plan.operation].upper()))
        self.plan = plan
        self._extra = tuple(extra)
        self._hash = plan.hash
        self._shown_at = clock.monotonic()
        self._offers = better_ways(plan) if offers else {}

    @property
    def blocked(self) -> bool:
        """Whether nothing that a person types here can let the plan pass."""
        return self.plan.verdict.forbidden

    @property
    def needs_reason(self) -> bool:
        """Whether reasons against it must be acknowledged."""
        return self.plan.verdict.level is Level.REASON

    @property
    def needs_name(self) -> bool:
        """Whether the name must be typed."""
        return self.plan.verdict.level >= Level.NAME and not self.blocked

    @property
    def needs_cap(self) -> bool:
        """Whether dollars per hour must be typed, because the price is unknown."""
        return self.plan.price_unknown and self.plan.usd_per_hour is None and not self.blocked

    def compose_body(self) -> ComposeResult:
        """Lay out the truth, the reasons and what must be typed."""
        with VerticalScroll(classes="plan-scroll", can_focus=False):
            if not any(line.label == "WHAT" for line in self.plan.lines):
                yield Static(content(safe(_who(self.plan)), "$muted"), classes="plan-who")
            facts = FactList(classes="plan-facts")
            facts.facts = self._all_facts()
            yield facts
            if listed := self._listed():
                reasons = FactList(classes="plan-reasons")
                reasons.facts = listed
                yield reasons
        if self.needs_reason:
            yield Acknowledge(self.plan.verdict.blocking, self._clock.now())
        if self.needs_cap:
            yield from ask_for("The price is unknown. Accept at most $/h:", "cap")
        if self.needs_name:
            question = f"Type {self.plan.name_to_type} to {self.plan.operation.verb}:"
            yield from ask_for(question, "name", TypedInput)

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer to cancel, and to act where that is possible."""
        yield DialogButton(safe("Close" if self.blocked else "Cancel"), CANCEL)
        for operation in self._offers:
            yield DialogButton(safe(_OFFERS[operation]), operation.value)
        if not self.blocked:
            yield DialogButton(self._act_label(), ACT, disabled=not self._satisfied())

    def on_mount(self) -> None:
        """Let Enter act where that is all it takes; elsewhere Cancel has the focus."""
        self.set_class(self.needs_reason, "-against")
        self.set_interval(1.0, self._let_ages_grow)
        if self.plan.verdict.level is Level.ENTER and not self.blocked and not self.needs_cap:
            self.query_one(f"#{ACT}").focus()

    @on(Input.Changed)
    @on(CheckLine.Changed)
    def wake_on_exact_match(self, event: Input.Changed | CheckLine.Changed) -> None:
        """Wake the button when everything that must be typed is."""
        event.stop()
        self._wake()

    def _wake(self) -> None:
        act = self.query_one(f"#{ACT}", DialogButton)
        act.disabled = not self._satisfied()
        act.rename(self._act_label())

    @on(TypedInput.Pasted)
    def take_no_paste(self, event: TypedInput.Pasted) -> None:
        """Say why the name is not there."""
        event.stop()
        self._explain_silence(PASTED)

    @on(Input.Submitted)
    def go_on(self, event: Input.Submitted) -> None:
        """Go to the button once it is awake."""
        event.stop()
        if self._satisfied():
            self.query_one(f"#{ACT}", DialogButton).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let `y` confirm a cost, but never what destroys or must be typed."""
        if action == "confirm":
            return not (self.blocked or self.needs_name or self.needs_cap)
        return super().check_action(action, parameters)

    def confirmed(self) -> None:
        """Confirm."""
        self.pressed(ACT)

    def action_scroll_plan(self, step: int) -> None:
        """Move over a plan that is longer than the screen is high."""
        scroll = self.query_one(".plan-scroll", VerticalScroll)
        scroll.scroll_relative(y=step * max(1, scroll.size.height // 2), animate=False)

    def pressed(self, button_id: str) -> None:
        """Answer with the confirmation of the plan that was shown, or with the better way."""
        chosen = next((operation for operation in self._offers if operation.value == button_id), None)
        if chosen is not None:
            self.dismiss(self._offers[chosen])
        elif button_id == ACT and not self.blocked and self._satisfied():
            self.dismiss(self._confirmation())

    def _confirmation(self) -> Confirmation:
        said = next(iter(self.query(Acknowledge)), None)
        return Confirmation(
            self._hash,
            yes=True,
            name=self._typed("name"),
            typed_cap=self._cap(),
            acknowledged=said.ticked if said else frozenset(),
            reason=said.reason if said else "",
        )

    async def _act_on(self, event: events.Key) -> None:
        """Let what is typed go where something must be typed, whatever has the focus but a line to tick."""
        fields = self.query(FormInput)
        if fields and not isinstance(self.focused, Input | CheckLine) and self._may_be_typed(event):
            fields.first().focus()
        await super()._act_on(event)

    def _may_be_typed(self, event: events.Key) -> bool:
        return event.is_printable and (not self.needs_cap or event.character in _PRICE)

    def _satisfied(self) -> bool:
        if self.needs_cap and self._cap() is None:
            return False
        if self.needs_reason and (self._arming > 0 or not all(one.said for one in self.query(Acknowledge))):
            return False
        return not self.needs_name or self._typed("name") == self.plan.name_to_type

    @property
    def _arming(self) -> float:
        """Seconds until what reasons stand against may be done."""
        return max(0.0, ARM_SECONDS - (self._clock.monotonic() - self._shown_at))

    def _typed(self, field: str) -> str:
        found = self.query(f"#{field}")
        return found.first(FormInput).value if found else ""

    def _cap(self) -> Decimal | None:
        return price_of(self._typed("cap"))

    def _act_label(self) -> SafeText:
        verb = _VERBS[self.plan.operation]
        if self.needs_name:
            asleep = not self._offers and not self._satisfied()
            wakes = "when all is said" if self.needs_reason else "on the exact name"
            return safe(f"{verb} (wakes {wakes})" if asleep else verb)
        if self.plan.usd_per_hour and self.plan.operation not in (Operation.STOP, Operation.RUN_STOP):
            return safe(f"y  {verb.lower()}, costs money")
        return safe(f"y  {verb.lower()}")

    def _let_ages_grow(self) -> None:
        self.query_one(".plan-facts", FactList).facts = self._all_facts()
        for reasons in self.query(".plan-reasons").results(FactList):
            reasons.facts = self._listed()
        if self.needs_reason:
            self.query_one(Acknowledge).let_ages_grow(self._clock.now())
            self._wake()

    def _all_facts(self) -> tuple[Fact, ...]:
        return (*self._facts(), *self._extra)

    def _listed(self) -> tuple[Fact, ...]:
        return tuple(_reasons(self.plan, self._clock.now()))

    def _facts(self) -> Iterable[Fact]:
        now = self._clock.now()
        yield Fact(safe("PLAN"), safe(self.plan.effect, MAX_PLAN), "$strong")
        if len(self.plan.targets) > 1:
            yield from _targets(self.plan)
        for line in self.plan.lines:
            age = safe(f"seen {seen(line.seen_at, now)}") if line.seen_at else EMPTY
            style = "$cost bold" if line.label == "COST" and self.SEVERITY == "start" else ""
            yield Fact(safe(line.label), safe(line.text, MAX_PLAN), style, seen=age)


class ConfirmStart(ConfirmPlan):
    """What costs money."""

    SEVERITY: ClassVar[Colour] = "start"


class ConfirmStop(ConfirmPlan):
    """What stops work but keeps data."""

    SEVERITY: ClassVar[Colour] = "stop"


class ConfirmDestroy(ConfirmPlan):
    """What cannot be undone."""

    SEVERITY: ClassVar[Colour] = "destroy"


def dialog_for(clock: Clock, plan: Plan, extra: Sequence[Fact] = (), *, offers: bool = True) -> ConfirmPlan:
    """Return the dialog whose shape and colour fit the plan; without `offers` it shows no better ways as buttons."""
    if plan.operation in DESTROYING:
        return ConfirmDestroy(clock, plan, extra, offers=offers)
    return (ConfirmStop if plan.operation in _CAREFUL else ConfirmStart)(clock, plan, extra, offers=offers)


def better_ways(plan: Plan) -> dict[Operation, Instead]:
    """Return what the verdict offers instead of the plan, by operation, in the order of the buttons."""
    found: dict[Operation, dict[str, None]] = {}
    for reason in plan.verdict.reasons:
        if reason.offer_operation in _OFFERS and reason.offer_references:
            found.setdefault(reason.offer_operation, {}).update(dict.fromkeys(reason.offer_references))
    return {operation: Instead(operation, tuple(found[operation])) for operation in _OFFERS if operation in found}


def _who(plan: Plan) -> str:
    where = sorted({target.region for target in plan.targets if target.region})
    parts = [", ".join(where), f"account {plan.account}" if plan.account else "", f"as {plan.who}" if plan.who else ""]
    return "   ".join(part for part in parts if part)


def _targets(plan: Plan) -> Iterable[Fact]:
    for number, target in enumerate(plan.untold):
        words = f'{target.id} "{target.name}" {target.region}' if target.name else f"{target.id} {target.region}"
        yield Fact(safe("WHAT" if number == 0 else ""), safe(words))


def _reasons(plan: Plan, now: datetime) -> Iterable[Fact]:
    """Yield what speaks for care, and what forbids it; what has to be ticked stands at its tick."""
    order = [Severity.BLOCK, Severity.WARN, Severity.ALLOW]
    ticked = plan.verdict.to_acknowledge
    for reason in sorted(plan.verdict.reasons, key=lambda each: order.index(each.severity)):
        if reason.code in ticked:
            continue
        sign, style = _SIGNS[reason.severity]
        yield Fact(safe(sign), safe(reason.text), style, seen=safe(rests_on(reason, now)))
        if reason.offer and (not plan.verdict.blocking or reason is plan.verdict.blocking[0]):
            yield Fact(EMPTY, safe(f"do: {reason.offer}"))
