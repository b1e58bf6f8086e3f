"""Registers the resources of a snapshot (see review/snapshot.py) as if a program had declared them."""

import json
import os
from pathlib import Path
from typing import Any

import pulumi

STACK_TYPE = "pulumi:pulumi:Stack"


def replay(snapshot: dict[str, Any]) -> None:
    """Register everything, parents first. Names and parents are the snapshot's; so are URNs, then."""
    made: dict[str, pulumi.Resource] = {}
    waiting = [resource for resource in snapshot["resources"] if resource["type"] != STACK_TYPE]
    kubernetes = pulumi.ProviderResource(
        "kubernetes", "replayed", {"enableConfigMapMutable": "true", "enableSecretMutable": "true"}
    )
    while waiting:
        ready = [r for r in waiting if not any(other["urn"] == r["parent"] for other in waiting)]
        for resource in ready:
            options = pulumi.ResourceOptions(
                parent=made.get(resource["parent"]),
                protect=resource["protect"] or None,
                aliases=[pulumi.Alias(name=alias) for alias in resource["aliases"]],
            )
            made[resource["urn"]] = _register(resource, options, kubernetes)
        waiting = [resource for resource in waiting if resource not in ready]


def _register(
    resource: dict[str, Any], options: pulumi.ResourceOptions, kubernetes: pulumi.ProviderResource
) -> pulumi.Resource:
    if not resource["custom"]:
        return pulumi.ComponentResource(resource["type"], resource["name"], None, options)
    inputs = {
        key: pulumi.Output.secret(value) if key in resource["secret_paths"] else value
        for key, value in resource["inputs"].items()
    }
    if resource["type"].startswith("kubernetes:"):
        options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(provider=kubernetes))
    return pulumi.CustomResource(resource["type"], resource["name"], inputs, options)


replay(json.loads(Path(os.environ["SIMONE_SNAPSHOT"]).read_text()))
