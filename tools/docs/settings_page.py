"""docs/settings.md: every setting with its type, unit, range, default and reason, from the settings' own models."""

import types
import typing
from collections.abc import Iterator, Mapping
from copy import copy
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from components.platform import PROJECT
from components.settings.environment import Settings
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
from components.settings.renamed import NEW_NAMES
from components.settings.section import section_of

_QUANTITIES: dict[Any, tuple[str, Any]] = {
    get_args(Bytes)[1]: ("bytes", format_bytes),
    get_args(Duration)[1]: ("duration", format_duration),
    get_args(Milliseconds)[1]: ("duration", format_milliseconds),
    get_args(Cpu)[1]: ("cores", kubernetes_cpu),
}
_NAMES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    SecretStr: "secret",
    list: "list",
    dict: "mapping",
    tuple: "list",
}
_HEADER = "| Setting | Type | Unit | Range | Default | Why |\n|---|---|---|---|---|---|\n"


def page() -> str:
    """The whole page, as Markdown."""
    sections = [
        (
            "# Settings\n\nMade from the code by `make docs`. Each section is a key of `Pulumi.<environment>.yaml`; "
            "quantities carry their unit (`10GiB`, `24h`, `500m`), and a key that isn't listed here is refused. "
            "Some must fit each other:\n\n"
            "![Settings that must fit each other, a row for each relation](pictures/settings.svg)\n"
        )
    ]
    plain = [_row(name, field) for name, field in Settings.model_fields.items() if section_of(field.annotation) is None]
    sections.append(f"\n## Environment\n\n{_HEADER}" + "".join(plain))
    for name, field in Settings.model_fields.items():
        section = section_of(field.annotation)
        if section is not None:
            rows = "".join(_row(path, inner) for path, inner in _leaves(section, name))
            sections.append(f"\n## `{PROJECT}:{name}`\n\n{_sentence(field.description)}\n\n{_HEADER}{rows}")
    renamed = "".join(f"| `{old}` | `{old.split('.')[0]}.{new}` |\n" for old, new in NEW_NAMES.items())
    sections.append(
        f"\n## Renamed\n\nAn old name is still read; a deployment warns of it.\n\n| Old | New |\n|---|---|\n{renamed}"
    )
    return "".join(sections)


def _leaves(
    model: type[BaseModel], path: str, said: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[tuple[str, FieldInfo]]:
    """`said`: defaults that the setting which holds the section gives it, instead of the section's own."""
    for name, own in model.model_fields.items():
        field = own
        if name in said:
            field = copy(own)
            field.default = said[name]
        inner = section_of(field.annotation)
        if inner is not None and field.is_required() is False and field.default is not None:
            yield f"{path}.{name}", field
        if inner is not None:
            given: Any = field.default
            yield from _leaves(inner, f"{path}.{name}", given if isinstance(given, Mapping) else {})
        else:
            yield f"{path}.{name}", field


def _row(path: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
    cells = [f"`{path}`", _type(field), unit, _range(field), _default(field), _sentence(field.description)]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _sentence(text: str | None) -> str:
    return (text or "").strip()


def _quantity(field: FieldInfo) -> tuple[str, Any] | None:
    for annotated in (field, *get_args(field.annotation)):
        for mark in getattr(annotated, "metadata", None) or getattr(annotated, "__metadata__", ()):
            if isinstance(mark, BeforeValidator) and mark in _QUANTITIES:
                return _QUANTITIES[mark]
    return None


def _type(field: FieldInfo) -> str:
    quantity = _quantity(field)
    return quantity[0] if quantity else _type_name(field.annotation)


def _type_name(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _type_name(get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        inner = [_type_name(option) for option in get_args(annotation) if option is not type(None)]
        return " or ".join(inner)
    if origin is Literal:
        return " or ".join(f"`{option}`" for option in get_args(annotation))
    if origin in (list, tuple, dict):
        return f"{_NAMES[origin]} of {_type_name(get_args(annotation)[-1])}"
    return _NAMES.get(annotation) or getattr(annotation, "__name__", str(annotation))


def _range(field: FieldInfo) -> str:
    quantity = _quantity(field)
    shown = quantity[1] if quantity else lambda bound: f"{bound:g}"
    low = next((mark.ge for mark in field.metadata if hasattr(mark, "ge")), None)
    high = next((mark.le for mark in field.metadata if hasattr(mark, "le")), None)
    if low is None and high is None:
        return ""
    if high is None:
        return f"≥ {shown(low)}"
    return f"≤ {shown(high)}" if low is None else f"{shown(low)} to {shown(high)}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default_factory is not None or (section_of(field.annotation) and field.default is not None):
        return "as below"
    if field.default is None:
        return "none"
    return f"`{field.default}`"
