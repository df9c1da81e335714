"""Flags that describe a machine and what is trained on it, and turning them into a launch."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from runctl_tui.domain import figures, validation
from runctl_tui.domain.facts import Known
from runctl_tui.domain.launch import LaunchPreview, LaunchRequest, with_free_name
from runctl_tui.domain.location import DataLocation
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.resource import GONE, Market
from runctl_tui.domain.run import TrainingJob
from runctl_tui.domain.safety.reasons import count
from runctl_tui.domain.secret import Secret
from runctl_tui.domain.states import Capability
from runctl_tui.headless import output
from runctl_tui.headless.confirm import decide, show
from runctl_tui.headless.flags import checked, strictly
from runctl_tui.headless.follow import carry_out, job_reply
from runctl_tui.headless.reply import Call, Reply
from runctl_tui.paths import project_root
from runctl_tui.services.errors import MissingField, TrainctlError, Unsupported, ValidationError
from runctl_tui.services.ports import TrainingProvider
from runctl_tui.services.ports_services import Services

T = TypeVar("T")
_TYPE_KEYS = {"aws": "aws.default_instance_type", "runpod": "runpod.default_gpu"}
"""The configuration keys of the types that launches start with, by provider."""
LAUNCHERS = ("python", "torchrun", "accelerate", "command")


def location(text: str) -> str:
    """Return a location that can be understood; for argparse."""
    return str(DataLocation.parse(text))


def add_machine_flags(parser: argparse.ArgumentParser, provider: str = "") -> None:
    """Add the flags that describe a new machine, of any provider or of one."""
    group = parser.add_argument_group("machine")
    if not provider:
        group.add_argument("--provider", default="", help="where from; default: aws")
    group.add_argument(
        "--type", metavar="TYPE", default="", help="machine such as g5.xlarge; GPU such as '2x RTX 4090'"
    )
    group.add_argument("--spot", action="store_true", help="buy it as spot")
    group.add_argument("--on-demand-fallback", action="store_true", help="without spot capacity go on on-demand")
    group.add_argument(
        "--max-price", metavar="USD", type=strictly(figures.price), help="most dollars per hour for spot"
    )
    group.add_argument("--name", metavar="NAME", type=strictly(validation.resource_name), help="its name")
    group.add_argument(
        "--project", metavar="NAME", type=checked(validation.project_name), default="", help="project it is counted to"
    )
    group.add_argument("--root-gib", metavar="GIB", type=strictly(figures.gib), help="size of the root disk")
    words = "second disk, mounted at /mnt/data; RunPod: volume disk at /workspace"
    group.add_argument("--data-gib", metavar="GIB", type=strictly(figures.gib), help=words)
    group.add_argument(
        "--zone",
        metavar="ZONE",
        type=checked(validation.zone),
        default="",
        help="availability zone; RunPod: secure, community or a data centre",
    )
    _add_pod_flags(group)
    parser.set_defaults(provider=provider, ami="", key_name="", security_group=[], subnet="", profile_name="")
    if not provider:
        _add_aws_flags(group)


def _add_pod_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--image", metavar="IMAGE", default="", help="RunPod: container image")
    group.add_argument("--template", metavar="NAME", default="", help="RunPod: a template in the place of an image")
    words = "RunPod: publish it too, such as 8888/http or 6006/tcp; may be repeated"
    group.add_argument("--port", metavar="PORT", action="append", default=[], help=words)
    words = "RunPod: variable of the pod, without a value the one of this environment; may be repeated"
    group.add_argument("--pod-env", metavar="NAME[=VALUE]", action="append", default=[], help=words)
    words = "RunPod: a network volume to mount; the pod will be in its data centre"
    group.add_argument("--network-volume", metavar="NAME", default="", help=words)


def _add_aws_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--ami", metavar="AMI", type=checked(validation.image_id), default="", help="image")
    group.add_argument("--key-name", metavar="NAME", default="", help="key pair; default: one of our own")
    group.add_argument("--security-group", metavar="SG", action="append", default=[], help="may be repeated")
    group.add_argument("--subnet", metavar="SUBNET", type=checked(validation.subnet_id), default="", help="subnet")
    group.add_argument("--profile-name", metavar="NAME", default="", help="IAM instance profile, or none")


def add_training_flags(parser: argparse.ArgumentParser, *, elsewhere: bool = True) -> None:
    """Add the flags that describe what is trained; `elsewhere` is for what can use any machine."""
    group = parser.add_argument_group("training")
    if elsewhere:
        group.add_argument("--on", metavar="INSTANCE", default="", help="use this machine instead of a new one")
    group.add_argument("--folder", metavar="DIR", default="", help="project folder whose code is sent")
    group.add_argument("--launcher", choices=LAUNCHERS, help="what starts the script; default: python")
    group.add_argument("--gpus", metavar="LIST", type=checked(validation.gpus), help="GPUs such as 0,1; default: all")
    group.add_argument(
        "--include", metavar="PATTERN", action="append", default=[], help="send this although git ignores it"
    )
    group.add_argument(
        "--data-in", metavar="LOCATION", type=checked(location), default="", help="data copied to the host"
    )
    group.add_argument(
        "--checkpoint-dir",
        metavar="DIR",
        type=checked(validation.folder),
        default="",
        help="where training writes them",
    )
    group.add_argument(
        "--checkpoints-out",
        metavar="S3",
        type=checked(location),
        default="",
        help="s3:// address they are uploaded below",
    )
    group.add_argument(
        "--env", metavar="NAME=VALUE", action="append", default=[], help="environment of the run; may be repeated"
    )
    group.add_argument(
        "--secret",
        metavar="NAME",
        action="append",
        default=[],
        help="secret of the run, taken from this environment or asked for",
    )
    group.add_argument("--resume", metavar="CHECKPOINT", default="", help="checkpoint to go on from")


async def machine_request(services: Services, call: Call) -> LaunchRequest:
    """Return a launch of a machine alone, from configuration and flags."""
    options = machine_options(call, services)
    return LaunchRequest(options=options, spot_fallback=call.args.on_demand_fallback)


def machine_options(call: Call, services: Services) -> CreateResourceOptions:
    """Return the machine that the flags describe on top of the defaults; MissingField without a type."""
    args = call.args
    base = services.launcher.defaults().options
    base = base or CreateResourceOptions(provider="aws", region="", type="", name="", project="")
    foreign = args.provider not in ("", base.provider)
    if foreign:
        base = elsewhere(services.registry.get(args.provider).regions(), args.zone, base)
    chosen = dataclasses.replace(
        base,
        provider=args.provider or base.provider,
        region=call.regions[0] if call.regions and not foreign else base.region,
        type=args.type or services.launcher.default_type(args.provider or base.provider),
        name=args.name or base.name,
        project=args.project or base.project,
        market=Market.SPOT if args.spot else Market.ON_DEMAND,
        spot_max_price=_first(args.max_price, base.spot_max_price),
        root_gib=_first(args.root_gib, base.root_gib),
        data_gib=_first(args.data_gib, base.data_gib),
        image=args.ami or args.image or base.image,
        key_name=args.key_name or base.key_name,
        security_groups=tuple(args.security_group) or base.security_groups,
        subnet=args.subnet or base.subnet,
        zone=args.zone or base.zone,
        profile=args.profile_name or base.profile,
        volume=args.network_volume or base.volume,
        template=args.template,
        ports=tuple(args.port),
        environment=tuple(_variable(word, call) for word in args.pod_env),
    )
    if not chosen.type:
        raise _no_type(services.registry.get(chosen.provider), chosen.provider)
    return chosen


def _no_type(provider: TrainingProvider, name: str) -> TrainctlError:
    """Return the error about a machine of no type: the provider may have none to choose from."""
    if why := provider.capabilities.why_not(Capability.CREATE):
        todo = "'--on NAME' trains on a machine that is there; 'runctl-tui local SCRIPT' on this one"
        return Unsupported(f"{name}: no machine can be launched there", why, todo)
    key = _TYPE_KEYS.get(name)
    return MissingField(f"{name}: no machine type", todo=f"--type TYPE{f', or set {key}' if key else ''}")


def elsewhere(regions: Sequence[str], zone: str, base: CreateResourceOptions) -> CreateResourceOptions:
    """Return the defaults for another provider than the usual one, of whose names none means anything there."""
    return CreateResourceOptions(base.provider, zone or regions[0], "", base.name, base.project, tags=base.tags)


async def training_job(services: Services, call: Call, script: str) -> TrainingJob:
    """Return what the flags want trained on top of the defaults."""
    args = call.args
    base = services.launcher.defaults().job or TrainingJob(script="", project_root=str(call.folder))
    launcher = args.launcher or base.launcher
    root, script = (
        (args.folder or base.project_root, script)
        if launcher == "command"
        else find_script(call, script, base.project_root)
    )
    project = services.launcher.project_of(root)
    return dataclasses.replace(
        base,
        script=script,
        args=call.rest or (base.args if script == base.script else ()),
        project_root=root,
        project=args.project or project,
        name=getattr(args, "name", None) or validation.fitting_name(project),
        launcher=launcher,
        gpus=base.gpus if args.gpus is None else args.gpus,
        includes=tuple(args.include) or base.includes,
        data_source=args.data_in or base.data_source,
        checkpoint_dir=args.checkpoint_dir or base.checkpoint_dir,
        output_dest=args.checkpoints_out or base.output_dest,
        environment=tuple(map(_pair, args.env)) or base.environment,
        secrets=tuple([(name, await _secret(call, name)) for name in args.secret]),
        resume_from=args.resume or base.resume_from,
    )


def find_script(call: Call, script: str, default_root: str) -> tuple[str, str]:
    """Return the project's folder and the script below it; ValidationError names scripts that exist."""
    roots = [Path(call.args.folder)] if call.args.folder else [call.folder, Path(default_root or ".")]
    for root in roots:
        path = Path(os.path.normpath(call.folder / root / script))
        if path.is_file():
            path = path.parent.resolve() / path.name
            homes = [(call.folder / home).resolve() for home in (call.args.folder, default_root) if home]
            home = next((home for home in homes if path.is_relative_to(home)), None) or project_root(path)
            return str(home), str(path.relative_to(home))
    nearby = sorted(path.name for path in (call.folder / roots[-1]).glob("*.py"))
    nearest = validation.nearest(script, nearby)
    todo = f"did you mean {nearest}?" if nearest else f"scripts there: {', '.join(nearby[:8])}" if nearby else ""
    raise ValidationError(f"{script}: no such script", f"looked in {', '.join(str(r) for r in roots)}", todo)


async def launch(services: Services, call: Call, request: LaunchRequest) -> Reply:
    """Plan a launch, have it confirmed, carry it out."""
    preview = await previewed(services, call, request)
    plan, words = preview.plan, preview_words(preview, default_words(call, request))
    confirmation = await decide(services.actions, call, plan, words)
    if confirmation is None:
        return show(call, plan, preview_facts(preview, default_key(call, request)), words)
    return job_reply(await carry_out(services, call, plan, confirmation, request.spot_fallback), plan)


async def previewed(services: Services, call: Call, request: LaunchRequest) -> LaunchPreview:
    """Return what a launch would do, under a name that no machine has yet where the flags give none."""
    if request.options is not None and not call.args.name:
        rows = (await services.fleet.now()).value
        request = with_free_name(request, {row.instance.name for row in rows if row.instance.state not in GONE})
    try:
        return await services.launcher.preview(request)
    except TrainctlError as error:
        if words := default_words(call, request):
            error.todo = "; ".join(filter(None, (error.todo, words)))
        raise


def default_key(call: Call, request: LaunchRequest) -> str:
    """Return the configuration key that chose the type of the machine; empty where a flag did, or none is made."""
    options = request.options
    return "" if options is None or call.args.type else _TYPE_KEYS.get(options.provider, "")


def default_words(call: Call, request: LaunchRequest) -> str:
    """Say that nobody named the type that a launch takes; empty where somebody did."""
    key = default_key(call, request)
    return f"{request.options.type} is the default of {key}; --type takes another" if request.options and key else ""


def preview_facts(preview: LaunchPreview, type_from: str = "") -> dict[str, object]:
    """Return what is told of a launch beside its plan; `type_from` is the key that chose the type, if one did."""
    disks = preview.disks_per_month
    return {
        "code": preview.code,
        "container": preview.container,
        "disks_usd_per_month": disks.value if isinstance(disks, Known) else None,
        "type_from": type_from or None,
    }


def preview_words(preview: LaunchPreview, default: str = "") -> str:
    """Return what chose the type, what the disks cost besides and the code of a launch for a person."""
    lines = [f"  type: {default}"] if default else []
    lines += [f"  container: {output.cell(preview.container, 500)}"] if preview.container else []
    if preview.disk_words:
        lines.append(f"  disks: {preview.disk_words}")
    if preview.code is not None:
        code = preview.code
        lines.append(
            f"  code: {count(code.files, 'file')}, {output.size(code.total_bytes)} from {output.cell(code.root)}"
        )
    return "\n".join(lines)


def _first(value: T | None, default: T | None) -> T | None:
    return default if value is None else value


def _variable(text: str, call: Call) -> tuple[str, Secret]:
    """Return a variable of a pod; a name alone takes its value from this environment, out of the shell's history."""
    name, equals, value = text.partition("=")
    if not equals and name not in call.environ:
        todo = f"export {name}=… first, or write NAME=VALUE"
        raise ValidationError(f"--pod-env: {name} is not in the environment", todo=todo)
    return name, Secret.variable(name, value if equals else call.environ[name])


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValidationError(f"--env {text!r} is not NAME=VALUE")
    try:
        return validation.environment_name(name), value
    except ValueError as error:
        raise ValidationError(f"--env: {error}") from None


async def _secret(call: Call, name: str) -> str:
    try:
        validation.environment_name(name)
    except ValueError:
        raise ValidationError(
            "--secret takes a name, never a value", todo="export NAME=… first, then --secret NAME"
        ) from None
    if name in call.environ:
        return call.environ[name]
    if not call.console.interactive:
        raise ValidationError(f"the secret {name} is not in the environment", todo=f"export {name}=… first")
    return await call.console.ask_secret(f"{name}:")
