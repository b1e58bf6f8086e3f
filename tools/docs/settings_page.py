"""docs/settings.md: every setting with its default, type, unit, range and reason, from the settings' own models."""

import json
import types
import typing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast, get_args, get_origin

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
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    SecretStr: "secret",
    list: "list",
    dict: "mapping",
    tuple: "list",
}
_SHOWN = 3
"""So many elements of a list are shown."""
_HEADER = "| Setting | Default | Why |\n|---|---|---|\n"


def page() -> str:
    """The whole page, as Markdown."""
    shared = _shared()
    parts = [
        (
            "# Settings\n\nWhat `Pulumi.<environment>.yaml` can set; `make preview ENV=prod` checks it. Made from the "
            "code by `make docs`.\n\nEach section is a key; a key that isn't listed here is refused. In brackets: what "
            "is allowed; nothing means text (below `secrets`: encrypted). Quantities carry their unit (`10GiB`, `24h`, "
            "`500m`). Some must fit each other:\n\n"
            "![Settings that must fit each other, a row for each relation](pictures/settings.svg)\n"
        )
    ]
    plain = [_row(name, field) for name, field in Settings.model_fields.items() if section_of(field.annotation) is None]
    parts.append(f"\n## Environment\n\n{_HEADER}" + "".join(plain))
    for name, field in Settings.model_fields.items():
        section = section_of(field.annotation)
        if section is not None:
            parts.append(
                f"\n## `{PROJECT}:{name}`\n\n{_sentence(field.description)}\n\n{_table(section, name, shared)}"
            )
    parts.append("\n## Sections in several places\n")
    for section in shared:
        about = _sentence(" ".join((section.__doc__ or "").split()))
        parts.append(f"\n### {section.__name__}\n\n{about}\n\n{_table(section, '', shared)}")
    renamed = "".join(f"| `{old}` | `{old.split('.')[0]}.{new}` |\n" for old, new in NEW_NAMES.items())
    parts.append(
        f"\n## Renamed\n\nAn old name is still read; a deployment warns of it.\n\n| Old | New |\n|---|---|\n{renamed}"
    )
    return "".join(parts)


def _shared() -> Sequence[type[BaseModel]]:
    """The sections that stand in several places, which the page shows once."""
    counted = Counter(_sections(Settings))
    return [section for section, places in counted.items() if places > 1]


def _sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in model.model_fields.values():
        section = section_of(field.annotation)
        if section is not None:
            yield section
            yield from _sections(section)


def _table(section: type[BaseModel], path: str, shared: Sequence[type[BaseModel]]) -> str:
    return _HEADER + "".join(_row(name, field, shared) for name, field in _fields(section, path, shared))


def _fields(model: type[BaseModel], path: str, shared: Sequence[type[BaseModel]]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        own = f"{path}.{name}" if path else name
        section = section_of(field.annotation)
        if section is None or section in shared or field.default is None or type(None) in get_args(field.annotation):
            yield own, field
        if section is not None and section not in shared:
            yield from _fields(section, own, shared)


def _row(path: str, field: FieldInfo, shared: Sequence[type[BaseModel]] = ()) -> str:
    section = section_of(field.annotation)
    if section is None:
        kind = _kind(field)
    else:
        kind = f"[{section.__name__}](#{section.__name__.lower()})" if section in shared else "section"
    default = _default(field)
    value = f"{default} ({kind})" if default and kind else default or kind
    cells = [f"`{path}`", value, _sentence(field.description)]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _sentence(text: str | None) -> str:
    return (text or "").strip()


def _quantity(field: FieldInfo) -> tuple[str, Any] | None:
    for annotated in (field, *get_args(field.annotation)):
        for mark in getattr(annotated, "metadata", None) or getattr(annotated, "__metadata__", ()):
            if isinstance(mark, BeforeValidator) and mark in _QUANTITIES:
                return _QUANTITIES[mark]
    return None


def _kind(field: FieldInfo) -> str:
    """What is allowed, as far as the default doesn't show it: the range with its unit, else the type."""
    limits = _range(field)
    extra = field.json_schema_extra
    unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
    shown = field.default is not None and not field.is_required()
    if quantity := _quantity(field):
        return limits or ("" if shown else quantity[0])
    others = [option for option in _options(field.annotation) if option != field.default]
    if others:
        return ("or " if shown else "") + ", ".join(f"`{option}`" for option in others) + (unit and f" {unit}")
    name = _type_name(field.annotation)
    plain = "`" not in name and (shown or unit or name in (_NAMES[str], _NAMES[SecretStr]))
    return ", ".join(part for part in (f"{limits} {unit}".strip(), "" if plain else name) if part)


def _options(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(value for option in get_args(annotation) for value in _options(option))
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _type_name(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _type_name(get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return ", ".join(_type_name(option) for option in get_args(annotation) if option is not type(None))
    if origin is Literal:
        return ", ".join(f"`{option}`" for option in get_args(annotation))
    if origin in (list, tuple, dict):
        name = _type_name(get_args(annotation)[-1])
        return f"{_NAMES[origin]} of {name}{'s' if name in _NAMES.values() else ''}"
    return _NAMES.get(annotation) or getattr(annotation, "__name__", str(annotation))


def _range(field: FieldInfo) -> str:
    quantity = _quantity(field)
    shown = quantity[1] if quantity else lambda bound: f"{bound:,}"
    low = next((mark.ge for mark in field.metadata if hasattr(mark, "ge")), None)
    high = next((mark.le for mark in field.metadata if hasattr(mark, "le")), None)
    if low is None and high is None:
        return ""
    if high is None:
        return f"≥ {shown(low)}"
    return f"≤ {shown(high)}" if low is None else f"{shown(low)} to {shown(high)}"


def _default(field: FieldInfo) -> str:
    """As a stack file writes it."""
    if field.is_required():
        return "**required**"
    if field.default is None:
        return "none"
    if section_of(field.annotation) is not None:
        given = cast(Mapping[str, Any], field.default) if isinstance(field.default, Mapping) else {}
        return ", ".join(f"`{name}: {value}`" for name, value in given.items())
    if isinstance(field.default, list) and len(given := cast("list[object]", field.default)) > _SHOWN:
        return f"`{json.dumps(given[:_SHOWN])}` and {len(given) - _SHOWN} more"
    return f"`{json.dumps(field.default) if isinstance(field.default, bool | list) else field.default}`"
