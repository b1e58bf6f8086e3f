"""Each layer has a queue of the purges that it must still confirm, so that one that is away holds up no other.

An outbox row whose purge stands in a queue is available at infinity: the worker before this revision leaves it alone.
After a return to that worker: UPDATE invalidation_outbox SET available_at = now() WHERE completed_at IS NULL.
"""

from alembic import op

from app.database.migrations.concurrently import create_indexes

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    # early: purged once out of turn, since a layer further inside fails; it comes again when that one has confirmed.
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
