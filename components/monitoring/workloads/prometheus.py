"""Prometheus: a StatefulSet of one, its configuration and rules, and the right to list the namespace's pods."""

import pulumi

from components.kubernetes.account import allowed, service_account
from components.kubernetes.configuration import config_map, secret
from components.kubernetes.flows import PROMETHEUS_PORT
from components.kubernetes.pod import POD_IP, ConfigFiles, Container, Pod, Scratch, SecretFiles, Volume, http_probe
from components.kubernetes.scope import Scope
from components.kubernetes.service import service
from components.kubernetes.stateful_set import stateful_set
from components.monitoring.config.prometheus import (
    CONFIG_DIRECTORY,
    DATA_DIRECTORY,
    DISCOVERY_DIRECTORY,
    RULES_DIRECTORY,
    SECRETS_DIRECTORY,
    prometheus_arguments,
    prometheus_yml,
)
from components.monitoring.rules import rule_files
from components.monitoring.workloads.args import MonitoringArgs
from components.settings.quantities import MIB

SYSTEM = "prometheus"
UID = 65534
"""`nobody`, as the official image runs."""
# Replaying the write-ahead log after a crash takes minutes on a full volume, writing the head's checkpoint a while.
START_SECONDS, PROBE_PERIOD, GRACE_SECONDS = 600, 10, 120


def _secret_files(args: MonitoringArgs) -> dict[str, str]:
    password = args.secrets.remote_write_password
    return {} if password is None else {"remote-write-password": password.get_secret_value()}


def declare_prometheus(name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Everything named `{name}-…` that Prometheus needs; returns its Service."""
    platform, settings = args.platform, args.settings
    own = Scope(name, platform, SYSTEM, opts)
    uses_cluster_api = settings.discovery == "kubernetes"
    before: list[pulumi.Resource] = [service_account(own, "", mounts_token=uses_cluster_api)]
    if uses_cluster_api:
        before.append(allowed(own, {"": ["pods"]}, ["get", "list", "watch"], component="monitoring"))
    config = {"prometheus.yml": prometheus_yml(settings, environment=platform.environment)}
    rules = rule_files(settings)
    before += [
        config_map(own, "config", "prometheus-config", config),
        config_map(own, "rules", "prometheus-rules", rules),
    ]
    mounts = {"config": CONFIG_DIRECTORY, "rules": RULES_DIRECTORY, "data": DATA_DIRECTORY}
    volumes: dict[str, Volume] = {"config": ConfigFiles("prometheus-config"), "rules": ConfigFiles("prometheus-rules")}
    secrets = _secret_files(args)
    if secrets:
        before.append(secret(own, "secrets", "prometheus-secrets", secrets))
        mounts["secrets"], volumes["secrets"] = SECRETS_DIRECTORY, SecretFiles("prometheus-secrets")
    if not uses_cluster_api:
        mounts["discovery"], volumes["discovery"] = DISCOVERY_DIRECTORY, Scratch(64 * MIB, read_only=True)
    address = service(own, "service", PROMETHEUS_PORT)
    container = Container(
        name=SYSTEM,
        image=args.images.prometheus,
        args=prometheus_arguments(settings),
        env=POD_IP,
        ports={"metrics": PROMETHEUS_PORT},
        resources=settings.prometheus.resources,
        readiness=http_probe("/-/ready", PROMETHEUS_PORT, timeout=5),
        liveness=http_probe("/-/healthy", PROMETHEUS_PORT, timeout=5, failures=6),
        startup=http_probe(
            "/-/ready", PROMETHEUS_PORT, period=PROBE_PERIOD, timeout=5, failures=START_SECONDS // PROBE_PERIOD
        ),
        mounts=mounts,
    )
    pod = Pod(
        uid=UID,
        component="monitoring",
        files=[config, rules, secrets],
        grace_period=GRACE_SECONDS,
        mounts_token=uses_cluster_api,
        containers=[container],
        volumes=volumes,
    )
    stateful_set(
        own,
        "stateful-set",
        pod,
        replicas=1,
        claims={"data": settings.prometheus.storage},
        opts=own.options(after=before, patience=START_SECONDS + GRACE_SECONDS),
    )
    return address
