"""pgbouncer.ini and userlist.txt.

`${NAME}` stands for an environment variable that the start script fills in.
"""

from components.kubernetes.flows import PGBOUNCER_PORT, POSTGRES_PORT
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.roles import APP, DATABASE, EXPORTER
from components.scram import scram_verifier
from components.settings.secrets import PostgresSecrets


def pgbouncer_ini(settings: PgBouncerSettings, secrets: PostgresSecrets) -> str:
    """The declared configuration; docs/database.md gives the reason for each line. `secrets` tell which roles log in
    to look at the statistics; of their values nothing is taken.
    """
    most = settings.default_pool_size + settings.reserve_pool_size
    tls = f"server_tls_sslmode = {settings.server_tls_mode}\n"
    if settings.server_tls_mode == "verify-full":
        tls += f"server_tls_ca_file = {settings.server_ca_file}\n"
    prepared = (
        f"max_prepared_statements = {settings.max_prepared_statements}\n" if settings.max_prepared_statements else ""
    )
    return f"""\
[databases]
{DATABASE} = host=${{DATABASE_HOST}} port={POSTGRES_PORT} dbname={DATABASE}

[pgbouncer]
listen_addr = ${{POD_IP}}
listen_port = {PGBOUNCER_PORT}
unix_socket_dir =
pidfile =

; RDS shows nobody its password hashes, so users are listed here, by the verifiers that Postgres has too.
auth_type = scram-sha-256
auth_file = /etc/pgbouncer-secrets/userlist.txt
stats_users = {", ".join(sorted(secrets.logins(EXPORTER)))}

; A server connection belongs to a client for one transaction.
pool_mode = transaction
max_client_conn = {settings.max_client_conn}
default_pool_size = {settings.default_pool_size}
reserve_pool_size = {settings.reserve_pool_size}
reserve_pool_timeout = {settings.reserve_pool_timeout}
; Pools are for each user and database: this keeps all of them together within what the settings promise.
max_db_connections = {most}
{prepared}
; Clients wait this long for a connection, then get an error.
query_wait_timeout = {settings.query_wait_timeout}
client_login_timeout = 15
server_connect_timeout = 5
server_login_retry = 1
server_lifetime = 3600
server_idle_timeout = 600
server_check_delay = 10
; A database that fails over leaves its old connections silent: whoever waits on one is told after ten seconds.
tcp_keepalive = 1
tcp_keepidle = 5
tcp_keepintvl = 2
tcp_keepcnt = 3
tcp_user_timeout = 10000
ignore_startup_parameters = extra_float_digits,options
{tls}
log_connections = 0
log_disconnections = 0
log_pooler_errors = 1
stats_period = 60
"""


def userlist(secrets: PostgresSecrets) -> str:
    """Users by SCRAM verifier: pgBouncer passes a client's proof on to Postgres, and never knows a password.

    The exporter's own role looks at pgBouncer's statistics; it may do nothing else here.
    """
    users = {**secrets.logins(APP), **secrets.logins(EXPORTER)}
    return "".join(f'"{user}" "{scram_verifier(user, password)}"\n' for user, password in sorted(users.items()))
