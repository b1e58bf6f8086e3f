"""Pods and what surrounds them: Pod Security, resources, probes, images, secrets, networks, replicas."""

import fnmatch
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from policies.networks import wide
from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.configuration_texts import kubernetes_bytes, kubernetes_millicores, longest_pause
from stack.resource import Resource, Stack, dig, selects
from stack.sensitive import secret_of

_K8S = "https://kubernetes.io/docs"
_NAME = "app.kubernetes.io/name"
_SERVERS = (":Deployment", ":StatefulSet", ":DaemonSet", ":ReplicaSet", ":ReplicationController", ":Pod")
_WORKLOADS = (*_SERVERS, ":Job", ":CronJob")
_SAFE_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
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
    protects="A pod that someone creates by hand could run as root.",
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
    protects="A compromised process could take over the node.",
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
        elif unsafe := {kind for kind, value in volume.items() if value is not None} - {"name", *_SAFE_VOLUMES}:
            yield Finding(f"the volume {dig(volume, 'name')} is of the kind {', '.join(sorted(unsafe))}", workload)
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
    if dig(context, "procMount") not in (None, "Default"):
        yield "sees all of /proc"
    if dig(context, "windowsOptions", "hostProcess"):
        yield "is a process of the node"
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
    protects="An attacker in a process could change its program.",
    fix="Set read_only_root_filesystem; mount an emptyDir where the process writes.",
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
    parameters={"cores": 16, "gib": 96},
)
def resources(workload: Resource, parameters: Parameters) -> Findings:
    """Containers request CPU (`cores` at most) and memory (`gib` at most), and have a memory limit."""
    most = {"cpu": parameters["cores"] * 1000, "memory": parameters["gib"] * 1024**3}
    read = {"cpu": kubernetes_millicores, "memory": kubernetes_bytes}
    for container in workload.containers():
        called = dig(container, "name")
        for part, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            if not dig(container, "resources", part, name):
                yield Finding(f"{called} has no {name} {part.removesuffix('s')}", workload)
        for name, limit in most.items():
            asked, allowed = (dig(container, "resources", part, name) for part in ("requests", "limits"))
            amounts = [read[name](one) for one in (asked, allowed) if one]
            if any(not 0 < amount <= limit for amount in amounts):
                yield Finding(
                    f"{called} has {asked or 'no'} to {allowed or 'any'} {name}, more than a node or nothing", workload
                )
            elif asked and allowed and amounts[0] > amounts[1]:
                yield Finding(f"{called} asks for {asked} of {name}, more than its limit {allowed}", workload)


@rule(
    "kubernetes-jobs-end",
    severity=Severity.MEDIUM,
    protects="A job that hangs, overlaps or retries for ever takes the database or Redis with it.",
    fix="Use components.kubernetes.job or .cron_job; activeDeadlineSeconds is between {shortest} and {longest}.",
    link=f"{_K8S}/concepts/workloads/controllers/job/#job-termination-and-cleanup",
    types=(":Job", ":CronJob"),
    parameters={"shortest": 300, "longest": 86400, "retries": 6},
)
def jobs_end(job: Resource, parameters: Parameters) -> Findings:
    """Jobs end, retry rarely, never overlap, and keep what failed for inspection."""
    spec = job.get("spec", "jobTemplate", "spec") if job.kind == "CronJob" else job.get("spec")
    deadline, retries = dig(spec, "activeDeadlineSeconds"), dig(spec, "backoffLimit")
    if deadline is None or not parameters["shortest"] <= int(deadline) <= parameters["longest"]:
        yield Finding(f"it may run for {'ever' if deadline is None else f'{deadline} s'}", job)
    if retries is None or not 0 <= int(retries) <= parameters["retries"]:
        yield Finding(f"it is retried {'six times by default' if retries is None else f'{retries} times'}", job)
    for name in ("parallelism", "completions"):
        if dig(spec, name) not in (None, 1):
            yield Finding(f"its {name} is {dig(spec, name)}", job)
    if job.kind == "CronJob":
        if job.get("spec", "concurrencyPolicy") != "Forbid":
            yield Finding(f"its concurrencyPolicy is {job.get('spec', 'concurrencyPolicy') or 'Allow'}", job)
        if job.get("spec", "failedJobsHistoryLimit") == 0:
            yield Finding("it keeps no failed jobs", job)


@rule(
    "kubernetes-probes",
    severity=Severity.HIGH,
    protects="Traffic would reach pods that aren't ready; one that hangs would never restart.",
    fix="Give each container of a server both probes.",
    link=f"{_K8S}/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
    types=_SERVERS,
)
def probes(server: Resource, _: Parameters) -> Findings:
    """Servers have readiness and liveness probes."""
    for container in server.containers(init=False):
        for probe in ("readinessProbe", "livenessProbe"):
            if not dig(container, probe):
                yield Finding(f"{dig(container, 'name')} has no {probe}", server)


@rule(
    "kubernetes-images-fixed",
    severity=Severity.HIGH,
    protects="A moving tag deploys a program that nobody tested.",
    fix="Name a version or a digest in simone:images.",
    link=f"{_K8S}/concepts/containers/images/",
    types=_WORKLOADS,
    parameters={
        "digest": False,
        "registries": ["docker.io", "quay.io", "ghcr.io", "gcr.io", "registry.k8s.io", "*.amazonaws.com", "localhost"],
    },
)
def images_fixed(workload: Resource, parameters: Parameters) -> Findings:
    """Images have a version or digest and come from a listed registry."""
    for container in workload.containers():
        image = str(dig(container, "image"))
        registry = _registry(image)
        if not any(fnmatch.fnmatchcase(registry, allowed) for allowed in parameters["registries"]):
            yield Finding(f"{image} comes from {registry}; allowed are {', '.join(parameters['registries'])}", workload)
        name, _, digest = image.partition("@")
        tag = name.rsplit("/", 1)[-1].partition(":")[2]
        if digest.startswith("sha256:"):
            continue
        if parameters["digest"]:
            yield Finding(f"{image} has no digest", workload)
        elif not tag or tag in ("latest", "stable", "main", "edge"):
            yield Finding(f"{image} has no fixed version", workload)


def _registry(image: str) -> str:
    """The registry's host: the first part if it looks like one, else Docker Hub (distribution/reference)."""
    first, slash, _ = image.partition("/")
    return first.partition(":")[0] if slash and (set(".:") & set(first) or first == "localhost") else "docker.io"


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
    protects="Whoever may see a pod, a ConfigMap or a process list could read the password.",
    fix="Put it into a Secret; mount it, or refer to it with secretKeyRef.",
    link=f"{_K8S}/concepts/configuration/secret/",
)
def no_plain_secrets(stack: Stack, _: Parameters) -> Findings:
    """No variable, argument or ConfigMap holds a password."""
    for workload in stack.workloads:
        for where, name, value in _visible(workload):
            if secret_of(name, value):
                yield Finding(f"{where} {name} holds a secret".replace("  ", " "), workload)
    for config in stack.of("core/v1:ConfigMap"):
        for part in ("data", "binaryData"):
            content: Mapping[str, Any] = config.get(part) or {}
            for name in content:
                if kind := secret_of(name, dig(content, name)):
                    yield Finding(f"{name} holds a secret: {kind}", config)


@rule(
    "kubernetes-network-policies",
    severity=Severity.HIGH,
    protects="A compromised pod could reach every other.",
    fix="Add the system's flows to components/kubernetes/flows.py; widen the rule's lists in a commit of its own.",
    link=f"{_K8S}/concepts/services-networking/network-policies/",
    parameters={
        "internet_ports": [443, 465, 587],  # the last two: mail, TLS from the start or after the greeting
        "guarded": ["redis", "redis-sentinel", "pgbouncer"],
        "clients": [
            "api",
            "api-worker",
            "pgbouncer",
            "prometheus",
            "redis",
            "redis-jobs",
            "redis-sentinel",
            "postgres-exporter",
        ],
    },
)
def network_policies(stack: Stack, parameters: Parameters) -> Findings:
    """Traffic is denied by default; each pod has a policy; none admits everybody; only `clients` reach `guarded`."""
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
            yield Finding(f"no NetworkPolicy applies to {workload.object_name}", workload)
    for policy in policies:
        for side, peers in (("ingress", "from"), ("egress", "to")):
            if any(not dig(entry, peers) for entry in policy.get("spec", side) or ()):
                yield Finding(f"{policy.object_name} allows {side} {peers} everywhere", policy)
        for fault in _open_peers(policy, parameters):
            yield Finding(f"{policy.object_name} {fault}", policy)


def _open_peers(policy: Resource, parameters: Parameters) -> Iterator[str]:
    """Peers of a policy that are more than named systems and networks."""
    guarded = dig(policy.get("spec", "podSelector"), "matchLabels", _NAME) in parameters["guarded"]
    for entry in policy.get("spec", "ingress") or ():
        peers = dig(entry, "from") or ()
        if too_wide := wide(_networks(peers), 8):
            yield "lets in the whole internet" if too_wide.endswith("/0") else f"lets in {too_wide}"
        for peer in peers:
            if _every_namespace(peer):
                yield "lets in all namespaces"
            name = dig(peer, "podSelector", "matchLabels", _NAME)
            if guarded and name not in parameters["clients"]:
                yield f"lets in {name or 'more than named systems'}, which isn't among its clients"
    for entry in policy.get("spec", "egress") or ():
        peers = dig(entry, "to") or ()
        ports = [dig(port, "port") for port in dig(entry, "ports") or ()]
        limited = bool(ports) and all(port in parameters["internet_ports"] for port in ports)
        if not limited and (too_wide := wide(_networks(peers), 8)):
            yield f"lets its pods out to {too_wide}, on more than the ports {parameters['internet_ports']}"
        if any(_every_namespace(peer) and dig(peer, "podSelector") is None for peer in peers):
            yield "lets its pods out to all namespaces"


def _networks(peers: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(dig(peer, "ipBlock", "cidr")) for peer in peers if dig(peer, "ipBlock") is not None]


def _every_namespace(peer: Mapping[str, Any]) -> bool:
    """Whether a peer selects namespaces by no label value: all of them, or all but some."""
    selector = dig(peer, "namespaceSelector")
    if selector is None or dig(selector, "matchLabels"):
        return False
    return all(dig(expression, "operator") != "In" for expression in dig(selector, "matchExpressions") or ())


_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
"""The annotation by which controllers admit more networks than a Service names."""


@rule(
    "kubernetes-services-closed",
    severity=Severity.CRITICAL,
    protects="A LoadBalancer is on the internet: past Cloudflare, its cache, limits and TLS.",
    fix="Use ClusterIP; for the entrance name Cloudflare's networks in load_balancer_source_ranges.",
    link=f"{_K8S}/concepts/services-networking/service/#loadbalancer",
    types=("core/v1:Service",),
)
def services_closed(service: Resource, _: Parameters) -> Findings:
    """Only named networks reach a Service from outside the cluster."""
    kind = service.get("spec", "type") or "ClusterIP"
    annotated = str(service.get("metadata", "annotations", _RANGES) or "")
    ranges = [*(service.get("spec", "loadBalancerSourceRanges") or ()), *annotated.replace(",", " ").split()]
    if kind == "NodePort":
        yield Finding("every node opens a port for it", service)
    elif kind == "LoadBalancer" and not ranges:
        yield Finding("it lets in the whole internet", service)
    elif kind == "LoadBalancer" and (too_wide := wide([str(network) for network in ranges], 8)):
        yield Finding(f"it lets in {too_wide}", service)
    if addresses := service.get("spec", "externalIPs"):
        yield Finding(f"it claims the addresses {', '.join(map(str, addresses))} on every node", service)


@rule(
    "kubernetes-no-ingress",
    severity=Severity.CRITICAL,
    protects="An Ingress or Gateway is another entrance: past Cloudflare, its limits and its TLS.",
    fix="Route requests through the gateway's Service; widen `allowed` in its own commit.",
    link=f"{_K8S}/concepts/services-networking/ingress/",
    types=(":Ingress", ":IngressClass", ":Gateway", ":HTTPRoute", ":GRPCRoute", ":TCPRoute", ":TLSRoute"),
    parameters={"allowed": [""], "behind_sign_in": ["grafana", "prometheus", "alertmanager"]},
)
def no_ingress(ingress: Resource, parameters: Parameters) -> Findings:
    """Only the gateway faces the internet; monitoring is reached by sign-in."""
    if not ingress.type.startswith("kubernetes:") or ingress.object_name in parameters["allowed"]:
        return
    if not (_signs_in(ingress) and _backends(ingress) <= {*parameters["behind_sign_in"]}):
        hosts = [str(dig(entry, "host") or "every host") for entry in ingress.get("spec", "rules") or ()]
        yield Finding(f"it opens {', '.join(hosts) or 'the cluster'} to the outside", ingress)


def _signs_in(ingress: Resource) -> bool:
    """Whether an AWS load balancer authenticates the caller before it passes a request on."""
    said = {
        name: ingress.get("metadata", "annotations", f"alb.ingress.kubernetes.io/{name}")
        for name in ("auth-type", "auth-on-unauthenticated-request")
    }
    return (
        ingress.get("spec", "ingressClassName") == "alb"
        and said["auth-type"] in ("oidc", "cognito")
        # The controller's default is `authenticate`; `allow` and `deny` are the others.
        and said["auth-on-unauthenticated-request"] in (None, "authenticate")
    )


def _backends(ingress: Resource) -> set[Any]:
    paths = [path for entry in ingress.get("spec", "rules") or () for path in dig(entry, "http", "paths") or ()]
    return {
        dig(backend, "service", "name")
        for backend in [dig(path, "backend") for path in paths] + [ingress.get("spec", "defaultBackend")]
        if backend is not None
    }


@rule(
    "kubernetes-replicas",
    severity=Severity.HIGH,
    protects="A single pod means an outage at every update and lost node.",
    fix="Raise the replicas or the autoscaler's minimum to {minimum}.",
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
            "kube-state-metrics",
        ],
    },
)
def replicas(stack: Stack, parameters: Parameters) -> Findings:
    """What serves visitors runs at least `minimum` times; `single` lists the exceptions."""
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
    protects="A node upgrade could stop a whole system at once.",
    fix="Declare a PodDisruptionBudget with components.kubernetes.budget.",
    link=f"{_K8S}/tasks/run-application/configure-pdb/",
)
def disruption_budgets(stack: Stack, _: Parameters) -> Findings:
    """A drain never takes all pods of a system."""
    scaled = {
        str(scaler.get("spec", "scaleTargetRef", "name")): int(scaler.get("spec", "minReplicas") or 1)
        for scaler in stack.of(":HorizontalPodAutoscaler")
    }
    for server in stack.of(":Deployment", ":StatefulSet"):
        count = scaled.get(server.object_name, int(server.get("spec", "replicas") or 1))
        if count == 1 and server.object_name not in scaled:
            continue
        budget, *more = stack.budgets_of(server) or (None,)
        if more:
            yield Finding(f"{server.object_name} has another budget: a drain evicts no pod that has two", more[0])
        if budget is None:
            yield Finding(f"{server.object_name} has no disruption budget", server)
        elif fault := _budget_fault(budget, count):
            yield Finding(f"the budget of {server.object_name} {fault}", budget)


def _budget_fault(budget: Resource, count: int) -> str | None:
    """What is wrong with a budget for this many pods (an autoscaler's minimum)."""
    unavailable, available = (budget.get("spec", name) for name in ("maxUnavailable", "minAvailable"))
    taken = _of(unavailable, count) if unavailable is not None else count - _of(available or 0, count)
    if taken <= 0:
        return "lets a drain evict no pod, so that nodes can never be replaced"
    return f"lets a drain evict all {count}" if taken >= count > 1 else None


def _of(share: Any, count: int) -> int:
    """A number of pods, or a percentage of them: Kubernetes rounds both of a budget's up."""
    text = str(share)
    return math.ceil(count * float(text[:-1]) / 100) if text.endswith("%") else int(float(text))


@rule(
    "kubernetes-autoscalers-fit",
    severity=Severity.HIGH,
    protects="Two autoscalers fight over one Deployment; a Redis StatefulSet has a fixed size.",
    fix="Declare one autoscaler for each Deployment, with maxReplicas no lower than minReplicas.",
    link=f"{_K8S}/tasks/run-application/horizontal-pod-autoscale/",
)
def autoscalers_fit(stack: Stack, _: Parameters) -> Findings:
    """Each autoscaler has a Deployment to itself and a maximum no lower than its minimum."""
    seen: set[str] = set()
    deployments = {one.object_name for one in stack.of(":Deployment")}
    for scaler in stack.of(":HorizontalPodAutoscaler"):
        lowest, most = int(scaler.get("spec", "minReplicas") or 1), int(scaler.get("spec", "maxReplicas") or 0)
        if most < lowest:
            yield Finding(f"it scales to {most} at most, but to {lowest} at least", scaler)
        kind, name = (str(scaler.get("spec", "scaleTargetRef", part)) for part in ("kind", "name"))
        if kind != "Deployment" or name not in deployments:
            yield Finding(f"it scales the {kind} {name}, which is no Deployment of the stack", scaler)
        if name in seen:
            yield Finding(f"another scales {name} already", scaler)
        seen.add(name)


@rule(
    "kubernetes-own-namespace",
    severity=Severity.CRITICAL,
    protects="In another namespace they change what isn't the shop's: cluster DNS, another team's pods.",
    fix="Leave `namespace` to the platform: components take it from Network.",
    link=f"{_K8S}/concepts/overview/working-with-objects/namespaces/",
)
def own_namespace(stack: Stack, _: Parameters) -> Findings:
    """Namespaced objects are in a namespace that the stack declares."""
    own = {namespace.object_name for namespace in stack.of("core/v1:Namespace")}
    for one in stack.resources:
        if one.type.startswith("kubernetes:") and one.kind not in _WITHOUT_NAMESPACE:
            namespace = one.get("metadata", "namespace")
            if namespace not in own:
                yield Finding(f"its namespace is {namespace or 'default'}, which the stack doesn't declare", one)


_WITHOUT_NAMESPACE = frozenset(
    {
        *("APIService", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "CSIDriver", "CSINode"),
        *("CustomResourceDefinition", "IngressClass", "MutatingWebhookConfiguration", "Namespace", "Node"),
        *("PersistentVolume", "PriorityClass", "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy"),
        *("ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttachment"),
        *("Chart", "Release", "ConfigFile", "ConfigGroup", "Directory"),
    }
)


_QUOTAS: Mapping[str, tuple[str, str]] = {
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
}
_COUNTED: Mapping[str, str] = {
    "services": ":Service",
    "configmaps": ":ConfigMap",
    "secrets": "core/v1:Secret",
    "count/deployments.apps": ":Deployment",
    "count/statefulsets.apps": ":StatefulSet",
    "count/cronjobs.batch": ":CronJob",
}


@rule(
    "kubernetes-quota-fits",
    severity=Severity.HIGH,
    protects="Pods beyond the quota never start; under load, an autoscaler's come first.",
    fix="Raise the quota or request less.",
    link=f"{_K8S}/concepts/policy/resource-quotas/",
)
def quota_fits(stack: Stack, _: Parameters) -> Findings:
    """The namespace's quota holds everything declared, with all autoscalers at their maximum."""
    most = {
        str(scaler.get("spec", "scaleTargetRef", "name")): int(scaler.get("spec", "maxReplicas") or 1)
        for scaler in stack.of(":HorizontalPodAutoscaler")
    }
    for quota in stack.of("core/v1:ResourceQuota"):
        hard: Mapping[str, Any] = quota.get("spec", "hard") or {}
        servers = [
            (server, most.get(server.object_name) or int(server.get("spec", "replicas") or 1))
            for server in stack.of(":Deployment", ":StatefulSet")
            if _namespace(server) == _namespace(quota)
        ]
        pods = sum(count for _, count in servers)
        if "pods" in hard and int(hard["pods"]) < pods:
            yield Finding(f"pods is {hard['pods']}, but {pods} are declared", quota)
        for name, kind in _COUNTED.items():
            there = [one for one in stack.of(kind) if _namespace(one) == _namespace(quota)]
            if name in hard and int(hard[name]) < len(there):
                yield Finding(f"{name} is {hard[name]}, but {len(there)} are declared", quota)
        claims = [
            (count, claim) for server, count in servers for claim in server.get("spec", "volumeClaimTemplates") or ()
        ]
        claimed = sum(count for count, _ in claims)
        if "persistentvolumeclaims" in hard and int(hard["persistentvolumeclaims"]) < claimed:
            yield Finding(
                f"persistentvolumeclaims is {hard['persistentvolumeclaims']}, but {claimed} are declared", quota
            )
        size = sum(n * kubernetes_bytes(dig(one, "spec", "resources", "requests", "storage") or 0) for n, one in claims)
        if "requests.storage" in hard and kubernetes_bytes(hard["requests.storage"]) < size:
            told = f"{size / 1024**3:g} GiB"
            yield Finding(f"requests.storage is {hard['requests.storage']}, but {told} are declared", quota)
        for name, (part, resource) in _QUOTAS.items():
            if name not in hard:
                continue
            measure = kubernetes_millicores if resource == "cpu" else kubernetes_bytes
            wanted = sum(
                count * measure(dig(container, "resources", part, resource) or 0)
                for server, count in servers
                for container in server.containers(init=False)
            )
            if measure(hard[name]) < wanted:
                unit = f"{wanted / 1000:g}" if resource == "cpu" else f"{wanted / 1024**3:.1f} GiB"
                yield Finding(f"{name} is {hard[name]}, but {unit} are declared", quota)


def _namespace(resource: Resource) -> Any:
    return resource.get("metadata", "namespace")


@rule(
    "kubernetes-volumes-kept",
    severity=Severity.CRITICAL,
    protects="Scaling down or deleting a StatefulSet would delete its data.",
    fix="Set reclaimPolicy and persistentVolumeClaimRetentionPolicy to Retain.",
    link=f"{_K8S}/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention",
    types=(":StatefulSet", ":StorageClass", ":PersistentVolume"),
    parameters={"disposable": ["gateway", "prometheus", "alertmanager", "grafana"]},
)
def volumes_kept(holder: Resource, parameters: Parameters) -> Findings:
    """Volumes outlive their pods; `disposable` systems can be rebuilt from nothing."""
    if holder.kind == "StorageClass":
        if holder.get("reclaimPolicy") != "Retain":
            yield Finding(f"its volumes' reclaim policy is {holder.get('reclaimPolicy') or 'Delete'}", holder)
    elif holder.kind == "PersistentVolume":
        if holder.get("spec", "persistentVolumeReclaimPolicy") not in (None, "Retain"):
            yield Finding(f"its reclaim policy is {holder.get('spec', 'persistentVolumeReclaimPolicy')}", holder)
    elif holder.system not in parameters["disposable"]:
        for event in ("whenDeleted", "whenScaled"):
            if holder.get("spec", "persistentVolumeClaimRetentionPolicy", event) == "Delete":
                yield Finding(f"its volumes are deleted {event.removeprefix('when').lower()}", holder)


@rule(
    "kubernetes-priorities",
    severity=Severity.HIGH,
    protects="Higher classes evict other pods, and a default class applies to everybody's.",
    fix="Name a class in the pods that need it, with a value of at most {most}.",
    link=f"{_K8S}/concepts/scheduling-eviction/pod-priority-preemption/",
    types=(":PriorityClass",),
    parameters={"most": 1000000},
)
def priorities(holder: Resource, parameters: Parameters) -> Findings:
    """No priority class is the cluster's default or exceeds `most`."""
    value = holder.get("value") or 0
    if holder.get("globalDefault"):
        yield Finding("it is the class of every pod in the cluster that names none", holder)
    if value > parameters["most"]:
        yield Finding(f"its value is {value}", holder)


@rule(
    "kubernetes-schedules",
    severity=Severity.HIGH,
    protects="A job that never runs fails unseen.",
    fix="Write five cron fields with a date to come: minute, hour, day, month, weekday.",
    link=f"{_K8S}/concepts/workloads/controllers/cron-jobs/#schedule-syntax",
    types=(":CronJob",),
)
def schedules(job: Resource, _: Parameters) -> Findings:
    """A CronJob's schedule is valid and has a next date, unless it waits to be run by hand."""
    text = str(job.get("spec", "schedule"))
    pause = longest_pause(text)
    zone = job.get("spec", "timeZone")
    deadline = job.get("spec", "startingDeadlineSeconds")
    if pause is None:
        yield Finding(f"the schedule {text!r} is no cron expression", job)
    elif pause == timedelta.max and not job.get("spec", "suspend"):
        yield Finding(f"the date of the schedule {text!r} never comes", job)
    if zone is not None and zone not in _time_zones():
        yield Finding(f"there is no time zone {zone}", job)
    # The controller checks every ten seconds, so it would miss a shorter deadline.
    if deadline is not None and int(deadline) < _SHORTEST_DEADLINE:
        yield Finding(f"startingDeadlineSeconds is {deadline}, so that it may never start", job)


_SHORTEST_DEADLINE = 10
_time_zones = cache(available_timezones)


def _without_token(account: Resource) -> Mapping[str, Any] | None:
    if (
        account.object_name in ("prometheus", "kube-state-metrics")
        or account.inputs.get("automountServiceAccountToken") is False
    ):
        return None
    return {**account.inputs, "automountServiceAccountToken": False}


@rule(
    "kubernetes-tokens-off",
    severity=Severity.MEDIUM,
    protects="Every process in a pod could call the Kubernetes API.",
    fix="Use components.kubernetes.account.",
    link=f"{_K8S}/tasks/configure-pod-container/configure-service-account/",
    types=("core/v1:ServiceAccount",),
    parameters={"allowed": ["prometheus", "kube-state-metrics"]},
    remediation=_without_token,
)
def tokens_off(account: Resource, parameters: Parameters) -> Findings:
    """Service accounts mount no token by default; `allowed` lists those that use the Kubernetes API."""
    if account.object_name in parameters["allowed"]:
        return
    if account.get("automountServiceAccountToken") is not False:
        yield Finding("pods of this account get a token unasked", account)


@rule(
    "kubernetes-no-lasting-tokens",
    severity=Severity.HIGH,
    protects="Such a token never expires; whoever reads the Secret acts as the account.",
    fix="Use projected tokens, which expire: components.kubernetes.account.",
    link=f"{_K8S}/concepts/configuration/secret/#serviceaccount-token-secrets",
    types=("core/v1:Secret",),
)
def no_lasting_tokens(secret: Resource, _: Parameters) -> Findings:
    """No Secret holds a service account token."""
    if secret.get("type") in ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"):
        yield Finding(f"it is of the type {secret.get('type')}", secret)


@rule(
    "kubernetes-tokens-wanted",
    severity=Severity.MEDIUM,
    protects="An unused token is a key for an attacker.",
    fix="Set automount_service_account_token=False, or list the system in `allowed`.",
    link=f"{_K8S}/tasks/configure-pod-container/configure-service-account/",
    types=_WORKLOADS,
    parameters={"allowed": ["prometheus", "kube-state-metrics"]},
)
def tokens_wanted(workload: Resource, parameters: Parameters) -> Findings:
    """Only pods that use the Kubernetes API mount a token."""
    mounted = dig(workload.pod, "automountServiceAccountToken")
    if workload.system in parameters["allowed"]:
        return
    if mounted is not False:
        yield Finding("its pods mount the service account's token", workload)
    for volume in dig(workload.pod, "volumes") or ():
        if any(dig(source, "serviceAccountToken") is not None for source in dig(volume, "projected", "sources") or ()):
            yield Finding(f"its volume {dig(volume, 'name')} holds a service account's token", workload)


_BINDINGS = ("RoleBinding", "ClusterRoleBinding")


@rule(
    "kubernetes-rbac-limited",
    severity=Severity.HIGH,
    protects="A compromised pod could change the cluster.",
    fix="Name resources and verbs; use a Role rather than a ClusterRole.",
    link=f"{_K8S}/concepts/security/rbac-good-practices/",
    types=tuple(f"rbac.authorization.k8s.io/v1:{kind}" for kind in ("Role", "ClusterRole", *_BINDINGS)),
)
def rbac_limited(role: Resource, _: Parameters) -> Findings:
    """Roles name what they allow and read no Secrets; nobody gets the cluster's own broad roles."""
    for fault in _given_away(role) if role.kind in _BINDINGS else ():
        yield Finding(f"it gives {fault}", role)
    if dig(role.get("aggregationRule"), "clusterRoleSelectors"):
        yield Finding("it takes over the rules of other roles", role)
    for entry in role.get("rules") or ():
        for part in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
            if any("*" in str(value) for value in dig(entry, part) or ()):
                yield Finding(f"it allows all {part}", role)
        resources: set[Any] = set(dig(entry, "resources") or ())
        verbs: set[Any] = set(dig(entry, "verbs") or ())
        if "secrets" in resources:
            yield Finding("it allows to read Secrets", role)
        if taken := verbs & _WIDENING_VERBS:
            yield Finding(f"it allows to {', '.join(sorted(taken))}: to take rights that it doesn't have", role)
        if entered := resources & _ENTERING:
            yield Finding(f"it allows {', '.join(sorted(entered))}: to get into pods, or around their limits", role)
        if verbs & _WRITES and (made := resources & _POWERFUL):
            yield Finding(f"it allows to change {', '.join(sorted(made))}", role)


def _given_away(binding: Resource) -> Iterator[str]:
    given = binding.get("roleRef", "name")
    if given in ("cluster-admin", "admin", "edit") or str(given).startswith("system:"):
        yield f"away the role {given}"
    for subject in binding.get("subjects") or ():
        name = str(dig(subject, "name"))
        if name in _EVERYBODY or name == "system:anonymous":
            yield f"the role {given} to {name}"


_EVERYBODY = {"system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:masters"}
_WIDENING_VERBS = {"escalate", "bind", "impersonate"}
_ENTERING = {
    "pods/exec",
    "pods/attach",
    "pods/portforward",
    "pods/ephemeralcontainers",
    "pods/proxy",
    "services/proxy",
    "nodes/proxy",
    "serviceaccounts/token",
    "certificatesigningrequests/approval",
}
_POWERFUL = {
    "pods",
    "deployments",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "replicasets",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "networkpolicies",
    "serviceaccounts",
    "nodes",
    "persistentvolumes",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
}
_WRITES = {"create", "update", "patch", "delete", "deletecollection"}
"""Rights that each gives beyond its name: kubernetes.io/docs/concepts/security/rbac-good-practices/."""
