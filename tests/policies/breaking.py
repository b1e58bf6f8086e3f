"""One way to break each rule: a change of that one thing in the real stack."""

import copy
import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stack.resource import Resource, Stack


@dataclass
class Editable:
    """A stack that may be changed. Names are the program's own."""

    resources: dict[str, dict[str, Any]]
    facts: dict[str, Resource]
    protect: dict[str, bool]

    @classmethod
    def of(cls, stack: Stack) -> "Editable":
        names = {resource.name: resource for resource in stack.resources}
        return cls(
            {name: copy.deepcopy(dict(resource.inputs)) for name, resource in names.items()},
            dict(names),
            {name: resource.protect for name, resource in names.items()},
        )

    def stack(self) -> Stack:
        return Stack(
            tuple(
                dataclasses.replace(self.facts[name], inputs=properties, protect=self.protect[name])
                for name, properties in self.resources.items()
            )
        )

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.resources[name]

    def drop(self, name: str) -> None:
        del self.resources[name]

    def add(self, type_: str, name: str, properties: Mapping[str, Any]) -> None:
        self.resources[name] = dict(properties)
        self.facts[name] = Resource(
            urn=f"urn:pulumi:prod::simone::{type_}::{name}", type=type_, name=name, inputs=properties
        )
        self.protect[name] = True

    def pod(self, name: str) -> dict[str, Any]:
        spec: dict[str, Any] = self[name]["spec"]
        return spec["template"]["spec"]

    def container(self, name: str) -> dict[str, Any]:
        first: dict[str, Any] = self.pod(name)["containers"][0]
        return first

    def replace(self, name: str, file: str, old: str, new: str) -> None:
        part = "data" if "data" in self[name] else "stringData"
        text = self[name][part][file]
        assert old in text, f"{file} of {name} doesn't hold {old!r}"
        self[name][part][file] = text.replace(old, new)

    def parameter(self, name: str, **changed: str) -> None:
        entries = self["postgres-parameters"]["parameters"]
        next(entry for entry in entries if entry["name"] == name).update(changed)


Break = Callable[[Editable], None]
NODES, SENTINELS = "redis-data-nodes", "redis-sentinel-nodes"
INSTANCE, GROUP = "postgres-instance", "postgres-parameters"
BALANCER = "pgbouncer-deployment"


def _setter(name: str, key: str, value: Any) -> Break:
    def breaks(stack: Editable) -> None:
        stack[name][key] = value

    return breaks


def _setter_below(name: str, key: str, value: Any) -> Break:
    """The same inside of a Kubernetes object's spec."""

    def breaks(stack: Editable) -> None:
        stack[name]["spec"][key] = value

    return breaks


def _text(name: str, file: str, old: str, new: str) -> Break:
    return lambda stack: stack.replace(name, file, old, new)


def _policy(name: str, statement: Mapping[str, Any], key: str = "policy") -> Break:
    return _setter(name, key, json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def _zone_rules(*rules: Mapping[str, Any], phase: str = "http_request_cache_settings") -> dict[str, Any]:
    return {"zoneId": "zone", "kind": "zone", "name": phase, "phase": phase, "rules": list(rules)}


CACHING = {
    "ref": "products",
    "action": "set_cache_settings",
    "expression": 'http.request.uri.path strict wildcard "/api/products*"',
    "actionParameters": {"cache": True},
}
GUARD = {
    "ref": "credentials",
    "action": "set_cache_settings",
    "expression": 'any(http.request.headers.names[*] == "authorization")',
    "actionParameters": {"cache": False},
}
COOKIE = {
    "ref": "cookies",
    "action": "set_cache_control",
    "expression": 'any(http.response.headers.names[*] == "set-cookie")',
    "actionParameters": {"no_store": {"operation": "set"}},
}
RULESET = "cloudflare:index/ruleset:Ruleset"
SETTING = "cloudflare:index/zoneSetting:ZoneSetting"


def with_edge(
    stack: Editable, *request: Mapping[str, Any], response: tuple[Mapping[str, Any], ...] = (COOKIE,)
) -> None:
    """An edge of the test's own, in the place of the environment's."""
    for name in [name for name, fact in stack.facts.items() if fact.type in (RULESET, SETTING)]:
        if name in stack.resources:
            stack.drop(name)
    stack.add(RULESET, "cache", _zone_rules(*request))
    stack.add(RULESET, "answers", _zone_rules(*response, phase="http_response_cache_settings"))
    stack.add(SETTING, "minimum", {"settingId": "min_tls_version", "value": "1.2"})
    stack.add(SETTING, "ssl", {"settingId": "ssl", "value": "strict"})


def _edge_with(**changed: Any) -> Break:
    def breaks(stack: Editable) -> None:
        with_edge(
            stack,
            changed.get("first", CACHING),
            changed.get("last", GUARD),
            response=changed.get("response", (COOKIE,)),
        )

    return breaks


def _zone_setting(name: str, value: str) -> Break:
    def breaks(stack: Editable) -> None:
        with_edge(stack, CACHING, GUARD)
        stack[name]["value"] = value

    return breaks


def _two_sentinels(stack: Editable) -> None:
    stack[SENTINELS]["spec"]["replicas"] = 2


def _affinity(stack: Editable) -> None:
    del stack.pod(NODES)["affinity"]


def _grace(stack: Editable) -> None:
    stack.pod(NODES)["terminationGracePeriodSeconds"] = 10


def _memory(stack: Editable) -> None:
    stack.container(NODES)["resources"]["limits"]["memory"] = "6Gi"


def _suspended(stack: Editable) -> None:
    stack["redis-backup"]["spec"]["suspend"] = True


def _replicas(stack: Editable) -> None:
    stack[BALANCER]["spec"]["replicas"] = 1


def _many_pools(stack: Editable) -> None:
    stack[BALANCER]["spec"]["replicas"] = 100


def _unversioned(stack: Editable) -> None:
    stack["redis-backups-versions"]["versioningConfiguration"]["status"] = "Suspended"


def _plain_bucket(stack: Editable) -> None:
    stack["redis-backups-encryption"]["rules"][0]["applyServerSideEncryptionByDefault"]["sseAlgorithm"] = "AES256"


def _unlabelled_namespace(stack: Editable) -> None:
    stack["network-namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "baseline"


def _root(stack: Editable) -> None:
    stack.container(BALANCER)["securityContext"]["allowPrivilegeEscalation"] = True


def _writable(stack: Editable) -> None:
    stack.container(BALANCER)["securityContext"]["readOnlyRootFilesystem"] = False


def _unlimited(stack: Editable) -> None:
    del stack.container(BALANCER)["resources"]["limits"]


def _unprobed(stack: Editable) -> None:
    del stack.container(BALANCER)["livenessProbe"]


def _latest(stack: Editable) -> None:
    stack.container(BALANCER)["image"] = "edoburu/pgbouncer:latest"


def _password(stack: Editable) -> None:
    stack.container(BALANCER)["env"].append({"name": "DATABASE_PASSWORD", "value": "correct horse battery"})


def _no_default_deny(stack: Editable) -> None:
    stack.drop("network-default-deny")


def _token(stack: Editable) -> None:
    stack.pod(BALANCER)["automountServiceAccountToken"] = True


def _all_verbs(stack: Editable) -> None:
    stack["monitoring-prometheus-role"]["rules"][0]["verbs"] = ["*"]


def _no_runbook(stack: Editable) -> None:
    rules = stack["monitoring-prometheus-rules"]["data"]
    for file, text in rules.items():
        if "runbook_url:" in text:
            rules[file] = text.replace("runbook_url:", "page:")
            return
    raise AssertionError("no alert has a runbook")


def _unscraped(stack: Editable) -> None:
    stack[BALANCER]["spec"]["template"]["metadata"]["annotations"]["prometheus.io/scrape"] = "false"


def _forgetful(stack: Editable) -> None:
    del stack["monitoring-prometheus-stateful-set"]["spec"]["volumeClaimTemplates"]


def _untagged(stack: Editable) -> None:
    del stack["redis-backups-bucket"]["tags"]["owner"]


def _unlabelled(stack: Editable) -> None:
    del stack[BALANCER]["metadata"]["labels"]["app.kubernetes.io/part-of"]


def _unprotected(stack: Editable) -> None:
    stack.protect[INSTANCE] = False


def _no_budget(stack: Editable) -> None:
    stack.drop("pgbouncer-budget")


BREAKS: Mapping[str, Break] = {
    "redis-authentication": _text("redis-data-config", "redis.conf", "aclfile /etc/redis-secrets/users.acl", ""),
    "redis-least-privilege": _text("redis-node-secrets", "users.acl", "+@all -@admin -@dangerous", "+@all"),
    "redis-not-open": _text("redis-data-config", "redis.conf", "bind ${POD_IP}", "bind 0.0.0.0"),
    "redis-eviction-policy": _text(
        "redis-data-config", "redis.conf", "maxmemory-policy ", "maxmemory-policy noeviction #"
    ),
    "redis-persistence": _text("redis-data-config", "redis.conf", "appendonly yes", "appendonly no"),
    "redis-memory-headroom": _memory,
    "redis-sentinel-quorum": _two_sentinels,
    "redis-spread": _affinity,
    "redis-graceful-stop": _grace,
    "redis-backup": _suspended,
    "postgres-encrypted": _setter(INSTANCE, "storageEncrypted", False),
    "postgres-not-public": _setter(INSTANCE, "publiclyAccessible", True),
    "postgres-multi-az": _setter(INSTANCE, "multiAz", False),
    "postgres-deletion-protection": _setter(INSTANCE, "deletionProtection", False),
    "postgres-final-snapshot": _setter(INSTANCE, "skipFinalSnapshot", True),
    "postgres-backups": _setter(INSTANCE, "backupRetentionPeriod", 1),
    "postgres-tls-forced": lambda stack: stack.parameter("rds.force_ssl", value="0"),
    "postgres-statement-logging": lambda stack: stack.parameter("log_statement", value="all"),
    "postgres-apply-method": lambda stack: stack.parameter("shared_buffers", applyMethod="immediate"),
    "postgres-parameters-fit": lambda stack: stack.parameter("shared_buffers", value="1900000"),
    "postgres-log-retention": _setter("postgres-log-postgresql", "retentionInDays", None),
    "pgbouncer-pools-fit": _many_pools,
    "pgbouncer-pool-mode": _text("pgbouncer-config", "pgbouncer.ini", "pool_mode = transaction", "pool_mode = session"),
    "pgbouncer-tls": _text(
        "pgbouncer-config", "pgbouncer.ini", "server_tls_sslmode = verify-full", "server_tls_sslmode = require"
    ),
    "pgbouncer-authentication": _text(
        "pgbouncer-config", "pgbouncer.ini", "auth_type = scram-sha-256", "auth_type = trust"
    ),
    "s3-public-access-blocked": lambda stack: stack.drop("redis-backups-private"),
    "s3-block-complete": _setter("redis-backups-private", "blockPublicPolicy", False),
    "s3-encrypted": _plain_bucket,
    "s3-versioned": _unversioned,
    "s3-tls-only": lambda stack: stack.drop("redis-backups-policy"),
    "s3-policy-closed": _policy(
        "redis-backups-policy", {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject"}
    ),
    "security-group-closed": _setter("postgres-firewall-cluster", "cidrIpv4", "0.0.0.0/0"),
    "iam-no-wildcard": _policy("redis-jobs-policy", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
    "iam-trust-limited": _policy(
        "redis-jobs-role", {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}, "assumeRolePolicy"
    ),
    "kms-rotation": _setter("redis-backups-key", "enableKeyRotation", False),
    "kubernetes-namespace-restricted": _unlabelled_namespace,
    "kubernetes-pods-restricted": _root,
    "kubernetes-read-only-root": _writable,
    "kubernetes-resources": _unlimited,
    "kubernetes-probes": _unprobed,
    "kubernetes-images-fixed": _latest,
    "kubernetes-no-plain-secrets": _password,
    "kubernetes-network-policies": _no_default_deny,
    "kubernetes-services-closed": _setter_below("gateway-services-door", "loadBalancerSourceRanges", ["0.0.0.0/0"]),
    "kubernetes-replicas": _replicas,
    "kubernetes-disruption-budgets": _no_budget,
    "kubernetes-tokens-off": _setter("pgbouncer-account", "automountServiceAccountToken", True),
    "kubernetes-tokens-wanted": _token,
    "kubernetes-rbac-limited": _all_verbs,
    "edge-personal-routes": _edge_with(first={**CACHING, "expression": 'http.request.uri.path eq "/api/cart"'}),
    "edge-authorization-bypass": _edge_with(first=GUARD, last=CACHING),
    "edge-set-cookie-bypass": _edge_with(response=()),
    "edge-minimum-tls": _zone_setting("minimum", "1.0"),
    "edge-strict-origin-tls": _zone_setting("ssl", "full"),
    "edge-plan-limits": lambda stack: with_edge(
        stack, *({**CACHING, "ref": f"rule-{number}"} for number in range(301)), GUARD
    ),
    "edge-rules-named": _edge_with(first={**CACHING, "ref": "credentials"}),
    "alerts-have-runbooks": _no_runbook,
    "servers-are-scraped": _unscraped,
    "prometheus-keeps-data": _forgetful,
    "stateful-protected": _unprotected,
    "aws-tags": _untagged,
    "kubernetes-labels": _unlabelled,
}


def _argument(*arguments: str) -> Break:
    return lambda stack: stack.container(BALANCER).update(args=[*arguments])


def _in_a_config_map(line: str) -> Break:
    return lambda stack: stack["pgbouncer-config"]["data"].update({"more.conf": line})


def _attached(stack: Editable) -> None:
    given = {"role": "x", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    stack.add("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "more", given)


def _cluster_admin(stack: Editable) -> None:
    given = {"metadata": {"name": "more"}, "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}
    stack.add("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "more", given)


def _capability(stack: Editable) -> None:
    stack.container(BALANCER)["securityContext"]["capabilities"]["add"] = ["SYS_ADMIN"]


def _host_port(stack: Editable) -> None:
    stack.container(BALANCER)["ports"][0]["hostPort"] = 6432


def _sysctl(stack: Editable) -> None:
    stack.pod(BALANCER)["securityContext"]["sysctls"] = [{"name": "kernel.msgmax", "value": "1"}]


def _scaled_to_one(stack: Editable) -> None:
    stack["api-autoscaler"]["spec"]["minReplicas"] = 1


def _caching_too(expression: str) -> Break:
    """One more rule in the edge as it is, behind the others that cache."""

    def breaks(stack: Editable) -> None:
        stack["edge-request-cache-settings"]["rules"].insert(-1, {**CACHING, "ref": "more", "expression": expression})

    return breaks


def _without_the_last_rule(name: str) -> Break:
    return lambda stack: stack[name]["rules"].pop()


OTHER_BREAKS: tuple[tuple[str, str, Break], ...] = (
    ("kubernetes-no-plain-secrets", "option", _argument("--password=hunter2-hunter2")),
    ("kubernetes-no-plain-secrets", "option and value", _argument("--auth-token", "hunter2-hunter2")),
    ("kubernetes-no-plain-secrets", "address", _argument("postgres://app:hunter2-hunter2@db/simone")),
    ("kubernetes-no-plain-secrets", "line", _in_a_config_map("password = hunter2-hunter2")),
    ("kubernetes-no-plain-secrets", "YAML", _in_a_config_map('  bearer_auth_token: "hunter2-hunter2"')),
    ("kubernetes-no-plain-secrets", "key", _in_a_config_map("-----BEGIN EC PRIVATE KEY-----")),
    ("kubernetes-pods-restricted", "capability", _capability),
    ("kubernetes-pods-restricted", "node's port", _host_port),
    ("kubernetes-pods-restricted", "kernel setting", _sysctl),
    ("kubernetes-network-policies", "everybody", _setter_below("network-api", "ingress", [{}])),
    ("kubernetes-network-policies", "no policy", lambda stack: stack.drop("network-api")),
    ("kubernetes-services-closed", "no ranges", _setter_below("api-service", "type", "LoadBalancer")),
    ("kubernetes-services-closed", "node's port", _setter_below("api-service", "type", "NodePort")),
    ("kubernetes-replicas", "autoscaler", _scaled_to_one),
    ("kubernetes-disruption-budgets", "all", _setter_below("redis-data-budget", "maxUnavailable", 2)),
    ("kubernetes-rbac-limited", "cluster-admin", _cluster_admin),
    ("iam-no-wildcard", "attached", _attached),
    (
        "iam-no-wildcard",
        "list",
        _policy("redis-jobs-policy", {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["x"]}),
    ),
    ("security-group-closed", "IPv6", _setter("postgres-firewall-cluster", "cidrIpv6", "::/0")),
    ("postgres-parameters-fit", "work_mem", lambda stack: stack.parameter("work_mem", value="20971520")),
    ("redis-persistence", "no snapshots", _text("redis-data-config", "redis.conf", "save 3600 1", 'save ""')),
    ("edge-personal-routes", "everything", _caching_too("true")),
    ("edge-personal-routes", "the API", _caching_too('http.request.uri.path wildcard "/api/*"')),
    ("edge-personal-routes", "not understood", _caching_too('starts_with(http.request.uri.path, "/x")')),
    ("edge-authorization-bypass", "no guard", _without_the_last_rule("edge-request-cache-settings")),
    ("edge-set-cookie-bypass", "no guard", _without_the_last_rule("edge-response-cache-settings")),
)
"""Further ways to break some of them: rule, what it is, the change."""
