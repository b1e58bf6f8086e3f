"""How a setting is written down: its type, default, unit, range and the reason for its value, all in one place."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

REQUIRED: Any = ...


class Section(BaseModel):
    """A group of settings in a stack file: frozen, defaults checked too, and unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def setting(
    default: Any = REQUIRED,
    *,
    why: str,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    pattern: str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
) -> Any:
    """One setting.

    `why` is the reason for the default, or what the setting is for; `unit` what a bare number would mean
    (docs/settings.md prints both); `ge` and `le` the range in the smallest unit (bytes, seconds, millicores).
    A default in a stack file's own notation ("10GiB") is parsed like a value from the file.
    """
    return Field(
        default,
        description=why,
        ge=ge,
        le=le,
        pattern=pattern,
        min_length=min_length,
        max_length=max_length,
        json_schema_extra={"unit": unit} if unit else None,
    )


def group(model: type[Section], *, why: str) -> Any:
    """A nested section that has all of its defaults unless the stack file says otherwise."""
    return Field(default_factory=model, description=why)
