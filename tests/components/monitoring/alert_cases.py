"""For each alert: series that must make it fire and series that must not, in promtool's notation."""

from dataclasses import dataclass

Series = dict[str, str]


@dataclass(frozen=True)
class Case:
    """`at` is when both are judged: past the alert's `for`. A sample comes and rules are evaluated every `step`."""

    firing: Series
    silent: Series
    at: str = "30m"
    step: str = "15s"


DAYS = 86400
UP = 'up{job="redis", pair="data", pod="redis-data-0"}'
MASTER_0 = 'redis_instance_info{job="redis", pair="data", pod="redis-data-0", role="master"}'
MASTER_1 = 'redis_instance_info{job="redis", pair="data", pod="redis-data-1", role="master"}'
USED = "redis_memory_used_bytes"
MAXIMUM = "redis_memory_max_bytes"
SESSIONS_POD = '{job="redis", pair="sessions", pod="redis-sessions-0"}'
DATA_POD = '{job="redis", pair="data", pod="redis-data-0"}'
SENTINEL = '{job="sentinel", pod="redis-sentinel-0", master_name="data"}'
POOL = '{pod="pgbouncer-1", database="simone"}'

_ENDED = "kube_pod_container_status_last_terminated_reason"
_FREE, _VOLUME = "kubelet_volume_stats_available_bytes", '{persistentvolumeclaim="data-redis-data-1"}'
_CAPACITY = f"kubelet_volume_stats_capacity_bytes{_VOLUME}"
_QUOTA = 'kube_resourcequota{resource="pods"'

COUNT = "api_request_duration_seconds_count"
FAST = 'api_request_duration_seconds_bucket{le="0.05"}'
ALL = 'api_request_duration_seconds_bucket{le="0.1"}'
INFINITE = 'api_request_duration_seconds_bucket{le="+Inf"}'
# Speed, errors among 10,000 answers that burn the budget a little faster than that, when judged, step, samples.
BURNS = (
    ("Fast", 150, "70m", "1m", 100),
    ("Medium", 65, "370m", "5m", 100),
    ("Slow", 12, "4400m", "20m", 300),
)


API = {'up{job="api", pod="api-0"}': "1x400", 'up{job="api", pod="api-1"}': "1x400"}


def _browser(name: str, limit: float) -> tuple[Series, Series]:
    """Histograms whose high percentiles lie beyond `limit`, and below it."""
    bucket = f"browser_{name}_seconds_bucket"
    infinite = f'{bucket}{{le="+Inf"}}'
    both = {f'{bucket}{{le="10.0"}}': "0+100x400", infinite: "0+100x400", **API}
    both[f"browser_{name}_seconds_count"] = "0+100x400"
    return {f'{bucket}{{le="{limit}"}}': "0+60x400", **both}, {f'{bucket}{{le="{limit}"}}': "0+99x400", **both}


CASES: dict[str, Case] = {
    "RedisMasterCount": Case({UP: "1x200"}, {UP: "1x200", MASTER_0: "1x200"}, "5m"),
    "RedisDown": Case({"redis_up" + DATA_POD: "0x200"}, {"redis_up" + DATA_POD: "1x200", UP: "1x200"}, "5m"),
    "RedisSentinelQuorum": Case(
        {"redis_sentinel_master_ckquorum_status" + SENTINEL: "0x200"},
        {"redis_sentinel_master_ckquorum_status" + SENTINEL: "1x200"},
    ),
    "RedisSentinelTilt": Case(
        {'redis_sentinel_tilt{pod="redis-sentinel-0"}': "1x200"},
        {'redis_sentinel_tilt{pod="redis-sentinel-0"}': "1 0x200"},
    ),
    "RedisSentinelBusy": Case(
        {
            'redis_cpu_sys_seconds_total{job="sentinel", pod="redis-sentinel-0"}': "0+6x200",
            'redis_cpu_user_seconds_total{job="sentinel", pod="redis-sentinel-0"}': "0+6x200",
        },
        {
            'redis_cpu_sys_seconds_total{job="sentinel", pod="redis-sentinel-0"}': "0+0.1x200",
            'redis_cpu_user_seconds_total{job="sentinel", pod="redis-sentinel-0"}': "0+0.1x200",
            'redis_cpu_user_seconds_total{job="redis", pod="redis-data-0"}': "0+12x200",
        },
    ),
    "RedisSentinelDown": Case(
        {'up{job="sentinel", pod="redis-sentinel-0"}': "0x200"},
        {'up{job="sentinel", pod="redis-sentinel-0"}': "0x4 1x200"},
    ),
    "RedisSentinelsDisagree": Case(
        {
            'redis_sentinel_master_status{pod="redis-sentinel-0", master_name="data", master_address="a"}': "1x200",
            'redis_sentinel_master_status{pod="redis-sentinel-1", master_name="data", master_address="b"}': "1x200",
        },
        {
            'redis_sentinel_master_status{pod="redis-sentinel-0", master_name="data", master_address="a"}': "1x200",
            'redis_sentinel_master_status{pod="redis-sentinel-1", master_name="data", master_address="a"}': "1x200",
        },
    ),
    "RedisReplicationBroken": Case(
        {"redis_master_link_up" + DATA_POD: "0x200"}, {"redis_master_link_up" + DATA_POD: "0x8 1x200"}
    ),
    "RedisReplicaLag": Case(
        {"redis_connected_slave_lag_seconds" + DATA_POD: "30x200"},
        {"redis_connected_slave_lag_seconds" + DATA_POD: "1x200"},
    ),
    "RedisFailoverRate": Case(
        # Master moves to the second node, back, away and back again.
        {MASTER_0: "1x10 stale _x9 1x10 stale _x9 1x200", MASTER_1: "_x11 1x10 stale _x9 1x10 stale"},
        {MASTER_0: "1x30 stale", MASTER_1: "_x31 1x200"},
        "20m",
    ),
    "RedisSessionsMemoryHigh": Case(
        {USED + SESSIONS_POD: "76x200", MAXIMUM + SESSIONS_POD: "100x200"},
        {USED + SESSIONS_POD: "74x200", MAXIMUM + SESSIONS_POD: "100x200"},
    ),
    "RedisSessionsMemoryCritical": Case(
        {USED + SESSIONS_POD: "81x200", MAXIMUM + SESSIONS_POD: "100x200"},
        {USED + SESSIONS_POD: "79x200", MAXIMUM + SESSIONS_POD: "100x200"},
    ),
    "RedisMemoryHigh": Case(
        {USED + DATA_POD: "81x400", MAXIMUM + DATA_POD: "100x400"},
        {USED + DATA_POD: "79x400", MAXIMUM + DATA_POD: "100x400", USED + SESSIONS_POD: "99x400"},
        "60m",
        "1m",
    ),
    "RedisSessionsEvicted": Case(
        {"redis_evicted_keys_total" + SESSIONS_POD: "0x40 5x80"},
        {"redis_evicted_keys_total" + DATA_POD: "0+9x200"},
        "15m",
    ),
    "RedisEvictionShare": Case(
        {"redis_evicted_keys_total" + DATA_POD: "0+60x200", "redis_expired_keys_total" + DATA_POD: "0+300x200"},
        {"redis_evicted_keys_total" + DATA_POD: "0+60x200", "redis_expired_keys_total" + DATA_POD: "0+3000x200"},
    ),
    "RedisPersistenceFailing": Case(
        {"redis_aof_last_write_status" + DATA_POD: "0x200"},
        {"redis_aof_last_write_status" + DATA_POD: "1x200", "redis_rdb_last_bgsave_status" + DATA_POD: "1x200"},
    ),
    "RedisSnapshotAge": Case(
        {
            "redis_rdb_last_save_timestamp_seconds" + DATA_POD: "0x800",
            "redis_rdb_changes_since_last_save" + DATA_POD: "5x800",
        },
        {
            "redis_rdb_last_save_timestamp_seconds" + DATA_POD: "0x800",
            "redis_rdb_changes_since_last_save" + DATA_POD: "0x800",
        },
        "180m",
        "1m",
    ),
    "RedisBackupAge": Case(
        {'redis_backup_last_success_timestamp_seconds{pair="data"}': "0x1000"},
        # A backup every 6 hours, one of them missed.
        {'redis_backup_last_success_timestamp_seconds{pair="data"}': "0x719 43200x300"},
        "800m",
        "1m",
    ),
    "RedisBackupMissing": Case(
        {'redis_backup_stored{pair="data"}': "0x1000", 'redis_backup_stored{pair="sessions"}': "1x1000"},
        {'redis_backup_stored{pair="data"}': "0x380 1x600", 'redis_backup_stored{pair="sessions"}': "1x1000"},
        "500m",
        "1m",
    ),
    "RedisAofGrowth": Case(
        {"redis_aof_current_size_bytes" + DATA_POD: "400x200", MAXIMUM + DATA_POD: "100x200"},
        {"redis_aof_current_size_bytes" + DATA_POD: "200x200", MAXIMUM + DATA_POD: "100x200"},
    ),
    "RedisConnectionsRejected": Case(
        {"redis_rejected_connections_total" + DATA_POD: "0x10 3x10"},
        {"redis_rejected_connections_total" + DATA_POD: "3x40"},
        "4m",
    ),
    # An exporter that answers 500 says nothing about the database.
    "PostgresDown": Case({"pg_up": "0x200", 'up{job="postgres"}': "1x200"}, {'up{job="postgres"}': "0x200"}),
    "PostgresExporterDown": Case(
        {'up{job="postgres"}': "0x200"},
        {'up{job="postgres"}': "1x200", "pg_up": "0x200", "pg_exporter_last_scrape_error": "1x200"},
    ),
    "PostgresConnections": Case(
        {"simone_connections_used": "81x200", "simone_connections_max": "100x200"},
        {"simone_connections_used": "79x200", "simone_connections_max": "100x200"},
    ),
    "DatabaseQueryRate": Case(
        {"simone_statements_calls_total": "0+16500x200"}, {"simone_statements_calls_total": "0+14000x200"}
    ),
    "DatabaseQueryTime": Case(
        {"simone_statements_calls_total": "0+100x200", "simone_statements_seconds_total": "0+6x200"},
        {"simone_statements_calls_total": "0+100x200", "simone_statements_seconds_total": "0+4x200"},
    ),
    "DatabaseSlowQueries": Case(
        {
            'pg_stat_statements_calls_total{queryid="1"}': "0+10x200",
            'pg_stat_statements_seconds_total{queryid="1"}': "0+2x200",
            'pg_stat_statements_calls_total{queryid="2"}': "0+90x200",
            'pg_stat_statements_seconds_total{queryid="2"}': "0+1x200",
        },
        {
            'pg_stat_statements_calls_total{queryid="1"}': "0+4x200",
            'pg_stat_statements_seconds_total{queryid="1"}': "0+2x200",
            'pg_stat_statements_calls_total{queryid="2"}': "0+96x200",
            'pg_stat_statements_seconds_total{queryid="2"}': "0+1x200",
        },
    ),
    "DatabaseIndexGrowth": Case(
        {'simone_index_size_bytes{indexrelname="i", relname="t"}': "1e8x288 1.5e8x20"},
        {'simone_index_size_bytes{indexrelname="i", relname="t"}': "1e8x288 1.2e8x20"},
        "1520m",
        "5m",
    ),
    "DatabaseCpuHigh": Case({"rds_cpu_ratio": "0.51x200"}, {"rds_cpu_ratio": "0.49x200"}),
    "DatabaseStorageLow": Case(
        {"rds_free_storage_bytes": "4x200", "rds_storage_bytes": "100x200"},
        {"rds_free_storage_bytes": "6x200", "rds_storage_bytes": "100x200"},
    ),
    "RdsMetricsStale": Case(
        {"rds_last_success_timestamp_seconds": "0x200"}, {"rds_last_success_timestamp_seconds": "0+15x200"}
    ),
    "PostgresLongTransaction": Case(
        {"simone_connections_oldest_transaction_seconds": "301x200"},
        {"simone_connections_oldest_transaction_seconds": "299x200"},
    ),
    "PostgresDeadRows": Case(
        {'simone_table_dead_rows{relname="t"}': "30000x400", 'simone_table_live_rows{relname="t"}': "100000x400"},
        {
            'simone_table_dead_rows{relname="t"}': "20000x400",
            'simone_table_live_rows{relname="t"}': "100000x400",
            'simone_table_dead_rows{relname="tiny"}': "9x400",
            'simone_table_live_rows{relname="tiny"}': "1x400",
        },
        "60m",
        "1m",
    ),
    "PostgresDeadlocks": Case(
        {'pg_stat_database_deadlocks{datname="simone"}': "0x20 1x20"},
        {'pg_stat_database_deadlocks{datname="simone"}': "1x40"},
        "8m",
    ),
    "PgbouncerDown": Case(
        {'pgbouncer_up{pod="pgbouncer-1"}': "0x200"}, {'pgbouncer_up{pod="pgbouncer-1"}': "0x4 1x200"}
    ),
    "PgbouncerAllDown": Case(
        {'pgbouncer_up{pod="pgbouncer-1"}': "0x200", 'pgbouncer_up{pod="pgbouncer-2"}': "0x200"},
        {'pgbouncer_up{pod="pgbouncer-1"}': "0x200", 'pgbouncer_up{pod="pgbouncer-2"}': "1x200"},
    ),
    "PgbouncerClientsWaiting": Case(
        {"pgbouncer_pools_client_maxwait_seconds" + POOL: "2x200"},
        {"pgbouncer_pools_client_maxwait_seconds" + POOL: "2 0.5x200"},
    ),
    "PgbouncerPoolSaturated": Case(
        {
            "pgbouncer_pools_server_active_connections" + POOL: "24x200",
            "pgbouncer_databases_database_pool_size" + POOL: "25x200",
        },
        {
            "pgbouncer_pools_server_active_connections" + POOL: "17x200",
            "pgbouncer_databases_database_pool_size" + POOL: "25x200",
        },
    ),
    "PgbouncerClientConnections": Case(
        {
            "pgbouncer_pools_client_active_connections" + POOL: "850x200",
            "pgbouncer_pools_client_waiting_connections" + POOL: "0x200",
            'pgbouncer_config_max_client_conn{pod="pgbouncer-1"}': "1000x200",
        },
        {
            "pgbouncer_pools_client_active_connections" + POOL: "750x200",
            "pgbouncer_pools_client_waiting_connections" + POOL: "0x200",
            'pgbouncer_config_max_client_conn{pod="pgbouncer-1"}': "1000x200",
        },
    ),
    "CdnHitRatioLow": Case(
        {
            'cdn_requests_total{region="EU", served="edge"}': "0+5x400",
            'cdn_requests_total{region="EU", served="origin"}': "0+5x400",
        },
        {
            'cdn_requests_total{region="EU", served="edge"}': "0+7x400",
            'cdn_requests_total{region="EU", served="origin"}': "0+3x400",
        },
        "80m",
        "1m",
    ),
    "CdnMissSpike": Case(
        {
            'cdn_requests_total{region="EU", served="edge"}': "0+9x100 900+5x50",
            'cdn_requests_total{region="EU", served="origin"}': "0+1x100 100+5x50",
        },
        {
            'cdn_requests_total{region="EU", served="edge"}': "0+9x100 900+8x50",
            'cdn_requests_total{region="EU", served="origin"}': "0+1x100 100+2x50",
        },
        "145m",
        "1m",
    ),
    "CdnOriginBandwidth": Case(
        {'cdn_bytes_total{served="edge"}': "0+4x800", 'cdn_bytes_total{served="origin"}': "0+6x800"},
        {'cdn_bytes_total{served="edge"}': "0+6x800", 'cdn_bytes_total{served="origin"}': "0+4x800"},
        "120m",
        "1m",
    ),
    "CdnLatency": Case(
        {'cdn_edge_latency_seconds{quantile="0.95", region="EU"}': "0.3x200"},
        {
            'cdn_edge_latency_seconds{quantile="0.95", region="EU"}': "0.1x200",
            'cdn_edge_latency_seconds{quantile="0.99"}': "1x200",
        },
    ),
    "CdnMetricsStale": Case(
        {"cdn_last_success_timestamp_seconds": "0x200"}, {"cdn_last_success_timestamp_seconds": "0+15x200"}
    ),
    "CertificateExpiry": Case(
        {'certificate_not_after_timestamp_seconds{name="origin"}': f"{20 * DAYS}x400"},
        {'certificate_not_after_timestamp_seconds{name="origin"}': f"{25 * DAYS}x400"},
        "70m",
        "1m",
    ),
    "CertificateExpiresSoon": Case(
        {'certificate_not_after_timestamp_seconds{name="origin"}': f"{4 * DAYS}x200"},
        {'certificate_not_after_timestamp_seconds{name="origin"}': f"{6 * DAYS}x200"},
    ),
    "TargetDown": Case(
        {'up{job="api", pod="api-1"}': "0x200"}, {'up{job="api", pod="api-1"}': "1x200", 'up{job="redis"}': "0x200"}
    ),
    "PrometheusRuleFailures": Case(
        {'prometheus_rule_evaluation_failures_total{rule_group="redis"}': "0x10 2x10"},
        {'prometheus_rule_evaluation_failures_total{rule_group="redis"}': "2x40"},
        "4m",
    ),
    "PrometheusStorageFull": Case(
        {
            "prometheus_tsdb_storage_blocks_bytes": "100x400",
            "prometheus_tsdb_wal_storage_size_bytes": "20x400",
            "prometheus_tsdb_retention_limit_bytes": "100x400",
        },
        {
            "prometheus_tsdb_storage_blocks_bytes": "98x400",
            "prometheus_tsdb_wal_storage_size_bytes": "10x400",
            "prometheus_tsdb_retention_limit_bytes": "100x400",
        },
        "80m",
        "1m",
    ),
    "AlertmanagerUnreachable": Case(
        {"prometheus_notifications_alertmanagers_discovered": "0x200"},
        {
            "prometheus_notifications_alertmanagers_discovered": "1x200",
            "prometheus_notifications_errors_total": "4x200",
        },
    ),
    "AlertmanagerNotificationsFailing": Case(
        {'alertmanager_notifications_failed_total{integration="webhook"}': "0x10 1x20"},
        {'alertmanager_notifications_failed_total{integration="webhook"}': "1x40"},
        "6m",
    ),
    "JobFailed": Case(
        {
            'kube_job_failed{condition="true", job_name="redis-backup-1"}': "1x200",
            'kube_job_status_start_time{job_name="redis-backup-1"}': "0x200",
        },
        {
            'kube_job_failed{condition="true", job_name="redis-backup-1"}': "0x200",
            'kube_job_failed{condition="true", job_name="of-last-week"}': "1x200",
            'kube_job_status_start_time{job_name="redis-backup-1"}': "0x200",
            'kube_job_status_start_time{job_name="of-last-week"}': f"-{7 * DAYS}x200",
        },
    ),
    "PodMissing": Case(
        {
            'kube_statefulset_replicas{statefulset="redis-data"}': "2x200",
            'kube_statefulset_status_replicas_ready{statefulset="redis-data"}': "2x20 1x180",
        },
        {
            'kube_statefulset_replicas{statefulset="redis-data"}': "2x200",
            'kube_statefulset_status_replicas_ready{statefulset="redis-data"}': "2x20 1x8 2x170",
            # One too many while a roll-out adds first.
            'kube_deployment_spec_replicas{deployment="api"}': "2x200",
            'kube_deployment_status_replicas_available{deployment="api"}': "3x200",
        },
    ),
    "PodPending": Case(
        {'kube_pod_status_phase{phase="Pending", pod="api-1"}': "1x200"},
        {
            'kube_pod_status_phase{phase="Pending", pod="api-1"}': "1x40 0x160",
            'kube_pod_status_phase{phase="Running", pod="api-1"}': "1x200",
        },
    ),
    "ContainerOomKilled": Case(
        {
            'kube_pod_container_status_restarts_total{pod="api-1", container="api"}': "0x110 1x90",
            f'{_ENDED}{{pod="api-1", container="api", reason="OOMKilled"}}': "1x200",
        },
        {
            'kube_pod_container_status_restarts_total{pod="api-1", container="api"}': "0x110 1x90",
            f'{_ENDED}{{pod="api-1", container="api", reason="Error"}}': "1x200",
            'kube_pod_container_status_restarts_total{pod="api-2", container="api"}': "3x200",
            f'{_ENDED}{{pod="api-2", container="api", reason="OOMKilled"}}': "1x200",
        },
    ),
    "VolumeFilling": Case(
        {f"{_FREE}{_VOLUME}": "20x200", _CAPACITY: "100x200"}, {f"{_FREE}{_VOLUME}": "30x200", _CAPACITY: "100x200"}
    ),
    "VolumeAlmostFull": Case(
        {f"{_FREE}{_VOLUME}": "9x200", _CAPACITY: "100x200"}, {f"{_FREE}{_VOLUME}": "11x200", _CAPACITY: "100x200"}
    ),
    "VolumesUnmeasured": Case(
        {'up{job="kubelet", node="a"}': "1x200"},
        {'up{job="kubelet", node="a"}': "1x200", f"{_FREE}{_VOLUME}": "20x200", _CAPACITY: "30x200"},
    ),
    "QuotaAlmostUsed": Case(
        {f'{_QUOTA}, type="used"}}': "115x200", f'{_QUOTA}, type="hard"}}': "120x200"},
        {f'{_QUOTA}, type="used"}}': "100x200", f'{_QUOTA}, type="hard"}}': "120x200"},
    ),
    "ApiDown": Case({'up{job="api", system="api"}': "0x200"}, {'up{job="api", system="api"}': "1x200"}),
    **{
        f"ApiAvailabilityBurn{speed}": Case(
            {'api_requests_total{status="5xx"}': f"0+{errors}x{count}", COUNT: f"0+10000x{count}"},
            {'api_requests_total{status="5xx"}': f"0+{errors // 3}x{count}", COUNT: f"0+10000x{count}"},
            at,
            step,
        )
        for speed, errors, at, step, count in BURNS
    },
    **{
        f"ApiLatencyBurn{speed}": Case(
            {FAST: f"0+{10000 - 50 * errors}x{count}", COUNT: f"0+10000x{count}"},
            {FAST: f"0+{10000 - 15 * errors}x{count}", COUNT: f"0+10000x{count}"},
            at,
            step,
        )
        for speed, errors, at, step, count in BURNS
    },
    "ApiLatencyP95": Case(
        {FAST: "0+90x200", ALL: "0+100x200", INFINITE: "0+100x200", COUNT: "0+100x200"},
        {FAST: "0+96x200", ALL: "0+100x200", INFINITE: "0+100x200", COUNT: "0+100x200"},
    ),
    "CacheHitRatioLow": Case(
        {"api_cache_hits_total": "0+65x200", "api_cache_misses_total": "0+35x200"},
        {
            "api_cache_hits_total": "0+65x200",
            "api_cache_misses_total": "0+35x200",
            'gateway_requests_total{route="api-products", cache="hit"}': "0+100x200",
        },
    ),
    "CacheMissSpike": Case(
        {"api_cache_hits_total": "0+90x100 9000+60x50", "api_cache_misses_total": "0+10x100 1000+40x50"},
        {"api_cache_hits_total": "0+90x100 9000+80x50", "api_cache_misses_total": "0+10x100 1000+20x50"},
        "115m",
        "1m",
    ),
    "PurgeLag": Case(
        {
            'api_purge_duration_seconds_bucket{layer="edge", le="30"}': "0+1x200",
            'api_purge_duration_seconds_bucket{layer="edge", le="120"}': "0+10x200",
            'api_purge_duration_seconds_bucket{layer="edge", le="+Inf"}': "0+10x200",
        },
        {
            'api_purge_duration_seconds_bucket{layer="edge", le="30"}': "0+10x200",
            'api_purge_duration_seconds_bucket{layer="edge", le="120"}': "0+10x200",
            'api_purge_duration_seconds_bucket{layer="edge", le="+Inf"}': "0+10x200",
        },
    ),
    "MailsStuck": Case({"api_mail_oldest_seconds": "901x200"}, {"api_mail_oldest_seconds": "899x200"}),
    "OutboxStuck": Case({"api_outbox_oldest_seconds": "301x200"}, {"api_outbox_oldest_seconds": "299x200"}),
    "VisitsFlood": Case({"api_visits": "100001x200"}, {"api_visits": "99999x200"}),
    "ExpiredRowsStay": Case({"api_late_rows": "1001x200"}, {"api_late_rows": "999x200"}),
    "GatewayDown": Case({'up{job="gateway"}': "0x200"}, {'up{job="gateway"}': "1x200"}),
    "GatewayErrors": Case(
        {'gateway_requests_total{status="503"}': "0+10x200", 'gateway_requests_total{status="200"}': "0+90x200"},
        {'gateway_requests_total{status="503"}': "0+4x200", 'gateway_requests_total{status="200"}': "0+96x200"},
    ),
    "StorefrontDown": Case({'up{job="storefront"}': "0x200"}, {'up{job="storefront"}': "1x200"}),
    "PageLoadSlow": Case(*_browser("page_load", 2.0), "100m", "1m"),
    "LargestContentfulPaintSlow": Case(*_browser("lcp", 2.5), "100m", "1m"),
    "ServiceWorkerInstallations": Case(
        {
            'browser_worker_installs_total{result="installed"}': "0+89x400",
            'browser_worker_installs_total{result="failed"}': "0+11x400",
            **API,
        },
        {
            'browser_worker_installs_total{result="installed"}': "0+91x400",
            'browser_worker_installs_total{result="failed"}': "0+9x400",
            **API,
        },
        "130m",
        "1m",
    ),
    "OfflineSyncFailures": Case(
        {'browser_sync_total{result="delivered"}': "0+98x400", 'browser_sync_total{result="failed"}': "0+2x400", **API},
        {
            'browser_sync_total{result="delivered"}': "0+995x400",
            'browser_sync_total{result="failed"}': "0+5x400",
            **API,
        },
        "100m",
        "1m",
    ),
}
