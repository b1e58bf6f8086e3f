"""pgBouncer: pools, mode, TLS."""

import re
from collections.abc import Iterator, Mapping

from policies.rule import Finding, Findings, Parameters, Severity, rule
from policies.rules.postgres import max_connections
from stack.configuration_texts import ini
from stack.resource import Resource, Stack

_DOCS = "https://www.pgbouncer.org/config.html"


def _configurations(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, str]]]:
    for holder, _name, text in stack.files("pgbouncer.ini"):
        yield holder, ini(text).get("pgbouncer", {})


def _entries(stack: Stack) -> Iterator[tuple[Resource, str, str, Mapping[str, str]]]:
    """What is set for one database or one user, which counts before what is set for all."""
    for holder, _name, text in stack.files("pgbouncer.ini"):
        for section in ("databases", "users"):
            for name, line in ini(text).get(section, {}).items():
                yield holder, section, name, dict(re.findall(r"(\w+)\s*=\s*('[^']*'|\S+)", line))


@rule(
    "pgbouncer-pools-fit",
    severity=Severity.CRITICAL,
    protects="Pools larger than max_connections make Postgres refuse connections under load, migrations first.",
    fix="Lower simone:pgbouncer's pool sizes or replicas, or choose a bigger database.",
    link=f"{_DOCS}#max_db_connections",
    parameters={"share": 0.8},
)
def pools_fit(stack: Stack, parameters: Parameters) -> Findings:
    """All pools together leave connections free in Postgres."""
    limits = [int(limit) for limit in max_connections(stack)]
    for holder, settings in _configurations(stack):
        most = int(settings.get("max_db_connections", "0"))
        for entry_holder, section, name, options in _entries(stack):
            for option in ("max_db_connections", "pool_size", "max_user_connections"):
                if entry_holder is holder and option in options:
                    most = max(most, int(options[option]))
                    if int(options[option]) == 0:
                        yield Finding(f"{option} of {name} in [{section}] is 0, which is no limit", holder)
        if most == 0:
            yield Finding("max_db_connections isn't set, so pools multiply by users", holder)
        for server in stack.mounting(holder):
            pods = int(server.get("spec", "replicas") or 1)
            for limit in limits:
                if pods * most > parameters["share"] * limit:
                    yield Finding(
                        f"{pods} pods with {most} connections each make {pods * most}; Postgres allows {limit}, of "
                        f"which {parameters['share']:.0%} may be pooled",
                        server,
                    )


@rule(
    "pgbouncer-pool-mode",
    severity=Severity.HIGH,
    protects="In session mode a client holds its connection while idle, and 100 clients exhaust the pool.",
    fix="Set pool_mode to an allowed value.",
    link=f"{_DOCS}#pool_mode",
    parameters={"allowed": ["transaction"]},
)
def pool_mode(stack: Stack, parameters: Parameters) -> Findings:
    """Connections are shared by transaction."""
    for holder, settings in _configurations(stack):
        mode = settings.get("pool_mode", "session")
        if mode not in parameters["allowed"]:
            yield Finding(f"pool_mode is {mode}", holder)
    for holder, section, name, options in _entries(stack):
        mode = options.get("pool_mode", parameters["allowed"][0])
        if mode not in parameters["allowed"]:
            yield Finding(f"pool_mode of {name} in [{section}] is {mode}", holder)


@rule(
    "pgbouncer-tls",
    severity=Severity.CRITICAL,
    protects="Without a verified certificate another machine could pose as the database.",
    fix="Set simone:pgbouncer.server_tls_mode to an allowed value.",
    link=f"{_DOCS}#server_tls_sslmode",
    parameters={"allowed": ["verify-full"]},
)
def tls(stack: Stack, parameters: Parameters) -> Findings:
    """pgBouncer verifies the database that it talks to."""
    for holder, settings in _configurations(stack):
        mode = settings.get("server_tls_sslmode", "prefer")
        if mode not in parameters["allowed"]:
            yield Finding(f"server_tls_sslmode is {mode}; allowed: {', '.join(parameters['allowed'])}", holder)
        if mode.startswith("verify") and "server_tls_ca_file" not in settings:
            yield Finding("server_tls_ca_file is missing, so no certificate can be verified", holder)


@rule(
    "pgbouncer-authentication",
    severity=Severity.CRITICAL,
    protects="With trust or md5 a password isn't asked for, or its hash is as good as the password.",
    fix="Set auth_type = scram-sha-256.",
    link=f"{_DOCS}#auth_type",
)
def authentication(stack: Stack, _: Parameters) -> Findings:
    """Clients of pgBouncer log in with SCRAM."""
    for holder, settings in _configurations(stack):
        if settings.get("auth_type") != "scram-sha-256":
            yield Finding(f"auth_type is {settings.get('auth_type', 'not set')}", holder)
