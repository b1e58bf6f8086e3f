"""Compares what an API server stores with what was declared."""

from collections.abc import Mapping
from typing import Any


def differences(declared: Any, kept: Any, path: str) -> list[str]:
    """The differences, one line each. The server may store more than was declared (defaults)."""
    if isinstance(declared, Mapping) and isinstance(kept, Mapping):
        return [
            fault for key, value in declared.items() for fault in differences(value, kept.get(key), f"{path}.{key}")
        ]
    if isinstance(declared, list) and isinstance(kept, list) and len(declared) == len(kept):
        pairs = enumerate(zip(declared, kept, strict=True))
        return [fault for at, pair in pairs for fault in differences(*pair, f"{path}[{at}]")]
    return [] if declared == kept else [f"{path} is kept as {kept!r}, not {declared!r}"]
