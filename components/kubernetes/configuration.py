"""ConfigMaps and Secrets, and the checksum by which pods follow them."""

import hashlib
from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.scope import Scope

CHECKSUM_ANNOTATION = "simone.shop/config-checksum"


def checksum(*texts: str) -> str:
    """A short fingerprint of texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def files_checksum(*file_sets: Mapping[str, str]) -> str:
    """`checksum` of whole file sets, independent of the files' order."""
    return checksum(*(part for files in file_sets for pair in sorted(files.items()) for part in pair))


def config_map(scope: Scope, suffix: str, name: str, files: Mapping[str, str]) -> k8s.core.v1.ConfigMap:
    """The ConfigMap `name`: configuration texts by file name. A pod that mounts it names `files` too."""
    return k8s.core.v1.ConfigMap(
        scope.resource_name(suffix), metadata=scope.metadata(name), data=dict(files), opts=scope.opts
    )


def secret(scope: Scope, suffix: str, name: str, files: Mapping[str, str]) -> k8s.core.v1.Secret:
    """The Secret `name`: texts by file name, secret in previews and state too."""
    return k8s.core.v1.Secret(
        scope.resource_name(suffix),
        metadata=scope.metadata(name),
        type="Opaque",
        string_data=pulumi.Output.secret(dict(files)),
        opts=scope.opts,
    )
