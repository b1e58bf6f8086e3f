"""Monitoring: Prometheus with its rules, Alertmanager, and the exporters of what doesn't export itself."""

import pulumi

from components.monitoring.workloads.alertmanager import declare_alertmanager
from components.monitoring.workloads.args import MonitoringArgs, WatchedBackups, WatchedDatabase, WatchedEdge
from components.monitoring.workloads.backup_exporter import declare_backup_exporter
from components.monitoring.workloads.cdn_exporter import declare_cdn_exporter
from components.monitoring.workloads.grafana import declare_grafana
from components.monitoring.workloads.postgres_exporter import declare_postgres_exporter
from components.monitoring.workloads.prometheus import declare_prometheus
from components.monitoring.workloads.rds_exporter import declare_rds_exporter

__all__ = ["Monitoring", "MonitoringArgs", "WatchedBackups", "WatchedDatabase", "WatchedEdge"]


class Monitoring(pulumi.ComponentResource):
    """What watches the shop. Nothing of the shop depends on it."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:monitoring:Monitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        prometheus = declare_prometheus(f"{name}-prometheus", args, child)
        declare_alertmanager(f"{name}-alertmanager", args, child)
        declare_postgres_exporter(f"{name}-postgres-exporter", args, child)
        if args.settings.rds_exporter is not None:
            declare_rds_exporter(f"{name}-rds-exporter", args, args.settings.rds_exporter, child)
        declare_backup_exporter(f"{name}-backup-exporter", args, args.backups, child)
        if args.edge is not None:
            declare_cdn_exporter(f"{name}-cdn-exporter", args, args.edge, child)
        declare_grafana(f"{name}-grafana", args, prometheus=prometheus, opts=child)
        self.register_outputs({})
