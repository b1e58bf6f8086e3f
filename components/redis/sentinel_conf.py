"""sentinel.conf: what is declared of a Sentinel, and the passwords it uses.

Sentinel rewrites its file with what it learns. The start script puts that and this text together: the declared
lines win, epochs, ids and the current masters are kept.
"""

from components.kubernetes.flows import REDIS_PORT, SENTINEL_PORT
from components.redis.settings import RedisSettings
from components.redis.tls import listening
from components.redis.topology import node_names, service_variable
from components.settings.secrets import RedisSecrets


def sentinel_conf(settings: RedisSettings) -> str:
    """The declared configuration, the same for all Sentinels; `${NAME}` is filled in at start.

    A pair's first node is named as its master, which holds until the first failover only.
    """
    sentinels = settings.sentinels
    head = f"""\
bind ${{POD_IP}}
{listening(settings, SENTINEL_PORT, "/etc/sentinel", "/etc/sentinel-secrets")}\
protected-mode yes
daemonize no
dir /data
loglevel notice
aclfile /etc/sentinel-secrets/users.acl
sentinel announce-ip ${{ANNOUNCE_IP}}
sentinel announce-port {SENTINEL_PORT}
# Addresses are IPs: with names and a slow DNS there is no failover at all, and every Sentinel in TILT.
sentinel resolve-hostnames no
sentinel announce-hostnames no
sentinel deny-scripts-reconfig yes
"""
    return head + "".join(
        f"""
sentinel monitor {pair} ${{{service_variable(node_names(pair)[0])}}} {REDIS_PORT} {sentinels.quorum}
sentinel down-after-milliseconds {pair} {sentinels.down_after * 1000}
sentinel failover-timeout {pair} {sentinels.failover_timeout * 1000}
sentinel parallel-syncs {pair} 1
"""
        for pair in settings.pairs()
    )


def sentinel_auth_conf(settings: RedisSettings, secrets: RedisSecrets) -> str:
    """How a Sentinel logs in at the nodes and at the other Sentinels."""
    password = secrets.shown("sentinel").get_secret_value()
    return f"sentinel sentinel-user sentinel\nsentinel sentinel-pass {password}\n" + "".join(
        f"sentinel auth-user {pair} sentinel\nsentinel auth-pass {pair} {password}\n" for pair in settings.pairs()
    )
