"""Rules of the monitoring itself: who watches the watchman."""

from components.monitoring.rules.model import Alert, Group
from components.monitoring.thresholds import SCRAPE_JOBS_DOWN_FOR

_ALERTS = (
    Alert(
        name="DeadMansSwitch",
        expr="vector(1)",
        hold="0s",
        hold_reason="it always fires",
        severity="heartbeat",
        summary="Monitoring works",
        description="When it stops arriving, the service behind `heartbeat_url` calls.",
        runbook="monitoring",
    ),
    Alert(
        name="TargetDown",
        # The jobs below have alerts of their own that say more.
        expr='up{job!~"redis|sentinel|pgbouncer|postgres"} == 0',
        hold=SCRAPE_JOBS_DOWN_FOR,
        hold_reason="eight scrapes, longer than a pod's restart",
        severity="ticket",
        summary="{{ $labels.pod }} ({{ $labels.job }}) can't be scraped",
        description="It or its metrics port is unreachable: its alerts are blind.",
        runbook="monitoring",
    ),
    Alert(
        name="PrometheusRuleFailures",
        expr="increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
        hold="0s",
        hold_reason="a failing rule is a blind alert",
        severity="ticket",
        summary="Rules of {{ $labels.rule_group }} fail to evaluate",
        description="An expression matches many-to-many or needs more than its limits.",
        runbook="monitoring",
    ),
    Alert(
        name="PrometheusStorageFull",
        expr="(prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes)\n"
        "/ (prometheus_tsdb_retention_limit_bytes > 0) > 1.15",
        hold="1h",
        hold_reason="a compaction keeps old and new blocks for a while",
        severity="ticket",
        summary="Prometheus stores {{ $value | humanizePercentage }} of its limit",
        description="Blocks and log exceed retention_size: the volume may fill up.",
        runbook="monitoring",
    ),
    Alert(
        name="AlertmanagerUnreachable",
        expr="prometheus_notifications_alertmanagers_discovered < 1\n"
        "or increase(prometheus_notifications_errors_total[5m]) > 0",
        hold="5m",
        hold_reason="a restarted Alertmanager is back within a minute",
        severity="page",
        summary="Alerts don't reach Alertmanager",
        description="Not even this alert gets through; the dead man's switch reports it.",
        runbook="monitoring",
    ),
    Alert(
        name="AlertmanagerNotificationsFailing",
        expr="increase(alertmanager_notifications_failed_total[10m]) > 0",
        hold="0s",
        hold_reason="the expression spans ten minutes",
        severity="ticket",
        summary="Notifications by {{ $labels.integration }} fail",
        description="The receiver is down, or its address or key is wrong: alerts don't reach people.",
        runbook="monitoring",
    ),
)

PLATFORM = Group(name="monitoring", owner="devops", alerts=_ALERTS)
