"""The database's firewall, and what the account has before the stack: VPC, subnets, the cluster's security group."""

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.cloud.account import Account, tag_list
from stack.resource import Resource

_GIVEN = re.compile(r'"((?:vpc|subnet|sg)-[0-9a-f]{8,17})"')
_DECLARED = "simone:declared"
"""A tag with a resource's name in the settings."""
_NETWORK = ipaddress.ip_network("10.0.0.0/16")


def given(account: Account, resources: Sequence[Resource]) -> None:
    """Create what the settings name and the stack doesn't declare, and record its name here."""
    text = json.dumps([dict(resource.inputs) for resource in resources if resource.type.startswith("aws:")])
    wanted = sorted(set(_GIVEN.findall(text)), key=lambda name: (not name.startswith("vpc-"), name))
    vpc = ""
    for number, name in enumerate(wanted):
        real = _there(account, name) or _make(account, name, vpc, number)
        account.names[name] = real
        vpc = real if name.startswith("vpc-") else vpc


def _there(account: Account, name: str) -> str | None:
    wanted = [{"Name": "key", "Values": [_DECLARED]}, {"Name": "value", "Values": [name]}]
    found = account["ec2"].describe_tags(Filters=wanted)["Tags"]
    return found[0]["ResourceId"] if found else None


def _make(account: Account, name: str, vpc: str, number: int) -> str:
    ec2 = account["ec2"]
    tags = [{"Key": _DECLARED, "Value": name}]
    if name.startswith("vpc-"):
        specification = [{"ResourceType": "vpc", "Tags": tags}]
        return str(ec2.create_vpc(CidrBlock=str(_NETWORK), TagSpecifications=specification)["Vpc"]["VpcId"])
    within = {"VpcId": vpc} if vpc else {}
    if name.startswith("subnet-"):
        made = ec2.create_subnet(
            VpcId=vpc or ec2.create_vpc(CidrBlock=str(_NETWORK))["Vpc"]["VpcId"],
            CidrBlock=str(list(_NETWORK.subnets(new_prefix=24))[number]),
            AvailabilityZone=f"{account.region}{'abc'[number % 3]}",
            TagSpecifications=[{"ResourceType": "subnet", "Tags": tags}],
        )
        return str(made["Subnet"]["SubnetId"])
    made = ec2.create_security_group(
        GroupName=name.removeprefix("sg-"),
        Description="given",
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        **within,
    )
    return str(made["GroupId"])


def security_group(account: Account, inputs: Mapping[str, Any]) -> None:
    """A group that lets nothing in."""
    account["ec2"].create_security_group(
        GroupName=inputs["name"],
        Description=inputs["description"],
        VpcId=inputs["vpcId"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tag_list(inputs)}],
    )


def security_group_names(account: Account, inputs: Mapping[str, Any]) -> Mapping[str, str] | None:
    """What AWS calls the group, None when there is none."""
    found = account["ec2"].describe_security_groups(Filters=[{"Name": "group-name", "Values": [inputs["name"]]}])
    return {"id": found["SecurityGroups"][0]["GroupId"]} if found["SecurityGroups"] else None


def ingress_rule(account: Account, inputs: Mapping[str, Any]) -> None:
    """Let one group or network in."""
    permission: dict[str, Any] = {
        "IpProtocol": inputs["ipProtocol"],
        "FromPort": inputs["fromPort"],
        "ToPort": inputs["toPort"],
    }
    description = {"Description": inputs["description"]}
    if "referencedSecurityGroupId" in inputs:
        permission["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"], **description}]
    else:
        permission["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"], **description}]
    account["ec2"].authorize_security_group_ingress(
        GroupId=inputs["securityGroupId"],
        IpPermissions=[permission],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tag_list(inputs)}],
    )
