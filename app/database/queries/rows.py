"""Converts the driver's records to frozen rows."""

from typing import Any, TypeAlias

import asyncpg
import orjson

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]


def json_object(record: asyncpg.Record, column: str) -> JsonObject:
    """The object in a jsonb column, whether or not the connection has a codec that decodes it already."""
    value = record[column]
    decoded = orjson.loads(value) if isinstance(value, str | bytes) else value
    if not isinstance(decoded, dict):
        raise TypeError(f"column {column!r} holds {type(decoded).__name__}, not a JSON object")
    return decoded


def columns(record: asyncpg.Record, **decoded: Any) -> dict[str, Any]:
    """The record's columns by name, with these in place of the driver's values."""
    return {**record, **decoded}


def json_text(value: JsonObject) -> str:
    """A JSON object as the text that a jsonb parameter takes."""
    return orjson.dumps(value).decode()
