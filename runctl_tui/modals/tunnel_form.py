"""The tunnel dialog: which port of a machine, which of this one, and whether it goes on when the program ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from runctl_tui.domain import figures
from runctl_tui.domain.text import SafeText, safe
from runctl_tui.domain.tunnel import FIRST_PORT, LOOPBACK, PRESETS
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.modals.launch_draft import trouble, trouble_if_any
from runctl_tui.widgets.form import Choice, Form, FormField, RadioLine
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

ACT: Final = "act"
OTHER: Final = "other"
WITH_PROGRAM: Final = "program"
KEEP: Final = "keep"


@dataclass(frozen=True, slots=True)
class TunnelDraft:
    """What the form answers."""

    remote_port: int
    local_port: int
    """0: the same number, or a free one."""
    keep: bool


class TunnelDialog(Dialog[TunnelDraft]):
    """Answers with the ports; nothing is opened before."""

    AUTO_FOCUS = "FormField"
    HELP = "A tunnel is reachable from this machine alone."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+r", "open_tunnel", "open", id="tunnel.open")]

    def __init__(self, clock: Clock, machine: SafeText) -> None:
        super().__init__(clock, safe(f"Tunnel to {machine}"))

    def compose_body(self) -> ComposeResult:
        """Lay out the form over what it means."""
        choices = [Choice(str(port), safe(name)) for name, port in PRESETS]
        with Form(id="tunnel-form"):
            yield FormField(
                safe("For"), RadioLine([*choices, Choice(OTHER, safe("other"))], str(PRESETS[0][1])), id="tunnel-for"
            )
            yield FormField(safe("Port there"), FormInput(str(PRESETS[0][1])), check=check_remote, id="tunnel-remote")
            yield FormField(
                safe("Port here"), FormInput(""), hint=safe("empty: the same, or a free one"), check=check_local,
                id="tunnel-local",
            )  # fmt: skip
            ends = [Choice(WITH_PROGRAM, safe("with this program")), Choice(KEEP, safe("when closed: it is kept"))]
            yield FormField(safe("Ends"), RadioLine(ends), id="tunnel-ends")
        yield Static(content(safe(f"It listens on {LOOPBACK} of this machine only."), "$muted"))

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer to leave or to open."""
        yield from super().compose_buttons()
        yield DialogButton(safe("ctrl+r  Open"), ACT)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.query_one(Form).fields()[0].control.focus()

    @on(RadioLine.Changed)
    def take_preset(self, event: RadioLine.Changed) -> None:
        """Fill in the port that it usually has."""
        if event.value in (WITH_PROGRAM, KEEP):
            return
        control = self.query_one("#tunnel-remote", FormField).control
        if isinstance(control, FormInput):
            control.value = "" if event.value == OTHER else event.value

    @on(Form.Submitted)
    def submit(self) -> None:
        """Open."""
        self.action_open_tunnel()

    def pressed(self, button_id: str) -> None:
        """Open."""
        if button_id == ACT:
            self.action_open_tunnel()

    def action_open_tunnel(self) -> None:
        """Answer with the ports where nothing is wrong with them."""
        if not self.query_one(Form).validate_all():
            return
        remote, local, ends = (
            self.query_one(f"#tunnel-{name}", FormField).value.strip() for name in ("remote", "local", "ends")
        )
        self.dismiss(TunnelDraft(int(remote), int(local or 0), ends == KEEP))


def check_remote(text: str) -> SafeText | None:
    """Tell what is wrong with a port of the machine."""
    return trouble(figures.port, text)


def check_local(text: str) -> SafeText | None:
    """Tell what is wrong with a port of this machine; none is right."""
    return trouble_if_any(partial(figures.port, least=FIRST_PORT), text)
