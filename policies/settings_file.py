"""policies/<environment>.json: how strict each rule is there, and with which parameters.

The format is the engine's (`--policy-pack-config`): `{"rule": "advisory", "other-rule": {"enforcementLevel":
"mandatory", "parameter": 3}}`; what isn't listed has the rule's own level and parameters.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from policies.rule import Level, Parameters, Rule

DIRECTORY = Path(__file__).resolve().parent


class PolicySettingsError(Exception):
    """What is wrong in the file, and what is allowed."""


@dataclass(frozen=True)
class Strictness:
    """How a rule is applied in an environment."""

    level: Level
    parameters: Parameters


def path_of(environment: str) -> Path:
    """The environment's file."""
    return DIRECTORY / f"{environment}.json"


def read(environment: str, rules: tuple[Rule, ...]) -> Mapping[str, Strictness]:
    """Every rule's strictness by its id. Raises PolicySettingsError."""
    path = path_of(environment)
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise PolicySettingsError(
            f"policies/{path.name} is missing: it says how strict the policies are in {environment}; "
            "`make environment` writes it with all else that an environment needs, or copy another environment's"
        ) from None
    except ValueError as error:
        raise PolicySettingsError(f"{path.name} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise PolicySettingsError(f"{path.name} must be an object: rule → level or settings")
    settings = cast("dict[str, Any]", content)
    if unknown := settings.keys() - {rule.id for rule in rules}:
        raise PolicySettingsError(
            f"{path.name} names no rule with {sorted(unknown)[0]!r}; docs/policies.md lists the rules"
        )
    return {rule.id: _strictness(path.name, rule, settings.get(rule.id, {})) for rule in rules}


def _strictness(file: str, rule: Rule, value: Any) -> Strictness:
    given: dict[str, Any] = {"enforcementLevel": value} if isinstance(value, str) else dict(value)
    level = given.pop("enforcementLevel", rule.level)
    if level not in list(Level):
        allowed = ", ".join(Level)
        raise PolicySettingsError(f"{file}: {rule.id} has the level {level!r}; allowed are {allowed}")
    if unknown := given.keys() - rule.parameters.keys():
        allowed = ", ".join(rule.parameters) or "none"
        raise PolicySettingsError(f"{file}: {rule.id} has no parameter {sorted(unknown)[0]!r}; it has: {allowed}")
    for name, setting in given.items():
        if type(setting) is not type(rule.parameters[name]):
            raise PolicySettingsError(
                f"{file}: {rule.id}.{name} is {setting!r}, but must be of the same type as {rule.parameters[name]!r}"
            )
    return Strictness(Level(level), {**rule.parameters, **given})
