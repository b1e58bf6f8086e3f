"""Sign-up and password reset by mail, and the addresses that customers keep.

A row of account_mails is a mail to be sent and, once sent, its token. Whoever signs up becomes a user when their
address is proved: until then the row holds their form.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS account_mails (
        id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        purpose       text NOT NULL CHECK (purpose IN ('sign-up', 'password-reset', 'password-changed')),
        email         text NOT NULL CHECK (email LIKE '_%@_%'),
        name          text,
        country       char(2) CHECK (country ~ '^[A-Z]{2}$'),
        password_hash text CHECK (password_hash LIKE '$argon2id$%'),
        token_digest  bytea UNIQUE CHECK (octet_length(token_digest) = 32),
        attempts      integer NOT NULL DEFAULT 0,
        last_error    text,
        available_at  timestamptz NOT NULL DEFAULT now(),
        sent_at       timestamptz,
        created_at    timestamptz NOT NULL DEFAULT now(),
        expires_at    timestamptz NOT NULL,
        CHECK (purpose <> 'sign-up' OR (name IS NOT NULL AND country IS NOT NULL AND password_hash IS NOT NULL))
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX IF NOT EXISTS idx_account_mails_due ON account_mails (available_at) WHERE sent_at IS NULL",
    "CREATE INDEX IF NOT EXISTS idx_account_mails_expires ON account_mails (expires_at)",
    """
    CREATE INDEX IF NOT EXISTS idx_account_mails_email ON account_mails (lower(email COLLATE "C"), purpose)
    """,
    """
    CREATE TABLE IF NOT EXISTS addresses (
        id         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        user_id    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        address    jsonb NOT NULL CHECK (jsonb_typeof(address) = 'object'),
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (user_id, address)
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
