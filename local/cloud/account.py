"""boto3 clients of the stand-in, and the names of declared resources there."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from stack.values import UNKNOWN

ADDRESS, PORT = "127.0.0.1", 5566
ENDPOINT = f"http://{ADDRESS}:{PORT}"

Client = Any
"""A boto3 client: its methods are made from AWS's service descriptions at run time."""


class Account:
    """One account in one region.

    AWS names some things itself: a key's id, a security group's, every ARN. The render has stand-ins for them (see
    `resolve`); `names` maps each to its real name, so that references to it work.
    """

    def __init__(self, region: str, endpoint: str = ENDPOINT) -> None:
        self.region = region
        self.endpoint = endpoint
        self.names: dict[str, str] = {}
        self._clients: dict[str, Client] = {}

    def __getitem__(self, service: str) -> Client:
        """The client of a service: `account["s3"]`."""
        if service not in self._clients:
            self._clients[service] = boto3.client(  # pyright: ignore[reportCallIssue, reportUnknownMemberType]
                service,  # pyright: ignore[reportArgumentType]
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id="local",
                aws_secret_access_key="local",  # noqa: S106 - moto takes any
                config=Config(retries={"max_attempts": 2}, connect_timeout=2, read_timeout=30),
            )
        return self._clients[service]

    def real(self, value: Any) -> Any:
        """A declared value with the account's real names, and without what only a real cloud knows."""
        if isinstance(value, Mapping):
            return {key: self.real(inner) for key, inner in value.items() if inner is not None and inner != UNKNOWN}
        if isinstance(value, list):
            return [self.real(inner) for inner in value if inner != UNKNOWN]
        if not isinstance(value, str):
            return value
        if value in self.names:
            return self.names[value]
        if value.startswith("{") and "arn:" in value:  # a policy's text
            for declared in sorted(self.names, key=len, reverse=True):
                if declared.startswith("arn:"):
                    value = value.replace(json.dumps(declared), json.dumps(self.names[declared]))
        return value


def tag_list(inputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """Declared tags as most of AWS's APIs take them."""
    return [{"Key": key, "Value": str(value)} for key, value in (inputs.get("tags") or {}).items()]
