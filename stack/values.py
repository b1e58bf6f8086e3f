"""Property values as the engine writes them, on the wire and in its JSON: its marks of secrets and unknowns."""

import json
from collections.abc import Mapping
from typing import Any, cast

from stack.properties import Path, format_path

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that is known only after a deployment."""

_UNKNOWNS = {
    UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}
"""Strings, booleans, numbers, arrays, assets, archives and objects that are unknown: pulumi, sdk/go/common/resource/
plugin/rpc.go."""

HIDDEN = "[secret]"
"""Stands for a secret's value in all output, as in the engine's own."""

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the protocol's public marker, no secret itself)
"""How the engine marks a special value in a property tree: pulumi, sdk/go/common/resource/sig/sig.go."""


_BOOKKEEPING = {
    *("__defaults", "__meta", "__inputs", "__internal", "__pulumi_raw_state_delta"),
    *("__initialApiVersion", "__fieldManager"),
}
"""Keys in which bridged providers and the Kubernetes provider keep notes for themselves."""


def property_values(marked: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The engine's properties without its marks and the providers' notes, and the paths that are marked as secret.

    Unknown values are `UNKNOWN`, whatever their type. A secret stands there as a value (on the wire), as JSON text
    (`plaintext`, asked for with --show-secrets), encrypted (`ciphertext`) or already hidden (`[secret]`); of the last
    two the value stays hidden here too.
    """
    secret_paths: set[str] = set()

    def unmarked(value: Any, path: Path) -> Any:
        if isinstance(value, Mapping):
            mapping = cast("Mapping[str, Any]", value)
            if mapping.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
                secret_paths.add(format_path(path))
                if "plaintext" in mapping:
                    return unmarked(json.loads(mapping["plaintext"]), path)
                return unmarked(mapping.get("value", HIDDEN), path)
            return {key: unmarked(item, (*path, key)) for key, item in mapping.items() if key not in _BOOKKEEPING}
        if isinstance(value, list):
            return [unmarked(item, (*path, index)) for index, item in enumerate(cast("list[Any]", value))]
        if isinstance(value, str):
            if value == HIDDEN:
                secret_paths.add(format_path(path))
            return UNKNOWN if value in _UNKNOWNS else value
        # Struct knows no integers: 6379 travels as 6379.0.
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return unmarked(marked, ()), frozenset(secret_paths)
