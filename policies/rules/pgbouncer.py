"""pgBouncer: pools, mode, TLS."""

from collections.abc import Iterator, Mapping

from policies.rule import Finding, Findings, Parameters, Severity, rule
from policies.rules.postgres import parameters_of
from stack.configuration_texts import ini
from stack.resource import Resource, Stack

_DOCS = "https://www.pgbouncer.org/config.html"


def _configurations(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, str]]]:
    for holder, _name, text in stack.files("pgbouncer.ini"):
        yield holder, ini(text).get("pgbouncer", {})


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
    limits = [
        int(value)
        for group in stack.of("rds/parameterGroup:ParameterGroup")
        for value, _method in [parameters_of(group).get("max_connections", ("", ""))]
        if value.isdigit()
    ]
    for holder, settings in _configurations(stack):
        most = int(settings.get("max_db_connections", "0"))
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
