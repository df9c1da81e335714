"""The volume dialog: name, zone, size, type and purpose of a new or changed volume, the price always in sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Input, Static

from runctl_tui.domain import figures
from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.domain.volume import VolumeShape
from runctl_tui.domain.volume_shapes import LIMITS, USES, Limits, advice, preset, settled, wrong_with
from runctl_tui.modals.launch_draft import check_name, trouble, trouble_if_any
from runctl_tui.modals.review import ReviewDialog
from runctl_tui.modals.words import money
from runctl_tui.widgets.form import CheckLine, Choice, Form, FormField, RadioLine
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

CUSTOM: Final = "custom"
Month = Callable[[str, VolumeShape], Fact[Decimal]]
"""Returns dollars per month of a volume of this shape in a zone."""


@dataclass(frozen=True, slots=True)
class VolumeDraft:
    """What the form begins with, and what it answers."""

    name: str
    zone: str
    shape: VolumeShape
    encrypted: bool = True
    use: str = CUSTOM
    """A purpose, or `CUSTOM` where IOPS and throughput stand as typed."""


@dataclass(frozen=True, slots=True)
class VolumeQuestion:
    """What the dialog is about."""

    title: SafeText
    draft: VolumeDraft
    zones: tuple[tuple[str, str], ...] = ()
    """Zones with why each is offered: ('us-east-1a', 'llama-eval'); none: the zone is settled."""
    least_gib: int = 1
    changes: bool = False
    """Whether the volume exists, so that only its shape is asked for."""
    kinds: Mapping[str, Limits] = field(default_factory=lambda: LIMITS)
    """The types that can be chosen."""
    refused: VolumeDraft | None = None
    """What was asked for and could not be planned, so that the form stands as it was filled in."""
    trouble: SafeText = EMPTY
    """Why it could not."""

    @property
    def plain(self) -> bool:
        """Whether there is nothing to choose but the size: neither speed nor encryption."""
        return not any(limits.most_iops for limits in self.kinds.values())


class VolumeDialog(ReviewDialog[VolumeDraft]):
    """Answers with what was asked for; nothing is created before its plan has been confirmed."""

    AUTO_FOCUS = "FormField"
    HELP = "Nothing is created or changed before the price has been confirmed in the next step."

    def __init__(self, clock: Clock, question: VolumeQuestion, month: Month) -> None:
        super().__init__(clock, question.title)
        self._question = question
        self._month = month

    def compose_body(self) -> ComposeResult:
        """Lay out the form over the price."""
        with Form(id="volume-form"):
            yield from self._fields()
        yield Static("", id="volume-advice", markup=False)
        yield Static("", id="volume-price", markup=False)

    def on_mount(self) -> None:
        """Show what the draft means, and begin in the first field."""
        self._show()
        self.query_one(Form).fields()[0].control.focus()

    @on(RadioLine.Changed)
    def follow_choice(self, event: RadioLine.Changed) -> None:
        """Fill in what fits the purpose."""
        if event.line.parent is not None and event.line is not self._control("zone"):
            self._fill()
        self._show()

    @on(Input.Changed)
    def follow_typing(self, event: Input.Changed) -> None:
        """Fill in what fits a new size; figures that are typed stand as they are."""
        if event.input is self._control("size"):
            self._fill()
        elif event.input in (self._control("iops"), self._control("throughput")):
            fitting = self._fitting()
            typed = (self._number("iops"), self._number("throughput"))
            if fitting is not None and typed != (fitting.iops, fitting.throughput):
                self._radio("use").value = CUSTOM
        self._show()

    def action_review(self) -> None:
        """Answer with the draft where nothing is wrong with it."""
        shape = self._shape()
        if not self.query_one(Form).validate_all() or shape is None or wrong_with(shape):
            return
        if self._same(shape):
            self._advise(safe(f"✗ {self._advice(shape)}"), "$danger")
            return
        name, zone = self._name_and_zone()
        if self._question.plain:
            self.dismiss(VolumeDraft(name, zone, shape, encrypted=False))
            return
        encrypted = self._question.draft.encrypted if self._question.changes else self.query_one(CheckLine).value
        self.dismiss(VolumeDraft(name, zone, shape, encrypted, self._field("use").value))

    def _fields(self) -> Iterator[Widget]:
        question, draft = self._question, self._question.refused or self._question.draft
        if not question.changes:
            yield FormField(safe("Name"), FormInput(draft.name), check=check_name, id="volume-name")
        if question.zones:
            zones = [Choice(zone, safe(zone)) for zone, _ in question.zones]
            yield FormField(safe("Zone"), RadioLine(zones, draft.zone), id="volume-zone")
        size = FormInput(str(draft.shape.size_gib))
        least = question.least_gib
        hint = safe(f"GiB, at least {least:,}" if least > 1 else "GiB")
        yield FormField(safe("Size"), size, hint=hint, check=lambda text: check_size(text, least), id="volume-size")
        kinds = [Choice(kind, safe(kind)) for kind in question.kinds]
        yield FormField(safe("Type"), RadioLine(kinds, draft.shape.type), id="volume-type")
        if question.plain:
            return
        uses = [Choice(use, safe(use)) for use in USES]
        yield FormField(safe("Made for"), RadioLine(uses, draft.use), id="volume-use")
        iops, speed = draft.shape.iops, draft.shape.throughput
        yield FormField(
            safe("IOPS"), FormInput("" if iops is None else str(iops)), check=check_figure, id="volume-iops"
        )
        typed = FormInput("" if speed is None else str(speed))
        yield FormField(safe("Throughput"), typed, hint=safe("MiB/s"), check=check_figure, id="volume-throughput")
        if not question.changes:
            yield CheckLine(safe("encrypt it"), draft.encrypted, id="volume-encrypted")

    def _fill(self) -> None:
        """Write what fits the purpose into IOPS and throughput."""
        fitting = self._fitting()
        if fitting is None:
            return
        for name, value in (("iops", fitting.iops), ("throughput", fitting.throughput)):
            control = self._control(name)
            text = "" if value is None else str(value)
            if isinstance(control, Input) and control.value != text:
                with control.prevent(Input.Changed):
                    control.value = text

    def _fitting(self) -> VolumeShape | None:
        """Return what fits purpose, type and size; None where the figures are typed or the size is none."""
        if self._question.plain:
            return None
        use, kind, size = self._field("use").value, self._field("type").value, self._number("size")
        return None if use == CUSTOM or not size else preset(use, kind, size)

    def _shape(self) -> VolumeShape | None:
        size, limits = self._number("size"), self._question.kinds[self._field("type").value]
        if not size:
            return None
        iops = self._number("iops") if limits.most_iops else None
        throughput = self._number("throughput") if limits.most_throughput else None
        return VolumeShape(self._field("type").value, size, iops, throughput)

    def _show(self) -> None:
        limits, shape = self._question.kinds[self._field("type").value], self._shape()
        if not self._question.plain:
            self._field("iops").display = bool(limits.most_iops)
            self._field("throughput").display = bool(limits.most_throughput)
        if shape is not None and limits.most_iops:
            most = min(limits.most_iops, limits.iops_of(shape.size_gib))
            self._field("iops").set_hint(safe(f"{limits.least_iops:,} to {most:,}"))
        wrong = wrong_with(shape) if shape else ()
        if wrong:
            self._advise(safe("✗ " + "; ".join(wrong)), "$danger")
        elif self._as_refused(shape):
            self._advise(safe(f"✗ {self._question.trouble}"), "$danger")
        else:
            self._advise(self._advice(shape), "$muted")
        self._show_price(None if wrong else shape)

    def _advise(self, words: SafeText, style: str) -> None:
        self.query_one("#volume-advice", Static).update(content(words, style))

    def _same(self, shape: VolumeShape) -> bool:
        """Tell whether an existing volume has this shape already, so that there is nothing to plan."""
        return self._question.changes and settled(shape) == settled(self._question.draft.shape)

    def _name_and_zone(self) -> tuple[str, str]:
        question = self._question
        name = question.draft.name if question.changes else self._field("name").value.strip()
        return name, self._field("zone").value if question.zones else question.draft.zone

    def _as_refused(self, shape: VolumeShape | None) -> bool:
        """Tell whether the form still says what could not be planned."""
        before = self._question.refused
        return before is not None and (*self._name_and_zone(), shape) == (before.name, before.zone, before.shape)

    def _advice(self, shape: VolumeShape | None) -> SafeText:
        if shape is not None and self._same(shape):
            return safe(f"it has {settled(shape).words} already: nothing would change")
        if shape is not None and self._question.plain:
            return safe(f"{shape.type}: {self._question.kinds[shape.type].words}")
        use = CUSTOM if self._question.plain else self._field("use").value
        if shape is None or use == CUSTOM:
            return EMPTY
        best = advice(use, shape.size_gib)
        about = LIMITS[shape.type].words
        return safe(
            f"{shape.type}: {about}" + ("" if best == shape.type else f"; {best} would fit this purpose better")
        )

    def _show_price(self, shape: VolumeShape | None) -> None:
        zone = self._field("zone").value if self._question.zones else self._question.draft.zone
        fact = self._month(zone, shape) if shape is not None else None
        if isinstance(fact, Known):
            words, style = f"{money(fact.value)} per month, attached or not ({fact.source})", "$cost bold"
        else:
            words, style = "price unknown" + (f": {fact.reason}" if fact else ""), "$warn"
        self.query_one("#volume-price", Static).update(content(safe(words), style), layout=False)

    def _number(self, name: str) -> int | None:
        try:
            return figures.whole(self._field(name).value)
        except ValueError:
            return None

    def _field(self, name: str) -> FormField:
        return self.query_one(f"#volume-{name}", FormField)

    def _control(self, name: str) -> Widget | None:
        found = self.query(f"#volume-{name}")
        return found.first(FormField).control if found else None

    def _radio(self, name: str) -> RadioLine:
        return self._field(name).query_one(RadioLine)


def check_figure(text: str) -> SafeText | None:
    """Tell what is wrong with IOPS or throughput; their limits are said under the form."""
    return trouble_if_any(figures.whole, text)


def check_size(text: str, least: int) -> SafeText | None:
    """Tell what is wrong with a size in GiB."""
    if not text.strip():
        return safe("say how many GiB")
    return trouble(partial(figures.gib, least=least), text)
