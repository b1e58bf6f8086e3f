"""Pods and what surrounds them: Pod Security, resources, probes, images, secrets, networks, replicas."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource, Stack, dig, selects
from stack.sensitive import is_secret_name

_K8S = "https://kubernetes.io/docs"
_WORKLOADS = (":Deployment", ":StatefulSet", ":DaemonSet", "batch/v1:Job", "batch/v1:CronJob")
_SERVERS = (":Deployment", ":StatefulSet", ":DaemonSet")
# What the restricted standard lets a pod set
# (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted).
_SAFE_CAPABILITIES = {"NET_BIND_SERVICE"}
_SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}


@rule(
    "kubernetes-namespace-restricted",
    severity=Severity.HIGH,
    protects="A pod that someone creates by hand could run as root on the node.",
    fix="Label the namespace pod-security.kubernetes.io/enforce: restricted.",
    link=f"{_K8S}/concepts/security/pod-security-admission/",
    types=("core/v1:Namespace",),
)
def namespace_restricted(namespace: Resource, _: Parameters) -> Findings:
    """The namespace enforces the restricted Pod Security standard."""
    level = namespace.labels.get("pod-security.kubernetes.io/enforce")
    if level != "restricted":
        yield Finding(f"the namespace enforces {level or 'nothing'}", namespace)


@rule(
    "kubernetes-pods-restricted",
    severity=Severity.CRITICAL,
    protects="A process that is broken into could take over the node.",
    fix="Make pods with components.kubernetes.pod.",
    link=f"{_K8S}/concepts/security/pod-security-standards/#restricted",
    types=_WORKLOADS,
)
def pods_restricted(workload: Resource, _: Parameters) -> Findings:
    """Pods keep to the restricted Pod Security standard."""
    pod = workload.pod
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if dig(pod, name):
            yield Finding(f"{name} is on", workload)
    for volume in dig(pod, "volumes") or ():
        if dig(volume, "hostPath") is not None:
            yield Finding(f"the volume {dig(volume, 'name')} is a path of the node", workload)
    for sysctl in dig(pod, "securityContext", "sysctls") or ():
        if dig(sysctl, "name") not in _SAFE_SYSCTLS:
            yield Finding(f"it sets the kernel's {dig(sysctl, 'name')}", workload)
    for container in workload.containers():
        for fault in _container_faults(pod, container):
            yield Finding(f"{dig(container, 'name')} {fault}", workload)


def _container_faults(pod: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    context: Mapping[str, Any] = {
        **(dig(pod, "securityContext") or {}),
        **(dig(container, "securityContext") or {}),
    }
    if dig(context, "privileged"):
        yield "is privileged"
    if dig(context, "runAsNonRoot") is not True or dig(context, "runAsUser") == 0:
        yield "may run as root"
    if dig(context, "allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if "ALL" not in (dig(context, "capabilities", "drop") or ()):
        yield "keeps capabilities"
    if added := set(dig(context, "capabilities", "add") or ()) - _SAFE_CAPABILITIES:
        yield f"adds the capabilities {', '.join(sorted(added))}"
    if dig(context, "seccompProfile", "type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"
    for port in dig(container, "ports") or ():
        if dig(port, "hostPort"):
            yield f"takes the node's port {dig(port, 'hostPort')}"


@rule(
    "kubernetes-read-only-root",
    severity=Severity.MEDIUM,
    protects="Whoever gets into a process could change its program.",
    fix="Set read_only_root_filesystem and mount an emptyDir where the process writes.",
    link=f"{_K8S}/tasks/configure-pod-container/security-context/",
    types=_WORKLOADS,
)
def read_only_root(workload: Resource, _: Parameters) -> Findings:
    """Containers can't change their own files."""
    for container in workload.containers():
        if dig(container, "securityContext", "readOnlyRootFilesystem") is not True:
            yield Finding(f"{dig(container, 'name')} can write to its root file system", workload)


@rule(
    "kubernetes-resources",
    severity=Severity.HIGH,
    protects="One container without limits can starve its neighbours, Redis among them.",
    fix="Give every container a CPU and memory request and a memory limit.",
    link=f"{_K8S}/concepts/configuration/manage-resources-containers/",
    types=_WORKLOADS,
)
def resources(workload: Resource, _: Parameters) -> Findings:
    """Containers ask for what they need and are limited in memory."""
    for container in workload.containers():
        for part, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            if not dig(container, "resources", part, name):
                yield Finding(f"{dig(container, 'name')} has no {name} {part.removesuffix('s')}", workload)


@rule(
    "kubernetes-probes",
    severity=Severity.HIGH,
    protects="Traffic reaches a pod that isn't ready, and one that hangs is never restarted.",
    fix="Give each container of a server a readiness and a liveness probe.",
    link=f"{_K8S}/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
    types=_SERVERS,
)
def probes(server: Resource, _: Parameters) -> Findings:
    """Servers say whether they are ready and alive."""
    for container in server.containers(init=False):
        for probe in ("readinessProbe", "livenessProbe"):
            if not dig(container, probe):
                yield Finding(f"{dig(container, 'name')} has no {probe}", server)


@rule(
    "kubernetes-images-fixed",
    severity=Severity.HIGH,
    protects="A moving tag deploys another program than the one that was tested.",
    fix="Name a version or a digest in simone:images.",
    link=f"{_K8S}/concepts/containers/images/",
    types=_WORKLOADS,
    parameters={"digest": False},
)
def images_fixed(workload: Resource, parameters: Parameters) -> Findings:
    """Images are fixed by version or digest."""
    for container in workload.containers():
        image = str(dig(container, "image"))
        name, _, digest = image.partition("@")
        tag = name.rsplit("/", 1)[-1].partition(":")[2]
        if digest.startswith("sha256:"):
            continue
        if parameters["digest"]:
            yield Finding(f"{image} has no digest", workload)
        elif not tag or tag in ("latest", "stable", "main", "edge"):
            yield Finding(f"{image} has no fixed version", workload)


_NOT_A_SECRET = re.compile(r"(_file|_path|_dir|_name|_env|_user)$|^/|^\$\(", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"""-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|SCRAM-SHA-256\$\d+:|
    ^\s*(?:requirepass|masterauth|sentinel\s+(?:auth-pass|sentinel-pass)(?:\s+\S+)?)\s+[^\s$]{8,}|
    ://[^/\s:@$]+:[^/\s:@$]{6,}@|
    (?:^|[\s"'{,;-])(?i:[\w-]*(?:password|passwd|api[_-]?key|auth[_-]?token))["']?\s*[=:]\s*["']?[^\s"'$/{<%*(][^\s"'$]{7,}""",
    re.MULTILINE | re.VERBOSE,
)


def _visible(workload: Resource) -> Iterator[tuple[str, str, str]]:
    for container in workload.containers():
        where = str(dig(container, "name"))
        for variable in dig(container, "env") or ():
            value = variable.get("value")
            if isinstance(value, str):
                yield f"{where}'s variable", str(dig(variable, "name")), value
        option = ""
        for argument in map(str, [*(container.get("command") or ()), *(container.get("args") or ())]):
            yield f"{where}'s argument", option, argument
            option = argument if argument.startswith("-") and "=" not in argument else ""


@rule(
    "kubernetes-no-plain-secrets",
    severity=Severity.CRITICAL,
    protects="Whoever may look at a pod, a ConfigMap or a process list would read the password.",
    fix="Put it into a Secret and mount it, or refer to it with secretKeyRef.",
    link=f"{_K8S}/concepts/configuration/secret/",
)
def no_plain_secrets(stack: Stack, _: Parameters) -> Findings:
    """No password stands in a variable, an argument or a ConfigMap."""
    for workload in stack.workloads:
        for where, name, value in _visible(workload):
            named = is_secret_name(name) and value and not _NOT_A_SECRET.search(value)
            if named or _SECRET_TEXT.search(value):
                yield Finding(f"{where} {name} holds a secret".replace("  ", " "), workload)
    for config in stack.of("core/v1:ConfigMap"):
        content: Mapping[str, Any] = config.get("data") or {}
        for name in content:
            if _SECRET_TEXT.search(str(dig(content, name))):
                yield Finding(f"{name} holds a secret", config)


@rule(
    "kubernetes-network-policies",
    severity=Severity.HIGH,
    protects="A pod that is broken into could reach every other.",
    fix="Add the system's flows to components/kubernetes/flows.py.",
    link=f"{_K8S}/concepts/services-networking/network-policies/",
)
def network_policies(stack: Stack, _: Parameters) -> Findings:
    """Everything is denied by default, each pod has a policy of its own, and none lets in everybody."""
    policies = list(stack.of(":NetworkPolicy"))
    default = [
        policy
        for policy in policies
        if not policy.get("spec", "podSelector")
        and not policy.get("spec", "ingress")
        and {"Ingress", "Egress"} <= set(policy.get("spec", "policyTypes") or ())
    ]
    if not default:
        yield Finding("there is no NetworkPolicy that denies by default")
    for workload in stack.workloads:
        own = [policy for policy in policies if policy.get("spec", "podSelector")]
        if not any(selects(policy.get("spec", "podSelector"), workload.pod_labels) for policy in own):
            yield Finding(f"no NetworkPolicy says what {workload.object_name} may do", workload)
    for policy in policies:
        for side, peers in (("ingress", "from"), ("egress", "to")):
            if any(not dig(entry, peers) for entry in policy.get("spec", side) or ()):
                yield Finding(f"{policy.object_name} allows {side} {peers} everywhere", policy)
        if "0.0.0.0/0" in _networks(policy):
            yield Finding(f"{policy.object_name} lets in the whole internet", policy)


def _networks(policy: Resource) -> set[str]:
    """The networks that a policy lets in."""
    return {
        str(dig(peer, "ipBlock", "cidr"))
        for entry in policy.get("spec", "ingress") or ()
        for peer in dig(entry, "from") or ()
    }


@rule(
    "kubernetes-services-closed",
    severity=Severity.CRITICAL,
    protects="A Service of type LoadBalancer is on the internet: past Cloudflare, its cache, its limits and its TLS.",
    fix="Use ClusterIP; for the front door name Cloudflare's networks in load_balancer_source_ranges.",
    link=f"{_K8S}/concepts/services-networking/service/#loadbalancer",
    types=("core/v1:Service",),
)
def services_closed(service: Resource, _: Parameters) -> Findings:
    """Only named networks reach a Service from outside the cluster."""
    kind = service.get("spec", "type") or "ClusterIP"
    ranges = service.get("spec", "loadBalancerSourceRanges") or ()
    if kind == "NodePort":
        yield Finding("every node opens a port for it", service)
    elif kind == "LoadBalancer" and not ranges:
        yield Finding("it lets in the whole internet", service)
    elif {"0.0.0.0/0", "::/0"} & set(ranges):
        yield Finding("among the networks that it lets in is the whole internet", service)


@rule(
    "kubernetes-replicas",
    severity=Severity.HIGH,
    protects="A single pod means an outage at every update and every lost node.",
    fix="Raise the replicas (or the autoscaler's minimum) to {minimum}.",
    link=f"{_K8S}/concepts/workloads/controllers/deployment/",
    parameters={
        "minimum": 2,
        "single": [
            "prometheus",
            "alertmanager",
            "grafana",
            "postgres-exporter",
            "cdn-exporter",
            "backup-exporter",
            "rds-exporter",
        ],
    },
)
def replicas(stack: Stack, parameters: Parameters) -> Findings:
    """Whatever serves visitors runs at least `minimum` times; `single` lists what needn't."""
    scaled = {
        (scaler.get("spec", "scaleTargetRef", "kind"), scaler.get("spec", "scaleTargetRef", "name")): scaler
        for scaler in stack.of(":HorizontalPodAutoscaler")
    }
    for server in stack.of(":Deployment", ":StatefulSet"):
        if server.system in parameters["single"]:
            continue
        scaler = scaled.get((server.kind, server.object_name))
        count = int(scaler.get("spec", "minReplicas") or 1) if scaler else int(server.get("spec", "replicas") or 1)
        if count < parameters["minimum"]:
            yield Finding(f"{server.object_name} runs {count} times", scaler or server)


@rule(
    "kubernetes-disruption-budgets",
    severity=Severity.HIGH,
    protects="Draining nodes for an upgrade could stop all of a system's pods at once.",
    fix="Declare a PodDisruptionBudget with components.kubernetes.budget.",
    link=f"{_K8S}/tasks/run-application/configure-pdb/",
)
def disruption_budgets(stack: Stack, _: Parameters) -> Findings:
    """Of whatever runs more than once a drain takes some pods, never all of them."""
    scaled = {str(scaler.get("spec", "scaleTargetRef", "name")) for scaler in stack.of(":HorizontalPodAutoscaler")}
    for server in stack.of(":Deployment", ":StatefulSet"):
        count = int(server.get("spec", "replicas") or 1)
        if count == 1 and server.object_name not in scaled:
            continue
        budget = stack.budget_of(server)
        if budget is None:
            yield Finding(f"{server.object_name} has no disruption budget", server)
        elif server.object_name not in scaled and str(budget.get("spec", "maxUnavailable") or 0) in (
            str(count),
            "100%",
        ):
            yield Finding(f"the budget of {server.object_name} lets a drain take all {count}", budget)


def _without_token(account: Resource) -> Mapping[str, Any] | None:
    if account.object_name == "prometheus" or account.inputs.get("automountServiceAccountToken") is False:
        return None
    return {**account.inputs, "automountServiceAccountToken": False}


@rule(
    "kubernetes-tokens-off",
    severity=Severity.MEDIUM,
    protects="Every process in a pod could talk to the cluster's API.",
    fix="Use components.kubernetes.account; at the level `remediate` the engine switches it off.",
    link=f"{_K8S}/tasks/configure-pod-container/configure-service-account/",
    types=("core/v1:ServiceAccount",),
    parameters={"allowed": ["prometheus"]},
    remediation=_without_token,
)
def tokens_off(account: Resource, parameters: Parameters) -> Findings:
    """Service accounts hand out no token by themselves; those in `allowed` talk to the cluster's API."""
    if account.object_name in parameters["allowed"]:
        return
    if account.get("automountServiceAccountToken") is not False:
        yield Finding("pods of this account get a token unasked", account)


@rule(
    "kubernetes-tokens-wanted",
    severity=Severity.MEDIUM,
    protects="A token in a pod that doesn't need it is a key lying about.",
    fix="Set automount_service_account_token=False, or list the system in `allowed`.",
    link=f"{_K8S}/tasks/configure-pod-container/configure-service-account/",
    types=_WORKLOADS,
    parameters={"allowed": ["prometheus"]},
)
def tokens_wanted(workload: Resource, parameters: Parameters) -> Findings:
    """Only those pods mount a token that talk to the cluster's API."""
    mounted = dig(workload.pod, "automountServiceAccountToken")
    if mounted is not False and workload.system not in parameters["allowed"]:
        yield Finding("its pods mount the service account's token", workload)


_BINDINGS = ("RoleBinding", "ClusterRoleBinding")


@rule(
    "kubernetes-rbac-limited",
    severity=Severity.HIGH,
    protects="A pod that is broken into could change the cluster.",
    fix="Name the resources and the verbs; use a Role rather than a ClusterRole.",
    link=f"{_K8S}/concepts/security/rbac-good-practices/",
    types=tuple(f"rbac.authorization.k8s.io/v1:{kind}" for kind in ("Role", "ClusterRole", *_BINDINGS)),
)
def rbac_limited(role: Resource, _: Parameters) -> Findings:
    """Roles name what they allow, no role may read Secrets, and the cluster's own wide roles are given to nobody."""
    given = role.get("roleRef", "name") if role.kind in _BINDINGS else None
    if given in ("cluster-admin", "admin", "edit"):
        yield Finding(f"it gives away the role {given}", role)
    for entry in role.get("rules") or ():
        for part in ("apiGroups", "resources", "verbs"):
            if "*" in (dig(entry, part) or ()):
                yield Finding(f"it allows all {part}", role)
        if "secrets" in (dig(entry, "resources") or ()):
            yield Finding("it allows to read Secrets", role)
