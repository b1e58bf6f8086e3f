"""Prometheus: its configuration file and command line.

Targets are pods: a container port named `metrics` of a pod annotated `prometheus.io/scrape: "true"`. In a cluster the
API names them; elsewhere files in `DISCOVERY_DIRECTORY` do, with the same `__meta_kubernetes_*` labels, so that one
set of relabel rules serves both and is tested by the local environment.

Flags and keys are those that Prometheus 2.42 and 3.x both know.
"""

from typing import Any

import yaml

from components.kubernetes.flows import PROMETHEUS_PORT
from components.monitoring.settings import MonitoringSettings
from components.settings.quantities import format_duration

CONFIG_DIRECTORY = "/etc/prometheus/config"
RULES_DIRECTORY = "/etc/prometheus/rules"
DISCOVERY_DIRECTORY = "/etc/prometheus/discovery"
SECRETS_DIRECTORY = "/etc/prometheus/secrets"
DATA_DIRECTORY = "/prometheus"

JOBS = (
    "redis",
    "sentinel",
    "postgres",
    "pgbouncer",
    "gateway",
    "api",
    "storefront",
    "cdn",
    "backup",
    "rds",
    "prometheus",
    "alertmanager",
)
"""Every value of the `job` label, in the order of docs and dashboards."""

_JOB_OF_SYSTEM = {
    "redis-sentinel": "sentinel",
    "postgres-exporter": "postgres",
    "api-worker": "api",
    "cdn-exporter": "cdn",
    "backup-exporter": "backup",
    "rds-exporter": "rds",
}
"""Where the job isn't called as `app.kubernetes.io/name`."""

Document = dict[str, Any]


def _discovery(settings: MonitoringSettings) -> Document:
    if settings.discovery == "file":
        return {"file_sd_configs": [{"files": [f"{DISCOVERY_DIRECTORY}/*.json"], "refresh_interval": "15s"}]}
    return {"kubernetes_sd_configs": [{"role": "pod", "namespaces": {"own_namespace": True}}]}


def _only_declared_ports() -> list[Document]:
    return [
        {
            "source_labels": ["__meta_kubernetes_pod_annotation_prometheus_io_scrape"],
            "regex": "true",
            "action": "keep",
        },
        {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": "metrics", "action": "keep"},
        {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Failed|Succeeded", "action": "drop"},
    ]


def _copied(meta: str, label: str) -> Document:
    return {"source_labels": [f"__meta_kubernetes_{meta}"], "target_label": label}


def relabel_rules() -> list[Document]:
    """From a discovered pod to a target's labels: `job`, `system`, `pod`, `node`, and `pair` of Redis nodes."""
    system = "__meta_kubernetes_pod_label_app_kubernetes_io_name"
    return [
        *_only_declared_ports(),
        {
            "source_labels": ["__meta_kubernetes_pod_annotation_prometheus_io_path"],
            "regex": "(.+)",
            "target_label": "__metrics_path__",
        },
        _copied("pod_label_app_kubernetes_io_name", "system"),
        _copied("pod_label_app_kubernetes_io_name", "job"),
        *(
            {"source_labels": [system], "regex": name, "target_label": "job", "replacement": job}
            for name, job in _JOB_OF_SYSTEM.items()
        ),
        {"source_labels": ["job"], "regex": "|".join(JOBS), "action": "keep"},
        _copied("pod_name", "pod"),
        _copied("pod_node_name", "node"),
        {
            "source_labels": ["job", "__meta_kubernetes_pod_name"],
            "regex": r"redis;redis-([a-z]+)-\d+",
            "target_label": "pair",
        },
    ]


def _cluster() -> list[Document]:
    """What the cluster says of the shop's own objects, whose names must stay theirs: `pod` is the one that is meant."""
    name = "__meta_kubernetes_pod_label_app_kubernetes_io_name"
    in_cluster = "/var/run/secrets/kubernetes.io/serviceaccount"
    return [
        {
            "job_name": "kube-state-metrics",
            "honor_labels": True,
            "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"own_namespace": True}}],
            "relabel_configs": [
                *_only_declared_ports(),
                {"source_labels": [name], "regex": "kube-state-metrics", "action": "keep"},
                _copied("pod_label_app_kubernetes_io_name", "system"),
                _copied("pod_name", "pod"),
            ],
        },
        {
            "job_name": "kubelet",
            "scheme": "https",
            # The kubelets' certificates are signed by the cluster's own authority.
            "tls_config": {"ca_file": f"{in_cluster}/ca.crt"},
            "authorization": {"credentials_file": f"{in_cluster}/token"},
            "honor_labels": True,
            "kubernetes_sd_configs": [{"role": "node"}],
            "relabel_configs": [_copied("node_name", "node"), _copied("node_name", "pod")],
            # A kubelet exports thousands of series about itself and all pods; only those about volumes are kept.
            "metric_relabel_configs": [
                {"source_labels": ["__name__"], "regex": "kubelet_volume_stats_.+_bytes", "action": "keep"},
            ],
        },
    ]


def _alerting(settings: MonitoringSettings) -> Document:
    relabel = [
        *_only_declared_ports(),
        {
            "source_labels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"],
            "regex": "alertmanager",
            "action": "keep",
        },
    ]
    return {"alertmanagers": [{**_discovery(settings), "relabel_configs": relabel}]}


def _remote_write(settings: MonitoringSettings) -> list[Document]:
    remote = settings.prometheus.remote_write
    if remote is None:
        return []
    target: Document = {"url": remote.url}
    if remote.username is not None:
        target["basic_auth"] = {
            "username": remote.username,
            "password_file": f"{SECRETS_DIRECTORY}/remote-write-password",
        }
    return [target]


def prometheus_yml(settings: MonitoringSettings, *, environment: str) -> str:
    """The configuration file. Passwords are named by file, never written here."""
    interval = format_duration(settings.prometheus.scrape_interval)
    document: Document = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": format_duration(min(10, settings.prometheus.scrape_interval)),
            "evaluation_interval": interval,
            "external_labels": {"environment": environment},
        },
        "rule_files": [f"{RULES_DIRECTORY}/*.yml"],
        "alerting": _alerting(settings),
        "scrape_configs": [
            {
                "job_name": "pods",
                "sample_limit": 20_000,
                **_discovery(settings),
                "relabel_configs": relabel_rules(),
            },
            *(_cluster() if settings.cluster is not None else []),
        ],
    }
    if remote := _remote_write(settings):
        document["remote_write"] = remote
    return yaml.safe_dump(document, sort_keys=False, width=110)


def prometheus_arguments(settings: MonitoringSettings) -> list[str]:
    """The command line; the kubelet puts the pod's address in."""
    server = settings.prometheus
    return [
        f"--config.file={CONFIG_DIRECTORY}/prometheus.yml",
        f"--web.listen-address={settings.listen}:{PROMETHEUS_PORT}",
        f"--web.external-url={settings.url('prometheus', PROMETHEUS_PORT)}",
        f"--storage.tsdb.path={DATA_DIRECTORY}",
        f"--storage.tsdb.retention.time={format_duration(server.retention)}",
        f"--storage.tsdb.retention.size={server.retention_size}B",
        "--storage.tsdb.wal-compression",
    ]
