"""What the cluster knows of the shop: kube-state-metrics, and Prometheus's right to read the kubelets' metrics."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.account import allowed, service_account
from components.kubernetes.deployment import deployment
from components.kubernetes.flows import KUBE_STATE_METRICS_PORT
from components.kubernetes.pod import Container, Pod, http_probe
from components.kubernetes.scope import Scope, labels
from components.monitoring.settings import Cluster
from components.monitoring.workloads.args import MonitoringArgs

SYSTEM = "kube-state-metrics"
UID = 65534
"""As the official image runs."""
TELEMETRY_PORT = 8081
WATCHED: dict[str, tuple[str, ...]] = {
    "": ("pods", "resourcequotas"),
    "apps": ("deployments", "statefulsets"),
    "batch": ("jobs", "cronjobs"),
}
"""Resources by API group; none of them holds a secret."""


def declare_cluster(name: str, args: MonitoringArgs, settings: Cluster, opts: pulumi.ResourceOptions) -> None:
    """Everything named `{name}-…`; pods of the system `prometheus` may read what the kubelets say."""
    own = Scope(name, args.platform, SYSTEM, opts)
    before = [
        service_account(own, "", mounts_token=True),
        allowed(own, WATCHED, ["list", "watch"], component="monitoring"),
    ]
    resources = ",".join(sorted(resource for group in WATCHED.values() for resource in group))
    container = Container(
        name=SYSTEM,
        image=args.images.kube_state_metrics,
        args=[
            "--namespaces=$(POD_NAMESPACE)",
            f"--resources={resources}",
            f"--port={KUBE_STATE_METRICS_PORT}",
            f"--telemetry-port={TELEMETRY_PORT}",
        ],
        env={"POD_NAMESPACE": args.platform.namespace},
        ports={"metrics": KUBE_STATE_METRICS_PORT, "telemetry": TELEMETRY_PORT},
        resources=settings.resources,
        readiness=http_probe("/readyz", TELEMETRY_PORT, timeout=5),
        liveness=http_probe("/livez", KUBE_STATE_METRICS_PORT, timeout=5, failures=6),
    )
    pod = Pod(uid=UID, component="monitoring", containers=[container], mounts_token=True)
    # Two at once would count every Job twice.
    deployment(own, pod, replicas=1, roll_out="stop first", after=before)
    _may_read_kubelets(own)


def _may_read_kubelets(scope: Scope) -> None:
    """Nodes belong to no namespace, so only a ClusterRole can name them: their addresses, and `nodes/metrics`, which
    opens /metrics of a kubelet and nothing else of it
    (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/).
    """
    metadata = k8s.meta.v1.ObjectMetaArgs(
        name=scope.platform.name("kubelet-metrics"), labels=labels(scope.platform, "prometheus", "monitoring")
    )
    role = k8s.rbac.v1.ClusterRole(
        scope.resource_name("kubelets-role"),
        metadata=metadata,
        rules=[
            k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["nodes"], verbs=["get", "list", "watch"]),
            k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["nodes/metrics"], verbs=["get"]),
        ],
        opts=scope.opts,
    )
    k8s.rbac.v1.ClusterRoleBinding(
        scope.resource_name("kubelets-role-binding"),
        metadata=metadata,
        role_ref=k8s.rbac.v1.RoleRefArgs(
            api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=scope.platform.name("kubelet-metrics")
        ),
        subjects=[
            k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name="prometheus", namespace=scope.platform.namespace)
        ],
        opts=scope.options(after=[role]),
    )
