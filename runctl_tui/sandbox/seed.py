"""The world that a newcomer finds: instances, volumes and buckets, each there for a story that the product tells."""

from __future__ import annotations

from runctl_tui.sandbox.cloud import Cloud

PROFILE = "runctl-sandbox"


def furnish_account(cloud: Cloud) -> None:
    """Make what every world has: the role and the instance profile of training hosts."""
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
    cloud.iam.create_role(PROFILE, policy, "/", None, "Training hosts of the sandbox", [], "3600")
    cloud.iam.create_instance_profile(PROFILE, "/", [PROFILE])


def new_world(cloud: Cloud, owner: str) -> None:
    """Fill a new account."""
