"""ACL files of Redis and Sentinel: one user for each purpose, each with the least it needs.

An ACL file may hold nothing but `user` lines. Passwords stand in it as SHA-256 hashes.
"""

import hashlib

from pydantic import SecretStr

from components.settings.secrets import RedisSecrets

# A shop's command set: everything on data, nothing that administrates or reads all keys at once. ROLE lets a
# client make sure that it writes to a master, INFO lets the API report on memory and evictions.
_APP = "~* &* +@all -@admin -@dangerous +role +info"
# No configuration: the passwords of replication stand in it.
_EXPORTER = (
    "+ping +info +slowlog|get +slowlog|len +latency|latest +latency|histogram +client|setname +select +dbsize +command"
)
_REPLICATION = "+psync +replconf +ping"
# The list that Sentinel's documentation gives for the nodes it watches.
_SENTINEL = (
    "&* +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname "
    "+client|kill +script|kill"
)
# Planned failover, a filled node made promotable (config|set; directories and file names are protected settings),
# backup from a replica (redis-cli --rdb speaks the replication protocol), AOF rewrite, restore.
_OPERATIONS = (
    "~* +ping +role +info +dbsize +lastsave +bgsave +bgrewriteaof +client|pause +client|unpause +client|setname "
    "+config|get +config|set +acl|log +memory|usage +sync +psync +replconf +wait +scan +type +restore +exists "
    "+dump +pexpiretime +pttl +get +strlen +hgetall +lrange +smembers +zrange +script|exists"
)

_SENTINEL_APP = (
    "&* +ping +hello +role +info +subscribe +psubscribe +unsubscribe +punsubscribe +client|setname "
    "+sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|slaves "
    "+sentinel|sentinels"
)
_SENTINEL_EXPORTER = (
    "+ping +info +client|setname "
    "+sentinel|masters +sentinel|master +sentinel|sentinels +sentinel|slaves +sentinel|replicas +sentinel|ckquorum"
)
_SENTINEL_PEER = "&* +ping +publish +subscribe +info +client|setname +client|kill +sentinel|is-master-down-by-addr"
_SENTINEL_OPERATIONS = (
    "+ping +role +info +client|setname +sentinel|get-master-addr-by-name +sentinel|master "
    "+sentinel|masters +sentinel|replicas +sentinel|slaves +sentinel|sentinels +sentinel|ckquorum +sentinel|failover "
    "+sentinel|reset"
)


def _user(name: str, password: SecretStr, rules: str) -> str:
    digest = hashlib.sha256(password.get_secret_value().encode()).hexdigest()
    return f"user {name} on #{digest} resetchannels {rules}\n"


def node_acl(secrets: RedisSecrets) -> str:
    """users.acl of a Redis node."""
    return (
        "user default off resetkeys resetchannels -@all\n"
        + _user("app", secrets.app, _APP)
        + _user("exporter", secrets.exporter, _EXPORTER)
        + _user("replication", secrets.replication, _REPLICATION)
        + _user("sentinel", secrets.sentinel, _SENTINEL)
        + _user("operations", secrets.operations, _OPERATIONS)
    )


def sentinel_acl(secrets: RedisSecrets) -> str:
    """users.acl of a Sentinel: the same users and passwords, with what each asks a Sentinel."""
    return (
        "user default off resetkeys resetchannels -@all\n"
        + _user("app", secrets.app, _SENTINEL_APP)
        + _user("exporter", secrets.exporter, _SENTINEL_EXPORTER)
        + _user("sentinel", secrets.sentinel, _SENTINEL_PEER)
        + _user("operations", secrets.operations, _SENTINEL_OPERATIONS)
    )
