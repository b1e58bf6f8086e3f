"""A container's environment variables, as the kubelet makes them: service links, fields, keys, `$(NAME)`."""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.problem import Problem

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known and left as it is where not; `$$` is a dollar sign."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


@dataclass(frozen=True, kw_only=True)
class ServiceAddress:
    """Where a Service answers: its address and its ports by name (in order, at least one)."""

    name: str
    address: str
    ports: tuple[tuple[str, int], ...]

    def variables(self) -> dict[str, str]:
        """The variables that the kubelet gives every pod of the namespace for this Service."""
        prefix = self.name.upper().replace("-", "_")
        first = self.ports[0][1]
        found = {
            f"{prefix}_SERVICE_HOST": self.address,
            f"{prefix}_SERVICE_PORT": str(first),
            f"{prefix}_PORT": f"tcp://{self.address}:{first}",
        }
        for name, port in self.ports:
            if name:
                found[f"{prefix}_SERVICE_PORT_{name.upper().replace('-', '_')}"] = str(port)
            link = f"{prefix}_PORT_{port}_TCP"
            found |= {
                link: f"tcp://{self.address}:{port}",
                f"{link}_PROTO": "tcp",
                f"{link}_PORT": str(port),
                f"{link}_ADDR": self.address,
            }
        return found


class Keys:
    """The texts of the namespace's ConfigMaps and Secrets."""

    def __init__(self, manifests: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self._files: dict[tuple[str, str], dict[str, str]] = {}
        for kind, manifest in manifests:
            name = manifest["metadata"]["name"]
            files = dict(manifest.get("data") or {})
            if kind == "Secret":
                files = {key: base64.b64decode(text).decode() for key, text in files.items()}
                files |= dict(manifest.get("stringData") or {})
            self._files[kind, name] = files

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
