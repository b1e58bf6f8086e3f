"""redis.conf of a pair's nodes, and the few lines of it that are secret.

`${NAME}` stands for an environment variable; the start script fills it in and appends the secret lines. Both
nodes of a pair get the same text: which one is master is found out at start.
"""

from components.kubernetes.flows import REDIS_PORT
from components.redis.settings import Pair, RedisSettings
from components.redis.tls import listening
from components.settings.secrets import RedisSecrets


def redis_conf(settings: RedisSettings, pair: Pair) -> str:
    """The declared configuration of one pair; docs/redis.md gives the reason for each line."""
    return f"""\
# Network: the pod's own address. NetworkPolicies decide which pods may connect, ACL users what each may do.
bind ${{POD_IP}}
{listening(settings, REDIS_PORT, "/etc/redis", "/etc/redis-secrets")}\
protected-mode yes
timeout {settings.idle_timeout}
tcp-backlog 511
tcp-keepalive 60
aclfile /etc/redis-secrets/users.acl

# Process
daemonize no
dir /data
loglevel notice
# A stop must end within the grace period: what the AOF holds needs no snapshot on top.
shutdown-on-sigterm nosave
shutdown-timeout 10

# Memory
maxmemory {pair.maxmemory}
maxmemory-policy {pair.policy}
# Which keys are evicted is published, so that evictions are counted by entity.
notify-keyspace-events Ee
lazyfree-lazy-eviction yes
lazyfree-lazy-expire yes
lazyfree-lazy-server-del yes
lazyfree-lazy-user-del yes
replica-lazy-flush yes

# Persistence: AOF for at most a second's loss, an hourly RDB beside it. The AOF is rewritten at night by a job, and by
# the server itself only where it nears the volume's end first.
appendonly yes
appendfsync everysec
aof-use-rdb-preamble yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size {pair.largest_aof}
save 3600 1
rdbcompression yes
# The AOF is what counts: a failed snapshot raises an alert and does not refuse writes.
stop-writes-on-bgsave-error no

# Replication
replica-announce-ip ${{ANNOUNCE_IP}}
replica-announce-port {REDIS_PORT}
repl-diskless-sync no
repl-diskless-sync-delay 5
repl-ping-replica-period 1
repl-backlog-size {pair.repl_backlog}
# With a single replica, 1 would refuse writes after every failover.
min-replicas-to-write 0

# Sentinel promotes; Redis Cluster would exclude it.
cluster-enabled no

# Insight
slowlog-log-slower-than 10000
slowlog-max-len 256
latency-monitor-threshold 100
"""


def replication_conf(secrets: RedisSecrets) -> str:
    """How a replica logs in at its master. Both nodes have it, since either may become the replica."""
    return f"masteruser replication\nmasterauth {secrets.shown('replication').get_secret_value()}\n"
