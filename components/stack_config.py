"""The running stack's configuration, as the engine hands it over."""

import json
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from components.settings import Settings, parse


def read() -> Settings:
    """Settings of the stack that is being previewed or brought up. Raises `SettingsError`."""
    raw: dict[str, Any] = {**get_config_env(), **CONFIG.get()}
    return parse({key: _value(value) for key, value in raw.items()}, pulumi.get_stack())


def _value(text: Any) -> Any:
    """The engine passes objects, numbers and booleans as JSON and strings as they are."""
    if not isinstance(text, str) or text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
