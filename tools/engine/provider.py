"""A provider plugin that stands in for a cloud: it accepts what the program declares and echoes it.

It answers the engine over the provider protocol as the real one would, with two differences: nothing is created, and
which changes replace a resource comes from the table that the offline review uses (`review.replacements`).

The engine starts one process per provider (`pulumi-resource-aws` and so on, see plugins/), reads the port from
the first line of its output and talks gRPC to it.
"""
# ruff: noqa: ARG002 (every call of the protocol brings a request and a context, needed or not)

import hashlib
import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from review import replacements
from stack import properties
from stack.values import property_values
from tools.engine import plugin_server

_KINDS = {
    (properties.Kind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (properties.Kind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (properties.Kind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (properties.Kind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (properties.Kind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (properties.Kind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def _plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A message's properties without the secret wrappers, to be compared; never stored or returned."""
    return property_values(json_format.MessageToDict(struct))[0]


def computed(type_: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a created resource that programs read: ARNs, addresses, ports.

    `name` is the resource's logical name; values are the same for the same resource on every run.
    """
    if not type_.startswith("aws:"):
        return {}
    service = type_.split(":")[1].split("/", maxsplit=1)[0]
    added: dict[str, Any] = {"arn": f"arn:aws:{service}:eu-central-1:000000000000:{name}"}
    if "namePrefix" in inputs:
        added |= {"name": f"{inputs['namePrefix']}00000000000000000000000001"}  # a time and a count, in AWS's provider
    if type_ == "aws:kms/key:Key":
        added |= {"keyId": name}
    if type_ == "aws:rds/instance:Instance":
        host = f"{inputs.get('identifier', name)}.stand-in.eu-central-1.rds.amazonaws.com"
        port = int(inputs.get("port", 5432))
        added |= {"address": host, "port": port, "endpoint": f"{host}:{port}", "resourceId": f"db-{name}"}
    return added


_NAMING = {"aws:s3/bucket:Bucket": "bucket", "aws:rds/instance:Instance": "identifier"}
"""The property that names an AWS resource, if it isn't `name`."""


def _named(type_: str, made_up: str, old: struct_pb2.Struct, new: struct_pb2.Struct) -> struct_pb2.Struct:
    """The new inputs, with a generated name if the program gives none (the old one, unless the resource is replaced),
    and the provider's mark that it is generated.
    """
    inputs = struct_pb2.Struct()
    inputs.CopyFrom(new)
    before, after = json_format.MessageToDict(old), json_format.MessageToDict(new)
    if type_.startswith("aws:"):
        key = _NAMING.get(type_, "name")
        is_named = key in after or f"{key}Prefix" in after or (key == "name" and not _has_a_name(type_))
        if not is_named:
            inputs[key] = before[key] if replacements.is_autonamed(type_, before) else made_up
        inputs["__defaults"] = [] if is_named else [key]
    elif (
        type_.startswith("kubernetes:") and "metadata" in after and not {"name", "generateName"} & {*after["metadata"]}
    ):
        metadata = inputs.get_or_create_struct("metadata")
        metadata["name"] = before["metadata"]["name"] if replacements.is_autonamed(type_, before) else made_up
        metadata.get_or_create_struct("annotations")["pulumi.com/autonamed"] = "true"
    return inputs


def _has_a_name(type_: str) -> bool:
    return type_ in replacements.FORCING and "name" in replacements.FORCING[type_].properties


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """One provider's protocol. Its only state are the provider's settings."""

    def __init__(self, package: str) -> None:
        """`package` is the provider's name, such as aws."""
        self._package = package
        self._settings: dict[str, Any] = {}

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The first call: the features of this side of the protocol."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=False)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The version of the installed SDK, the one that the program asks for."""
        return plugin_pb2.PluginInfo(version=metadata.version(f"pulumi-{self._package}"))

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        """A schema without types, enough for callers that only check that there is one."""
        schema = {"name": self._package, "version": "0.0.0"}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The provider resource's own inputs, accepted as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """A changed provider setting never replaces the provider, let alone what it manages."""
        changed = list(properties.changes(_plain(request.old_inputs), _plain(request.news)))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({str(change.path[0]) for change in changed}),
        )

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The settings decide what replaces a ConfigMap, see `replacements.forcing_property`."""
        self._settings = _plain(request.args)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Accepts every input unchanged and generates a missing name; other defaults are left to the real provider."""
        _, _, types, name = request.urn.split("::", 3)
        made_up = f"{name}-{hashlib.sha256(request.randomSeed or request.urn.encode()).hexdigest()[:7]}"
        return provider_pb2.CheckResponse(inputs=_named(types.split("$")[-1], made_up, request.olds, request.news))

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """What changed between the old inputs and the new ones, and which of it forces a replacement.

        Like bridged providers, those of AWS and Cloudflare don't mark changes as changes of inputs.
        """
        type_ = request.urn.split("::")[2].split("$")[-1]
        old, new = _plain(request.old_inputs), _plain(request.news)
        detailed: dict[str, Any] = {}
        replaces: set[str] = set()
        tops: set[str] = set()
        for change in properties.changes(old, new):
            forcing = replacements.forcing_property(type_, change.path, new, self._settings)
            detailed[properties.format_path(change.path)] = provider_pb2.PropertyDiff(
                kind=_KINDS[change.kind, forcing is not None], inputDiff=self._package == "kubernetes"
            )
            tops.add(str(change.path[0]))
            if forcing is not None:
                replaces.add(forcing)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if detailed else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=sorted(replaces),
            diffs=sorted(tops),
            detailedDiff=detailed,
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces)
            and not replacements.is_autonamed(type_, json_format.MessageToDict(request.news))
            and replacements.deleted_first(type_, old, new),
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The inputs echoed, secrets still wrapped; in a real run with what a cloud would add."""
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        _, _, types, name = request.urn.split("::", 3)
        type_ = types.split("$")[-1]
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.properties)
        outputs.update(computed(type_, name, _plain(request.properties)))
        return provider_pb2.CreateResponse(id=self._id(type_, name, request.properties), properties=outputs)

    def _id(self, type_: str, name: str, inputs: struct_pb2.Struct) -> str:
        plain = _plain(inputs)
        if type_.startswith("kubernetes:"):
            metadata = plain.get("metadata", {})
            return "/".join(part for part in (metadata.get("namespace"), metadata.get("name", name)) if part)
        fixed = plain.get("name") or plain.get("bucket") or plain.get("identifier")
        digest = hashlib.sha256(f"{type_}{name}".encode()).hexdigest()[:8]
        return str(fixed or f"{name}-{digest}")

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The new inputs echoed, with what the cloud had added before."""
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.news)
        added = computed(request.urn.split("::")[2].split("$")[-1], request.urn.split("::", 3)[3], {})
        for key in added:
            if key in request.olds.fields:
                outputs.fields[key].CopyFrom(request.olds.fields[key])
        return provider_pb2.UpdateResponse(properties=outputs)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The state as it was: this cloud never drifts by itself."""
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs or request.properties
        )

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        """There is nothing to delete."""
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Calls are short; there is nothing to cancel."""
        return empty_pb2.Empty()


if __name__ == "__main__":
    stand_in = StandIn(Path(sys.argv[1]).name.removeprefix("pulumi-resource-"))
    plugin_server.serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(stand_in, server))
