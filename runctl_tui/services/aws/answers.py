"""Whether an answer is the one that was asked for: botocore takes any XML, and nothing at all, for an empty list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_ROOT: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<([A-Za-z0-9]+)[\s>/]")
_S3_ROOTS: Final = {
    "CompleteMultipartUpload": b"CompleteMultipartUploadResult",
    "CopyObject": b"CopyObjectResult",
    "CreateMultipartUpload": b"InitiateMultipartUploadResult",
    "DeleteObjects": b"DeleteResult",
    "GetBucketTagging": b"Tagging",
    "GetBucketVersioning": b"VersioningConfiguration",
    "GetObjectLockConfiguration": b"ObjectLockConfiguration",
    "ListBuckets": b"ListAllMyBucketsResult",
    "ListMultipartUploads": b"ListMultipartUploadsResult",
    "ListObjectsV2": b"ListBucketResult",
    "ListParts": b"ListPartsResult",
    "UploadPartCopy": b"CopyPartResult",
}
"""What S3's answers with content begin with."""
_S3_SIGN: Final = "x-amz"
"""How headers begin that all answers of S3 have, and those of a proxy or a hotel's network do not."""


_NAMED: Final = {
    "CopySnapshot": "SnapshotId",
    "CreateMultipartUpload": "UploadId",
    "CreateSnapshot": "SnapshotId",
    "CreateVolume": "VolumeId",
    "GetCallerIdentity": "Account",
    "RunInstances": "Instances",
}
"""What an answer has to name, because nothing goes on without it."""


def check_sent(operation_model: Any, response_dict: Mapping[str, Any], **_: object) -> None:
    """Raise where what came is not the answer of this call; told before botocore reads it.

    Errors are left to botocore, which may try again, and so is S3's word that a bucket is in another region.
    """
    from botocore.parsers import ResponseParserError

    if response_dict["status_code"] >= 400:
        return
    name, root = operation_model.name, _root(response_dict.get("body", b""))
    service = operation_model.service_model
    if service.service_name == "s3":
        signed = any(header.lower().startswith(_S3_SIGN) for header in response_dict["headers"])
        if signed and response_dict["status_code"] >= 300:
            return
        right = signed and (name not in _S3_ROOTS or root in (_S3_ROOTS[name], f"{name}Response".encode()))
    else:
        right = service.metadata["protocol"] not in ("ec2", "query") or root == f"{name}Response".encode()
    if not right:
        if hasattr(response_dict.get("body"), "close"):
            response_dict["body"].close()  # nobody else will: the call ends here
        raise ResponseParserError(f"this is no answer to {name}")


def check_read(model: Any, parsed: Mapping[str, Any], **_: object) -> None:
    """Raise where an answer lacks what it has to name, or where botocore found nothing that it knows in one in JSON."""
    from botocore.parsers import ResponseParserError

    if parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 300:
        return
    hollow = model.service_model.metadata["protocol"] == "json" and parsed.keys() <= {"Error", "ResponseMetadata"}
    if hollow or (model.name in _NAMED and not parsed.get(_NAMED[model.name])):
        raise ResponseParserError(f"this is no answer to {model.name}")


def _root(body: object) -> bytes:
    """Return the name of an answer's outermost element; nothing where it is no XML."""
    found = _ROOT.match(body[:500]) if isinstance(body, bytes) else None
    return found[1] if found else b""
