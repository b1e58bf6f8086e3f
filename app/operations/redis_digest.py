"""Fingerprints of keys by their contents, whatever the server's internal encoding."""

import hashlib
from collections.abc import Sequence
from typing import Any

_READ: dict[bytes, tuple[str, ...]] = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", "0", "-1"),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", "0", "-1", "WITHSCORES"),
}
NOTHING = bytes(16)


def _flat(value: Any) -> list[bytes]:
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, dict):
        return [part for key in sorted(value) for part in (key, value[key])]
    if isinstance(value, set):
        return sorted(value)
    return [part for item in value for part in _flat(str(item).encode() if isinstance(item, float) else item)]


def digests(client: Any, keys: Sequence[bytes]) -> list[bytes | None]:
    """For each key 16 bytes that depend on its name, type and value (not its TTL); `None` for one that is gone.

    Streams aren't read: the shop has none, and they raise `ValueError`.
    """
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.type(key)
    kinds: list[bytes] = pipeline.execute()
    there = [(key, kind) for key, kind in zip(keys, kinds, strict=True) if kind != b"none"]
    for key, kind in there:
        if kind not in _READ:
            raise ValueError(f"key {key!r} is a {kind.decode()}, which is not compared")
        command, *arguments = _READ[kind]
        pipeline.execute_command(command, key, *arguments)
    values = dict(zip((key for key, _ in there), pipeline.execute() if there else [], strict=True))
    found: list[bytes | None] = []
    for key, kind in zip(keys, kinds, strict=True):
        if kind == b"none":
            found.append(None)
            continue
        digest = hashlib.blake2b(digest_size=16)
        for part in (key, kind, *_flat(values[key])):
            digest.update(len(part).to_bytes(8, "big") + part)
        found.append(digest.digest())
    return found


def combined(parts: Sequence[bytes]) -> bytes:
    """Combines fingerprints into one, independent of their order."""
    total = 0
    for part in parts:
        total ^= int.from_bytes(part, "big")
    return total.to_bytes(16, "big")
