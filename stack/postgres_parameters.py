"""Every parameter of the Postgres versions that an environment may declare, as real servers report them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).with_name("postgres_parameters.tsv")
FIELDS: Final = ("version", "name", "context", "type", "unit", "min", "max", "values")
_BOOLEANS: Final = {"on", "off", "true", "false", "yes", "no", "1", "0", "t", "f", "y", "n"}
_SIZE: Final = re.compile(r"(?P<number>-?\d+(\.\d+)?)\s*(?P<unit>B|kB|MB|GB|TB|us|ms|s|min|h|d)?")


@dataclass(frozen=True)
class Parameter:
    """A row of pg_settings. `minimum` and `maximum` are in `unit`; `values` are those of an enumeration."""

    name: str
    context: str
    type: str
    unit: str
    minimum: float | None
    maximum: float | None
    values: tuple[str, ...]

    def refuses(self, value: str) -> str | None:
        """Why RDS refuses this value; None if it accepts it, or if it is a formula."""
        match self.type:
            case "bool":
                return None if value.lower() in _BOOLEANS else "is neither on nor off"
            case "enum":
                known = {*self.values, *(_BOOLEANS if {"on", "off"} <= {*self.values} else ())}
                return None if value.lower() in known else f"is none of {', '.join(self.values)}"
            case "integer" | "real" if not {"{", "("} & {*value}:
                return self._out_of_bounds(_SIZE.fullmatch(value.strip()))
            case _:
                return None

    def _out_of_bounds(self, found: re.Match[str] | None) -> str | None:
        if found is None:
            return "is no number"
        if found["unit"]:
            return f"has a unit, but RDS takes a number{f' of {self.unit}' if self.unit else ''}"
        low, high = self.minimum, self.maximum
        if low is None or high is None or low <= float(found["number"]) <= high:
            return None
        return f"is outside of {low:.15g} to {high:.15g} {self.unit}".rstrip()


@cache
def parameters(major: int) -> Mapping[str, Parameter]:
    """A version's parameters by name; empty for a version that wasn't recorded."""
    lines = [line.split("\t") for line in DATA.read_text().splitlines()[2:]]
    return {
        name: Parameter(name, context, type_, unit, _number(low), _number(high), tuple(filter(None, values.split("|"))))
        for version, name, context, type_, unit, low, high, values in lines
        if int(version) == major
    }


def _number(text: str) -> float | None:
    return float(text) if text else None
