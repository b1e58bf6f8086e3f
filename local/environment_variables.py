"""A container's environment variables, as the kubelet makes them: service links, fields, keys, `$(NAME)`."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from local.problem import Problem

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replaces `$(NAME)` if NAME is known and leaves it otherwise; `$$` is a dollar sign."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


class Keys:
    """The texts of the namespace's ConfigMaps and Secrets."""

    def __init__(self, objects: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """`objects`: the namespace's objects by kind and name."""
        self._files: dict[tuple[str, str], dict[str, str]] = {}
        for name, manifest in objects.get("ConfigMap", {}).items():
            self._files["ConfigMap", name] = dict(manifest.get("data") or {})
        for name, manifest in objects.get("Secret", {}).items():
            encoded = (manifest.get("data") or {}).items()
            decoded = {key: base64.b64decode(text).decode() for key, text in encoded}
            self._files["Secret", name] = decoded | dict(manifest.get("stringData") or {})

    def files(self, kind: str, name: str, where: str, *, optional: bool = False) -> dict[str, str]:
        """All texts of an object by key."""
        if (kind, name) not in self._files and not optional:
            raise Problem(f"{where}: refers to the {kind} {name!r}, which the stack doesn't declare")
        return self._files.get((kind, name), {})

    def text(self, kind: str, name: str, key: str, where: str, *, optional: bool = False) -> str | None:
        """One text. None if it is missing and optional."""
        files = self.files(kind, name, where, optional=optional)
        if key not in files and not optional:
            raise Problem(f"{where}: refers to the key {key!r}, which the {kind} {name!r} doesn't have")
        return files.get(key)


_KINDS = {
    "configMapKeyRef": "ConfigMap",
    "secretKeyRef": "Secret",
    "configMapRef": "ConfigMap",
    "secretRef": "Secret",
}


def declared(
    container: Mapping[str, Any], keys: Keys, fields: Mapping[str, str], links: Mapping[str, str], where: str
) -> dict[str, str]:
    """The variables that a container declares, `envFrom` first, with `$(NAME)` expanded from those before and
    `links`.

    `fields` holds what the downward API gives, by path (`status.podIP`).
    """
    found: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if source.get(key):
                files = keys.files(kind, source[key]["name"], where, optional=bool(source[key].get("optional")))
                found |= {(source.get("prefix") or "") + name: text for name, text in files.items()}
    for entry in container.get("env") or []:
        value = _value(entry, keys, fields, f"{where}, variable {entry['name']}")
        if value is not None:
            found[entry["name"]] = expand(value, {**links, **found})
    return found


def _value(entry: Mapping[str, Any], keys: Keys, fields: Mapping[str, str], where: str) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return entry.get("value") or ""
    if source.get("fieldRef"):
        path = source["fieldRef"]["fieldPath"]
        if path not in fields:
            raise Problem(
                f"{where}: the field {path!r} isn't supported here; supported are {', '.join(sorted(fields))}"
            )
        return fields[path]
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if source.get(kind):
            reference = source[kind]
            optional = bool(reference.get("optional"))
            return keys.text(_KINDS[kind], reference["name"], reference["key"], where, optional=optional)
    raise Problem(
        f"{where}: valueFrom {', '.join(source)} isn't supported here; use fieldRef, configMapKeyRef, secretKeyRef"
    )
