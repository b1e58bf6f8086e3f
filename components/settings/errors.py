"""Faults of a stack file, told in its own words: the key as it is written there, the value, what is allowed."""

import contextlib
import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import ErrorDetails, PydanticUndefined

from components.platform import PROJECT
from components.settings.quantities import (
    Bytes,
    Cpu,
    Duration,
    Milliseconds,
    format_bytes,
    format_duration,
    format_milliseconds,
    kubernetes_cpu,
)
from components.settings.section import section_of

_FORMATS = (
    (Bytes, format_bytes),
    (Duration, format_duration),
    (Milliseconds, format_milliseconds),
    (Cpu, kubernetes_cpu),
)


def describe(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each fault, such as `simone:redis.quorum is 1: …`. Values below `secrets` are never shown."""
    return [line for fault in error.errors(include_url=False) for line in _lines(fault, model)]


def valid_settings(raw: Mapping[str, Any], model: type[BaseModel], paths: Iterable[str]) -> dict[str, Any]:
    """The settings at these paths that are valid by themselves, defaults included; the others are left out."""
    valid: dict[str, Any] = {}
    for path in paths:
        with contextlib.suppress(ValidationError, LookupError):
            valid[path] = _valid(raw, model, path.split("."))
    return valid


def _valid(raw: Any, model: type[BaseModel], path: Sequence[str]) -> Any:
    """Raises `ValidationError` for a wrong value, `LookupError` for one that isn't there."""
    name, *inner = path
    if raw is None:
        return None
    if isinstance(raw, BaseModel):
        raw = raw.__dict__
    if not isinstance(raw, Mapping):
        raise LookupError(name)
    field = model.model_fields[name]
    value = raw[name] if name in raw else field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        raise LookupError(name)
    section = section_of(field.annotation)
    if inner and section is not None:
        return _valid(value, section, inner)
    annotation: Any = field.annotation
    alone: Any = create_model("Setting", value=(annotation, field))
    return alone.model_validate({"value": value}).value


def _lines(fault: ErrorDetails, model: type[BaseModel]) -> list[str]:
    path = tuple(fault["loc"])
    key = f"{PROJECT}:" + ".".join(str(part) for part in path) if path else PROJECT
    kind, context = fault["type"], fault.get("ctx") or {}
    if kind == "missing":
        return [f"{key} is missing: {_why(path, model)}. Set it {_how(path)}"]
    if kind == "extra_forbidden":
        return [f"{key} is not a setting{_suggestion(path, model)}"]
    said = str(context.get("error") or fault["msg"]).removeprefix("Value error, ")
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context["ge"] if "ge" in context else context["le"]
        side = "at least" if "ge" in context else "at most"
        given = fault["input"] if isinstance(fault["input"], str) else _written(path, model, fault["input"])
        return [f"{key} is {given}: must be {side} {_written(path, model, bound)}"]
    if kind == "string_pattern_mismatch":
        said = f"must match {context['pattern'].removeprefix('^(?:').removesuffix(')$')} ({_why(path, model)})"
    if path[:1] == ("secrets",) or isinstance(fault["input"], dict | BaseModel):
        return [f"{key}: {line}" for line in said.splitlines()]
    return [f"{key} is {fault['input']!r}: {said}"]


def _how(path: tuple[int | str, ...]) -> str:
    key = ".".join(str(part) for part in path)
    return f"with: pulumi config set {'--secret ' if path[0] == 'secrets' else ''}--path '{PROJECT}:{key}' …"


def _written(path: tuple[int | str, ...], model: type[BaseModel], amount: Any) -> str:
    found = _field(path, model)
    metadata = list(getattr(found, "metadata", []))
    for quantity, formatted in _FORMATS:
        if get_args(quantity)[1] in metadata:
            return formatted(int(amount))
    return f"{amount:g}" if isinstance(amount, float) else str(amount)


def _why(path: tuple[int | str, ...], model: type[BaseModel]) -> str:
    return getattr(_field(path, model), "description", None) or "required"


def _field(path: tuple[int | str, ...], model: type[BaseModel]) -> Any:
    """The field's declaration, as far as the path leads through sections."""
    current: type[BaseModel] | None = model
    field = None
    for part in path:
        if current is None or part not in current.model_fields:
            return None
        field = current.model_fields[str(part)]
        current = section_of(field.annotation)
    return field


def _suggestion(path: tuple[int | str, ...], model: type[BaseModel]) -> str:
    parent = _field(path[:-1], model)
    section = model if len(path) == 1 else section_of(parent.annotation) if parent is not None else None
    if section is None:
        return ""
    names = sorted(section.model_fields)
    close = difflib.get_close_matches(str(path[-1]), names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(names)}"
