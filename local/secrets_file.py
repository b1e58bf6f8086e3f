"""The local stack's secrets: made at the first start, kept in `secrets.env`, readable by their owner alone."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from dotenv import dotenv_values

from components.settings.secrets import Secrets
from components.settings.section import Section
from local.problem import Problem
from local.state import State

SUPERUSER_PASSWORD = "LOCAL_POSTGRES_SUPERUSER"  # noqa: S105 - a name
ADMIN_TOKEN = "ADMIN_TOKEN"  # noqa: S105 - a name
PURGE_TOKEN, ANALYTICS_TOKEN = "API_CLOUDFLARE_TOKEN", "MONITORING_ANALYTICS_TOKEN"
_NAMES = {("api", "admin_token"): ADMIN_TOKEN}
_HEADER = """\
# Secrets of the local environment, made at the first `make up`. The first start of Redis and Postgres puts them into
# their data; `make clean` forgets both.
"""


def _declared() -> Iterator[tuple[str, str, bool]]:
    """System, name and whether it is required, of every secret that the settings know."""
    for system, group in Secrets.model_fields.items():
        section = group.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for name, entry in section.model_fields.items():
                yield system, name, entry.is_required()


def variable(system: str, name: str) -> str:
    """The secret's name in the file: `REDIS_APP` for `simone:secrets.redis.app`."""
    return _NAMES.get((system, name), f"{system}_{name}".upper())


def load(state: State) -> Mapping[str, str]:
    """All secrets by variable name; those that are missing are made and written first."""
    known = (
        {key: value for key, value in dotenv_values(state.secrets).items() if value} if state.secrets.exists() else {}
    )
    wanted = [variable(system, name) for system, name, required in _declared() if required]
    wanted += [SUPERUSER_PASSWORD, PURGE_TOKEN, ANALYTICS_TOKEN]
    made = {name: secrets.token_urlsafe(24) for name in wanted if name not in known}
    if made:
        text = "".join(f"{name}={value}\n" for name, value in (known | made).items())
        new = state.secrets.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(_HEADER + text)
        new.replace(state.secrets)
    if state.secrets.stat().st_mode & 0o077:
        raise Problem(f"{state.secrets} can be read by others; run: chmod 600 {state.secrets}")
    return known | made


def as_setting(values: Mapping[str, str]) -> dict[str, Any]:
    """The secrets as the stack's `simone:secrets`."""
    found: dict[str, Any] = {}
    for system, name, _ in _declared():
        if variable(system, name) in values:
            found.setdefault(system, {})[name] = values[variable(system, name)]
    return found
