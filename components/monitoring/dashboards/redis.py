"""The Redis pairs and their Sentinels."""

from components.monitoring.dashboards.board import Board, Limits, Panel, Variable
from components.monitoring.thresholds import (
    BACKUP_AGE,
    EVICTION_SHARE,
    EVICTION_SHARE_GOAL,
    REDIS_MEMORY,
    REPLICA_LAG,
    SENTINEL_CPU,
    SESSIONS_MEMORY_TICKET,
    SNAPSHOT_AGE,
)

_PAIR = 'pair=~"$pair"'

REDIS = Board(
    name="redis",
    title="SIMONE: Redis",
    description="Three master/replica pairs under three Sentinels: memory, hits, evictions, failover.",
    variables=(Variable(name="pair", label="Pair", query="label_values(redis_up, pair)"),),
    sections={
        "Memory and evictions": (
            Panel(
                title="Memory used",
                description="Share of maxmemory. Sessions warn at 75 % and page at 80 %.",
                unit="percentunit",
                queries={"{{pod}}": f"pod:redis_memory_used:ratio{{{_PAIR}}}"},
                limits=Limits(alert=REDIS_MEMORY, warn=SESSIONS_MEMORY_TICKET),
                alerts=("RedisSessionsMemoryHigh", "RedisSessionsMemoryCritical", "RedisMemoryHigh"),
                maximum=1,
            ),
            Panel(
                title="Evicted share",
                description="Share of the leaving keys that were evicted before they expired.",
                unit="percentunit",
                queries={
                    "{{pair}}": f"pair:redis_evictions:share_rate5m{{{_PAIR}}}\n"
                    f'or 0 * sum by (pair) (redis_up{{job="redis", {_PAIR}}})'
                },
                limits=Limits(alert=EVICTION_SHARE, warn=EVICTION_SHARE_GOAL),
                alerts=("RedisEvictionShare", "RedisSessionsEvicted"),
            ),
        ),
        "Work": (
            Panel(
                title="Commands",
                description="Commands processed a second, both nodes of a pair together.",
                unit="ops",
                queries={"{{pair}}": f"pair:redis_commands:rate5m{{{_PAIR}}}"},
                width=8,
            ),
            Panel(
                title="Keyspace hit ratio",
                description="Reads that found their key.",
                unit="percentunit",
                queries={"{{pair}}": f"pair:redis_keyspace_hits:ratio_rate5m{{{_PAIR}}}"},
                width=8,
                maximum=1,
            ),
            Panel(
                title="Clients",
                description="Connected clients; rejected ones mean that maxclients is reached.",
                unit="short",
                queries={
                    "{{pod}}": f'redis_connected_clients{{job="redis", {_PAIR}}}',
                    "{{pod}} rejected": (
                        "sum by (pod) (\n"
                        f'  increase(redis_rejected_connections_total{{job="redis", {_PAIR}}}[$__rate_interval]))'
                    ),
                },
                alerts=("RedisConnectionsRejected",),
                width=8,
            ),
            Panel(
                title="Keys",
                description="Keys of each node.",
                unit="short",
                queries={"{{pod}}": f'sum by (pod) (redis_db_keys{{job="redis", {_PAIR}}})'},
                width=8,
            ),
            Panel(
                title="Network",
                description="Bytes out a second.",
                unit="Bps",
                queries={"{{pod}}": f'rate(redis_net_output_bytes_total{{job="redis", {_PAIR}}}[$__rate_interval])'},
                width=8,
            ),
            Panel(
                title="CPU",
                description="Cores in use by the server.",
                unit="short",
                queries={
                    "{{pod}}": f'rate(redis_cpu_user_seconds_total{{job="redis", {_PAIR}}}[$__rate_interval])\n'
                    f'+ rate(redis_cpu_sys_seconds_total{{job="redis", {_PAIR}}}[$__rate_interval])'
                },
                width=8,
            ),
        ),
        "Failover and persistence": (
            Panel(
                title="Masters of each pair",
                description="Must be 1. 0: writes fail. 2: they diverge.",
                unit="none",
                queries={"{{pair}}": f"pair:redis_masters:count{{{_PAIR}}}"},
                alerts=("RedisMasterCount", "RedisDown", "RedisFailoverRate"),
                width=8,
            ),
            Panel(
                title="Replica lag",
                description="Seconds since the replica's last acknowledgement.",
                unit="s",
                queries={"{{pair}}": f'redis_connected_slave_lag_seconds{{job="redis", {_PAIR}}}'},
                limits=Limits(alert=REPLICA_LAG),
                alerts=("RedisReplicaLag", "RedisReplicationBroken"),
                width=8,
            ),
            Panel(
                title="Sentinels",
                description="Usable Sentinels that each one sees, by master.",
                unit="none",
                queries={
                    "{{pod}} for {{master_name}}": "redis_sentinel_master_ok_sentinels",
                    "{{pod}} in TILT": "redis_sentinel_tilt",
                },
                alerts=("RedisSentinelQuorum", "RedisSentinelTilt", "RedisSentinelDown", "RedisSentinelsDisagree"),
                width=8,
            ),
            Panel(
                title="Sentinels' processor",
                description="Cores that each Sentinel uses. It needs hardly any.",
                unit="none",
                queries={"{{pod}}": "pod:redis_sentinel_cpu:rate5m"},
                limits=Limits(alert=SENTINEL_CPU),
                alerts=("RedisSentinelBusy",),
                width=8,
            ),
            Panel(
                title="Age of the last snapshot",
                description="Hourly snapshots, when there were changes.",
                unit="s",
                queries={"{{pod}}": f'time() - redis_rdb_last_save_timestamp_seconds{{job="redis", {_PAIR}}}'},
                limits=Limits(alert=SNAPSHOT_AGE),
                alerts=("RedisSnapshotAge", "RedisPersistenceFailing"),
                width=8,
            ),
            Panel(
                title="Append-only file",
                description="The file's size now, and right after the last rewrite.",
                unit="bytes",
                queries={
                    "{{pod}}": f'redis_aof_current_size_bytes{{job="redis", {_PAIR}}}',
                    "{{pod}} at rewrite": f'redis_aof_base_size_bytes{{job="redis", {_PAIR}}}',
                },
                alerts=("RedisAofGrowth",),
                width=8,
            ),
            Panel(
                title="Age of the last backup",
                description="As the bucket lists it. Backups run every 6 hours: above the line two are missing.",
                unit="s",
                queries={"{{pair}}": f"time() - redis_backup_last_success_timestamp_seconds{{{_PAIR}}}"},
                limits=Limits(alert=BACKUP_AGE),
                alerts=("RedisBackupAge", "RedisBackupMissing"),
                width=8,
            ),
            Panel(
                title="Size of the last backup",
                description="A sudden fall means that data is gone.",
                unit="bytes",
                queries={"{{pair}}": f"redis_backup_last_size_bytes{{{_PAIR}}}"},
                width=8,
            ),
            Panel(
                title="Backups kept",
                description="Backups in the bucket; the retention is a setting.",
                unit="none",
                queries={"{{pair}}": f"redis_backup_stored{{{_PAIR}}}"},
                width=8,
            ),
        ),
    },
)
