"""Standard input and output as the two ends of `s3 cp`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from runctl_tui.domain.objects import split_address
from runctl_tui.headless.reply import Call
from runctl_tui.services.errors import ValidationError

STREAM: Final = "-"


def check_streams(call: Call) -> None:
    """Raise ValidationError where '-' cannot stand for standard input or output."""
    args = call.args
    other = args.destination if args.source == STREAM else args.source
    if args.verb != "cp" or args.recursive:
        raise ValidationError("'-' is for one object", "it is standard input or output", "s3 cp s3://bucket/key -")
    if args.dry_run:
        raise ValidationError("a dry run neither reads standard input nor writes output", todo="name a file")
    if args.destination == STREAM and call.console.json:
        raise ValidationError("--json and '-' both want standard output", todo="leave --json out, or name a file")
    try:
        key = split_address(other)[1]
    except ValueError:
        key = ""
    if not key or key.endswith("/"):
        raise ValidationError(
            f"{other} is no object", "'-' is copied from or to one", "such as s3://bucket/folder/file"
        )


def read_input(file: Path) -> None:
    """Write all of standard input into a file."""
    with file.open("wb") as target:
        shutil.copyfileobj(sys.stdin.buffer, target)


def write_output(file: Path) -> None:
    """Write a file to standard output."""
    with file.open("rb") as source:
        shutil.copyfileobj(source, sys.stdout.buffer)
    sys.stdout.buffer.flush()
