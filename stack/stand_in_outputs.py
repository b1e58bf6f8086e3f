"""Made-up outputs of a new resource in a cloud: always the same for the same resource.

A render with these (`render(…, resolve=outputs)`) knows what the program derives from outputs: an IAM policy about a
bucket's key, a secret's text with the database's address in it. A review loads this file by its path into the base's
own renderer, so that both sides are given the same; it imports nothing of the project.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

_MADE_UP = "named-by-"
_ACCOUNT = "000000000000"


def outputs(type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A resource's outputs beside its inputs: its id, an AWS resource's name and ARN, a load balancer's address."""
    package = type_.partition(":")[0]
    made = f"{_MADE_UP}{package}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    if package == "aws":
        return {
            "arn": f"arn:aws:{type_[4:].partition('/')[0]}:local:{_ACCOUNT}:{name}",
            **_aws(type_, name, inputs, made),
        }
    if type_ == "kubernetes:core/v1:Service" and (inputs.get("spec") or {}).get("type") == "LoadBalancer":
        return {"status": {"loadBalancer": {"ingress": [{"hostname": f"{name}.{_MADE_UP}kubernetes"}]}}}
    return {} if package in ("kubernetes", "simone", "pulumi") else {"id": made}


def _aws(type_: str, name: str, inputs: Mapping[str, Any], made: str) -> Mapping[str, Any]:
    """A resource's name: AWS's own, or the program's."""
    match type_:
        case "aws:rds/instance:Instance":
            identifier = inputs.get("identifier") or name
            address = f"{identifier}.{_MADE_UP}aws"
            at = {"address": address, "endpoint": f"{address}:5432", "port": 5432}
            return {"id": identifier, "resourceId": f"db-{made}", **at}
        case "aws:rds/parameterGroup:ParameterGroup":
            # AWS makes a name from a prefix, so the prefix stands for it.
            group = str(inputs.get("name") or inputs.get("namePrefix") or name).rstrip("-")
            return {"id": group, "name": group}
        case "aws:ec2/securityGroup:SecurityGroup":
            return {"id": made}
        case "aws:kms/key:Key":
            return {"id": made, "keyId": made}
        case _:
            own = inputs.get("bucket") or inputs.get("name") or inputs.get("namePrefix") or name
            return {"id": own, "name": own}


def is_made_up(text: str) -> bool:
    """Whether a text holds something that only a cloud would know."""
    return _MADE_UP in text or f":{_ACCOUNT}:" in text
