"""Rules of what the cluster says: Jobs, pods, volumes, the quota."""

from components.monitoring.rules.model import Alert, Group
from components.monitoring.thresholds import POD_PENDING, QUOTA_SHARE, VOLUME_FREE_PAGE, VOLUME_FREE_TICKET

_FREE = "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes"

_ALERTS = (
    Alert(
        name="JobFailed",
        # A failed Job stays for its log to be read; what is a day old has been seen.
        expr='kube_job_failed{condition="true"} == 1\nand on (job_name) time() - kube_job_status_start_time < 86400',
        hold="1m",
        hold_reason="a Job that fails has used up its retries already",
        severity="ticket",
        summary="The Job {{ $labels.job_name }} failed",
        description="Backups, AOF rewrites, database maintenance or the comparison of parameters didn't get done.",
        runbook="cluster",
    ),
    Alert(
        name="PodMissing",
        # A pod that is gone is no target any more: no alert of its own system says so.
        expr="kube_statefulset_replicas - kube_statefulset_status_replicas_ready > 0\n"
        "or kube_deployment_spec_replicas - kube_deployment_status_replicas_available > 0",
        hold="5m",
        hold_reason="a pod that is replaced is ready again by then",
        severity="ticket",
        summary="{{ $labels.statefulset }}{{ $labels.deployment }} lacks {{ $value }} of its pods",
        description="The others carry its load. Of a Redis pair or of Sentinels the next loss is an outage.",
        runbook="cluster",
    ),
    Alert(
        name="PodPending",
        expr='max by (pod) (kube_pod_status_phase{phase="Pending"}) == 1',
        hold=POD_PENDING,
        hold_reason="longer than a new node takes to join and to fetch an image",
        severity="ticket",
        summary="The pod {{ $labels.pod }} waits for a node",
        description="No node has room for it, its volume is in another zone, or its image can't be fetched.",
        runbook="cluster",
    ),
    Alert(
        name="ContainerOomKilled",
        expr="increase(kube_pod_container_status_restarts_total[10m]) >= 1\n"
        'and on (pod, container) kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1',
        hold="0s",
        hold_reason="ten minutes are in the expression",
        severity="ticket",
        summary="{{ $labels.container }} of {{ $labels.pod }} was killed for its memory",
        description="It wanted more than its limit. In Redis that is a lost master, in the API lost requests.",
        runbook="cluster",
    ),
    Alert(
        name="VolumeFilling",
        expr=f"{_FREE} < {VOLUME_FREE_TICKET:g}\nand {_FREE} >= {VOLUME_FREE_PAGE:g}",
        hold="15m",
        hold_reason="longer than a rewrite of the AOF, which needs room for a while",
        severity="ticket",
        summary="The volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} left",
        description="Master and replica alike. A Redis that can't write its AOF stops taking writes.",
        runbook="cluster",
    ),
    Alert(
        name="VolumeAlmostFull",
        expr=f"{_FREE} < {VOLUME_FREE_PAGE:g}",
        hold="1m",
        hold_reason="four scrapes: what is left goes in minutes",
        severity="page",
        summary="The volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} left",
        description="When it is full, a Redis node refuses writes, and Prometheus loses samples.",
        runbook="cluster",
    ),
    Alert(
        name="VolumesUnmeasured",
        # Kubelets 1.34.0 and 1.34.1 say nothing of volumes: https://github.com/kubernetes/kubernetes/issues/133847
        expr='count(up{job="kubelet"} == 1) unless on () count(kubelet_volume_stats_available_bytes)',
        hold="15m",
        hold_reason="kubelets measure a new volume within minutes",
        severity="ticket",
        summary="{{ $value }} kubelets answer, and none says how full volumes are",
        description="VolumeFilling and VolumeAlmostFull can't fire: a Redis may stop taking writes without a warning.",
        runbook="cluster",
    ),
    Alert(
        name="QuotaAlmostUsed",
        expr='kube_resourcequota{type="used"}\n'
        '/ ignoring (type) (kube_resourcequota{type="hard"} > 0) > ' + f"{QUOTA_SHARE:g}",
        hold="15m",
        hold_reason="a roll-out asks for more for a while",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the quota of {{ $labels.resource }} is used",
        description="The next pod may be refused, also one that replaces a lost one.",
        runbook="cluster",
    ),
)

CLUSTER = Group(name="cluster", owner="devops", rules=_ALERTS)
