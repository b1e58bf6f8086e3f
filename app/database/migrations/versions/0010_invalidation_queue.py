"""Each layer has a queue of purges that it must still confirm, so that an unreachable layer delays no other.

An outbox row whose purge is queued has available_at infinity: an older worker leaves it alone. After a return to such a
worker: UPDATE invalidation_outbox SET available_at = now() WHERE completed_at IS NULL.
"""

from alembic import op

from app.database.migrations.concurrently import create_indexes

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    # early: purged out of turn because an inner layer failed; it is queued again once that layer has confirmed.
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS invalidation_queue (
            event_id bigint NOT NULL REFERENCES invalidation_outbox ON DELETE CASCADE,
            layer    text NOT NULL,
            due_at   timestamptz NOT NULL DEFAULT now(),
            attempts integer NOT NULL DEFAULT 0,
            early    boolean NOT NULL DEFAULT false,
            PRIMARY KEY (event_id, layer)
        ) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500)
        """
    )
    # Nobody ever purged by address.
    op.execute(
        """
        ALTER TABLE invalidation_outbox
            DROP COLUMN IF EXISTS urls,
            DROP CONSTRAINT IF EXISTS invalidation_outbox_tags, ADD CONSTRAINT invalidation_outbox_tags
                CHECK (cardinality(tags) > 0) NOT VALID
        """
    )
    create_indexes(
        (
            "CREATE INDEX idx_queue_due ON invalidation_queue (layer, due_at, event_id)",
            (
                "CREATE INDEX idx_outbox_new ON invalidation_outbox (available_at, id)"
                " WHERE completed_at IS NULL AND available_at < 'infinity'"
            ),
            "CREATE INDEX idx_outbox_waiting ON invalidation_outbox (created_at) WHERE completed_at IS NULL",
        )
    )
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS idx_outbox_pending")
    op.execute("ALTER TABLE invalidation_outbox VALIDATE CONSTRAINT invalidation_outbox_tags")
