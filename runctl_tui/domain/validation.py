"""What identifiers, names and addresses must look like; forms, flags and configuration share these checks.

Each function returns the value where it is right and raises ValueError, in words for a person, where it is not.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from runctl_tui.domain.figures import LAST_PORT
from runctl_tui.domain.text import quoted

MAXIMUM_NAME: Final = 63
_MAXIMUM_PROJECT: Final = 64
_PLAIN: Final = r"[A-Za-z0-9._-]"
_REGION: Final = r"(?:[a-z]{2}|eusc)(?:-[a-z]+)+-[0-9]{1,2}"
"""Such as us-gov-west-1, and eusc-de-east-1 of the European Sovereign Cloud."""
_ZONE: Final = rf"{_REGION}(?:[a-z]|(?:-[a-z0-9]+){{2,4}})"
"""Of a region, and local ones such as us-west-2-lax-1a and us-east-1-wl1-bos-wlz-1."""
_CENTER: Final = r"[A-Z]{2,3}-[A-Z]{2,3}-[0-9]+|secure|community"
"""RunPod's data centres and clouds."""
_POD: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_RUN: Final = r"r-[0-9a-z][0-9a-z-]{5,39}"
_POD_PORT: Final = r"([1-9][0-9]{0,4})/(?:http|tcp)"
_BUCKET_CHARACTERS: Final = r"[a-z0-9.-]"
_LONGEST_KEY: Final = 1024
MOST_TAGS: Final = 50
_LONGEST_TAG: Final = {"key": 128, "value": 256}
_TYPE: Final = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
_ACCOUNT: Final = r"[A-Za-z0-9_.|-]{1,64}"
_ENVIRONMENT_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_SSH: Final = (
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9._-]*)@)?"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9a-fA-F:.%]+\])(?::(?P<port>[0-9]{1,5}))?"
)
SSH_PORT: Final = 22
_LOCAL_CHARACTERS: Final = r"[\x00-\x1f\x7f]"
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
    def check(text: str) -> str:
        digits = text.removeprefix(f"{prefix}-")
        if digits == text:
            why = f"it does not begin with {prefix}-"
        else:
            why = stranger(digits, "[0-9a-f]")
            why = why or (f"{len(digits)} digits" if len(digits) not in (8, 17) else "")
        if why:
            raise ValueError(f"{quoted(text)} is no {noun}, {why}: {prefix}- and 8 or 17 hexadecimal digits")
        return text

    return check


def stranger(text: str, allowed: str) -> str:
    """Name the first character that a pattern of one character does not allow; empty where all are allowed."""
    place = next((place for place, letter in enumerate(text) if not re.fullmatch(allowed, letter)), None)
    return "" if place is None else f"{quoted(text[place])} at place {place + 1}"


instance_id: Final = _aws_id("i", "instance id")
volume_id: Final = _aws_id("vol", "volume id")
snapshot_id: Final = _aws_id("snap", "snapshot id")
image_id: Final = _aws_id("ami", "image id")
security_group_id: Final = _aws_id("sg", "security group id")
subnet_id: Final = _aws_id("subnet", "subnet id")


def pod_id(text: str) -> str:
    """Check the id of a pod: what can stand in an address and in a query as it is."""
    if not re.fullmatch(_POD, text):
        why = stranger(text, "[A-Za-z0-9_-]") or "1 to 64 of them, a letter or digit first"
        raise ValueError(f"{quoted(text)} is no id of a pod, {why}: letters, digits, '_' and '-'")
    return text


def is_run_id(text: str) -> bool:
    """Tell whether a text is the id of a run as this program makes them."""
    return re.fullmatch(_RUN, text) is not None


def project_name(text: str) -> str:
    """Check a project's name: 1 to 64 letters, digits, dots, underscores and hyphens."""
    why = stranger(text, _PLAIN)
    if why or not 0 < len(text) <= _MAXIMUM_PROJECT or set(text) == {"."}:
        rule = f"1 to {_MAXIMUM_PROJECT} letters, digits, '.', '_' and '-'"
        raise ValueError(f"{quoted(text)} is no project name{why and ', '}{why}: {rule}")
    return text


def resource_name(text: str) -> str:
    """Check the name of a machine, volume or run: 1 to 63 letters, digits, dots, underscores and hyphens."""
    why = stranger(text, _PLAIN)
    if why or not 0 < len(text) <= MAXIMUM_NAME or not text[0].isalnum():
        rule = f"1 to {MAXIMUM_NAME} letters, digits, '.', '_' and '-', a letter or digit first"
        raise ValueError(f"{quoted(text)} is no name{why and ', '}{why}: {rule}")
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


def zone(text: str) -> str:
    """Check a place for a machine or volume: a zone of AWS, or a data centre or cloud of RunPod."""
    if is_region(text):
        raise ValueError(f"{text} is a region: name a zone of it, such as {text}a")
    if not re.fullmatch(f"{_ZONE}|{_CENTER}", text):
        raise ValueError(f"{quoted(text)} is no zone: they look like 'us-east-1a', or 'EU-RO-1' at RunPod")
    return text


def region_of(place: str) -> str:
    """Return the region of a zone; a data centre is its own region."""
    found = re.match(_REGION, place)
    return found[0] if found else place


def instance_type(text: str) -> str:
    """Check the name of an instance type."""
    if not re.fullmatch(_TYPE, text):
        raise ValueError(f"{quoted(text)} is no instance type: types look like 'g5.xlarge'")
    return text


def bucket(text: str) -> str:
    """Check the name of an S3 bucket."""
    if why := _wrong_with_bucket(text):
        rule = "3 to 63 lower-case letters, digits, dots and hyphens, no address"
        raise ValueError(f"{quoted(text)} is no bucket name, {why}: {rule}")
    return text


def _wrong_with_bucket(text: str) -> str:
    if why := stranger(text, _BUCKET_CHARACTERS):
        return why
    if not 3 <= len(text) <= 63:
        return f"{len(text)} characters"
    if not (text[0].isalnum() and text[-1].isalnum()):
        return "its ends are letters or digits"
    if ".." in text:
        return "two dots in a row"
    return "it is an address" if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", text) else ""


def object_key(text: str) -> str:
    """Check the key of an object in S3, or a prefix: at most 1,024 bytes of UTF-8."""
    try:
        length = len(text.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"{quoted(text)} is no key: {quoted(text[error.start])} is not UTF-8") from None
    if "\0" in text or length > _LONGEST_KEY:
        why = "it holds a NUL byte" if "\0" in text else f"{length:,} bytes of at most {_LONGEST_KEY:,}"
        raise ValueError(f"{quoted(text)} is no key: {why}")
    return text


def tag_key(text: str) -> str:
    """Check the key of a tag by AWS's rules."""
    if not text or text.lower().startswith("aws:"):
        why = "'aws:' is AWS's own" if text else "it is empty"
        raise ValueError(f"{quoted(text)} is no key of a tag: {why}")
    return _tag_text(text, "key")


def tag_value(text: str) -> str:
    """Check the value of a tag by AWS's rules."""
    return _tag_text(text, "value")


def _tag_text(text: str, part: str) -> str:
    if wrong := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", text):
        raise ValueError(f"{quoted(text)} is no {part} of a tag: {quoted(wrong[0])} in it cannot be sent")
    most = _LONGEST_TAG[part]
    if len(text) > most:
        raise ValueError(f"{quoted(text)} is no {part} of a tag: {len(text)} characters of at most {most}")
    return text


def tags(pairs: Mapping[str, str]) -> Mapping[str, str]:
    """Check all tags of one resource by AWS's rules."""
    if len(pairs) > MOST_TAGS:
        raise ValueError(f"{len(pairs)} tags are too many: AWS keeps {MOST_TAGS}")
    for key, value in pairs.items():
        tag_key(key)
        tag_value(value)
    return pairs


def account(text: str) -> str:
    """Check the number of an AWS account: 12 digits."""
    if not re.fullmatch(r"[0-9]{12}", text):
        raise ValueError(f"{quoted(text)} is no AWS account number: 12 digits")
    return text


def any_account(text: str) -> str:
    """Check what a provider knows an account by: AWS's 12 digits, or the id of a RunPod user."""
    if not re.fullmatch(_ACCOUNT, text):
        raise ValueError(f"{quoted(text)} is no account: 12 digits, or a RunPod user's id")
    return text


def cidr(text: str) -> str:
    """Check an address range such as 203.0.113.0/24."""
    try:
        if not re.fullmatch(r"[0-9a-fA-F.:]+/[0-9]{1,3}", text):
            raise ValueError
        ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        why = "it has host bits set" if "host bits" in str(error) else "write ADDRESS/LENGTH"
        raise ValueError(f"{quoted(text)} is no address range such as 203.0.113.0/24: {why}") from None
    return text


def ssh_address(text: str) -> str:
    """Check 'user@host:port', where user and port may be left out."""
    ssh_parts(text)
    return text


def ssh_parts(text: str) -> tuple[str, str, int]:
    """Return user, host and port of 'user@host:port'; without a user it is empty, without a port SSH's own."""
    match = re.fullmatch(_SSH, text)
    port = int((match and match["port"]) or SSH_PORT)
    if match is None or match["host"].startswith("-") or not 0 < port <= LAST_PORT:
        why = f"{port} is no port" if match and port > LAST_PORT else "user@host:port, with user and port optional"
        raise ValueError(f"{quoted(text)} is no SSH address: {why}")
    return match["user"] or "", match["host"].strip("[]"), port


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
    if text and not re.fullmatch(r"[0-9]+(,[0-9]+)*", text):
        raise ValueError(f"{quoted(text)} is no list of GPUs: numbers with commas between them, such as 0,1")
    return text


def pod_port(text: str) -> str:
    """Check a port that a pod publishes, such as 8888/http."""
    match = re.fullmatch(_POD_PORT, text)
    if match is None or int(match[1]) > LAST_PORT:
        raise ValueError(f"{quoted(text)} is no port of a pod: 1 to {LAST_PORT} with /tcp or /http")
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, or an empty string."""
    candidates = list(known)
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if found:
        return found[0]
    tails = {candidate.rpartition(".")[2]: candidate for candidate in candidates}
    found = difflib.get_close_matches(word.rpartition(".")[2], list(tails), n=1, cutoff=0.7)
    return tails[found[0]] if found else ""
