"""Rules of the Redis pairs and their Sentinels."""

from components.monitoring.rules.model import Alert, Group
from components.monitoring.thresholds import (
    AOF_TO_MAXMEMORY,
    BACKUP_AGE,
    EVICTION_SHARE,
    FAILOVERS_PER_HOUR,
    REDIS_MEMORY,
    REPLICA_LAG,
    SENTINEL_CPU,
    SESSIONS_MEMORY_TICKET,
    SNAPSHOT_AGE,
)

_RECORDINGS = {
    "pod:redis_memory_used:ratio": "redis_memory_used_bytes / (redis_memory_max_bytes > 0)",
    "pair:redis_keyspace_hits:ratio_rate5m": (
        "sum by (pair) (rate(redis_keyspace_hits_total[5m]))\n"
        "/ (sum by (pair) (rate(redis_keyspace_hits_total[5m]) + rate(redis_keyspace_misses_total[5m])) > 0)"
    ),
    "pod:redis_sentinel_cpu:rate5m": (
        'sum by (pod) (rate(redis_cpu_sys_seconds_total{job="sentinel"}[5m])\n'
        '+ rate(redis_cpu_user_seconds_total{job="sentinel"}[5m]))'
    ),
    # Of the keys that left by themselves, the share that was thrown out before its time.
    "pair:redis_evictions:share_rate5m": (
        "sum by (pair) (rate(redis_evicted_keys_total[5m]))\n"
        "/ (sum by (pair) (rate(redis_evicted_keys_total[5m]) + rate(redis_expired_keys_total[5m])) > 0)"
    ),
    "pair:redis_commands:rate5m": 'sum by (pair) (rate(redis_commands_processed_total{job="redis"}[5m]))',
    "pair:redis_masters:count": (
        'count by (pair) (redis_instance_info{job="redis", role="master"})\nor 0 * count by (pair) (up{job="redis"})'
    ),
    # 1 while the pair's first node is master: it changes with each failover.
    "pair:redis_first_is_master:bool": (
        'count by (pair) (redis_instance_info{job="redis", role="master", pod=~".*-0"})\n'
        'or 0 * count by (pair) (redis_instance_info{job="redis", role="master"})'
    ),
}

_ALERTS = (
    Alert(
        name="RedisMasterCount",
        expr="pair:redis_masters:count != 1",
        hold="1m",
        hold_reason="a failover takes 2 s; four scrapes exclude one",
        severity="page",
        summary="Redis pair {{ $labels.pair }} has {{ $value }} masters",
        description="No master: writes to {{ $labels.pair }} fail. Two: they diverge, and one side will be lost.",
        runbook="redis",
    ),
    Alert(
        name="RedisDown",
        expr='redis_up{job="redis"} == 0 or up{job="redis"} == 0',
        hold="2m",
        hold_reason="a restarted node has loaded its data by then",
        severity="ticket",
        summary="Redis node {{ $labels.pod }} is down",
        description="{{ $labels.pair }} has no second node: the next failure stops it.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelQuorum",
        expr="redis_sentinel_master_ckquorum_status == 0",
        hold="1m",
        hold_reason="longer than a Sentinel's restart",
        severity="page",
        summary="Sentinel {{ $labels.pod }} sees no quorum for {{ $labels.master_name }}",
        description="Too few Sentinels reach each other: a lost master of {{ $labels.master_name }} stays lost.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelTilt",
        expr="redis_sentinel_tilt == 1",
        hold="1m",
        hold_reason="TILT ends after 30 s unless its cause stays",
        severity="page",
        summary="Sentinel {{ $labels.pod }} is in TILT",
        description="Its clock jumped or its process stalled; it takes no part in failovers.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelBusy",
        expr=f"pod:redis_sentinel_cpu:rate5m > {SENTINEL_CPU}",
        hold="10m",
        hold_reason="a failover or roll-out costs a Sentinel seconds",
        severity="ticket",
        summary="Sentinel {{ $labels.pod }} uses {{ $value | humanize }} cores",
        description="It polls a closed connection; at its CPU limit it is late for failovers.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelDown",
        expr='redis_up{job="sentinel"} == 0 or up{job="sentinel"} == 0',
        hold="5m",
        hold_reason="two of three still fail over; a rescheduled pod is back by then",
        severity="ticket",
        summary="Sentinel {{ $labels.pod }} is down",
        description="Failover needs two of three Sentinels; it has no reserve left.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelsDisagree",
        expr="count by (master_name) (count by (master_name, master_address) (redis_sentinel_master_status)) > 1",
        hold="1m",
        hold_reason="after a failover they agree within 2.4 s (measured)",
        severity="page",
        summary="Sentinels name {{ $value }} different masters for {{ $labels.master_name }}",
        description="Clients that ask different Sentinels write to different nodes.",
        runbook="redis",
    ),
    Alert(
        name="RedisReplicationBroken",
        expr='redis_master_link_up{job="redis"} == 0',
        hold="5m",
        hold_reason="the largest pair resynchronises within it",
        severity="ticket",
        summary="Redis {{ $labels.pod }} doesn't follow its master",
        description="A failover of {{ $labels.pair }} would lose what the replica lacks.",
        runbook="redis",
    ),
    Alert(
        name="RedisReplicaLag",
        expr=f'redis_connected_slave_lag_seconds{{job="redis"}} > {REPLICA_LAG:g}',
        hold="1m",
        hold_reason="longer than a fork or network stall",
        severity="ticket",
        summary="The replica of {{ $labels.pod }} is {{ $value | humanizeDuration }} behind",
        description="A failover of {{ $labels.pair }} would lose that much.",
        runbook="redis",
    ),
    Alert(
        name="RedisFailoverRate",
        expr=f"changes(pair:redis_first_is_master:bool[1h]) > {FAILOVERS_PER_HOUR}",
        hold="0s",
        hold_reason="the expression spans an hour",
        severity="ticket",
        summary="Redis pair {{ $labels.pair }} failed over {{ $value }} times within an hour",
        description="Each failover is a gap of about 2 s; something keeps making masters unreachable.",
        runbook="redis",
    ),
    Alert(
        name="RedisSessionsMemoryHigh",
        expr=f'pod:redis_memory_used:ratio{{pair="sessions"}} > {SESSIONS_MEMORY_TICKET:g}',
        hold="5m",
        hold_reason="a burst of anonymous sessions expires within minutes",
        severity="ticket",
        summary="Sessions use {{ $value | humanizePercentage }} of their memory on {{ $labels.pod }}",
        description="At 100 % Redis evicts sessions, which Postgres then serves slower.",
        runbook="redis",
    ),
    Alert(
        name="RedisSessionsMemoryCritical",
        expr=f'pod:redis_memory_used:ratio{{pair="sessions"}} > {REDIS_MEMORY:g}',
        hold="5m",
        hold_reason="as RedisSessionsMemoryHigh",
        severity="page",
        summary="Sessions use {{ $value | humanizePercentage }} of their memory on {{ $labels.pod }}",
        description="Redis will evict sessions soon: raise redis.sessions.maxmemory or stop what creates them.",
        runbook="redis",
    ),
    Alert(
        name="RedisMemoryHigh",
        expr=f'pod:redis_memory_used:ratio{{pair!="sessions"}} > {REDIS_MEMORY:g}',
        hold="30m",
        hold_reason="caches fill up by design; this excludes peaks",
        severity="ticket",
        summary="Redis {{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory",
        description="The cache {{ $labels.pair }} nears its limit: see whether it evicts keys still in use.",
        runbook="redis",
    ),
    Alert(
        name="RedisSessionsEvicted",
        expr='increase(redis_evicted_keys_total{pair="sessions"}[15m]) > 0',
        hold="0s",
        hold_reason="one evicted session is too many",
        severity="page",
        summary="Redis evicted {{ $value | humanize }} sessions on {{ $labels.pod }} within 15 minutes",
        description="Memory is too small for all sessions; evicted ones come from the Postgres copy.",
        runbook="redis",
    ),
    Alert(
        name="RedisEvictionShare",
        expr=f'pair:redis_evictions:share_rate5m{{pair!="sessions"}} > {EVICTION_SHARE:g}\n'
        "and on (pair) sum by (pair) (rate(redis_evicted_keys_total[5m])) > 1",
        hold="10m",
        hold_reason="warming up after a restart may evict for minutes",
        severity="page",
        summary="{{ $value | humanizePercentage }} of the keys leaving {{ $labels.pair }} are evicted",
        description="The cache is too small: its hit ratio falls and the database's load rises.",
        runbook="redis",
    ),
    Alert(
        name="RedisPersistenceFailing",
        expr='redis_rdb_last_bgsave_status{job="redis"} == 0 or redis_aof_last_write_status{job="redis"} == 0\n'
        'or redis_aof_last_bgrewrite_status{job="redis"} == 0',
        hold="5m",
        hold_reason="Redis retries after a moment",
        severity="page",
        summary="Redis {{ $labels.pod }} can't write its data to disk",
        description="The disk is full or slow, or memory is too short to fork. A restart now loses data.",
        runbook="redis",
    ),
    Alert(
        name="RedisSnapshotAge",
        expr=f'time() - redis_rdb_last_save_timestamp_seconds{{job="redis"}} > {SNAPSHOT_AGE}\n'
        "and redis_rdb_changes_since_last_save > 0",
        hold="10m",
        hold_reason="the largest pair's snapshot takes minutes",
        severity="ticket",
        summary="The last snapshot of {{ $labels.pod }} is {{ $value | humanizeDuration }} old",
        description="Snapshots are due hourly; a restore would start from old data.",
        runbook="redis",
    ),
    Alert(
        name="RedisBackupAge",
        expr=f"time() - redis_backup_last_success_timestamp_seconds > {BACKUP_AGE}",
        hold="10m",
        hold_reason="excludes one slow listing; the expression allows a missed backup and an hour",
        severity="page",
        summary="The newest backup of {{ $labels.pair }} is {{ $value | humanizeDuration }} old",
        description="Two backups in a row are missing, or the bucket can't be listed. A restore would lose that much.",
        runbook="redis",
    ),
    Alert(
        name="RedisBackupMissing",
        expr="redis_backup_stored == 0 or absent(redis_backup_stored)",
        hold="7h",
        hold_reason="a new environment's first backup is due within 6 h",
        severity="page",
        summary="There is no backup of {{ $labels.pair }}",
        description="The bucket holds none, or the exporter has never read it (then no pair is named).",
        runbook="redis",
    ),
    Alert(
        name="RedisAofGrowth",
        expr=f'redis_aof_current_size_bytes{{job="redis"}} > {AOF_TO_MAXMEMORY:g} * redis_memory_max_bytes\n'
        "and redis_memory_max_bytes > 0",
        hold="15m",
        hold_reason="longer than a rewrite, which shrinks it",
        severity="ticket",
        summary="The AOF of {{ $labels.pod }} has grown to {{ $value | humanize1024 }}B",
        description="The nightly rewrite failed or isn't enough; the volume fills and a restart takes longer.",
        runbook="redis",
    ),
    Alert(
        name="RedisConnectionsRejected",
        expr='increase(redis_rejected_connections_total{job="redis"}[5m]) > 0',
        hold="0s",
        hold_reason="the expression spans five minutes",
        severity="ticket",
        summary="Redis {{ $labels.pod }} rejected {{ $value | humanize }} connections",
        description="maxclients is reached: a client leaks connections or opens one per request.",
        runbook="redis",
    ),
)

REDIS = Group(name="redis", owner="devops", recordings=_RECORDINGS, alerts=_ALERTS)
