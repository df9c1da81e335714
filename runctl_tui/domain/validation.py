"""What identifiers, names and addresses must look like; forms, flags and configuration share these checks.

Each function returns the value where it is right and raises ValueError, in words for a person, where it is not.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Final

from runctl_tui.domain.location import check_bucket
from runctl_tui.domain.text import quoted

_HEX_ID: Final = r"-(?:[0-9a-f]{8}|[0-9a-f]{17})"
MAXIMUM_NAME: Final = 63
_NAME: Final = rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAXIMUM_NAME - 1}}}"
_PROJECT: Final = r"[A-Za-z0-9._-]{1,64}"
_REGION: Final = r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}"
_CENTER: Final = r"[A-Z]{2,3}-[A-Z]{2,3}-\d+|secure|community"
"""RunPod's data centres and clouds."""
_TYPE: Final = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
_ENVIRONMENT_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_SSH: Final = r"(?:(?P<user>[A-Za-z_][A-Za-z0-9._-]*)@)?(?P<host>[^@:\s]+|\[[0-9a-fA-F:]+\])(?::(?P<port>\d+))?"
_LOCAL_CHARACTERS: Final = r"[\x00-\x1f\x7f]"
_MAXIMUM_DISK_GIB: Final = 16384
REGIONS: Final = tuple(
    f"{area}-{number}"
    for area, numbers in (
        ("us-east", "12"), ("us-west", "12"), ("ca-central", "1"), ("ca-west", "1"), ("mx-central", "1"),
        ("sa-east", "1"), ("eu-central", "12"), ("eu-west", "123"), ("eu-north", "1"), ("eu-south", "12"),
        ("il-central", "1"), ("me-central", "1"), ("me-south", "1"), ("af-south", "1"), ("ap-south", "12"),
        ("ap-southeast", "123457"), ("ap-northeast", "123"), ("ap-east", "12"),
    )
    for number in numbers
)  # fmt: skip
"""AWS's regions for everybody; hints name them, and nothing is refused for not being among them."""


def _aws_id(prefix: str, noun: str) -> Callable[[str], str]:
    pattern = prefix + _HEX_ID

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{quoted(text)} is no {noun}: {prefix}- and 8 or 17 hexadecimal digits")
        return text

    return check


instance_id: Final = _aws_id("i", "instance id")
volume_id: Final = _aws_id("vol", "volume id")
snapshot_id: Final = _aws_id("snap", "snapshot id")
image_id: Final = _aws_id("ami", "image id")
security_group_id: Final = _aws_id("sg", "security group id")
subnet_id: Final = _aws_id("subnet", "subnet id")


def project_name(text: str) -> str:
    """Check a project's name: 1 to 64 letters, digits, dots, underscores and hyphens."""
    if not re.fullmatch(_PROJECT, text) or set(text) == {"."}:
        raise ValueError(f"{quoted(text)} is no project name: 1 to 64 letters, digits, '.', '_' and '-'")
    return text


def resource_name(text: str) -> str:
    """Check the name of a machine, volume or run: 1 to 63 letters, digits, dots, underscores and hyphens."""
    if not re.fullmatch(_NAME, text):
        rule = "1 to 63 letters, digits, '.', '_' and '-', a letter or digit first"
        raise ValueError(f"{quoted(text[:80])} is no name: {rule}")
    return text


def fitting_name(text: str, room: int = MAXIMUM_NAME) -> str:
    """Return the name that is nearest to a text, such as a folder's, of so many characters at most."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-")
    return plain[:room].rstrip("-") or "run"


def region(text: str) -> str:
    """Check the name of an AWS region."""
    if not is_region(text):
        raise ValueError(f"{quoted(text)} is no region: regions look like 'us-east-1'")
    return text


def is_region(text: str) -> bool:
    """Tell whether a text looks like an AWS region."""
    return re.fullmatch(_REGION, text) is not None


def region_meant(text: str) -> str:
    """Return which region was probably meant by what is none, or all that AWS has for everybody."""
    if re.fullmatch(_CENTER, text):
        here = f"new pods and volumes take --zone {text}"
        return f"that is a data centre of RunPod, whose lists hold all of them; {here}"
    found = nearest(text, REGIONS)
    return f"did you mean {found}?" if found else f"regions are {', '.join(REGIONS)}"


def instance_type(text: str) -> str:
    """Check the name of an instance type."""
    if not re.fullmatch(_TYPE, text):
        raise ValueError(f"{quoted(text)} is no instance type: types look like 'g5.xlarge'")
    return text


def bucket(text: str) -> str:
    """Check the name of an S3 bucket."""
    return check_bucket(text)


def account(text: str) -> str:
    """Check the number of an AWS account: 12 digits."""
    if not re.fullmatch(r"[0-9]{12}", text):
        raise ValueError(f"{quoted(text)} is no AWS account number: 12 digits")
    return text


def cidr(text: str) -> str:
    """Check an address range such as 203.0.113.0/24."""
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        why = "it has host bits set" if "host bits" in str(error) else "write ADDRESS/LENGTH"
        raise ValueError(f"{quoted(text)} is no address range such as 203.0.113.0/24: {why}") from None
    return text


def ssh_address(text: str) -> str:
    """Check 'user@host:port', where user and port may be left out."""
    match = re.fullmatch(_SSH, text)
    if match is None or match["host"].startswith("-") or not 0 < int(match["port"] or 22) < 65536:
        raise ValueError(f"{quoted(text)} is no SSH address: user@host:port, with user and port optional")
    return text


def environment_name(text: str) -> str:
    """Check the name of an environment variable."""
    if not re.fullmatch(_ENVIRONMENT_NAME, text):
        raise ValueError(
            f"{quoted(text)} is no name of an environment variable: letters, digits and '_', no digit first"
        )
    return text


def folder(text: str) -> str:
    """Check a path below a project: relative, inside it, without control characters."""
    parts = text.split("/")
    if not text or text.startswith(("/", "~")) or ".." in parts or re.search(_LOCAL_CHARACTERS, text):
        raise ValueError(f"{quoted(text)} is no folder below the project: a relative path without '..'")
    return text


def path(text: str) -> str:
    """Check a path of this machine: anything without control characters."""
    if not text or re.search(_LOCAL_CHARACTERS, text):
        raise ValueError(f"{quoted(text)} is no path: it is empty or holds control characters")
    return text


def gpus(text: str) -> str:
    """Check a list of GPU numbers such as '0,1'; empty means all."""
    if text and not re.fullmatch(r"\d+(,\d+)*", text):
        raise ValueError(f"{quoted(text)} is no list of GPUs: numbers with commas between them, such as 0,1")
    return text


def disk_gib(size: int) -> int:
    """Check the size of a disk in GiB: 1 to 16,384."""
    if not 1 <= size <= _MAXIMUM_DISK_GIB:
        raise ValueError(f"{size} is no disk size: 1 to {_MAXIMUM_DISK_GIB} GiB")
    return size


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, or an empty string."""
    candidates = list(known)
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if found:
        return found[0]
    tails = {candidate.rpartition(".")[2]: candidate for candidate in candidates}
    found = difflib.get_close_matches(word.rpartition(".")[2], list(tails), n=1, cutoff=0.7)
    return tails[found[0]] if found else ""
