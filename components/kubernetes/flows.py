"""The systems' ports, and who may talk to whom: the one table that all NetworkPolicies are made from. What isn't
here is denied.

A peer is a system's `app.kubernetes.io/name`, or one of the outside peers below.
"""

from dataclasses import dataclass

DNS = "outside:dns"
POSTGRES = "outside:postgres"
EDGE = "outside:edge"
BALANCER = "outside:balancer"
HTTPS = "outside:https"
MAIL = "outside:mail"
KUBELET = "outside:kubelet"
OUTSIDE = frozenset({DNS, POSTGRES, EDGE, BALANCER, HTTPS, MAIL, KUBELET})

REDIS_PORT, SENTINEL_PORT, REDIS_EXPORTER_PORT = 6379, 26379, 9121
MAIL_PORT = 587
"""Unless the environment's mail server has another one (api.mail.port)."""
POSTGRES_PORT, PGBOUNCER_PORT, PGBOUNCER_EXPORTER_PORT = 5432, 6432, 9127
API_PORT, APPLICATION_METRICS_PORT = 3000, 9464
STOREFRONT_PORT = 8000
GATEWAY_PORT, GATEWAY_TLS_PORT, GATEWAY_PURGE_PORT, GATEWAY_METRICS_PORT = 8080, 8443, 8081, 9113
PROMETHEUS_PORT, ALERTMANAGER_PORT, GRAFANA_PORT = 8290, 9093, 8291
POSTGRES_EXPORTER_PORT = 9187
KUBE_STATE_METRICS_PORT, KUBELET_PORT = 8080, 10250


@dataclass(frozen=True)
class Flow:
    """`source` opens TCP connections to `target` on `port`, because of `why`."""

    source: str
    target: str
    port: int
    why: str


FLOWS: tuple[Flow, ...] = (
    Flow("redis", "redis", REDIS_PORT, "replication"),
    Flow("redis", "redis-sentinel", SENTINEL_PORT, "asks at start who is master, hands over before a stop"),
    Flow("redis-sentinel", "redis", REDIS_PORT, "watches and promotes"),
    Flow("redis-sentinel", "redis-sentinel", SENTINEL_PORT, "agrees on a failover"),
    Flow("redis-jobs", "redis", REDIS_PORT, "AOF rewrite, backup, restore"),
    Flow("redis-jobs", "redis-sentinel", SENTINEL_PORT, "asks who is replica"),
    Flow("redis-jobs", HTTPS, 443, "puts backups into S3"),
    Flow("api", "redis", REDIS_PORT, "sessions and caches"),
    Flow("api", "redis-sentinel", SENTINEL_PORT, "finds the masters and follows failovers"),
    Flow("api", "pgbouncer", PGBOUNCER_PORT, "queries"),
    Flow("api", "gateway", GATEWAY_PURGE_PORT, "purges what a write made stale"),
    Flow("api-worker", "redis", REDIS_PORT, "drops what a write made stale"),
    Flow("api-worker", "redis-sentinel", SENTINEL_PORT, "finds the masters and follows failovers"),
    Flow("api-worker", "pgbouncer", PGBOUNCER_PORT, "reads the outbox"),
    Flow("api-worker", "gateway", GATEWAY_PURGE_PORT, "purges what a write made stale"),
    Flow("api-worker", "storefront", STOREFRONT_PORT, "has pages built anew"),
    Flow("api-worker", HTTPS, 443, "purges Cloudflare"),
    Flow("api-worker", MAIL, MAIL_PORT, "brings mails to the mail server, where there is one"),
    Flow("api-jobs", POSTGRES, POSTGRES_PORT, "migrations need a session of their own, so not through pgBouncer"),
    Flow("postgres-jobs", POSTGRES, POSTGRES_PORT, "maintenance needs a session of its own"),
    Flow("postgres-jobs", HTTPS, 443, "compares RDS's parameters with the declared ones"),
    Flow("pgbouncer", POSTGRES, POSTGRES_PORT, "the pool's server connections"),
    Flow(EDGE, "gateway", GATEWAY_TLS_PORT, "the shop's visitors, through Cloudflare"),
    Flow(BALANCER, "gateway", GATEWAY_TLS_PORT, "the load balancer asks from inside the VPC whether a pod is there"),
    Flow("gateway", "api", API_PORT, "API requests that the shield can't answer"),
    Flow("gateway", "storefront", STOREFRONT_PORT, "pages that the shield can't answer"),
    Flow("storefront", "api", API_PORT, "renders pages from the catalogue"),
    Flow("storefront", "storefront", STOREFRONT_PORT, "passes on which pages to build anew"),
    Flow("prometheus", "redis", REDIS_EXPORTER_PORT, "metrics"),
    Flow("prometheus", "redis-sentinel", REDIS_EXPORTER_PORT, "metrics"),
    Flow("prometheus", "pgbouncer", PGBOUNCER_EXPORTER_PORT, "metrics"),
    Flow("prometheus", "postgres-exporter", POSTGRES_EXPORTER_PORT, "metrics"),
    Flow("prometheus", "api", APPLICATION_METRICS_PORT, "metrics"),
    Flow("prometheus", "api-worker", APPLICATION_METRICS_PORT, "metrics"),
    Flow("prometheus", "storefront", APPLICATION_METRICS_PORT, "metrics"),
    Flow("prometheus", "gateway", GATEWAY_METRICS_PORT, "metrics"),
    Flow("prometheus", "backup-exporter", APPLICATION_METRICS_PORT, "metrics"),
    Flow("prometheus", "rds-exporter", APPLICATION_METRICS_PORT, "metrics"),
    Flow("prometheus", "cdn-exporter", APPLICATION_METRICS_PORT, "metrics"),
    Flow("prometheus", "kube-state-metrics", KUBE_STATE_METRICS_PORT, "metrics of Jobs, pods and quotas"),
    Flow("prometheus", KUBELET, KUBELET_PORT, "metrics of volumes"),
    Flow("kube-state-metrics", HTTPS, 443, "watches the namespace's objects through the cluster's API"),
    Flow("prometheus", "alertmanager", ALERTMANAGER_PORT, "sends alerts"),
    Flow("grafana", "prometheus", PROMETHEUS_PORT, "queries of the dashboards"),
    Flow("prometheus", HTTPS, 443, "discovers pods through the cluster's API"),
    Flow("postgres-exporter", POSTGRES, POSTGRES_PORT, "reads statistics"),
    Flow("backup-exporter", HTTPS, 443, "lists the backups in S3"),
    Flow("rds-exporter", HTTPS, 443, "reads the database machine's figures from CloudWatch"),
    Flow("cdn-exporter", HTTPS, 443, "reads Cloudflare's analytics, and the certificate that visitors see"),
    Flow("cdn-exporter", "gateway", GATEWAY_TLS_PORT, "reads the certificate that Cloudflare sees"),
    Flow("alertmanager", HTTPS, 443, "notifies whoever is on call"),
)

ROUTE_FLOWS: tuple[Flow, ...] = (
    Flow(BALANCER, "grafana", GRAFANA_PORT, "people who signed in at the load balancer"),
    Flow(BALANCER, "prometheus", PROMETHEUS_PORT, "people who signed in at the load balancer"),
    Flow(BALANCER, "alertmanager", ALERTMANAGER_PORT, "people who signed in at the load balancer"),
)
"""Allowed too where `monitoring.route` is set."""


OWN_ADDRESSES = frozenset({"redis", "redis-sentinel", "gateway"})
"""Systems whose pods have Services of their own, which others dial."""


def systems() -> tuple[str, ...]:
    """Every system of ours that a flow names, sorted."""
    return tuple(sorted({peer for flow in FLOWS for peer in (flow.source, flow.target)} - OUTSIDE))
