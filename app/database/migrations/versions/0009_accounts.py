"""Browsers that a user has signed in with; e-mail addresses compare by one rule, which Python has as well."""

from alembic import op

from app.database.migrations.concurrently import create_indexes

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS known_devices (
            user_id      bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            token_digest bytea NOT NULL CHECK (octet_length(token_digest) = 32),
            last_seen    timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (user_id, token_digest)
        )
        """
    )
    # In the collation C, lower() changes A to Z and nothing else: the rule of app.database.queries.users.same_email.
    create_indexes(('CREATE UNIQUE INDEX idx_users_email_ascii ON users (lower(email COLLATE "C"))',))
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS idx_users_email")
        op.execute("ALTER INDEX idx_users_email_ascii RENAME TO idx_users_email")
