"""Alembic's entry: runs the steps on the connection that `run.upgrade` hands over, each in a transaction."""

from alembic import context
from alembic.runtime.migration import MigrationInfo

applied: list[str] = context.config.attributes["applied"]


def note(ctx: object, step: MigrationInfo, heads: object, run_args: object) -> None:  # noqa: ARG001 — by name
    """Record a finished step for the caller's report."""
    if step.up_revision_id is not None:
        applied.append(step.up_revision_id)


connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True, on_version_apply=note)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
