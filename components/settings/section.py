"""How a setting is written down: its type, default, unit, range and the reason for its value, all in one place."""

from collections.abc import Iterable, Mapping
from typing import Any, Self, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

REQUIRED: Any = ...


class Section(BaseModel):
    """A group of settings in a stack file: frozen, defaults checked too, and unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    def contradictions(self) -> Iterable[str]:
        """One line for each combination of the section's own settings that can't work: what, why, what to do."""
        return ()

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: Any) -> Any:
        """A nested section that is given in part has the rest from this setting's own default, not from any other's."""
        if not isinstance(given, Mapping):
            return given
        said = dict(cast(Mapping[str, Any], given))
        for name, field in cls.model_fields.items():
            if (
                isinstance(field.default, Mapping)
                and isinstance(said.get(name), Mapping)
                and section_of(field.annotation)
            ):
                said[name] = {**field.default, **said[name]}
        return said

    @model_validator(mode="after")
    def _without_contradictions(self) -> Self:
        if lines := list(self.contradictions()):
            raise ValueError("\n".join(lines))
        return self


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
        pattern=pattern and f"^(?:{pattern})$",  # pydantic searches: without the anchors a part of the value would do
        min_length=min_length,
        max_length=max_length,
        json_schema_extra={"unit": unit} if unit else None,
    )


def group(model: type[Section], *, why: str) -> Any:
    """A nested section that has all of its defaults unless the stack file says otherwise."""
    return Field(default_factory=model, description=why)


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The nested section of a field, also where it may be absent (`Section | None`)."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
