"""Rules of the Redis pairs and their Sentinels."""

from components.monitoring.rules.model import Alert, Group, Recording
from components.monitoring.thresholds import (
    AOF_TO_MAXMEMORY,
    EVICTION_SHARE,
    FAILOVERS_PER_HOUR,
    REDIS_MEMORY,
    REPLICA_LAG,
    SESSIONS_MEMORY_TICKET,
    SNAPSHOT_AGE,
)

_RECORDINGS = (
    Recording(record="pod:redis_memory_used:ratio", expr="redis_memory_used_bytes / (redis_memory_max_bytes > 0)"),
    Recording(
        record="pair:redis_keyspace_hits:ratio_rate5m",
        expr="sum by (pair) (rate(redis_keyspace_hits_total[5m]))\n"
        "/ (sum by (pair) (rate(redis_keyspace_hits_total[5m]) + rate(redis_keyspace_misses_total[5m])) > 0)",
    ),
    # Of the keys that left by themselves, the share that was thrown out before its time.
    Recording(
        record="pair:redis_evictions:share_rate5m",
        expr="sum by (pair) (rate(redis_evicted_keys_total[5m]))\n"
        "/ (sum by (pair) (rate(redis_evicted_keys_total[5m]) + rate(redis_expired_keys_total[5m])) > 0)",
    ),
    Recording(record="pair:redis_commands:rate5m", expr="sum by (pair) (rate(redis_commands_processed_total[5m]))"),
    Recording(
        record="pair:redis_masters:count",
        expr='count by (pair) (redis_instance_info{job="redis", role="master"})\n'
        'or 0 * count by (pair) (up{job="redis"})',
    ),
    # 1 while the pair's first node is master: it changes with each failover.
    Recording(
        record="pair:redis_first_is_master:bool",
        expr='count by (pair) (redis_instance_info{job="redis", role="master", pod=~".*-0"})\n'
        'or 0 * count by (pair) (redis_instance_info{job="redis", role="master"})',
    ),
)

_ALERTS = (
    Alert(
        name="RedisMasterCount",
        expr="pair:redis_masters:count != 1",
        hold="1m",
        hold_reason="a failover takes 2 s and is seen within one scrape; four scrapes are not a failover any more",
        severity="page",
        summary="Redis pair {{ $labels.pair }} has {{ $value }} masters",
        description="No master: writes to {{ $labels.pair }} fail. Two: they diverge and one side will be lost.",
        runbook="redis",
    ),
    Alert(
        name="RedisDown",
        expr='redis_up{job="redis"} == 0 or up{job="redis"} == 0',
        hold="2m",
        hold_reason="a restarted node has loaded its data and rejoined by then",
        severity="ticket",
        summary="Redis node {{ $labels.pod }} is down",
        description="The pair {{ $labels.pair }} has no second node: the next failure stops it.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelQuorum",
        expr="redis_sentinel_master_ckquorum_status == 0",
        hold="1m",
        hold_reason="longer than a Sentinel's restart, shorter than anybody wants to be without failover",
        severity="page",
        summary="Sentinel {{ $labels.pod }} sees no quorum for {{ $labels.master_name }}",
        description="Too few Sentinels reach each other: a lost master of {{ $labels.master_name }} stays lost.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelTilt",
        expr="redis_sentinel_tilt == 1",
        hold="1m",
        hold_reason="TILT ends by itself after 30 s unless its cause stays",
        severity="page",
        summary="Sentinel {{ $labels.pod }} is in TILT",
        description="It saw its clock jump or its process stall and takes no part in failovers.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelDown",
        expr='redis_up{job="sentinel"} == 0 or up{job="sentinel"} == 0',
        hold="5m",
        hold_reason="two of three still fail over; a rescheduled pod is back by then",
        severity="ticket",
        summary="Sentinel {{ $labels.pod }} is down",
        description="Failover needs two of three Sentinels; one more lost and there is none.",
        runbook="redis",
    ),
    Alert(
        name="RedisSentinelsDisagree",
        expr="count by (master_name) (count by (master_name, master_address) (redis_sentinel_master_status)) > 1",
        hold="1m",
        hold_reason="after a failover all Sentinels agree within 2.4 s (measured); a minute is no gossip delay",
        severity="page",
        summary="Sentinels name {{ $value }} different masters for {{ $labels.master_name }}",
        description="Clients that ask different Sentinels write to different nodes.",
        runbook="redis",
    ),
    Alert(
        name="RedisReplicationBroken",
        expr='redis_master_link_up{job="redis"} == 0',
        hold="5m",
        hold_reason="a full resynchronisation of the largest pair fits in",
        severity="ticket",
        summary="Redis {{ $labels.pod }} doesn't follow its master",
        description="A failover of {{ $labels.pair }} would now lose what the replica is missing.",
        runbook="redis",
    ),
    Alert(
        name="RedisReplicaLag",
        expr=f'redis_connected_slave_lag_seconds{{job="redis"}} > {REPLICA_LAG:g}',
        hold="1m",
        hold_reason="a single slow moment (fork, network) is over by then",
        severity="ticket",
        summary="The replica of {{ $labels.pod }} is {{ $value | humanizeDuration }} behind",
        description="A failover of {{ $labels.pair }} would lose that much.",
        runbook="redis",
    ),
    Alert(
        name="RedisFailoverRate",
        expr=f"changes(pair:redis_first_is_master:bool[1h]) > {FAILOVERS_PER_HOUR}",
        hold="0s",
        hold_reason="the hour is in the expression",
        severity="ticket",
        summary="Redis pair {{ $labels.pair }} failed over {{ $value }} times within an hour",
        description="Each failover is a gap of about 2 s; something makes masters unreachable again and again.",
        runbook="redis",
    ),
    Alert(
        name="RedisSessionsMemoryHigh",
        expr=f'pod:redis_memory_used:ratio{{pair="sessions"}} > {SESSIONS_MEMORY_TICKET:g}',
        hold="5m",
        hold_reason="a burst of anonymous sessions expires again within minutes",
        severity="ticket",
        summary="Sessions use {{ $value | humanizePercentage }} of their memory on {{ $labels.pod }}",
        description="At 100 % Redis evicts sessions (they are found again in Postgres, slower).",
        runbook="redis",
    ),
    Alert(
        name="RedisSessionsMemoryCritical",
        expr=f'pod:redis_memory_used:ratio{{pair="sessions"}} > {REDIS_MEMORY:g}',
        hold="5m",
        hold_reason="as RedisSessionsMemoryHigh",
        severity="page",
        summary="Sessions use {{ $value | humanizePercentage }} of their memory on {{ $labels.pod }}",
        description="Sessions will be evicted soon: raise redis.sessions.maxmemory or stop what creates them.",
        runbook="redis",
    ),
    Alert(
        name="RedisMemoryHigh",
        expr=f'pod:redis_memory_used:ratio{{pair!="sessions"}} > {REDIS_MEMORY:g}',
        hold="30m",
        hold_reason="caches fill up by design; half an hour tells a trend from a peak",
        severity="ticket",
        summary="Redis {{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory",
        description="The cache {{ $labels.pair }} nears its limit: look whether it evicts what is still asked for.",
        runbook="redis",
    ),
    Alert(
        name="RedisSessionsEvicted",
        expr='increase(redis_evicted_keys_total{pair="sessions"}[15m]) > 0',
        hold="0s",
        hold_reason="one evicted session is one too many",
        severity="page",
        summary="Redis evicted {{ $value | humanize }} sessions on {{ $labels.pod }} within 15 minutes",
        description="Sessions are thrown away for want of memory; visitors are served from the Postgres copy.",
        runbook="redis",
    ),
    Alert(
        name="RedisEvictionShare",
        expr=f'pair:redis_evictions:share_rate5m{{pair!="sessions"}} > {EVICTION_SHARE:g}\n'
        "and on (pair) sum by (pair) (rate(redis_evicted_keys_total[5m])) > 1",
        hold="10m",
        hold_reason="a warm-up after a restart may evict for some minutes",
        severity="page",
        summary="{{ $value | humanizePercentage }} of the keys leaving {{ $labels.pair }} are evicted",
        description="The cache is too small for what is asked of it: hit ratio falls and the database feels it.",
        runbook="redis",
    ),
    Alert(
        name="RedisPersistenceFailing",
        expr='redis_rdb_last_bgsave_status{job="redis"} == 0 or redis_aof_last_write_status{job="redis"} == 0\n'
        'or redis_aof_last_bgrewrite_status{job="redis"} == 0',
        hold="5m",
        hold_reason="Redis retries by itself after a moment",
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
        hold_reason="a snapshot of the largest pair takes minutes",
        severity="ticket",
        summary="The last snapshot of {{ $labels.pod }} is {{ $value | humanizeDuration }} old",
        description="Hourly snapshots are declared; the data that a restore starts from grows old.",
        runbook="redis",
    ),
    Alert(
        name="RedisAofGrowth",
        expr=f'redis_aof_current_size_bytes{{job="redis"}} > {AOF_TO_MAXMEMORY:g} * redis_memory_max_bytes\n'
        "and redis_memory_max_bytes > 0",
        hold="15m",
        hold_reason="longer than a rewrite, which brings the size down again",
        severity="ticket",
        summary="The AOF of {{ $labels.pod }} has grown to {{ $value | humanize1024 }}B",
        description="The nightly rewrite isn't enough or didn't run; the volume fills and a restart takes longer.",
        runbook="redis",
    ),
    Alert(
        name="RedisConnectionsRejected",
        expr='increase(redis_rejected_connections_total{job="redis"}[5m]) > 0',
        hold="0s",
        hold_reason="the five minutes are in the expression",
        severity="ticket",
        summary="Redis {{ $labels.pod }} rejected {{ $value | humanize }} connections",
        description="maxclients is reached: a client leaks connections or opens one per request.",
        runbook="redis",
    ),
)

REDIS = Group(name="redis", rules=(*_RECORDINGS, *_ALERTS))
