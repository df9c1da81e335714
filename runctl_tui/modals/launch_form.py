"""The fields of the launch form, filled in from a request; used by the launch dialog alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from runctl_tui.domain.offer import CreateResourceOptions, TypeOffer
from runctl_tui.domain.resource import Market
from runctl_tui.domain.run import TrainingJob
from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.modals import launch_draft as draft
from runctl_tui.modals.launch_source import LaunchSource, MachineChoice, ProviderChoice
from runctl_tui.modals.launch_tables import machine_columns, offer_columns
from runctl_tui.widgets.form import Check, CheckLine, Choice, Form, FormField, RadioLine
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.launch import LaunchRequest

PREFIX: Final = "field-"
LAUNCHERS: Final = ("python", "torchrun", "accelerate", "command")


class LaunchForm(Form):
    """All that a launch may say; `values` reads it."""

    def __init__(self, request: LaunchRequest, source: LaunchSource) -> None:
        super().__init__(id="launch-form")
        self._request = request
        self._source = source
        self._options = request.options or CreateResourceOptions("", "", "", "", "")
        self._job = request.job or TrainingJob("")

    def compose(self) -> ComposeResult:
        """Lay out machine, training, and behind a tick the rest."""
        yield from self._machine()
        yield from self._training()
        yield CheckLine(safe("more options"), id="more-tick")
        with Vertical(id="more"):
            yield from self._more()

    def values(self) -> dict[str, str]:
        """Return every field's value by its name."""
        return {field.id.removeprefix(PREFIX): field.value for field in self.fields() if field.id}

    def _machine(self) -> Iterator[Widget]:
        source, request = self._source, self._request
        where = [Choice(f"new:{each.name}", safe(f"new on {each.label}"), safe(each.why_not_create))
                 for each in source.providers if not each.why_not_create]  # fmt: skip
        none = EMPTY if source.machines else safe("no machine is running")
        where.append(Choice(draft.EXISTING, safe("one that is running"), none))
        chosen = draft.EXISTING if request.instance_key else f"new:{self._options.provider}"
        yield self._radio("where", "Machine", where, chosen)
        regions = next((each.regions for each in source.providers if each.name == self._options.provider), ())
        regions = regions or next((each.regions for each in source.providers if not each.why_not_create), ())
        yield self._radio("region", "Region", [Choice(name, safe(name)) for name in regions], self._options.region)
        yield self._input("matching", "Matching", "", hint="such as g5, A100, gpu:T4")
        yield ResourceTable[str, TypeOffer](offer_columns(), lambda offer: offer.type, id="offers")
        yield ResourceTable[str, MachineChoice](machine_columns(), lambda each: each.key, id="machines")
        yield self._radio("market", "Market", markets(), _market_of(request, self._options))
        size = self._options.root_gib
        yield self._input("disk", "Disk", "" if size is None else str(size), draft.check_size, "GiB")

    def _training(self) -> Iterator[Widget]:
        job, options = self._job, self._options
        yield self._input("name", "Name", options.name or job.name, draft.check_name)
        yield self._input("project", "Project", options.project or job.project, draft.check_project)
        yield self._input("script", "Script", job.script, hint="empty: only the machine")
        yield self._input("args", "Arguments", shlex.join(job.args), draft.check_words)
        yield self._input("data", "Data in", job.data_source, draft.check_location, "s3://… or a folder")
        yield self._input("output", "Checkpoints", job.output_dest, draft.check_bucket_address, "s3://bucket/prefix")
        yield self._input("resume", "Resume from", job.resume_from, draft.check_location, "a checkpoint")
        yield CheckLine(
            safe("terminate it when the run has ended and its checkpoints are safe"),
            self._request.terminate_after,
            id="terminate-tick",
        )

    def _more(self) -> Iterator[Widget]:
        with Vertical(id="more-aws", classes="more-machine"):
            yield from self._instance()
        with Vertical(id="more-runpod", classes="more-machine"):
            yield from self._pod()
        yield from self._more_training()

    def _instance(self) -> Iterator[Widget]:
        options = self._options_of(lambda name: name != draft.RUNPOD)
        most = "" if options.spot_max_price is None else str(options.spot_max_price)
        data = "" if options.data_gib is None else str(options.data_gib)
        yield Static(content(safe("machine"), "$heading bold"), classes="form-heading")
        yield self._input("data_disk", "Data disk", data, draft.check_size, "GiB, mounted at /mnt/data")
        yield self._input("max_price", "Max spot", most, draft.check_price, "$/h; empty: on-demand price")
        yield self._input("image", "AMI", options.image, hint="empty: newest deep-learning")
        yield self._input("key_name", "Key pair", options.key_name, hint="empty: one is made")
        groups = " ".join(options.security_groups)
        yield self._input("security_groups", "Sec. groups", groups, hint="empty: one made, SSH only")
        yield self._input("subnet", "Subnet", options.subnet)
        yield self._input("zone", "Zone", options.zone, draft.check_zone)
        yield self._input("profile", "IAM profile", options.profile, hint="none: no SSM, S3 by URLs")

    def _pod(self) -> Iterator[Widget]:
        options = self._options_of(lambda name: name == draft.RUNPOD)
        data = "" if options.data_gib is None else str(options.data_gib)
        names = shlex.join(name for name, _ in options.environment)
        check = draft.check_variables(self._source.secret)
        yield Static(content(safe("pod"), "$heading bold"), classes="form-heading")
        yield self._input("pod_image", "Image", options.image, hint="empty: RunPod's PyTorch")
        yield self._input("template", "Template", options.template, hint="name or id, for the image")
        yield self._input("pod_disk", "Volume disk", data, draft.check_size, "GB; dies with the pod")
        yield self._input("volume", "Net. volume", options.volume, hint="name or id; stays and costs")
        yield self._input("center", "Data centre", options.zone, draft.check_zone, hint="empty: any, or the volume's")
        yield self._input("ports", "Ports", " ".join(options.ports), draft.check_ports, "such as 8888/http 6006/tcp")
        yield self._input("pod_env", "Environment", names, check, "NAME=value, or NAME: yours")

    def _options_of(self, matches: Callable[[str], bool]) -> CreateResourceOptions:
        """Return what was asked for of such a provider; names of one mean nothing to another."""
        return self._options if matches(self._options.provider) else CreateResourceOptions("", "", "", "", "")

    def _more_training(self) -> Iterator[Widget]:
        job, secret = self._job, self._source.secret
        launchers = [Choice(name, safe(name)) for name in LAUNCHERS]
        yield Static(content(safe("training"), "$heading bold"), classes="form-heading")
        yield self._radio("launcher", "Launcher", launchers, job.launcher)
        yield self._input("gpus", "GPUs", job.gpus, hint="0,1; empty: all")
        yield self._input("includes", "Include", " ".join(job.includes), hint="sent though git ignores it")
        environment = shlex.join(f"{name}={value}" for name, value in job.environment)
        yield self._input("environment", "Environment", environment, draft.check_environment, "NAME=value …")
        names = " ".join(name for name, _ in job.secrets)
        check = draft.check_secrets(secret)
        yield self._input("secrets", "Secrets", names, check, "names; values: your shell's")

    def _input(self, name: str, label: str, value: str, check: Check | None = None, hint: str = "") -> FormField:
        return FormField(safe(label), FormInput(value), hint=safe(hint), check=check, id=PREFIX + name)

    def _radio(self, name: str, label: str, choices: list[Choice], value: str) -> FormField:
        known = value if value in [choice.id for choice in choices] else ""
        return FormField(safe(label), RadioLine(choices, known), id=PREFIX + name)


def region_choices(choice: ProviderChoice) -> list[Choice]:
    """Return the regions of a provider as alternatives."""
    return [Choice(name, safe(name)) for name in choice.regions]


def markets(choice: ProviderChoice | None = None) -> list[Choice]:
    """Return the markets of a provider as alternatives; one without spot has one."""
    if choice is not None and choice.why_not_spot:
        return [Choice(draft.ON_DEMAND, safe("on-demand"))]
    labels: dict[str, SafeText] = {
        draft.ON_DEMAND: safe("on-demand"),
        draft.SPOT_ASK: safe("spot, else ask"),
        draft.SPOT_ONLY: safe("spot only"),
    }
    return [Choice(name, label) for name, label in labels.items()]


def _market_of(request: LaunchRequest, options: CreateResourceOptions) -> str:
    if options.market is not Market.SPOT:
        return draft.ON_DEMAND
    return draft.SPOT_ONLY if request.spot_fallback is False else draft.SPOT_ASK
