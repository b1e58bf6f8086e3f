"""A database's URL as libpq, Prisma and Neon write it, for asyncpg: each parameter is used, or named as ignored."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

# Of libpq (libpq-connect, "Parameter Key Words"): those that asyncpg itself reads from a URL.
_ASYNCPG: Final = frozenset(
    {"host", "port", "dbname", "database", "user", "password", "passfile", "service", "sslmode", "sslcert", "sslkey",
     "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version",
     "target_session_attrs", "krbsrvname", "gsslib"}
)  # fmt: skip
_SESSION: Final = frozenset({"application_name", "options", "search_path", "statement_timeout", "lock_timeout"})
"""Sent to the server, as its settings for the session."""


class BadAddress(Exception):
    """A parameter of the URL has a value that it can't have; the message names both."""


@dataclass(frozen=True, slots=True)
class Address:
    """What to give to `asyncpg.connect`: the URL, and further arguments. `not_taken` are names of parameters."""

    dsn: str = field(repr=False)
    arguments: Mapping[str, Any]
    not_taken: tuple[str, ...]

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Raises BadAddress."""
        base, _, query = url.partition("?")
        given = dict(parse_qsl(query))
        # Transaction poolers have no named prepared statements (Prisma's `pgbouncer=true`): none are used here.
        arguments: dict[str, Any] = {"statement_cache_size": 0}
        pooled = given.pop("pgbouncer", "") == "true"
        if given.get("channel_binding") in ("disable", "prefer"):
            del given["channel_binding"]
        if "connect_timeout" in given:
            arguments |= _timeout(given.pop("connect_timeout"))
        if given.get("sslrootcert") == "system":
            mode = given.pop("sslmode", "verify-full")
            if mode != "verify-full":
                raise BadAddress(f"sslmode={mode} with sslrootcert=system: only verify-full is allowed with it")
            del given["sslrootcert"]
            arguments["ssl"] = ssl.create_default_context()
        if "schema" in given and not pooled:
            quoted = given.pop("schema").replace('"', '""')
            given["search_path"] = f'"{quoted}"'
        kept = {name: value for name, value in given.items() if name in _ASYNCPG | _SESSION}
        dsn = f"{base}?{urlencode(kept)}" if kept else base
        return cls(dsn, arguments, tuple(name for name in given if name not in kept))


def _timeout(text: str) -> dict[str, float]:
    try:
        seconds = int(text)
    except ValueError:
        raise BadAddress(f"connect_timeout={text}: a whole number of seconds is allowed") from None
    return {"timeout": float(max(2, seconds))} if seconds > 0 else {}  # as libpq: at least 2 s; 0 is no limit
