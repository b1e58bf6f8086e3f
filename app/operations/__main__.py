"""The operations commands.

Each command imports its own modules when it is called, so that pgBouncer's exporter, a sidecar, needs no boto3.
"""

import sys
from typing import Annotated

import typer

from app.operations.settings import (
    BackupExporterSettings,
    BackupSettings,
    CdnExporterSettings,
    DatabaseSettings,
    DriftSettings,
    OperationError,
    PoolerSettings,
    RdsExporterSettings,
)

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command("redis-backup")
def redis_backup(
    pair: Annotated[list[str] | None, typer.Option(help="Back up this pair only; may be given again.")] = None,
) -> None:
    """Store a checked snapshot of each pair in S3, taken from a replica."""
    from app.operations.redis_backup import backup  # noqa: PLC0415

    backup(BackupSettings.read(), pair)


@app.command("redis-restore")
def redis_restore(
    pair: Annotated[str, typer.Option(envvar="RESTORE_PAIR", help="The pair to restore.")],
    backup: Annotated[str | None, typer.Option(envvar="RESTORE_BACKUP", help="Its key in S3; else the newest.")] = None,
    replace: Annotated[
        bool, typer.Option(envvar="RESTORE_REPLACE", help="Overwrite keys that exist; else they are kept.")
    ] = False,
) -> None:
    """Copy a backup's keys into a running pair and compare each of them."""
    from app.operations.redis_restore import restore  # noqa: PLC0415

    restore(BackupSettings.read(), pair, key=backup, replace=replace)


@app.command("database-maintenance")
def database_maintenance() -> None:
    """Vacuum and analyse tables, rebuild bloated and invalid indexes."""
    from app.operations.database_maintenance import maintain  # noqa: PLC0415

    maintain(DatabaseSettings.read())


@app.command("parameter-drift")
def parameter_drift() -> None:
    """Compare the instance's parameters with the declared ones; fails if they differ."""
    from app.operations.parameter_drift import drift  # noqa: PLC0415

    drift(DriftSettings.read())


@app.command("pgbouncer-exporter")
def pgbouncer_exporter() -> None:
    """Serve pgBouncer's statistics to Prometheus."""
    from app.operations.pgbouncer_exporter import serve  # noqa: PLC0415

    serve(PoolerSettings.read())


@app.command("pgbouncer-show")
def pgbouncer_show(what: Annotated[str, typer.Argument(help="pools, clients, servers, stats, …")]) -> None:
    """Print what a SHOW command of pgBouncer's console returns; runs in pgBouncer's pod."""
    from app.operations.pgbouncer_exporter import show  # noqa: PLC0415

    typer.echo(show(PoolerSettings.read(), what))


@app.command("backup-exporter")
def backup_exporter() -> None:
    """Serve age and size of the newest backups to Prometheus."""
    from app.operations.backup_exporter import serve  # noqa: PLC0415

    serve(BackupExporterSettings.read())


@app.command("rds-exporter")
def rds_exporter() -> None:
    """Serve CPU and disk of the database's machine, from CloudWatch, to Prometheus."""
    from app.operations.rds_exporter import serve  # noqa: PLC0415

    serve(RdsExporterSettings.read())


@app.command("cdn-exporter")
def cdn_exporter() -> None:
    """Serve Cloudflare's analytics and certificates' expiry to Prometheus."""
    from app.operations.cdn_exporter import serve  # noqa: PLC0415

    serve(CdnExporterSettings.read())


if __name__ == "__main__":
    try:
        app()
    except OperationError as error:
        sys.exit(f"error: {error}")
