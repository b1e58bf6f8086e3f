"""Nothing secret is ever shown: not what the program marks, not what sits in a Secret, not what has such a name."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from stack.properties import Path, format_path
from stack.resource import Resource
from stack.values import HIDDEN

_SENSITIVE = re.compile(r"(password|passwd|secret_?string|token|private_?key|api_?key|credential)s?$", re.IGNORECASE)
_IN_A_URL = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)(?=@)")
_ASSIGNED = re.compile(
    r"""((?:password|passwd|api[_-]?key|secret[_-]?key|auth[_-]?token)["']?\s*[=:]\s*["']?)([^\s"'$/{<%*(][^\s"'$]{5,})""",
    re.IGNORECASE,
)
"""A password in a line of a text or in an option, but neither a reference (`$X`) nor a path."""
_SECRET_DATA = ("data", "stringData")


@dataclass(frozen=True)
class Concealed:
    """A secret value that can be compared, but not read: it is shown as `[secret]`."""

    fingerprint: str

    @classmethod
    def of(cls, value: Any) -> "Concealed":
        """Two equal values give equal ones."""
        return cls(hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest())

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return HIDDEN


def _without_passwords(text: str) -> str:
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _IN_A_URL.sub(rf"\1:{HIDDEN}", text))


def _mask(_: Any) -> Any:
    return HIDDEN


def masked_inputs(resource: Resource) -> dict[str, Any]:
    """A resource's inputs as they may be shown."""
    return masked(resource.type, resource.inputs, resource.secret_paths)


def comparable_inputs(resource: Resource) -> dict[str, Any]:
    """A resource's inputs with their secrets concealed, so that a changed one is seen to have changed."""
    return masked(resource.type, resource.inputs, resource.secret_paths, Concealed.of)


def masked(
    type_: str,
    properties: Mapping[str, Any],
    secret_paths: frozenset[str],
    conceal: Callable[[Any], Any] = _mask,
) -> dict[str, Any]:
    """Properties of a resource of this type, as they may be shown; `conceal` makes what stands for a secret.

    In a Kubernetes Secret the keys stay and the values go. A name that ends in `Password`, `token`, … hides a text
    (a boolean such as `manageMasterUserPassword` tells nothing), also as the name of an environment variable. Of a URL,
    an option and a text's line the password goes.
    """
    kubernetes_secret = type_ == "kubernetes:core/v1:Secret"

    def shown(value: Any, path: Path, key: str) -> Any:
        if format_path(path) in secret_paths or (kubernetes_secret and path[0] in _SECRET_DATA):
            if not isinstance(value, Mapping):
                return conceal(value)
            return {inner: conceal(item) for inner, item in cast("Mapping[str, Any]", value).items()}
        if isinstance(value, str):
            return conceal(value) if _SENSITIVE.search(key) else _without_passwords(value)
        if isinstance(value, Mapping):
            mapping = cast("Mapping[str, Any]", value)
            name = mapping.get("name")
            named = isinstance(name, str) and _SENSITIVE.search(name)
            return {
                inner: shown(item, (*path, inner), str(name) if named and inner == "value" else inner)
                for inner, item in mapping.items()
            }
        if isinstance(value, list):
            return [shown(item, (*path, index), key) for index, item in enumerate(cast("list[Any]", value))]
        return value

    return {key: shown(value, (key,), key) for key, value in properties.items()}
