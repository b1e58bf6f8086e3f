"""Prometheus: a StatefulSet of one, its configuration and rules, and the right to list the namespace's pods."""

import pulumi
import pulumi_kubernetes as k8s

from components.monitoring.config.prometheus import (
    CONFIG_DIRECTORY,
    DATA_DIRECTORY,
    DISCOVERY_DIRECTORY,
    PORT,
    RULES_DIRECTORY,
    SECRETS_DIRECTORY,
    prometheus_arguments,
    prometheus_yml,
)
from components.monitoring.rules import rule_files
from components.monitoring.workloads.args import MonitoringArgs
from components.monitoring.workloads.parts import (
    PROBE_PERIOD,
    http_probe,
    metrics_port,
    mount,
    scratch_volume,
    volume_claim,
)
from components.settings.quantities import kubernetes_memory
from components.workload import (
    after,
    config_map,
    config_volume,
    container_security,
    files_checksum,
    metadata,
    patient,
    pod_ip_env,
    pod_metadata,
    pod_security,
    secret,
    secret_volume,
    selector,
    service,
    service_account,
)

SYSTEM = "prometheus"
UID = 65534
"""`nobody`, as the official image runs."""
# Replaying the write-ahead log after a crash takes minutes on a full volume, writing the head's checkpoint a while.
START_SECONDS, GRACE_SECONDS = 600, 120


def _allow_discovery(name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    role = k8s.rbac.v1.Role(
        f"{name}-role",
        metadata=metadata(args.platform, SYSTEM, SYSTEM, component="monitoring"),
        rules=[k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["pods"], verbs=["get", "list", "watch"])],
        opts=opts,
    )
    return k8s.rbac.v1.RoleBinding(
        f"{name}-role-binding",
        metadata=metadata(args.platform, SYSTEM, SYSTEM, component="monitoring"),
        role_ref=k8s.rbac.v1.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=SYSTEM),
        subjects=[k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=SYSTEM, namespace=args.platform.namespace)],
        opts=after(opts, role),
    )


def _secret_files(args: MonitoringArgs) -> dict[str, str]:
    password = args.secrets.remote_write_password
    return {} if password is None else {"remote-write-password": password.get_secret_value()}


def declare_prometheus(name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Everything named `{name}-…` that Prometheus needs; the answer is its Service."""
    platform, settings = args.platform, args.settings
    uses_cluster_api = settings.discovery == "kubernetes"
    before: list[pulumi.Resource] = [service_account(name, platform, SYSTEM, opts=opts, mounts_token=uses_cluster_api)]
    if uses_cluster_api:
        before.append(_allow_discovery(name, args, opts))
    config = {"prometheus.yml": prometheus_yml(settings, environment=platform.environment)}
    rules = rule_files(settings)
    before += [
        config_map(f"{name}-config", platform, SYSTEM, "prometheus-config", config, opts=opts),
        config_map(f"{name}-rules", platform, SYSTEM, "prometheus-rules", rules, opts=opts),
    ]
    mounts = [
        mount("config", CONFIG_DIRECTORY),
        mount("rules", RULES_DIRECTORY),
        mount("data", DATA_DIRECTORY, read_only=False),
    ]
    volumes = [config_volume("config", "prometheus-config"), config_volume("rules", "prometheus-rules")]
    secrets = _secret_files(args)
    if secrets:
        before.append(secret(f"{name}-secrets", platform, SYSTEM, "prometheus-secrets", secrets, opts=opts))
        mounts.append(mount("secrets", SECRETS_DIRECTORY))
        volumes.append(secret_volume("secrets", "prometheus-secrets"))
    if not uses_cluster_api:
        mounts.append(mount("discovery", DISCOVERY_DIRECTORY))
        volumes.append(scratch_volume("discovery"))
    address = service(f"{name}-service", platform, SYSTEM, PORT, opts=opts)
    container = k8s.core.v1.ContainerArgs(
        name=SYSTEM,
        image=args.images.prometheus,
        args=prometheus_arguments(settings),
        env=[pod_ip_env()],
        ports=[metrics_port(PORT)],
        resources=settings.prometheus.resources.requirements(),
        security_context=container_security(),
        readiness_probe=http_probe("/-/ready", PORT),
        liveness_probe=http_probe("/-/healthy", PORT, failures=6),
        startup_probe=http_probe("/-/ready", PORT, failures=START_SECONDS // PROBE_PERIOD),
        volume_mounts=mounts,
    )
    k8s.apps.v1.StatefulSet(
        f"{name}-stateful-set",
        metadata=metadata(platform, SYSTEM, SYSTEM, component="monitoring"),
        spec=k8s.apps.v1.StatefulSetSpecArgs(
            service_name=SYSTEM,
            replicas=1,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(SYSTEM)),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=pod_metadata(
                    platform,
                    SYSTEM,
                    component="monitoring",
                    scrape=True,
                    checksum=files_checksum(config, rules, secrets),
                ),
                spec=k8s.core.v1.PodSpecArgs(
                    service_account_name=SYSTEM,
                    priority_class_name=platform.priority("serving"),
                    automount_service_account_token=uses_cluster_api,
                    security_context=pod_security(UID),
                    termination_grace_period_seconds=GRACE_SECONDS,
                    containers=[container],
                    volumes=volumes,
                ),
            ),
            volume_claim_templates=[volume_claim("data", kubernetes_memory(settings.prometheus.storage))],
        ),
        opts=after(patient(opts, START_SECONDS + GRACE_SECONDS), *before),
    )
    return address
