"""What the agent on a host is asked for when a run starts, and the ids that runs get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.location import DataLocation, LocationKind
from runctl_tui.services.errors import ValidationError

if TYPE_CHECKING:
    import random
    from datetime import datetime

    from runctl_tui.domain.run import TrainingJob
    from runctl_tui.services.training.agent_values import S3Place, StartRequest

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def new_run_id(now: datetime, rng: random.Random) -> str:
    """Return 'r-', seven characters that sort by time (seconds), and five random ones."""
    seconds, digits = int(now.timestamp()), ""
    for _ in range(7):
        seconds, digit = divmod(seconds, 32)
        digits = _ALPHABET[digit] + digits
    return f"r-{digits}{''.join(rng.choices(_ALPHABET, k=5))}"


def start_request(
    run_id: str, job: TrainingJob, project_dir: str, region: str, meta: Mapping[str, str]
) -> StartRequest:
    """Return what the agent's verb `start` needs; ValidationError where the destination is not in S3."""
    from runctl_tui.services.training.agent_values import StartRequest  # addresses are needed long before it is

    return StartRequest(
        run_id=run_id,
        project_dir=project_dir,
        script=job.script,
        args=job.args,
        launcher=job.launcher,
        gpus=job.gpus or None,
        deps="none" if job.launcher == "command" else "auto",
        env=dict(job.environment),
        secrets=dict(job.secrets),
        checkpoint_dir=job.checkpoint_dir,
        s3=upload_place(job.output_dest, region),
        resume_from=job.resume_from,
        resume_flag=job.resume_flag,
        parent=job.parent,
        meta=meta,
    )


def s3_location(address: str) -> DataLocation:
    """Return an s3:// address in its parts; ValidationError for anything else."""
    try:
        location = DataLocation.parse(address)
    except ValueError as error:
        raise ValidationError(f"{address!r} is no place for checkpoints", str(error)) from error
    if location.kind is not LocationKind.S3:
        raise ValidationError(f"{address!r} is no place for checkpoints", "it must be an s3://bucket/prefix")
    return location


def upload_place(output_dest: str, region: str) -> S3Place | None:
    """Return where a run's files go, None for nowhere."""
    if not output_dest:
        return None
    from runctl_tui.services.training.agent_values import S3Place

    location = s3_location(output_dest)
    return S3Place(location.container, location.path.strip("/"), region)


def run_prefix(output_dest: str, run_id: str) -> tuple[str, str]:
    """Return the bucket and the key prefix, with its slash, below which a run's files lie."""
    location = s3_location(output_dest)
    base = location.path.strip("/")
    return location.container, f"{base}/{run_id}/" if base else f"{run_id}/"
