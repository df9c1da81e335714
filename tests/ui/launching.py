"""The launch form opened by keys, on a new machine or on a pod."""

from __future__ import annotations

from runctl_tui.domain.states import Capability
from tests.ui.driving import Person
from tests.ui.fakes import FakeProvider


async def open_form(person: Person) -> None:
    """Open the form as it comes up."""
    await person.press("x", "enter")
    await person.sees("LAUNCH", "t3.micro")


async def open_pod_form(person: Person) -> None:
    """Open the form on RunPod, with all its fields."""
    pods = FakeProvider(person.world, "runpod", "RunPod", {Capability.SPOT: "no spot is sold here"})
    pods.regions = lambda: ("secure", "community")  # type: ignore[method-assign]  # the regions of this one
    person.app.services.registry._providers["runpod"] = pods  # type: ignore[attr-defined]  # of the fake
    person.world.default_types["runpod"] = "g5.xlarge"
    await open_form(person)
    await person.press("right")
    await person.sees("(•) secure", "g5.xlarge: on-demand")
    person.app.screen.query_one("#more-tick").focus()
    await person.press("space")
    await person.sees("[x] more options", "Template", "Ports")
