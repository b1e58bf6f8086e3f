"""pgBouncer: pools, mode, TLS."""

import re
from collections.abc import Iterator, Mapping

from policies.mounts import of_a_secret
from policies.rule import Finding, Findings, Parameters, Severity, rule
from policies.rules.postgres import max_connections
from stack.configuration_texts import ini
from stack.resource import Resource, Stack

_DOCS = "https://www.pgbouncer.org/config.html"


def _configurations(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, str]]]:
    for holder, _name, text in stack.files("pgbouncer.ini"):
        yield holder, ini(text).get("pgbouncer", {})


def _entries(stack: Stack) -> Iterator[tuple[Resource, str, str, Mapping[str, str]]]:
    """Settings of one database or user, which override those of all."""
    for holder, _name, text in stack.files("pgbouncer.ini"):
        for section in ("databases", "users"):
            for name, line in ini(text).get(section, {}).items():
                yield holder, section, name, dict(re.findall(r"(\w+)\s*=\s*('[^']*'|\S+)", line))


@rule(
    "pgbouncer-pools-fit",
    severity=Severity.CRITICAL,
    protects="Under load Postgres would refuse connections, migrations' first.",
    fix="Lower simone:pgbouncer's pool sizes or replicas, or choose a larger database.",
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
    protects="In session mode an idle client keeps its connection, and 100 clients exhaust the pool.",
    fix="Set pool_mode to an allowed value.",
    link=f"{_DOCS}#pool_mode",
    parameters={"allowed": ["transaction"]},
)
def pool_mode(stack: Stack, parameters: Parameters) -> Findings:
    """Clients share connections by transaction."""
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
    protects="Another machine could pose as the database.",
    fix="Set simone:pgbouncer.server_tls_mode to an allowed value.",
    link=f"{_DOCS}#server_tls_sslmode",
    parameters={"allowed": ["verify-full"]},
)
def tls(stack: Stack, parameters: Parameters) -> Findings:
    """pgBouncer verifies the database's certificate."""
    for holder, settings in _configurations(stack):
        mode = settings.get("server_tls_sslmode", "prefer")
        if mode not in parameters["allowed"]:
            yield Finding(f"server_tls_sslmode is {mode}; allowed: {', '.join(parameters['allowed'])}", holder)
        if mode.startswith("verify") and "server_tls_ca_file" not in settings:
            yield Finding("server_tls_ca_file is missing, so no certificate can be verified", holder)


@rule(
    "pgbouncer-settings",
    severity=Severity.HIGH,
    protects="Whoever logs in could stop it, act as another user, reach another database or wait for ever.",
    fix="Leave pgbouncer.ini as components/pgbouncer writes it.",
    link=_DOCS,
    parameters={"wait_seconds": 30, "administrators": []},
)
def settings_safe(stack: Stack, parameters: Parameters) -> Findings:
    """pgBouncer connects each user to the one database under the same name; nobody administers it, and no wait is
    unbounded.
    """
    for holder, settings in _configurations(stack):
        for fault in _faults(settings, parameters):
            yield Finding(fault, holder)
        for name in ("auth_file", "auth_hba_file"):
            path = settings.get(name)
            if path and not all(of_a_secret(stack, server, path) for server in stack.mounting(holder)):
                yield Finding(f"{name} is {path}, which is in no Secret of the stack", holder)
    for holder, section, name, options in _entries(stack):
        if section == "databases" and name == "*":
            yield Finding("[databases] maps every other name to a database too", holder)
        if section == "databases" and not options.get("host", "").startswith("$"):
            yield Finding(
                f"the database {name} is at {options.get('host', 'a socket')}, which isn't the stack's", holder
            )
        for option in sorted({"user", "password", "connect_query"} & options.keys()):
            yield Finding(f"{option} of {name} in [{section}] makes all its clients one user", holder)


_OWN = {"query_wait_timeout": "120", "max_client_conn": "100"}
"""Defaults (pgbouncer.org/config.html)."""
_OLD_TLS = {"all", "legacy", "tlsv1.0", "tlsv1.1"}


def _faults(settings: Mapping[str, str], parameters: Parameters) -> Iterator[str]:
    for user in settings.get("admin_users", "").replace(",", " ").split():
        if user not in parameters["administrators"]:
            yield f"admin_users names {user}, who may stop it"
    if old := _OLD_TLS & set(re.split(r"[\s,:]+", settings.get("server_tls_protocols", ""))):
        yield f"server_tls_protocols takes {', '.join(sorted(old))}"
    if settings.get("listen_addr") in ("*", "0.0.0.0", "::"):  # noqa: S104 (what is looked for)
        yield f"listen_addr is {settings['listen_addr']}"
    waits, clients = (int(settings.get(name, own)) for name, own in _OWN.items())
    if not 0 < waits <= parameters["wait_seconds"]:
        yield f"query_wait_timeout is {waits} s"
    if clients < int(settings.get("max_db_connections", "0")):
        yield f"max_client_conn {clients} is below max_db_connections"


@rule(
    "pgbouncer-authentication",
    severity=Severity.CRITICAL,
    protects="trust asks for no password; with md5 its hash is as good as the password.",
    fix="Set auth_type = scram-sha-256.",
    link=f"{_DOCS}#auth_type",
)
def authentication(stack: Stack, _: Parameters) -> Findings:
    """pgBouncer's clients log in with SCRAM."""
    for holder, settings in _configurations(stack):
        if settings.get("auth_type") != "scram-sha-256":
            yield Finding(f"auth_type is {settings.get('auth_type', 'not set')}", holder)
