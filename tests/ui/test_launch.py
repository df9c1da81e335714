"""The launch dialog: live validation, price in sight, preview, price gate, visible steps, fallback question."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from runctl_tui.domain.resource import Market
from runctl_tui.domain.states import Capability
from runctl_tui.modals import launch_draft as draft
from runctl_tui.modals.launch_form import LaunchForm
from runctl_tui.widgets.form import CheckLine, FormField
from runctl_tui.widgets.table import ResourceTable
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import FakeJobs, FakeProvider, World
from tests.ui.launching import open_form, open_pod_form


def put(person: Person, name: str, value: str) -> None:
    person.app.screen.query_one(f"#field-{name}", FormField).control.value = value  # type: ignore[attr-defined] # every control has a value


async def review(person: Person) -> None:
    await person.press("ctrl+r")


async def test_price_per_hour_and_day_is_always_in_sight() -> None:
    async with at_keyboard() as person:
        await open_form(person)
        await person.sees("t3.micro: on-demand $0.01/h = $0.25 per day", "budget left $1,295.45")
        person.app.screen.query_one("#offers", ResourceTable).move_to("g5.xlarge")
        await person.sees("g5.xlarge: on-demand $1.01/h = $24.14 per day (spot $0.42/h now)")


async def test_the_form_waits_for_the_machines_so_that_it_knows_them_and_their_names() -> None:
    world = World()
    known = world.fleet.latest
    assert known is not None
    world.fleet.latest = None
    async with at_keyboard(world) as person:
        await person.press("x", "enter")
        await person.sees("looking at the machines that there are…")
        taken = replace(known.value[0], instance=replace(known.value[0].instance, id="i-tiny", name="tiny"))
        world.fleet.push((*known.value, taken))
        await person.sees("LAUNCH", "tiny-2", "one that is running")
        assert "no machine is running" not in person.text()


async def test_another_provider_brings_its_own_regions_and_markets() -> None:
    async with at_keyboard() as person:
        pods = FakeProvider(person.world, "runpod", "RunPod", {Capability.SPOT: "no spot is sold here"})
        pods.regions = lambda: ("secure", "community")  # type: ignore[method-assign]  # the regions of this one
        person.app.services.registry._providers["runpod"] = pods  # type: ignore[attr-defined]  # of the fake
        await open_form(person)
        await person.sees("new on RunPod", "us-east-1", "spot only")
        await person.press("right")
        await person.sees("(•) secure", "( ) community")
        assert "spot only" not in person.text()
        await person.press("left")
        await person.sees("us-east-1", "spot only")


async def test_another_provider_starts_with_its_own_type() -> None:
    world = World()
    world.default_types["runpod"] = "g5.xlarge"
    async with at_keyboard(world=world) as person:
        pods = FakeProvider(world, "runpod", "RunPod", {})
        person.app.services.registry._providers["runpod"] = pods  # type: ignore[attr-defined]  # of the fake
        await open_form(person)
        await person.sees("t3.micro: on-demand")
        await person.press("right")
        await person.sees("g5.xlarge: on-demand")


async def test_a_pod_has_its_own_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    async with at_keyboard() as person:
        await open_pod_form(person)
        assert not person.app.screen.query_one("#more-aws").display
        put(person, "subnet", "subnet-01234567")
        put(person, "disk", "25")
        for name, value in (("template", "tpl"), ("pod_disk", "40"), ("center", "EU-RO-1"), ("ports", "8888/http")):
            put(person, name, value)
        put(person, "pod_env", "HF_TOKEN MODE='a b'")
        await review(person)
        await person.until(lambda: person.world.previewed, "previewed")
        options = person.world.previewed[-1].options
        assert options is not None
        assert (options.provider, options.region, options.template, options.image) == ("runpod", "EU-RO-1", "tpl", "")
        assert (options.root_gib, options.data_gib, options.ports, options.subnet) == (25, 40, ("8888/http",), "")
        told = [(name, value.reveal()) for name, value in options.environment]
        assert told == [("HF_TOKEN", "hunter2"), ("MODE", "a b")]
        await person.sees("template tpl · ports 8888/http · environment HF_TOKEN MODE (values are not shown)")
        assert "hunter2" not in person.text()


async def test_a_machine_that_nothing_would_end_is_not_reviewed() -> None:
    async with at_keyboard() as person:
        await open_form(person)
        person.app.screen.query_one("#terminate-tick", CheckLine).value = True
        put(person, "script", "")
        await review(person)
        await person.sees("no run's end can be waited for: name a script")
        put(person, "script", "train.py")
        put(person, "output", "")
        await review(person)
        await person.sees("its checkpoints would die with it: say where they go")
        assert not person.world.previewed


async def test_wrong_fields_of_a_pod_are_told_before_anybody_is_asked() -> None:
    async with at_keyboard() as person:
        await open_pod_form(person)
        put(person, "ports", "8888")
        put(person, "pod_env", "HF_NOWHERE_TOKEN")
        await review(person)
        await person.sees("'8888' is no port of a pod", "HF_NOWHERE_TOKEN is not set")
        put(person, "ports", "")
        put(person, "pod_env", "")
        put(person, "center", "EU-RO-1")
        person.app.screen.query_one("#field-region RadioLine").focus()
        await person.press("right")
        await review(person)
        await person.sees("a data centre is in the secure cloud")
        assert person.world.previewed == []


async def test_nothing_is_created_before_the_price_gate_says_yes() -> None:
    async with at_keyboard() as person:
        await open_form(person)
        await review(person)
        await person.sees(
            "142 files, 1.8 MB", "$1.01/h, $24.24 per day", "$2.40 per month besides", "y  launch, costs money"
        )
        assert not person.world.committed
        await person.press("enter")
        await person.until(lambda: person.dialog == "LaunchDialog", "Cancel leads back to the form")
        assert not person.world.committed
        await review(person)
        await person.sees("y  launch, costs money")
        await person.press("y")
        await person.sees("create the instance", "SSH up", "Close, it goes on")
        assert [plan.hash for plan, _ in person.world.committed] == [person.world.committed[0][1].plan_hash]
        request = person.world.previewed[-1]
        assert request.options is not None
        assert (request.options.type, request.options.region, request.options.root_gib) == ("t3.micro", "us-east-1", 30)
        assert request.job is not None
        assert (request.job.script, request.job.args) == ("train.py", ("--steps", "200"))


async def launch_it(person: Person) -> None:
    """Go the whole way to the steps of a job at work."""
    await open_form(person)
    await review(person)
    await person.sees("y  launch, costs money")
    await person.press("y")
    await person.sees("Close, it goes on")


async def test_closing_the_steps_leaves_the_job_at_work() -> None:
    async with at_keyboard() as person:
        await launch_it(person)
        await person.press("escape")
        await person.until(lambda: not person.dialog, "closed")
        assert person.world.cancelled == []
        assert person.app.shared.own_jobs == {"j-2"}
        await person.sees("7 Tasks ◐2")


async def test_what_has_ended_does_not_go_on() -> None:
    async with at_keyboard() as person:
        await launch_it(person)
        FakeJobs(person.world).change("j-2", ended_at=data.NOW, ok=True, result="it runs")
        await person.sees("✓ it runs", "[ Close ]")
        assert "it goes on" not in person.text()


async def test_wrong_fields_are_told_under_them_and_nothing_is_asked() -> None:
    async with at_keyboard() as person:
        await open_form(person)
        put(person, "name", "not a name!")
        put(person, "output", "/tmp/x")
        await review(person)
        await person.sees("'not a name!' is no name, ' ' at place 4", "an address such as s3://bucket/prefix")
        assert person.world.previewed == []


async def test_a_failing_preview_is_told_in_the_dialog() -> None:
    async with at_keyboard() as person:
        await open_form(person)
        person.world.mode = "error"
        await review(person)
        await person.sees("✗ EC2 said no; you are not authorized; ask for ec2:*  [UnauthorizedOperation]")
        assert person.dialog == "LaunchDialog"


async def test_unknown_prices_are_not_zero_and_announce_the_cap() -> None:
    async with at_keyboard() as person:
        await open_form(person)
        await person.press("tab", "right")
        await person.sees("on-demand ?/h", "▲ a typed cap will be asked for")


async def test_types_are_narrowed_while_typing() -> None:
    async with at_keyboard() as person:
        await open_form(person)
        put(person, "matching", "A10G")
        await person.until(lambda: "m6i.xlarge" not in person.text(), "narrowed")
        await person.sees("g5.xlarge: on-demand")


async def test_train_here_uses_the_machine_and_hides_what_is_bought() -> None:
    async with at_keyboard() as person:
        person.table.move_to("aws/i-0aaa00000000000e1")
        await person.press("x")
        await person.type("train")
        await person.press("enter")
        await person.sees("one that is running", "llama-eval: $1.01/h, paid already")
        await review(person)
        await person.until(lambda: person.world.previewed, "previewed")
        assert person.world.previewed[0].options is None
        assert person.world.previewed[0].instance_key == "aws/i-0aaa00000000000e1"


async def test_narrow_form_keeps_price_and_buttons() -> None:
    async with at_keyboard(size=NARROW) as person:
        await open_form(person)
        await person.sees("t3.micro: on-demand $0.01/h", "Review the plan", "Cancel")


async def test_form_reads_back_what_it_was_given() -> None:
    base = data.request()
    assert base.options is not None
    assert base.job is not None
    options = replace(
        base.options, market=Market.SPOT, spot_max_price=Decimal("0.45"), security_groups=("sg-1", "sg-2")
    )
    job = replace(base.job, environment=(("A", "b c"),), launcher="torchrun", gpus="0,1", resume_from="s3://my-runs/k")
    asked = replace(base, options=options, job=job, spot_fallback=False)
    async with at_keyboard() as person:
        person.app._front.launch(asked)  # type: ignore[attr-defined] # a screen that launches
        await person.sees("RESUME", "t3.micro")
        dialog = person.app.screen
        again = dialog._draft().request(lambda name: None)  # type: ignore[attr-defined] # the dialog's own reading
        assert again == asked
        assert dialog.query_one(LaunchForm).validate_all()


def test_secrets_come_from_the_environment_by_name_and_never_show() -> None:
    fields = {"script": "train.py", "secrets": "HF_TOKEN, WANDB_API_KEY", "args": "", "environment": ""}
    what = draft.Draft(fields, draft.EXISTING, "", "", "", "local/local", World().services().launcher.defaults())
    request = what.request({"HF_TOKEN": "hf_1", "WANDB_API_KEY": "w_2"}.get)
    assert request.job is not None
    assert request.job.secrets == (("HF_TOKEN", "hf_1"), ("WANDB_API_KEY", "w_2"))
    assert "hf_1" not in repr(request)


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (draft.check_name, ["tiny", "a.b-c_1"], ["", "-x", "a b", "ü", "x" * 64]),
        (draft.check_project, ["tiny", "_x"], ["", "a b", "..", "x" * 65]),
        (draft.check_size, ["", "1", "65536"], ["0", "1.5", "-3", "65537", "¹", "many"]),
        (draft.check_price, ["", "0.45", "$2"], ["0", "-1", "nan", "inf", "free"]),
        (draft.check_words, ["", "--a 'b c'"], ["--a 'b"]),
        (draft.check_environment, ["", "A=1 B='x y'"], ["A", "1A=2", "A='x"]),
        (draft.check_location, ["", "data/", "s3://bucket/key"], ["s3://UPPER/x", "ftp://x"]),
        (draft.check_bucket_address, ["", "s3://bucket/prefix"], ["/tmp", "s3://x"]),
    ],
)
def test_checks(check: draft.Secret, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if check(text) is not None] == []
    assert [text for text in wrong if check(text) is None] == []
