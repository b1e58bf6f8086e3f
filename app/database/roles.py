"""The database's login roles: `app` may do what the shop does and no more, `exporter` may only read statistics.

A role has one password. So each has a twin with the same rights, `app_alternate` and `exporter_alternate`: both log in
while a password is replaced.
"""

import re
from dataclasses import asdict, dataclass
from typing import Final

import asyncpg

_VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+", re.ASCII)

TWINS: Final = {"app": ("app", "app_alternate"), "exporter": ("exporter", "exporter_alternate")}
"""The roles with the same rights, by the name of the permanent one."""

GRANTS_TO_APP: Final = {
    "categories": "SELECT",
    "products": "SELECT, UPDATE (name, description, status, prices, category_id, rating_average, rating_count)",
    "inventory": "SELECT, UPDATE (quantity)",
    "users": "SELECT, INSERT (email, name, country, password_hash), UPDATE (name, country, preferences, password_hash)",
    "account_mails": "SELECT, INSERT, DELETE, UPDATE (token_digest, attempts, last_error, available_at, sent_at, "
    "expires_at)",
    "addresses": "SELECT, INSERT, DELETE",
    "known_devices": "SELECT, INSERT, UPDATE (last_seen), DELETE",
    "orders": "SELECT, INSERT",
    "order_items": "SELECT, INSERT",
    "reviews": "SELECT, INSERT",
    "sessions": "SELECT, INSERT, DELETE, UPDATE (user_id, cart_data, cart_version, cart_total, cart_currency, "
    "preferences, last_activity, expires_at)",
    "idempotency_keys": "SELECT, INSERT, DELETE, UPDATE (request_digest, repeat_digest, status, headers, body, "
    "created_at, expires_at)",
    "invalidation_outbox": "SELECT, INSERT, DELETE, UPDATE (finished_targets, attempts, last_error, available_at, "
    "completed_at)",
    "invalidation_queue": "SELECT, INSERT, DELETE, UPDATE (due_at, attempts, early)",
    "service_tokens": "SELECT, UPDATE (last_used_at)",
}
"""The rights of the API's role by table and column. Everything else, schema changes above all, is the owner's.
"""

_LARGE_OBJECTS: Final = """
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname LIKE 'lo\\_%' OR proname IN ('loread', 'lowrite'))
"""


@dataclass(frozen=True, kw_only=True)
class Verifiers:
    """SCRAM verifiers of the roles' passwords (`SCRAM-SHA-256$4096:…`): the passwords themselves aren't needed here.

    pgBouncer's user list holds the same text, so one password works for both without `auth_query`.
    """

    app: str | None = None
    app_alternate: str | None = None
    exporter: str | None = None
    exporter_alternate: str | None = None

    def __post_init__(self) -> None:
        for name, (one, other) in TWINS.items():
            if getattr(self, one) is None and getattr(self, other) is None:
                raise ValueError(f"no verifier lets {name!r} log in: give one of {one!r} and {other!r}")
        for role, verifier in asdict(self).items():
            if verifier is not None and not _VERIFIER.fullmatch(verifier):
                raise ValueError(
                    f"the verifier of role {role!r} is not a SCRAM verifier "
                    "(SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>, base64): make it anew"
                )


async def grant_roles(dsn: str, verifiers: Verifiers | None) -> None:
    """Create or update the roles and their grants, in one transaction; without `verifiers`, only existing roles'
    grants.

    A role without a verifier can't log in any more.
    """
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        async with connection.transaction():
            if verifiers is not None:
                for role, verifier in asdict(verifiers).items():
                    await _set_password(connection, role, verifier)
            existing: set[str] = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
            for name, grant in (("app", _grant_app), ("exporter", _grant_exporter)):
                for role in TWINS[name]:
                    if role in existing:
                        await grant(connection, role)
    finally:
        await connection.close()


async def _set_password(connection: asyncpg.Connection, role: str, verifier: str | None) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if exists else "CREATE"
    # Utility statements take no parameters; the verifier's alphabet, checked above, has nothing to quote.
    if verifier is not None:
        await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{verifier}'")
    elif exists:
        await connection.execute(f"ALTER ROLE {role} NOLOGIN PASSWORD NULL")


async def _grant_app(connection: asyncpg.Connection, role: str) -> None:
    await connection.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    # Temporary tables and large objects fill the server's disk, whatever the table rights are. Only a superuser may
    # revoke the latter from everybody, and RDS has none.
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        for (revoke,) in await connection.fetch(_LARGE_OBJECTS):
            await connection.execute(revoke)
    await connection.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
    for table, rights in GRANTS_TO_APP.items():
        await connection.execute(f"GRANT {rights} ON {table} TO {role}")
    # A forgotten transaction would hold back vacuum and a pooled connection; a runaway query the whole shop.
    await connection.execute(f"ALTER ROLE {role} SET idle_in_transaction_session_timeout = '15s'")
    await connection.execute(f"ALTER ROLE {role} SET statement_timeout = '10s'")
    await connection.execute(f"ALTER ROLE {role} SET lock_timeout = '3s'")


async def _grant_exporter(connection: asyncpg.Connection, role: str) -> None:
    await connection.execute(f"GRANT pg_monitor TO {role}")
    await connection.execute(f"ALTER ROLE {role} SET statement_timeout = '10s'")
