"""The frame of every dialog: severity shown by its colour, Cancel first, deaf to keys meant for something else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final, Generic, Literal, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button

from runctl_tui.domain.text import SafeText, safe
from runctl_tui.paths import style_sheets
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

ResultT = TypeVar("ResultT")
Severity = Literal["plain", "start", "stop", "destroy"]

DEAF_SECONDS: Final = 0.3
"""After opening, because a key pressed then was meant for what was there before."""
BURST_KEYS: Final = 8
"""More printable keys than this within the window are a paste."""
JUST_OPENED: Final = safe("just opened: press again")
PASTED: Final = safe("nothing is taken from a paste: type it")
_ARRIVALS: Final = 256
"""Times of keys that are remembered; more than this in a moment are a paste anyway."""
SAID_SECONDS: Final = 3.0
"""How long it is said why keys had no effect."""
CANCEL: Final = "cancel"


class DialogButton(Button):
    """A button of one line, `[ Label ]`."""

    def __init__(self, label: SafeText, id: str, disabled: bool = False) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, disabled=disabled)
        self.rename(label)

    def action_press(self) -> None:
        """Press it by a key that the dialog itself has heard."""
        if not isinstance(self.screen, Dialog) or self.screen.hears("enter"):
            super().action_press()

    def rename(self, label: SafeText) -> None:
        """Say something else on it."""
        self.label = Content(safe(f"[ {label} ]"))
        self.refresh(layout=True)


class Dialog(ModalScreen[ResultT | None], Generic[ResultT]):
    """A question or a view over a screen; escape and Cancel answer None.

    Subclasses yield their body and buttons and override `pressed`; those that may be confirmed by `y` set
    `CONFIRM_BY_Y` and override `confirmed`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "close", id="dialog.cancel"),
        Binding("y", "confirm", "yes", id="dialog.confirm"),
        Binding("right", "app.focus_next", "next", show=False, id="dialog.next"),
        Binding("left", "app.focus_previous", "previous", show=False, id="dialog.previous"),
    ]
    CSS_PATH: ClassVar = style_sheets("controls", "dialogs")
    AUTO_FOCUS = f"#{CANCEL}"

    SEVERITY: ClassVar[Severity] = "plain"
    KEYS: ClassVar[str] = ""
    """What the keys do, on the lower edge of a view that has no buttons to say it."""
    CONFIRM_BY_Y: ClassVar[bool] = False
    BURST_SECONDS: ClassVar[float] = 0.03
    """The window in which keys are held back to see whether they are a paste."""

    def __init__(self, clock: Clock, title: SafeText, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.dialog_title = title
        self._clock = clock
        self._opened_at = clock.monotonic()
        self._burst: list[events.Key] = []
        self._arrived: deque[float] = deque(maxlen=_ARRIVALS)
        self._burst_timer: Timer | None = None
        self._said: Timer | None = None
        self._pasting = False
        self._key_heard = ""
        self._let_through: deque[events.Key] = deque(maxlen=_ARRIVALS)
        self._passing: events.Key | None = None

    def compose(self) -> ComposeResult:
        """Lay out body and buttons in a frame."""
        with Vertical(classes=f"dialog -{self.SEVERITY}") as frame:
            frame.border_title = Content(self.dialog_title)
            frame.border_subtitle = self._keys
            with Vertical(classes="dialog-body"):
                yield from self.compose_body()
            buttons = list(self.compose_buttons())
            if buttons:
                with Horizontal(classes="dialog-buttons"):
                    yield from buttons

    def compose_body(self) -> ComposeResult:
        """Yield what the dialog says and asks."""
        yield from ()

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Yield the buttons, Cancel first."""
        yield DialogButton(safe("Cancel"), CANCEL)

    def pressed(self, button_id: str) -> None:
        """Act on a button other than Cancel."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer `y` only where it may confirm."""
        return self.CONFIRM_BY_Y if action == "confirm" else True

    def on_screen_resume(self) -> None:
        """Be deaf for a moment whenever the dialog comes to the front."""
        self._opened_at = self._clock.monotonic()

    def on_key(self, event: events.Key) -> None:
        """Stop keys that were meant for what was there before, and pastes, where a key may change something."""
        if not self.CONFIRM_BY_Y:
            return
        if self._came_through(event):
            self._key_heard = event.key
            return
        self._arrived.append(event.time)
        if self._clock.monotonic() - self._opened_at < DEAF_SECONDS and event.key != "escape":
            event.stop()
            self._explain_silence(JUST_OPENED)
        elif self.BURST_SECONDS and (event.is_printable or event.key in ("enter", "tab")):
            event.stop()
            self._hold(event)
        else:
            self._key_heard = event.key

    def waits_its_turn(self, event: events.Key) -> bool:
        """Hold a key that reached a field while keys before it are held or on their way; tell whether it is held."""
        if self._came_through(event) or not (self._burst or self._let_through):
            return False
        self._hold(event)
        return True

    def hears(self, key: str) -> bool:
        """Tell, once, whether this key came through the dialog.

        A key that was on its way through the screen before reaches the bindings of the dialog that opens meanwhile.
        """
        heard, self._key_heard = self._key_heard, ""
        return heard == key or not self.CONFIRM_BY_Y

    @on(Button.Pressed)
    def answer(self, event: Button.Pressed) -> None:
        """Cancel, or pass the button on."""
        event.stop()
        if event.button.id == CANCEL:
            self.dismiss(None)
        elif event.button.id:
            self.pressed(event.button.id)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def action_confirm(self) -> None:
        """Confirm by a `y` that the dialog itself has heard."""
        if self.hears("y"):
            self.confirmed()

    def confirmed(self) -> None:
        """Act on `y`."""

    @property
    def _keys(self) -> Content:
        return content(safe(self.KEYS), "$muted")

    def _explain_silence(self, words: SafeText) -> None:
        """Say in the frame's lower edge why keys had no effect; it goes by itself."""
        frame = self.query_one(".dialog")
        frame.border_subtitle = Content(words)
        if self._said is not None:
            self._said.stop()
        self._said = self.set_timer(SAID_SECONDS, lambda: setattr(frame, "border_subtitle", self._keys))

    def _hold(self, event: events.Key) -> None:
        """Keep a key until the window has passed; a burst of them restarts the window."""
        self._burst.append(event)
        if len(self._burst) > BURST_KEYS:
            self._pasting = True
        if self._burst_timer is None or self._pasting:
            if self._burst_timer is not None:
                self._burst_timer.stop()
            self._burst_timer = self.set_timer(self.BURST_SECONDS, self._release)

    def _release(self) -> None:
        """Let the held keys act unless they were pasted; a `y` among others, of whatever kind, confirms nothing."""
        if self.app.message_queue_size or self.message_queue_size:
            self._burst_timer = self.set_timer(self.BURST_SECONDS, self._release)
            return
        burst, pasted = self._burst, self._pasting
        self._burst, self._pasting, self._burst_timer = [], False, None
        if pasted:
            self._explain_silence(PASTED)
            return
        confirms = self.check_action("confirm", ())
        for event in burst:
            if not confirms or event.key != "y" or self._came_alone(event):
                again = events.Key(event.key, event.character)
                again.set_sender(self.app)
                self._let_through.append(again)
                self.call_later(self._act_on, again)

    def _came_through(self, event: events.Key) -> bool:
        """Tell whether this is a key that was held and let through; a field asks before the dialog does."""
        if any(event is each for each in self._let_through):
            while self._let_through.popleft() is not event:
                pass
            self._passing = event
        return event is self._passing

    def _came_alone(self, event: events.Key) -> bool:
        """Tell whether no other key arrived with this one, however late either was handled."""
        return sum(abs(each - event.time) <= self.BURST_SECONDS for each in self._arrived) == 1

    async def _act_on(self, event: events.Key) -> None:
        """Send a held key on its way again, as if it came from the terminal."""
        self.app.post_message(event)


class DialogInput(FormInput):
    """A field whose keys act in the order they were typed, also those that were typed before it had the focus."""

    async def _on_key(self, event: events.Key) -> None:
        if isinstance(self.screen, Dialog) and self.screen.waits_its_turn(event):
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)
