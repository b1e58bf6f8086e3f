"""Hides secrets: values that the program marks, Secrets' contents, and values with a secret's name."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from stack.properties import Path, format_path
from stack.resource import Resource
from stack.sensitive import is_secret_name, json_in, names_of, secrets_in, without_secrets
from stack.values import HIDDEN

_SECRETS = ("kubernetes:core/v1:Secret",)  # SecretPatch and SecretList too
_SECRET_DATA = ("data", "stringData", "kubectl.kubernetes.io/last-applied-configuration")


@dataclass(frozen=True)
class Concealed:
    """A secret value that can be compared, but not read: it is shown as `[secret]`."""

    fingerprint: str

    @classmethod
    def of(cls, value: Any) -> "Concealed":
        """Equal values are equal when concealed."""
        return cls(hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest())

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return HIDDEN


def shown_text(text: str) -> str:
    """A text without secrets."""
    return without_secrets(text, HIDDEN)


def _mask(_: Any) -> Any:
    return HIDDEN


def masked_inputs(resource: Resource) -> dict[str, Any]:
    """A resource's inputs without secrets."""
    return masked(resource.type, resource.inputs, resource.secret_paths)


def comparable_inputs(resource: Resource, secret_paths: frozenset[str]) -> dict[str, Any]:
    """A resource's inputs in which its own secrets and those at these paths are concealed, but can be compared."""
    return masked(resource.type, resource.inputs, resource.secret_paths | secret_paths, Concealed.of)


def masked(
    type_: str,
    properties: Mapping[str, Any],
    secret_paths: frozenset[str],
    conceal: Callable[[Any], Any] = _mask,
) -> dict[str, Any]:
    """Properties of a resource of this type without secrets; `conceal` returns what replaces one.

    In a Kubernetes Secret the keys stay and the values go. A name of a secret (stack/sensitive.py) hides a text
    (a boolean such as `manageMasterUserPassword` tells nothing), also as the name of an environment variable. Of a URL,
    an option and a text's line the password goes.
    """
    kubernetes_secret = type_.startswith(_SECRETS)

    def shown(value: Any, path: Path, key: str) -> Any:
        if format_path(path) in secret_paths or (kubernetes_secret and path[-1] in _SECRET_DATA):
            if not isinstance(value, Mapping):
                return conceal(value)
            return {inner: conceal(item) for inner, item in cast("Mapping[str, Any]", value).items()}
        if isinstance(value, str):
            hidden = is_secret_name(key) or any(True for _ in secrets_in(json_in(value)))
            return conceal(value) if hidden else shown_text(value)
        if isinstance(value, Mapping):
            mapping = cast("Mapping[str, Any]", value)
            return {inner: shown(mapping[inner], (*path, inner), named) for inner, named in names_of(key, mapping)}
        if isinstance(value, list):
            return [shown(item, (*path, index), key) for index, item in enumerate(cast("list[Any]", value))]
        return value

    return {key: shown(value, (key,), key) for key, value in properties.items()}
