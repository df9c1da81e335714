"""AWS's error codes by what they mean to a person."""

from __future__ import annotations

from typing import Final

DRY_RUN_PASSED: Final = "DryRunOperation"
"""What EC2 answers to a dry run of a call that it would carry out."""
EXPIRED: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "UnauthorizedSSOToken"}
)
"""Credentials that have ended."""

KEYS: Final = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Credentials that AWS does not accept."""

AS_BY_CLOCK: Final = frozenset({"RequestExpired", "400", "401", "403", "AccessDenied", *KEYS})
"""What a wrong clock looks like too: the answer's date tells."""
CLOCK: Final = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
"""A clock that is wrong beyond doubt."""

REFUSED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"})
"""A permission that is absent."""

CAPACITY: Final = frozenset(
    {
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "InsufficientReservedInstanceCapacity",
        "InsufficientCapacity",
        "SpotMaxPriceTooLow",
    }
)
"""The market has none at the moment, or not at that price."""

TRANSIENT: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
        "Unavailable",
    }
)
"""Passing conditions."""

MISSING: Final = frozenset(
    {"404", "NoSuchBucket", "NoSuchEntity", "NoSuchKey", "NoSuchUpload", "NotFound", "ParameterNotFound"}
    | {"ResourceNotFoundException"}
)
"""Things that are not there; EC2's own codes end in '.NotFound' or '.Malformed'."""

_QUOTA: Final = "ask for more at Service Quotas (EC2), take a smaller type, another region, or stop something"

TODO: Final = {
    "IdempotentInstanceTerminated": "launch again: the machine of this launch is already gone",
    "IdempotentParameterMismatch": "launch again with a new token",
    "IncorrectInstanceState": "wait until its state has changed",
    "IncorrectSpotRequestState": "a one-time spot instance cannot be stopped or started, only terminated",
    "InstanceLimitExceeded": _QUOTA,
    "InsufficientInstanceCapacity": "try another zone, type or region, or on-demand instead of spot",
    "InvalidAMIID.Malformed": "give an AMI id such as ami-0123456789abcdef0",
    "InvalidAMIID.NotFound": "AMIs belong to one region: give one of this region, or none to have it chosen",
    "InvalidInstanceID.NotFound": "it may be in another region, or gone",
    "InvalidInstanceType": "choose a type that `runctl-tui instances launch` offers in this region",
    "InvalidKeyPair.NotFound": "give a key pair of this region, or none to have one made",
    "InvalidParameterValue": "correct the value that is named",
    "MaxSpotInstanceCountExceeded": _QUOTA,
    "400": "S3 tells this call no reason: check the credentials, `aws sts get-caller-identity`",
    "401": "S3 tells this call no reason: check the credentials, `aws sts get-caller-identity`",
    "404": "list what there is: runctl-tui s3 ls",
    "NoSuchBucket": "check the bucket's name: runctl-tui s3 ls",
    "NoSuchKey": "list what there is: runctl-tui s3 ls",
    "OperationNotPermitted": "it is protected; take the protection off yourself if it really has to go",
    "OptInRequired": "the account must be opted in to this region or service first",
    "SpotMaxPriceTooLow": "raise the maximum price, or take on-demand",
    "Unsupported": "try another zone or region",
    "UnsupportedOperation": "this kind of instance cannot do that",
    "VcpuLimitExceeded": _QUOTA,
    "VPCIdNotSpecified": "there is no default VPC: give a subnet, or run `aws ec2 create-default-vpc`",
}
"""What to do about a code."""
