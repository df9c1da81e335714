"""The network of a launch: which VPC, and a security group that lets SSH in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.validation import SSH_PORT
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.settings import LaunchSettings
from runctl_tui.services.errors import AwsError, ResourceExists, ResourceNotFound

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import IpPermissionOutputTypeDef, SecurityGroupTypeDef

GROUP: Final = "runctl-ssh"
EVERYBODY: Final = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance is put."""

    vpc: str
    public: bool
    """Whether instances get a public address there by themselves."""


class Network:
    """Finds and arranges what SSH needs."""

    def __init__(self, clients: AwsClients, settings: LaunchSettings) -> None:
        self._clients = clients
        self._settings = settings

    @property
    def cidr(self) -> str:
        """Who may reach port 22 of our own group."""
        return self._settings.ssh_cidr or EVERYBODY

    async def place(self, region: str, subnet: str) -> Place:
        """Return where a subnet lies, or the default VPC where none is given."""
        if subnet:
            what = f"{region}: the subnet {subnet} could not be read"
            found = await self._clients.ec2(region, what, lambda ec2: ec2.describe_subnets(SubnetIds=[subnet]))
            if not found.get("Subnets"):
                raise ResourceNotFound(f"There is no subnet {subnet} in {region}")
            return Place(found["Subnets"][0].get("VpcId", ""), found["Subnets"][0].get("MapPublicIpOnLaunch", False))
        what = f"{region}: the default VPC could not be read"
        wanted: list[Any] = [{"Name": "is-default", "Values": ["true"]}]
        vpcs = await self._clients.ec2(region, what, lambda ec2: ec2.describe_vpcs(Filters=wanted))
        if not vpcs.get("Vpcs"):
            todo = f"give a subnet, or run `aws ec2 create-default-vpc --region {region}`"
            raise ResourceNotFound(f"{region}: there is no default VPC", "instances need a network", todo)
        return Place(vpcs["Vpcs"][0].get("VpcId", ""), True)

    async def resolve(self, region: str, vpc: str, groups: tuple[str, ...]) -> list[str]:
        """Return ids of security groups given by id or by name; raises ResourceNotFound for a name of nothing."""
        ids = []
        for group in groups:
            if group.startswith("sg-"):
                ids.append(group)
                continue
            found = await self._find(region, vpc, group)
            if found is None:
                raise ResourceNotFound(f"There is no security group {group} in {vpc} of {region}")
            ids.append(found["GroupId"])
        return ids

    async def own_group(self, region: str, vpc: str) -> str:
        """Return our own group's id where it exists, else nothing; changes nothing."""
        found = await self._find(region, vpc, GROUP)
        return found["GroupId"] if found else ""

    async def ensure_group(self, region: str, vpc: str) -> str:
        """Return our own group's id, made and opened for SSH where it is not."""
        found = await self._find(region, vpc, GROUP)
        if found is None:
            group = await self._make(region, vpc)
            await self._open(region, group)
            return group
        if not any(_lets_in(rule, self.cidr) for rule in found.get("IpPermissions", [])):
            await self._open(region, found["GroupId"])
        return found["GroupId"]

    async def _find(self, region: str, vpc: str, name: str) -> SecurityGroupTypeDef | None:
        what = f"{region}: the security groups could not be read"
        wanted: list[Any] = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]
        answer = await self._clients.ec2(region, what, lambda ec2: ec2.describe_security_groups(Filters=wanted))
        return next(iter(answer.get("SecurityGroups", [])), None)

    async def _make(self, region: str, vpc: str) -> str:
        what = f"{region}: the security group {GROUP} could not be made"
        request: dict[str, Any] = {
            "GroupName": GROUP,
            "Description": "SSH to machines that runctl-tui made",
            "VpcId": vpc,
            "TagSpecifications": [
                {"ResourceType": "security-group", "Tags": [{"Key": "CreatedBy", "Value": "runctl-tui"}]}
            ],
        }
        try:
            made = await self._clients.ec2(region, what, lambda ec2: ec2.create_security_group(**request), changes=True)
        except ResourceExists:
            return await self.own_group(region, vpc)
        return made["GroupId"]

    async def _open(self, region: str, group: str) -> None:
        what = f"{region}: {GROUP} could not be opened for SSH"
        ranges = (
            {"Ipv6Ranges": [{"CidrIpv6": self.cidr}]} if ":" in self.cidr else {"IpRanges": [{"CidrIp": self.cidr}]}
        )
        rule: Any = {"IpProtocol": "tcp", "FromPort": SSH_PORT, "ToPort": SSH_PORT, **ranges}
        try:
            await self._clients.ec2(
                region,
                what,
                lambda ec2: ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule]),
                changes=True,
            )
        except ResourceExists:
            """Another launch of ours was quicker."""
        except AwsError as error:
            if not error.code.endswith(".Duplicate"):
                raise


def _lets_in(rule: IpPermissionOutputTypeDef, cidr: str) -> bool:
    every = rule.get("IpProtocol") == "-1"
    ssh = every or rule.get("FromPort", 0) <= SSH_PORT <= rule.get("ToPort", 0)
    ranges = [one.get("CidrIp") for one in rule.get("IpRanges", [])]
    ranges += [one.get("CidrIpv6") for one in rule.get("Ipv6Ranges", [])]
    return ssh and (cidr in ranges or EVERYBODY in ranges)
