"""Nothing secret is ever shown: not what the program marks, not what sits in a Secret, not what has such a name."""

import re
from collections.abc import Mapping
from typing import Any

from review.render import Resource, property_path

MASK = "[secret]"
_SENSITIVE = re.compile(r"(password|passwd|secret_?string|token|private_?key|api_?key|credential)s?$", re.IGNORECASE)
_SECRET_DATA = ("data", "stringData")


def masked_inputs(resource: Resource) -> dict[str, Any]:
    """A resource's inputs as they may be shown."""
    return masked(resource.type, resource.inputs, resource.secret_paths)


def masked(type_: str, properties: Mapping[str, Any], secret_paths: frozenset[str]) -> dict[str, Any]:
    """Properties of a resource of this type, as they may be shown.

    In a Kubernetes Secret the keys stay and the values go. A name that ends in `Password`, `token`, … hides a text
    (a boolean such as `manageMasterUserPassword` tells nothing).
    """
    kubernetes_secret = type_ == "kubernetes:core/v1:Secret"

    def shown(value: Any, path: str, key: str) -> Any:
        hidden = path in secret_paths or (kubernetes_secret and path in _SECRET_DATA)
        if hidden:
            return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK
        if isinstance(value, str) and _SENSITIVE.search(key):
            return MASK
        if isinstance(value, Mapping):
            return {inner: shown(of, property_path(path, inner), inner) for inner, of in value.items()}
        if isinstance(value, list):
            return [shown(of, f"{path}[{index}]", key) for index, of in enumerate(value)]
        return value

    return {key: shown(value, property_path("", key), key) for key, value in properties.items()}
