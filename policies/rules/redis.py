"""Redis and Sentinel: passwords, memory, persistence, quorum, spread, backups."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

from policies.mounts import of_a_secret
from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.configuration_texts import directives, kubernetes_bytes, longest_pause, redis_bytes, redis_settings
from stack.listing import few
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
    protects="Whoever reaches the port could read and delete every session and cart.",
    fix="Give each server an `aclfile`; switch the default user off; give every other user a password.",
    link=f"{_DOCS}/security/acl/",
)
def authentication(stack: Stack, _: Parameters) -> Findings:
    """Every Redis and Sentinel user has a password."""
    for holder, name, text in stack.files("redis.conf", "sentinel.conf"):
        users = redis_settings(text).get("aclfile")
        if users is None:
            yield Finding(f"{name} names no aclfile, so the default user needs no password", holder)
        elif not all(of_a_secret(stack, server, users) for server in stack.mounting(holder)):
            yield Finding(f"{name} reads its users from {users}, which is in no Secret of the stack", holder)
        for directive, value in redis_settings(text).items():
            if directive == "include":
                yield Finding(f"{name} includes {value}, which these rules don't read", holder)
    for holder, user, rules in _users(stack):
        if user == "default" and _last(rules, "on", "off", "reset") != "off":
            yield Finding("the default user is on", holder)
        elif _last(rules, "on", "off", "reset") == "on" and not _has_password(rules):
            yield Finding(f"the user {user} has no password", holder)


def _users(stack: Stack) -> Iterator[tuple[Resource, str, list[str]]]:
    """Redis' users with their rules, in order: those of ACL files, and those that a redis.conf defines itself."""
    for holder, name, text in stack.files("users.acl", "redis.conf", "sentinel.conf"):
        for words in directives(text):
            if name == "users.acl" or words[0] == "user":
                yield holder, words[1], [word if word[0] in _PAYLOAD else word.lower() for word in words[2:]]


_PAYLOAD = "><#!~%&("
"""The first characters of rules that aren't Redis's keywords, which may be written in capitals."""


def _last(rules: list[str], *wanted: str) -> str:
    """The last of these rules, which is the one that counts."""
    return next((rule for rule in reversed(rules) if rule in wanted), "")


def _has_password(rules: list[str]) -> bool:
    """Whether the user needs a password: `nopass`, `resetpass` and `reset` undo what came before them."""
    asked = False
    for rule_ in rules:
        if rule_ in ("nopass", "resetpass", "reset"):
            asked = False
        elif rule_.startswith(("#", ">")):
            asked = True
    return asked


# `ACL CAT admin` and `ACL CAT dangerous` of Redis 7.0, without a sub-command's name.
_ADMIN = frozenset(
    [
        "acl",
        "bgrewriteaof",
        "bgsave",
        "client",
        "cluster",
        "config",
        "debug",
        "failover",
        "lastsave",
        "latency",
        "module",
        "monitor",
        "pfdebug",
        "pfselftest",
        "psync",
        "replconf",
        "replicaof",
        "role",
        "save",
        "shutdown",
        "slaveof",
        "slowlog",
        "sync",
    ]
)
_DANGEROUS = _ADMIN | frozenset(
    ["flushall", "flushdb", "info", "keys", "migrate", "restore", "restore-asking", "sort", "sort_ro", "swapdb"]
)
_HARMLESS = frozenset({"client", "info", "keys", "lastsave", "role", "sort", "sort_ro", "latency", "slowlog"})
"""These do no harm but load, so a user may have them by name or in @all."""
_ALONE = frozenset(
    [
        *("acl", "cluster", "config", "debug", "failover", "flushall", "flushdb", "migrate", "module", "monitor"),
        *("replicaof", "shutdown", "swapdb"),
    ]
)
"""Commands that open or destroy everything."""
_PARTS = frozenset({"acl|load", "acl|save", "acl|setuser", "config|rewrite", "config|set", "module|load"})
"""Sub-commands that do so; the others (`config|get`) may be named."""


def administrative(rules: list[str], *, operator: bool = False) -> frozenset[str]:
    """The administrative commands that a user may run without a rule that names them, or that open everything. An
    `operator` may have sub-commands by name.

    Redis applies the rules from left to right, so `-@dangerous +@all` is everything; a selector in parentheses is a
    separate list (redis.io/docs/latest/operate/oss_and_stack/management/security/acl/).
    """
    allowed: set[str] = set()
    text = " ".join(rules)
    selectors = re.findall(r"\(([^)]*)\)", text)
    for rule_ in re.sub(r"\([^)]*\)", " ", text).split():
        sign, name = rule_[:1], rule_[1:].lower()
        if rule_ in ("allcommands", "+@all"):
            allowed = set(_DANGEROUS)
        elif rule_ in ("nocommands", "-@all", "reset"):
            allowed = set()
        elif rule_.startswith(("+@", "-@")):
            group = {"admin": _ADMIN, "dangerous": _DANGEROUS}.get(name[1:], frozenset[str]())
            allowed = allowed | group if sign == "+" else allowed - group
        elif sign == "-":
            allowed.discard(name)
        elif sign == "+" and (name in _ALONE or (name in _PARTS and not operator)):
            allowed.add(name)
    inner = (administrative(selector.split(), operator=operator) for selector in selectors)
    return frozenset(allowed - _HARMLESS).union(*inner)


@rule(
    "redis-least-privilege",
    severity=Severity.HIGH,
    protects="One leaked password would open all of Redis, with CONFIG, DEBUG and FLUSHALL.",
    fix="List the commands that the user needs; follow +@all with -@admin -@dangerous.",
    link=f"{_DOCS}/security/acl/",
    parameters={"operators": ["operations", "sentinel"]},
)
def least_privilege(stack: Stack, parameters: Parameters) -> Findings:
    """No Redis user may run every command; only `operators` may run the administrative ones listed for them."""
    for holder, user, rules in _users(stack):
        commands = administrative(rules, operator=user in parameters["operators"])
        if commands and _last(rules, "on", "off", "reset") == "on":
            yield Finding(f"the user {user} may run administrative commands: {few(sorted(commands))}", holder)


@rule(
    "redis-not-open",
    severity=Severity.CRITICAL,
    protects="A server that listens everywhere is open to every pod in the cluster.",
    fix="Bind to ${POD_IP}, keep `protected-mode yes`, and declare a NetworkPolicy.",
    link=f"{_DOCS}/security/",
)
def not_open(stack: Stack, _: Parameters) -> Findings:
    """Redis and Sentinel listen on the pod's address only, behind a NetworkPolicy."""
    policies = list(stack.of(":NetworkPolicy"))
    for holder, name, text in stack.files("redis.conf", "sentinel.conf"):
        settings = redis_settings(text)
        addresses = {address.removeprefix("-") for address in settings.get("bind", "*").split()}
        if addresses & {"*", "0.0.0.0", "::", "::*", "*::*"}:  # noqa: S104 (what is looked for)
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
    protects="With noeviction a full cache refuses writes; without maxmemory it exhausts the node.",
    fix="Set `maxmemory` and an allowed `maxmemory-policy`.",
    link="https://redis.io/docs/latest/develop/reference/eviction/",
    parameters={"allowed": ["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-ttl"]},
)
def eviction_policy(stack: Stack, parameters: Parameters) -> Findings:
    """Every Redis has a memory limit and evicts at it."""
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
    fix="Set `appendonly yes` and `appendfsync everysec` (or always); mount a volume at the directory.",
    link=f"{_DOCS}/persistence/",
)
def persistence(stack: Stack, _: Parameters) -> Findings:
    """Every Redis writes snapshots, and an append-only file at least once a second."""
    for holder, _name, text in _nodes(stack):
        settings = redis_settings(text)
        if settings.get("appendonly", "no").lower() != "yes":
            yield Finding("appendonly is off", holder)
        if settings.get("appendfsync", "everysec") == "no":
            yield Finding("appendfsync is no: up to 30 seconds of writes can be lost", holder)
        if settings.get("save") == "":
            yield Finding("no snapshots are taken", holder)
        for server in stack.mounting(holder):
            if server.is_server and not server.get("spec", "volumeClaimTemplates"):
                yield Finding(f"{server.object_name} has no persistent volume", server)


_WRONG: Mapping[str, tuple[str, str]] = {
    "cluster-enabled": ("no", "Sentinel can't promote in a cluster"),
    "enable-debug-command": ("no", "whoever may log in can stop it"),
    "enable-module-command": ("no", "whoever may log in can load a program into it"),
    "enable-protected-configs": ("no", "whoever may log in can let it write anywhere"),
    "loadmodule": ("", "it loads a program that nobody has looked into"),
    "logfile": ("", "its log isn't collected"),
    "no-appendfsync-on-rewrite": ("no", "half a minute of writes can be lost during a rewrite"),
    "replicaof": ("", "Sentinel decides who follows whom"),
    "slaveof": ("", "Sentinel decides who follows whom"),
    "sentinel deny-scripts-reconfig": ("yes", "whoever may log in can let it run programs"),
    "sentinel notification-script": ("", "it runs a program that nobody has looked into"),
    "sentinel client-reconfig-script": ("", "it runs a program that nobody has looked into"),
}
"""The only allowed value by directive (empty: the directive is forbidden), and the effect of any other."""


@rule(
    "redis-settings",
    severity=Severity.HIGH,
    protects="One directive can turn off replication, persistence or protection against foreign programs.",
    fix="Leave redis.conf and sentinel.conf as components/redis writes them.",
    link="https://redis.io/docs/latest/operate/oss_and_stack/management/config/",
    parameters={"clients": 1000, "down_ms": 30000, "failover_ms": 180000},
)
def settings_safe(stack: Stack, parameters: Parameters) -> Findings:
    """No Redis or Sentinel directive endangers the data or delays a failover."""
    for holder, name, text in stack.files("redis.conf", "sentinel.conf"):
        for words in directives(text):
            length = 2 if words[0].lower() == "sentinel" else 1
            directive, value = " ".join(words[:length]).lower(), words[-1].lower() if len(words) > length else ""
            right, why = _WRONG.get(directive, (value, ""))
            if value != right:
                yield Finding(f"{name} says {' '.join(words)}: {why}", holder)
            for part, most in (("down-after-milliseconds", "down_ms"), ("failover-timeout", "failover_ms")):
                if directive == f"sentinel {part}" and int(value) > parameters[most]:
                    yield Finding(f"{name} has {' '.join(words)}: more than {parameters[most]}", holder)
    for holder, _name, text in _nodes(stack):
        settings = redis_settings(text)
        if int(settings.get("maxclients", "10000")) < parameters["clients"]:
            yield Finding(f"maxclients is {settings['maxclients']}", holder)
        wanted, directory = int(settings.get("min-replicas-to-write", "0")), settings.get("dir", "./")
        for server in (one for one in stack.mounting(holder) if one.is_server):
            pods = int(server.get("spec", "replicas") or 1)
            if wanted > max(0, pods - 2):
                yield Finding(f"min-replicas-to-write {wanted} of {pods} pods refuses writes after a failover", holder)
            if directory not in _kept(server):
                yield Finding(f"dir is {directory}, which is on no volume of {server.object_name}", holder)


def _kept(server: Resource) -> set[str]:
    """Where a server's containers have the volumes that outlive its pods."""
    claims = {dig(claim, "metadata", "name") for claim in server.get("spec", "volumeClaimTemplates") or ()}
    mounts = (mount for container in server.containers() for mount in dig(container, "volumeMounts") or ())
    return {str(dig(mount, "mountPath")) for mount in mounts if dig(mount, "name") in claims}


@rule(
    "redis-memory-headroom",
    severity=Severity.HIGH,
    protects="An AOF rewrite under writes doubles the memory (2.02 times measured); beyond the limit "
    "the kernel kills Redis.",
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
    protects="A low quorum lets a minority promote a second master; an even number adds only risk.",
    fix="Run an odd number of Sentinels, at least three, with a quorum of more than half.",
    link=f"{_DOCS}/sentinel/",
)
def sentinel_quorum(stack: Stack, _: Parameters) -> Findings:
    """The number of Sentinels is odd, and a majority decides."""
    for holder, _name, text in stack.files("sentinel.conf"):
        quorums = {words[2]: int(words[5]) for words in directives(text) if words[:2] == ["sentinel", "monitor"]}
        for server in stack.mounting(holder):
            count = int(server.get("spec", "replicas") or 1)
            if count < 3 or count % 2 == 0:
                yield Finding(f"there are {count} Sentinels; an odd number from 3 up is needed", server)
            for master, quorum in quorums.items():
                if not count / 2 < quorum < count:
                    lost = ", so that none may be lost" if quorum == count else ""
                    yield Finding(f"the quorum for {master} is {quorum} of {count} Sentinels{lost}", holder)
        if not quorums:
            yield Finding("the Sentinels watch no master", holder)


@rule(
    "redis-spread",
    severity=Severity.HIGH,
    protects="Two of them on one node are lost together.",
    fix="Require anti-affinity by kubernetes.io/hostname, and spread over zones.",
    link="https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/",
)
def spread(stack: Stack, _: Parameters) -> Findings:
    """Pods of a pair, and Sentinels, run on different nodes and spread over zones."""
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
    protects="A master that stops without handing over loses about 800 acknowledged writes (measured).",
    fix="Keep the preStop hook and a grace period of at least {seconds} s.",
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
    protects="A replica copies a mistaken FLUSHALL at once; a backup survives it.",
    fix="Run the backup CronJob at least every {hours} hours, into a bucket of the stack.",
    link=f"{_DOCS}/persistence/",
    parameters={"cron_job": "redis-backup", "hours": 24},
)
def backup(stack: Stack, parameters: Parameters) -> Findings:
    """A CronJob that isn't suspended backs Redis up into a bucket."""
    if not any(True for _ in _nodes(stack)):
        return
    jobs = [job for job in stack.of(":CronJob") if job.object_name == parameters["cron_job"]]
    if not jobs:
        yield Finding(f"there is no CronJob {parameters['cron_job']}")
    for job in jobs:
        if job.get("spec", "suspend"):
            yield Finding("the backup job is suspended", job)
        pause = longest_pause(str(job.get("spec", "schedule")))
        if pause is not None and pause > timedelta(hours=parameters["hours"]):
            yield Finding(f"up to {pause.total_seconds() / 3600:g} hours lie between two backups", job)
    if not any(True for _ in stack.of(":Bucket")):
        yield Finding("there is no bucket for the backups")
