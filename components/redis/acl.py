"""ACL files of Redis and Sentinel: one user for each purpose, each with the least it needs.

An ACL file may hold nothing but `user` lines. Passwords stand in it as SHA-256 hashes, two of them
while one is replaced.
"""

import hashlib

from components.settings.secrets import RedisSecrets

# A shop's command set: data and scripts that come with each call; no code stays in the server, nothing administrates.
# ROLE lets a client make sure that it writes to a master, INFO lets the API report on memory and evictions.
_APP = (
    "~* &* +@keyspace +@string +@hash +@set +@list +@sortedset +@pubsub +@connection +@transaction "
    "-@admin -@dangerous -@blocking -dump -copy -move -randomkey +eval +evalsha +time +role +info"
)
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


# `default` is off and has no password. But Redis loads its AOF as this user, and checks each command of a transaction
# again at EXEC: without these rights it would leave out what transactions wrote.
_NOBODY = "user default off resetpass allkeys allchannels +@all\n"

# The pods that take these passwords show them too, from their environment. So the order of the hashes is that of use:
# when another one is shown the text changes, and the pods start anew.
_SHOWN_BY_THE_PODS = ("exporter", "operations")


def _user(secrets: RedisSecrets, name: str, rules: str) -> str:
    values = secrets.values(name)
    order = values if name in _SHOWN_BY_THE_PODS else sorted(values, reverse=True)
    digests = [hashlib.sha256(values[slot].get_secret_value().encode()).hexdigest() for slot in order]
    return f"user {name} on {' '.join(f'#{digest}' for digest in digests)} resetchannels {rules}\n"


def node_acl(secrets: RedisSecrets) -> str:
    """users.acl of a Redis node."""
    return (
        _NOBODY
        + _user(secrets, "app", _APP)
        + _user(secrets, "exporter", _EXPORTER)
        + _user(secrets, "replication", _REPLICATION)
        + _user(secrets, "sentinel", _SENTINEL)
        + _user(secrets, "operations", _OPERATIONS)
    )


def sentinel_acl(secrets: RedisSecrets) -> str:
    """users.acl of a Sentinel: the same users and passwords, with what each asks a Sentinel."""
    return (
        "user default off resetkeys resetchannels -@all\n"
        + _user(secrets, "app", _SENTINEL_APP)
        + _user(secrets, "exporter", _SENTINEL_EXPORTER)
        + _user(secrets, "sentinel", _SENTINEL_PEER)
        + _user(secrets, "operations", _SENTINEL_OPERATIONS)
    )
