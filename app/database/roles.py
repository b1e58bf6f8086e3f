"""The database's login roles: `app` may do what the shop does and no more, `exporter` may only look at statistics."""

import re
from dataclasses import dataclass
from typing import Final

import asyncpg

_VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+", re.ASCII)

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
"""What the API's own role may do with each table and column. Anything not here, schema changes above all, is the
owner's.
"""

_LARGE_OBJECTS: Final = """
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname LIKE 'lo\\_%' OR proname IN ('loread', 'lowrite'))
"""


@dataclass(frozen=True, kw_only=True)
class Verifiers:
    """SCRAM verifiers of the roles' passwords (`SCRAM-SHA-256$4096:…`): the passwords themselves never come here.

    pgBouncer's user list holds the very same text, so one password works on both without `auth_query`.
    """

    app: str
    exporter: str

    def __post_init__(self) -> None:
        for role, verifier in (("app", self.app), ("exporter", self.exporter)):
            if not _VERIFIER.fullmatch(verifier):
                raise ValueError(
                    f"the verifier of role {role!r} is not a SCRAM verifier "
                    "(SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>, base64): make it anew"
                )


async def grant_roles(dsn: str, verifiers: Verifiers | None) -> None:
    """Make or refresh both roles and their grants, in one transaction; without `verifiers`, grants of existing ones."""
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        async with connection.transaction():
            if verifiers is not None:
                await _set_password(connection, "app", verifiers.app)
                await _set_password(connection, "exporter", verifiers.exporter)
            existing: set[str] = {
                row["rolname"]
                for row in await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname IN ('app', 'exporter')")
            }
            if "app" in existing:
                await _grant_app(connection)
            if "exporter" in existing:
                await _grant_exporter(connection)
    finally:
        await connection.close()


async def _set_password(connection: asyncpg.Connection, role: str, verifier: str) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if exists else "CREATE"
    # Utility statements take no parameters; the verifier's alphabet, checked above, has nothing to quote.
    await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{verifier}'")


async def _grant_app(connection: asyncpg.Connection) -> None:
    await connection.execute("GRANT USAGE ON SCHEMA public TO app")
    # Room on the server's disk that no table's rights bound: temporary tables, and large objects. Only a superuser may
    # take the latter from everybody; in RDS nobody is one.
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        for (revoke,) in await connection.fetch(_LARGE_OBJECTS):
            await connection.execute(revoke)
    await connection.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM app")
    for table, rights in GRANTS_TO_APP.items():
        await connection.execute(f"GRANT {rights} ON {table} TO app")
    # A forgotten transaction would hold back vacuum and a pooled connection; a runaway query the whole shop.
    await connection.execute("ALTER ROLE app SET idle_in_transaction_session_timeout = '15s'")
    await connection.execute("ALTER ROLE app SET statement_timeout = '10s'")
    await connection.execute("ALTER ROLE app SET lock_timeout = '3s'")


async def _grant_exporter(connection: asyncpg.Connection) -> None:
    await connection.execute("GRANT pg_monitor TO exporter")
    await connection.execute("ALTER ROLE exporter SET statement_timeout = '10s'")
