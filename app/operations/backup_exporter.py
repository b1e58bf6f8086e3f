"""Age and size of the newest backups as Prometheus metrics, read from the bucket.

The pod that made a backup is gone with its counters, and a backup counts only once it is in the bucket.
"""

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from app.operations.backup_store import BackupStore
from app.operations.polling import poll
from app.operations.settings import BackupExporterSettings


class BackupMetrics:
    """The bucket's contents by pair. While the bucket can't be read the values stay, and their age grows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stored = Gauge("redis_backup_stored", "Backups in the bucket", ["pair"], registry=registry)
        self._newest = Gauge(
            "redis_backup_last_success_timestamp_seconds",
            "When the newest backup was stored whole",
            ["pair"],
            registry=registry,
        )
        self._size = Gauge("redis_backup_last_size_bytes", "Size of the newest backup", ["pair"], registry=registry)

    def read(self, store: BackupStore, pairs: list[str]) -> None:
        """Read the bucket for each pair. Raises `OperationError`."""
        for pair in pairs:
            objects = store.listed(pair)
            self._stored.labels(pair).set(len(objects))
            if objects:
                newest = objects[-1]
                self._newest.labels(pair).set(newest.stored_at.timestamp())
                self._size.labels(pair).set(newest.size)


def serve(settings: BackupExporterSettings) -> None:
    """Serves the metrics until the process is stopped."""
    registry = CollectorRegistry()
    metrics, store = BackupMetrics(registry), BackupStore(settings)
    start_http_server(settings.metrics_port, addr=settings.pod_ip, registry=registry)
    poll("the backup bucket", lambda: metrics.read(store, settings.redis_pairs.split()), settings.interval_seconds)
