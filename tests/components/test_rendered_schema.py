"""Whatever is declared is valid for the API that receives it: Kubernetes by its schema, the clouds by their SDKs."""

import importlib
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Any

import kubernetes_validate
import pulumi
import pytest
from pulumi import _types as sdk_types

from stack.render import Rendered
from stack.values import UNKNOWN

KUBERNETES = "1.35"
"""As docs/deploy.md has it."""


def _sdk_args(type_: str) -> type:
    """The SDK's Args class of a type token: aws:rds/instance:Instance is pulumi_aws.rds.InstanceArgs."""
    package, module, name = type_.split(":")
    parts = module.split("/")[0]
    path = f"pulumi_{package}" + ("" if parts == "index" else f".{parts}")
    found = importlib.import_module(path)
    # InitArgs where a nested type has taken the resource's name (s3.BucketVersioningArgs and others).
    return getattr(found, f"{name}InitArgs", None) or getattr(found, f"{name}Args")


def _options(expected: Any) -> list[Any]:
    """What a value may be at rest: of `Union[str, Awaitable[str], Output[str]]` the `str`."""
    if typing.get_origin(expected) not in (typing.Union, types.UnionType):
        return [expected]
    later = (Awaitable, pulumi.Output)
    options = [option for option in typing.get_args(expected) if option is not type(None)]
    return [option for option in options if option not in later and typing.get_origin(option) not in later]


def _misfits(value: Any, expected: Any, path: str) -> list[str]:
    """Where a rendered value isn't of the SDK's type."""
    if value is None or value == UNKNOWN:
        return []
    return min((_misfits_of_one(value, option, path) for option in _options(expected)), key=len)


def _misfits_of_one(value: Any, expected: Any, path: str) -> list[str]:
    origin = typing.get_origin(expected)
    if origin in (list, Sequence):
        (inner,) = typing.get_args(expected)
        items = enumerate(value) if isinstance(value, list) else None
        return _each(items, lambda item, at: _misfits(item, inner, f"{path}[{at}]"), f"{path} is {value!r}, not a list")
    if origin in (dict, Mapping):
        inner = typing.get_args(expected)[1]
        items = value.items() if isinstance(value, Mapping) else None
        return _each(
            items, lambda item, at: _misfits(item, inner, f"{path}.{at}"), f"{path} is {value!r}, not a mapping"
        )
    if sdk_types.is_input_type(expected):
        return _misfits_of_args(value, expected, path)
    if expected in (str, bool, int, float):
        fits = type(value) is expected or (expected is float and type(value) is int)
        return [] if fits else [f"{path} is {value!r}, not {expected.__name__}"]
    if isinstance(expected, type) and issubclass(expected, Enum):
        return [] if isinstance(value, str) else [f"{path} is {value!r}, not a text"]
    if expected is Any:
        return []
    raise AssertionError(f"{path}: the SDK's type {expected!r} isn't judged yet")


def _each(items: Any, judge: Callable[[Any, Any], list[str]], otherwise: str) -> list[str]:
    return [otherwise] if items is None else [fault for at, item in items for fault in judge(item, at)]


def _misfits_of_args(value: Any, args: type, path: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{path} is {value!r}, not an object"]
    expected = sdk_types.input_type_types(args)
    faults: list[str] = []
    for key, item in value.items():
        if key not in expected:
            faults.append(f"{path}.{key} is not known to {args.__name__}")
        else:
            faults += _misfits(item, expected[key], f"{path}.{key}")
    return faults


def test_every_kubernetes_object_is_valid_by_the_strict_schema(environment: Rendered) -> None:
    faults: list[str] = []
    for resource in environment.resources:
        if not resource.type.startswith("kubernetes:"):
            continue
        try:
            kubernetes_validate.validate(dict(resource.inputs), KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            faults.append(f"{resource.name}: {error}")
    assert faults == []


def test_every_cloud_input_is_of_the_sdk_s_type(environment: Rendered) -> None:
    faults = [
        fault
        for resource in environment.resources
        if resource.type.split(":")[0] in ("aws", "cloudflare")
        for fault in _misfits_of_args(resource.inputs, _sdk_args(resource.type), resource.name)
    ]
    assert faults == []


# Where false is something else than nothing to the cluster (pointers in its types).
SAYS_NO = {
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "privileged",
    "suspend",
}


def _forgotten(value: Any, path: str) -> list[str]:
    """Values that a cluster doesn't keep: an empty list, a false that is the default."""
    if isinstance(value, Mapping):
        return [fault for key, item in value.items() for fault in _forgotten(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [fault for at, item in enumerate(value) for fault in _forgotten(item, f"{path}[{at}]")] or (
            [] if value else [path]
        )
    return [path] if value is False and path.rpartition(".")[2] not in SAYS_NO else []


def test_a_cluster_gives_back_what_is_declared(environment: Rendered) -> None:
    """What it forgets would be missing after a refresh, and be reported as drift for ever."""
    faults = [
        fault
        for resource in environment.resources
        if resource.type.startswith("kubernetes:")
        for fault in _forgotten(resource.inputs, resource.name)
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({"allocatedStorage": "100"}, "it.allocatedStorage is '100', not int"),
        ({"multiAz": 1}, "it.multiAz is 1, not bool"),
        ({"multiAZ": True}, "it.multiAZ is not known to InstanceArgs"),
        ({"tags": ["a"]}, "it.tags is ['a'], not a mapping"),
    ],
)
def test_a_cloud_input_of_another_type_is_found(inputs: dict[str, Any], fault: str) -> None:
    assert _misfits_of_args(inputs, _sdk_args("aws:rds/instance:Instance"), "it") == [fault]


def test_an_unknown_kubernetes_field_is_found() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, KUBERNETES, strict=True)


def test_no_two_kubernetes_objects_share_a_kind_and_name(environment: Rendered) -> None:
    names = [
        (resource.inputs["kind"], resource.inputs["metadata"]["name"])
        for resource in environment.resources
        if resource.type.startswith("kubernetes:")
    ]
    assert sorted(names) == sorted(set(names))


def test_services_are_not_waited_for_as_their_pods_need_them_first(environment: Rendered) -> None:
    for service in environment.of(":Service"):
        annotations = service.inputs["metadata"]["annotations"]
        if service.inputs["spec"].get("type") == "LoadBalancer":
            # Its name becomes an output, so that much has to be there; without either the engine waits for the pods.
            wanted = "jsonpath={.status.loadBalancer.ingress[0]}"
            assert annotations["pulumi.com/waitFor"] == wanted, service.name
            assert "pulumi.com/skipAwait" not in annotations, service.name
        else:
            assert annotations["pulumi.com/skipAwait"] == "true", service.name
