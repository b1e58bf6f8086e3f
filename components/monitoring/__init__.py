"""Monitoring: Prometheus with its rules, Alertmanager, and the exporters of what doesn't export itself."""

import pulumi

from components.kubernetes.flows import ROUTE_FLOWS
from components.kubernetes.scope import Scope
from components.monitoring.workloads.alertmanager import declare_alertmanager
from components.monitoring.workloads.args import MonitoringArgs, WatchedBackups, WatchedDatabase, WatchedEdge
from components.monitoring.workloads.backup_exporter import declare_backup_exporter
from components.monitoring.workloads.cdn_exporter import declare_cdn_exporter
from components.monitoring.workloads.cluster import declare_cluster
from components.monitoring.workloads.grafana import declare_grafana
from components.monitoring.workloads.postgres_exporter import declare_postgres_exporter
from components.monitoring.workloads.prometheus import declare_prometheus
from components.monitoring.workloads.rds_exporter import declare_rds_exporter
from components.monitoring.workloads.route import declare_route

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
        if args.settings.cluster is not None:
            declare_cluster(f"{name}-cluster", args, args.settings.cluster, child)
        if args.edge is not None:
            declare_cdn_exporter(f"{name}-cdn-exporter", args, args.edge, child)
        declare_grafana(f"{name}-grafana", args, prometheus=prometheus, opts=child)
        route, client_secret = args.settings.route, args.secrets.sign_in_client_secret
        if route is not None and client_secret is not None:
            tools = {flow.target: flow.port for flow in ROUTE_FLOWS}
            if args.settings.grafana is None:
                del tools["grafana"]
            declare_route(Scope(name, args.platform, "monitoring", child), route, client_secret, tools)
        self.register_outputs({})
