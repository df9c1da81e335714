"""The noun `checkpoints`: copies on hosts and in S3, side by side."""

from __future__ import annotations

from runctl_tui.domain import validation
from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.headless import output
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply, listed
from runctl_tui.headless.rows import checkpoint_row
from runctl_tui.services.errors import ResourceNotFound, ValidationError
from runctl_tui.services.ports_services import Services

_COLUMNS = {
    "RUN": "run_id",
    "NAME": "name",
    "STEP": "step",
    "LOSS": "loss",
    "AGE": "age",
    "SIZE": "size",
    "FORMAT": "format",
    "HOST": "host",
    "S3": "s3",
}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "list", "list checkpoints, newest first")
    parser.add_argument("--run", metavar="RUN", default="", help="only those of one run")
    parser.set_defaults(handler=list_all, needs=Needs.SERVICES)
    parser = add_noun(verbs, "info", "say everything about one checkpoint")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="name, RUN/NAME, or step where it is unique")
    parser.add_argument("--run", metavar="RUN", default="", help="the run that wrote it")
    parser.set_defaults(handler=info, needs=Needs.SERVICES)


async def list_all(services: Services, call: Call) -> Reply:
    """Checkpoints of one run, or of all."""
    run_id = (await services.runs.find(call.args.run)).id if call.args.run else ""
    snapshot = await services.checkpoints.now(run_id)
    now = services.clock.now()
    rows = [checkpoint_row(checkpoint, now) for checkpoint in snapshot.value]
    shown = [_shown(row, checkpoint) for row, checkpoint in zip(rows, snapshot.value, strict=True)]
    return listed(snapshot, rows, output.table(shown, _COLUMNS, "no checkpoints"))


async def info(services: Services, call: Call) -> Reply:
    """One checkpoint with both copies."""
    run_id = (await services.runs.find(call.args.run)).id if call.args.run else ""
    snapshot = await services.checkpoints.now(run_id)
    found = _choose(snapshot.value, call.args.checkpoint)
    row = checkpoint_row(found, services.clock.now())
    data = {**row, "host_copy": found.host, "s3_copy": found.s3}
    return Reply(data, output.facts((key.replace("_", " "), value) for key, value in row.items()), snapshot.missing)


def _choose(checkpoints: tuple[Checkpoint, ...], reference: str) -> Checkpoint:
    def answers(checkpoint: Checkpoint) -> bool:
        return reference in (checkpoint.name, f"{checkpoint.run_id}/{checkpoint.name}", str(checkpoint.step))

    found = [checkpoint for checkpoint in checkpoints if answers(checkpoint)]
    if not found:
        nearest = validation.nearest(reference, [checkpoint.name for checkpoint in checkpoints])
        todo = f"did you mean {nearest}?" if nearest else "'runctl-tui checkpoints list' shows what there is"
        raise ResourceNotFound(f"no checkpoint {reference!r}", todo=todo)
    if len(found) > 1:
        runs = ", ".join(sorted({checkpoint.run_id for checkpoint in found}))
        raise ValidationError(f"{reference!r} is not unique", f"runs {runs} have one", "add --run RUN")
    return found[0]


def _shown(row: output.Row, checkpoint: Checkpoint) -> output.Row:
    return {
        **row,
        "age": output.age(row["age_seconds"]),
        "size": output.size(checkpoint.size_bytes),
        "loss": "" if checkpoint.loss is None else checkpoint.loss,
        "step": "" if checkpoint.step is None else checkpoint.step,
    }
