"""How full index pages are, for the weekly maintenance: it rebuilds indexes that are mostly empty."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # Optional, like pg_stat_statements. RDS lets the master user install it.
    op.execute(
        """
        DO $$ BEGIN
            CREATE EXTENSION IF NOT EXISTS pgstattuple;
        EXCEPTION WHEN insufficient_privilege OR undefined_file THEN
            RAISE WARNING 'pgstattuple is not installed (%): bloated indexes will not be found', SQLERRM;
        END $$
        """
    )
