"""Redis and Sentinel: passwords, memory, persistence, quorum, spread, backups."""

from collections.abc import Iterator

from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.configuration_texts import directives, kubernetes_bytes, redis_bytes, redis_settings
from stack.resource import Resource, Stack, dig, selects

_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management"


def _nodes(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    return stack.files("redis.conf")


def _servers(stack: Stack) -> Iterator[Resource]:
    """The StatefulSets that run Redis or Sentinel: those that mount their configuration."""
    for holder, _, _ in stack.files("redis.conf", "sentinel.conf"):
        yield from (workload for workload in stack.mounting(holder) if workload.is_server)


@rule(
    "redis-authentication",
    severity=Severity.CRITICAL,
    protects="Anyone who reaches the port could read and delete every session and cart.",
    fix="Give each server an `aclfile`, switch the default user off and give every other user a password.",
    link=f"{_DOCS}/security/acl/",
)
def authentication(stack: Stack, _: Parameters) -> Findings:
    """Redis and Sentinel know no user without a password."""
    for holder, name, text in stack.files("redis.conf", "sentinel.conf"):
        if not any(words[0] == "aclfile" for words in directives(text)):
            yield Finding(f"{name} names no aclfile, so the default user needs no password", holder)
    for holder, _name, text in stack.files("users.acl"):
        for words in directives(text):
            user, rules = words[1], words[2:]
            if user == "default" and "off" not in rules:
                yield Finding("the default user is on", holder)
            elif "on" in rules and ("nopass" in rules or not any(r.startswith(("#", ">")) for r in rules)):
                yield Finding(f"the user {user} has no password", holder)


@rule(
    "redis-least-privilege",
    severity=Severity.HIGH,
    protects="A leaked password of one purpose would open all of Redis, with CONFIG, DEBUG and FLUSHALL.",
    fix="List the commands that the user needs instead of +@all or ~* with administrative commands.",
    link=f"{_DOCS}/security/acl/",
)
def least_privilege(stack: Stack, _: Parameters) -> Findings:
    """No Redis user may run every command."""
    for holder, _name, text in stack.files("users.acl"):
        for words in directives(text):
            granted = set(words[2:])
            everything = granted & {"+@all", "allcommands"}
            if everything and not {"-@admin", "-@dangerous"} <= granted and "off" not in granted:
                yield Finding(f"the user {words[1]} may run administrative commands", holder)


@rule(
    "redis-not-open",
    severity=Severity.CRITICAL,
    protects="A server that listens everywhere without a NetworkPolicy is reachable from every pod in the cluster.",
    fix="Bind to ${POD_IP}, keep `protected-mode yes`, and let a NetworkPolicy say who may connect.",
    link=f"{_DOCS}/security/",
)
def not_open(stack: Stack, _: Parameters) -> Findings:
    """Redis and Sentinel listen on the pod's address only, behind a NetworkPolicy."""
    policies = list(stack.of(":NetworkPolicy"))
    for holder, name, text in stack.files("redis.conf", "sentinel.conf"):
        settings = redis_settings(text)
        addresses = set(settings.get("bind", "*").split())
        if addresses & {"*", "0.0.0.0", "::", "*::*"}:  # noqa: S104 (what is looked for)
            yield Finding(f"{name} binds to {' '.join(sorted(addresses))}", holder)
        if settings.get("protected-mode", "yes") != "yes":
            yield Finding(f"{name} switches protected-mode off", holder)
        for server in stack.mounting(holder):
            if not any(
                selects(policy.get("spec", "podSelector"), server.pod_labels)
                and "Ingress" in (policy.get("spec", "policyTypes") or ())
                for policy in policies
            ):
                yield Finding(f"no NetworkPolicy limits who may connect to {server.object_name}", server)


@rule(
    "redis-eviction-policy",
    severity=Severity.HIGH,
    protects="With noeviction a full cache refuses writes; without maxmemory the node's memory runs out.",
    fix="Set `maxmemory` and one of the allowed `maxmemory-policy` values.",
    link="https://redis.io/docs/latest/develop/reference/eviction/",
    parameters={"allowed": ["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-ttl"]},
)
def eviction_policy(stack: Stack, parameters: Parameters) -> Findings:
    """Every Redis has a memory limit of its own and evicts when it is reached."""
    for holder, _name, text in _nodes(stack):
        settings = redis_settings(text)
        policy = settings.get("maxmemory-policy", "noeviction")
        if policy not in parameters["allowed"]:
            allowed = ", ".join(parameters["allowed"])
            yield Finding(f"maxmemory-policy is {policy}; allowed are {allowed}", holder)
        if redis_bytes(settings.get("maxmemory", "0")) == 0:
            yield Finding("maxmemory isn't set", holder)


@rule(
    "redis-persistence",
    severity=Severity.HIGH,
    protects="Without an append-only file a restart loses every session and cart.",
    fix="Set `appendonly yes` and `appendfsync everysec` (or always), and mount a volume at its directory.",
    link=f"{_DOCS}/persistence/",
)
def persistence(stack: Stack, _: Parameters) -> Findings:
    """Every Redis writes an append-only file at least once a second, and snapshots."""
    for holder, _name, text in _nodes(stack):
        settings = redis_settings(text)
        if settings.get("appendonly", "no") != "yes":
            yield Finding("appendonly is off", holder)
        if settings.get("appendfsync", "everysec") == "no":
            yield Finding("appendfsync is no: up to 30 seconds of writes can be lost", holder)
        if settings.get("save") in ('""', "''"):
            yield Finding("no snapshots are taken", holder)
        for server in stack.mounting(holder):
            if server.is_server and not server.get("spec", "volumeClaimTemplates"):
                yield Finding(f"{server.object_name} has no persistent volume", server)


@rule(
    "redis-memory-headroom",
    severity=Severity.HIGH,
    protects="An AOF rewrite under writes doubles the memory (2.02 times measured); the kernel kills what exceeds it.",
    fix="Raise the container's memory limit to {factor} times maxmemory plus {extra_mib} MiB, or lower maxmemory.",
    link=f"{_DOCS}/optimization/memory-optimization/",
    parameters={"factor": 2.0, "extra_mib": 256},
)
def memory_headroom(stack: Stack, parameters: Parameters) -> Findings:
    """A Redis container's memory limit leaves room for a copy of its data."""
    for holder, _name, text in _nodes(stack):
        maxmemory = redis_bytes(redis_settings(text).get("maxmemory", "0"))
        needed = int(parameters["factor"] * maxmemory + parameters["extra_mib"] * 1024**2)
        for server in stack.mounting(holder):
            for container in server.containers(init=False):
                limit = dig(container, "resources", "limits", "memory")
                if dig(container, "name") == "redis" and limit and kubernetes_bytes(limit) < needed:
                    yield Finding(
                        f"{server.object_name} may use {limit}, but maxmemory {maxmemory // 1024**2} MiB "
                        f"needs {needed // 1024**2} MiB",
                        server,
                    )


@rule(
    "redis-sentinel-quorum",
    severity=Severity.CRITICAL,
    protects="Too low a quorum lets a minority promote a second master; an even number of Sentinels adds only risk.",
    fix="Run an odd number of Sentinels, three or more, with a quorum of more than half of them.",
    link=f"{_DOCS}/sentinel/",
)
def sentinel_quorum(stack: Stack, _: Parameters) -> Findings:
    """Sentinels are odd in number, and a majority decides."""
    for holder, _name, text in stack.files("sentinel.conf"):
        quorums = {words[2]: int(words[5]) for words in directives(text) if words[:2] == ["sentinel", "monitor"]}
        for server in stack.mounting(holder):
            count = int(server.get("spec", "replicas") or 1)
            if count < 3 or count % 2 == 0:
                yield Finding(f"there are {count} Sentinels; an odd number from 3 up is needed", server)
            for master, quorum in quorums.items():
                if not count / 2 < quorum <= count:
                    yield Finding(f"the quorum for {master} is {quorum} of {count} Sentinels", holder)
        if not quorums:
            yield Finding("the Sentinels watch no master", holder)


@rule(
    "redis-spread",
    severity=Severity.HIGH,
    protects="A master and its replica on one node, or two Sentinels, are lost together.",
    fix="Require anti-affinity by kubernetes.io/hostname and spread over zones.",
    link="https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/",
)
def spread(stack: Stack, _: Parameters) -> Findings:
    """No two pods of a pair, and no two Sentinels, run on one node; zones share them out."""
    for server in _servers(stack):
        anti = "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
        terms = dig(server.pod, "affinity", *anti) or ()
        if not any(
            dig(term, "topologyKey") == "kubernetes.io/hostname"
            and selects(dig(term, "labelSelector"), server.pod_labels)
            for term in terms
        ):
            yield Finding(f"{server.object_name} doesn't require a node for each pod", server)
        zones = dig(server.pod, "topologySpreadConstraints") or ()
        if not any(dig(zone, "topologyKey") == "topology.kubernetes.io/zone" for zone in zones):
            yield Finding(f"{server.object_name} isn't spread over zones", server)


@rule(
    "redis-graceful-stop",
    severity=Severity.HIGH,
    protects="A master stopped without handing over first loses about 800 acknowledged writes (measured).",
    fix="Keep the preStop hook, and a grace period of at least {seconds} s.",
    link=f"{_DOCS}/sentinel/",
    parameters={"seconds": 60},
)
def graceful_stop(stack: Stack, parameters: Parameters) -> Findings:
    """A Redis master hands over before it stops."""
    for holder, _name, _text in _nodes(stack):
        for server in stack.mounting(holder):
            if not server.is_server:
                continue
            grace = int(dig(server.pod, "terminationGracePeriodSeconds") or 30)
            if grace < parameters["seconds"]:
                yield Finding(f"{server.object_name} has {grace} s to stop, needs {parameters['seconds']}", server)
            if not any(dig(container, "lifecycle", "preStop") for container in server.containers(init=False)):
                yield Finding(f"{server.object_name} has no preStop hook", server)


@rule(
    "redis-backup",
    severity=Severity.HIGH,
    protects="A replica copies a mistaken FLUSHALL at once; only a backup survives it.",
    fix="Keep the backup CronJob running, at least daily, into a bucket of the stack.",
    link=f"{_DOCS}/persistence/",
    parameters={"cron_job": "redis-backup"},
)
def backup(stack: Stack, parameters: Parameters) -> Findings:
    """Redis is backed up into a bucket by a job that isn't suspended."""
    if not any(True for _ in _nodes(stack)):
        return
    jobs = [job for job in stack.of(":CronJob") if job.object_name == parameters["cron_job"]]
    if not jobs:
        yield Finding(f"there is no CronJob {parameters['cron_job']}")
    for job in jobs:
        if job.get("spec", "suspend"):
            yield Finding("the backup job is suspended", job)
    if not any(True for _ in stack.of(":Bucket")):
        yield Finding("there is no bucket for the backups")
