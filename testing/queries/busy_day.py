"""Rows of the tables that sample data leaves empty, as many as a busy day makes: an empty table needs no index."""

from typing import Any


async def fill_busy_day(connection: Any, users: int) -> None:
    """Sessions, idempotency keys, purge events (5,000 wait for Cloudflare) and tokens, in a shop of so many users."""
    await connection.execute(
        f"""
        INSERT INTO sessions (id_digest, user_id, expires_at)
        SELECT sha256(n::text::bytea), nullif(n % {users}, 0), now() + (n - 500) * interval '1 minute'
        FROM generate_series(1, 20000) n;
        INSERT INTO idempotency_keys (scope, key, request_digest, expires_at)
        SELECT 'user:' || n, n::text, sha256(n::text::bytea), now() + (n - 500) * interval '1 minute'
        FROM generate_series(1, 20000) n;
        INSERT INTO invalidation_outbox (tags, reason, created_at, completed_at)
        SELECT ARRAY['product:' || n], 'sample', now() - n * interval '1 minute',
               CASE WHEN n > 5000 THEN now() - n * interval '1 minute' END
        FROM generate_series(1, 20000) n;
        WITH waiting AS (
            UPDATE invalidation_outbox SET available_at = 'infinity' WHERE completed_at IS NULL AND id % 100 > 0
            RETURNING id
        )
        INSERT INTO invalidation_queue (event_id, layer) SELECT id, 'cloudflare' FROM waiting;
        INSERT INTO service_tokens (name, token_digest, role)
        SELECT n::text, sha256(n::text::bytea), 'service' FROM generate_series(1, 2000) n;
        ANALYZE sessions, idempotency_keys, invalidation_outbox, invalidation_queue,
            service_tokens;
        """
    )
