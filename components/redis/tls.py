"""Redis over TLS, where `redis.tls_ca` is set: one certificate for all nodes and Sentinels, checked by its CA.

Clients don't compare host names: they connect to the addresses of Services, which a certificate can't know before they
exist. ACL users and passwords identify clients.
"""

from collections.abc import Mapping

from components.redis.settings import RedisSettings
from components.settings.secrets import RedisSecrets

CA_FILE = "ca.crt"


def listening(settings: RedisSettings, port: int, texts: str, secrets: str) -> str:
    """The lines of redis.conf or sentinel.conf that open `port`; `texts` and `secrets` are the mounted directories."""
    if not settings.tls:
        return f"port {port}\n"
    return f"""\
port 0
tls-port {port}
tls-cert-file {secrets}/tls.crt
tls-key-file {secrets}/tls.key
tls-ca-cert-file {texts}/{CA_FILE}
tls-auth-clients no
# A replica at its master, a Sentinel at nodes and other Sentinels.
tls-replication yes
"""


def ca_file(settings: RedisSettings) -> Mapping[str, str]:
    """The CA file that a client mounts; empty without TLS."""
    return {CA_FILE: settings.tls_ca} if settings.tls_ca else {}


def certificate_files(secrets: RedisSecrets) -> Mapping[str, str]:
    """What the servers prove themselves with; nothing without TLS."""
    if secrets.tls_certificate is None or secrets.tls_key is None:
        return {}
    return {"tls.crt": secrets.tls_certificate.get_secret_value(), "tls.key": secrets.tls_key.get_secret_value()}


def client_options(settings: RedisSettings, texts: str) -> Mapping[str, str]:
    """The variable that scripts give redis-cli as options."""
    return {"REDISCLI_TLS": f"--tls --cacert {texts}/{CA_FILE}"} if settings.tls else {}
