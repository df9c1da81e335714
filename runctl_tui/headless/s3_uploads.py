"""The verbs of `s3` about unfinished uploads: `uploads` lists them, `abort` gives one up by plan and hash."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.objects import SCHEME, address, split_address
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.uploads import UnfinishedUpload, upload_reference
from runctl_tui.domain.volume import month
from runctl_tui.headless import output
from runctl_tui.headless.confirm import add_confirmation_flags, decide, show
from runctl_tui.headless.follow import carry_out, job_reply
from runctl_tui.headless.output import Row
from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply, listed
from runctl_tui.services.errors import ValidationError
from runctl_tui.services.ports_services import Services

_COLUMNS: Final = {
    "STARTED": "when",
    "AGE": "age",
    "PARTS": "parts",
    "SIZE": "shown_size",
    "$/MO": "month",
    "BY": "by",
    "SENDER": "sender",
    "WORDS FOR s3 abort": "words",
}


def register(verbs: Nouns[Parser], dry_run: tuple[str, ...]) -> None:
    """Add the verbs."""
    parser = add_noun(verbs, "uploads", "list uploads that were begun and never finished: their parts are paid for")
    words = "s3://bucket/prefix, also without s3://; none: all buckets"
    parser.add_argument("address", metavar="S3URI", nargs="?", default="", help=words)
    parser.set_defaults(handler=unfinished, needs=Needs.SERVICES)
    parser = add_noun(verbs, "abort", "give up an unfinished upload, and with it the parts that have arrived")
    parser.add_argument("address", metavar="S3URI", help="s3://bucket/key")
    parser.add_argument(
        "--upload-id", metavar="ID", required=True, help="which upload of this key, as uploads lists it"
    )
    add_confirmation_flags(parser, dry_run=dry_run)
    parser.set_defaults(handler=abort, needs=Needs.SERVICES)


async def unfinished(services: Services, call: Call) -> Reply:
    """What is unfinished below a prefix, or everywhere, the oldest first."""
    bucket, prefix = _address(call.args.address) if call.args.address else ("", "")
    found = await services.uploads.now(bucket, prefix)
    now = services.clock.now()
    rows = [upload_row(one, now) for one in found.value]
    shown = [_shown(one, row) for one, row in zip(found.value, rows, strict=True)]
    where = f" below {address(bucket, prefix)}" if bucket else ""
    return listed(found, rows, output.table(shown, _COLUMNS, f"no unfinished uploads{where}"))


async def abort(services: Services, call: Call) -> Reply:
    """Abort one upload by plan and hash."""
    bucket, key = _address(call.args.address)
    if not key:
        raise ValidationError(f"{address(bucket)} is a bucket", todo="name a key, as runctl-tui s3 uploads lists it")
    reference = upload_reference(bucket, key, call.args.upload_id)
    plan = await services.actions.plan(Operation.UPLOAD_ABORT, [reference])
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show(call, plan)
    return job_reply(await carry_out(services, call, plan, confirmation), plan)


def upload_row(one: UnfinishedUpload, now: datetime) -> Row:
    """Return one unfinished upload for scripts; what is not known is null."""
    parts = one.parts.value if isinstance(one.parts, Known) else None
    age = None if one.started_at is None else max(int((now - one.started_at).total_seconds()), 0)
    return {
        "address": one.address,
        "bucket": one.bucket,
        "key": one.key,
        "upload_id": one.upload_id,
        "region": one.region,
        "class": one.storage_class,
        "started_at": one.started_at,
        "age_seconds": age,
        "last_part_at": parts.newest_at if parts else None,
        "parts": parts.count if parts else None,
        "size": one.size,
        "usd_per_month": month(one.usd_per_month),
        "by": one.by,
        "initiator": one.initiator,
        "ours": one.ours,
        "may_be_sent_by": None if isinstance(one.writers, Unknown) else list(one.writers.value),
    }


def _shown(one: UnfinishedUpload, row: Row) -> Row:
    senders = row["may_be_sent_by"]
    return {
        **row,
        "when": f"{one.started_at:%Y-%m-%d %H:%M}" if one.started_at else None,
        "age": output.age(row["age_seconds"]),
        "shown_size": output.size(one.size),
        "month": output.dollars(month(one.usd_per_month)),
        "by": one.by or None,
        "sender": ", ".join(senders) if isinstance(senders, list) else None,
        "words": shlex.join([one.address, "--upload-id", one.upload_id]),
    }


def _address(text: str) -> tuple[str, str]:
    try:
        return split_address(text if text.startswith(SCHEME) else f"{SCHEME}{text}")
    except ValueError as error:
        raise ValidationError(str(error), todo="such as s3://my-bucket/folder/file") from None
