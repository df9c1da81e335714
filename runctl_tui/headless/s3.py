"""The noun `s3`: objects in S3, with the AWS CLI's words and flags."""

from __future__ import annotations

from runctl_tui.domain.objects import SCHEME, EntryKind, ObjectEntry, address, parent_of, split_address
from runctl_tui.headless import output, s3_changes
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.errors import ResourceNotFound, ValidationError
from runctl_tui.services.ports_services import Services

LONGEST = 7 * 24 * 3600
_COLUMNS = {"MODIFIED": "when", "SIZE": "shown_size", "CLASS": "class", "NAME": "name"}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "ls", "list buckets, or what begins with a prefix; exit code 1 where nothing does")
    words = "s3://bucket/prefix, also without s3://; none: the buckets"
    parser.add_argument("address", metavar="S3URI", nargs="?", default="", help=words)
    parser.add_argument("--recursive", action="store_true", help="every object below the prefix, folders opened")
    parser.add_argument("--human-readable", action="store_true", help="sizes such as 3.1 MiB")
    parser.add_argument("--summarize", action="store_true", help="add the number of objects and their bytes")
    parser.set_defaults(handler=ls, needs=Needs.SERVICES)
    parser = add_noun(verbs, "presign", "make a URL by which anybody may read an object for a while")
    parser.add_argument("address", metavar="S3URI", help="s3://bucket/key")
    parser.add_argument("--expires-in", metavar="SECONDS", type=int, default=3600, help="default 3600, at most 604800")
    parser.set_defaults(handler=presign, needs=Needs.SERVICES)
    s3_changes.register(verbs)


def address_of(text: str) -> tuple[str, str]:
    """Return bucket and key of an address; ValidationError where it is none."""
    try:
        return split_address(text)
    except ValueError as error:
        raise ValidationError(str(error), todo="such as s3://my-bucket/folder/file") from None


async def ls(services: Services, call: Call) -> Reply:
    """Buckets, or what lies below a prefix."""
    if not call.args.address:
        buckets = await services.objects.buckets()
        rows: list[output.Row] = [
            {"bucket": one.name, "region": one.region or None, "created_at": one.created_at} for one in buckets
        ]
        return Reply(
            rows, output.table(rows, {"CREATED": "created_at", "REGION": "region", "NAME": "bucket"}, "no buckets")
        )
    place = call.args.address
    bucket, prefix = address_of(place if place.startswith(SCHEME) else f"{SCHEME}{place}")
    pages = services.objects.pages(bucket, prefix, recursive=call.args.recursive)
    entries = [entry async for page in pages for entry in page]
    if prefix and not entries and not await _is_empty_folder(services, bucket, prefix):
        folder = address(bucket, parent_of(prefix))
        raise ResourceNotFound(f"nothing begins with {address(bucket, prefix)}", "", f"runctl-tui s3 ls {folder}")
    return _listed(call, entries, prefix)


async def _is_empty_folder(services: Services, bucket: str, prefix: str) -> bool:
    """Tell whether all that is there is the object by which some programs make a folder."""
    try:
        await services.objects.head(bucket, prefix)
    except ResourceNotFound:
        return False
    return True


async def presign(services: Services, call: Call) -> Reply:
    """A URL that reads one object."""
    bucket, key = address_of(call.args.address)
    if not key or not 0 < call.args.expires_in <= LONGEST:
        raise ValidationError(
            "presign needs an object, and 1 to 604800 seconds", todo="runctl-tui s3 presign s3://bucket/key"
        )
    url = await services.objects.presign(bucket, key, call.args.expires_in)
    return Reply({"url": url, "expires_in": call.args.expires_in}, url)


def entry_row(entry: ObjectEntry) -> output.Row:
    """Return one row for scripts."""
    folder = entry.kind is EntryKind.FOLDER
    return {
        "key": entry.key,
        "size": None if folder else entry.size,
        "modified": entry.modified_at,
        "class": "" if folder else entry.storage_class,
        "kind": entry.kind,
    }


def _listed(call: Call, entries: list[ObjectEntry], prefix: str) -> Reply:
    objects = [entry for entry in entries if entry.kind is EntryKind.OBJECT]
    rows = [entry_row(entry) for entry in entries]
    folder = prefix[: prefix.rfind("/") + 1]
    shown = [
        _shown(call, entry, row, "" if call.args.recursive else folder)
        for entry, row in zip(entries, rows, strict=True)
    ]
    text = output.table(shown, _COLUMNS, "nothing there")
    if not call.args.summarize:
        return Reply(rows, text)
    total = sum(entry.size or 0 for entry in objects)
    words = output.size(total) if call.args.human_readable else str(total)
    summary = f"\n\nTotal Objects: {len(objects)}\n   Total Size: {words}"
    return Reply({"objects": rows, "total_objects": len(objects), "total_size": total}, text + summary)


def _shown(call: Call, entry: ObjectEntry, row: output.Row, folder: str) -> output.Row:
    size: object = "PRE" if entry.kind is EntryKind.FOLDER else entry.size
    if call.args.human_readable and entry.kind is EntryKind.OBJECT:
        size = output.size(entry.size)
    moment = f"{entry.modified_at:%Y-%m-%d %H:%M:%S}" if entry.modified_at else ""
    return {**row, "when": moment, "shown_size": size, "name": entry.name_below(folder)}
