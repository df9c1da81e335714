"""A line of input in which keys that came in one moment act in the order in which they were pressed."""

from __future__ import annotations

import pytest
from textual.events import Key

from runctl_tui.widgets.prompt import FormInput
from tests.ui.widgets.harness import WidgetApp


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["a", "b", "backspace", "c"], "ac"),
        (["a", "b", "left", "c"], "acb"),
        (["a", "b", "home", "c", "end", "d"], "cabd"),
        (["a", "b", "ctrl+u", "c"], "c"),
        (["a", "b", "left", "delete", "c"], "ac"),
    ],
)
async def test_keys_of_one_moment_keep_their_order(keys: list[str], text: str) -> None:
    app = WidgetApp(lambda: [FormInput()])
    async with app.run_test() as pilot:
        field = app.query_one(FormInput)
        field.focus()
        await pilot.pause()
        for key in keys:
            event = Key(key, key if len(key) == 1 else None)
            event.set_sender(app)
            app.post_message(event)
        await pilot.pause()
        assert field.value == text
