"""The response of each successful write, by the client's Idempotency-Key: a repeated request gets the first response.

A response that can be rebuilt isn't stored, and of a visit only the latest keys are kept.
"""

from dataclasses import dataclass

from app.database.queries.rows import JsonObject, json_object, json_text
from app.database.queries.statement import Transaction, statement


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to the first request with this key; `body` is None if it wasn't stored."""

    status: int
    headers: JsonObject
    body: bytes | None


class KeyReused(Exception):
    """The key was used before, for another request."""


# A second request with the same key waits here until the first one's transaction ends, then sees its response. An
# expired key counts as new.
_CLAIM = statement(
    "idempotency.claim",
    """
    INSERT INTO idempotency_keys (scope, key, request_digest, expires_at)
    VALUES ($1, $2, $3, now() + $4 * interval '1 second')
    ON CONFLICT (scope, key) DO UPDATE SET
        request_digest = excluded.request_digest, repeat_digest = NULL, expires_at = excluded.expires_at,
        created_at = now(), status = NULL, headers = NULL, body = NULL
    WHERE idempotency_keys.expires_at <= now()
    RETURNING 1
    """,
)
_ANSWER = statement(
    "idempotency.answer",
    """
    SELECT $3 IN (request_digest, repeat_digest) AS same, status, headers, body
    FROM idempotency_keys WHERE scope = $1 AND key = $2
    """,
)
_STORE = statement(
    "idempotency.store",
    """
    UPDATE idempotency_keys SET status = $3, headers = $4::jsonb, body = $5, repeat_digest = $6
    WHERE scope = $1 AND key = $2
    """,
)


_TRIM = statement(
    "idempotency.trim",
    """
    DELETE FROM idempotency_keys WHERE scope = $1 AND key IN (
        SELECT key FROM idempotency_keys WHERE scope = $1 ORDER BY created_at DESC OFFSET $2
    )
    """,
)


async def claim(
    transaction: Transaction, *, scope: str, key: str, request_digest: bytes, ttl_seconds: int = 86_400
) -> StoredResponse | None:
    """Claim `key` in the caller's transaction, or return the response that its first request got.

    Returns None for a new key: do the write, and `store` its response in the same transaction. `scope` separates users.
    Waits for another transaction that has claimed the key (no longer than `lock_timeout`). Raises KeyReused when the
    key belongs to a request with another digest.
    """
    claimed = await transaction.fetchval(_CLAIM, scope, key, request_digest, ttl_seconds)
    if claimed is not None:
        return None
    record = await transaction.fetchrow(_ANSWER, scope, key, request_digest)
    if record is None or not record["same"] or record["status"] is None:
        raise KeyReused(key)
    return StoredResponse(record["status"], json_object(record, "headers"), record["body"])


async def store(
    transaction: Transaction,
    *,
    scope: str,
    key: str,
    status: int,
    headers: JsonObject,
    body: bytes | None,
    repeat_digest: bytes | None = None,
) -> None:
    """Store the response of a claimed key; it becomes visible when the caller's transaction commits.

    `repeat_digest` is the digest of the same request after the write, where the write changes it.
    """
    await transaction.execute(_STORE, scope, key, status, json_text(headers), body, repeat_digest)


async def trim(transaction: Transaction, *, scope: str, keep: int) -> None:
    """Delete all keys of `scope` but the latest `keep`."""
    await transaction.execute(_TRIM, scope, keep)
