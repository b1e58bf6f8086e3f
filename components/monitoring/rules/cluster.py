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
        hold_reason="its retries are used up",
        severity="ticket",
        summary="The Job {{ $labels.job_name }} failed",
        description="A backup, an AOF rewrite, database maintenance or the parameter check was not done.",
        runbook="cluster",
    ),
    Alert(
        name="PodMissing",
        # A pod that is gone is no target any more: no alert of its own system says so.
        expr="kube_statefulset_replicas - kube_statefulset_status_replicas_ready > 0\n"
        "or kube_deployment_spec_replicas - kube_deployment_status_replicas_available > 0",
        hold="5m",
        hold_reason="a replaced pod is ready by then",
        severity="ticket",
        summary="{{ $labels.statefulset }}{{ $labels.deployment }} lacks {{ $value }} of its pods",
        description="The others carry its load. For a Redis pair or the Sentinels the next loss is an outage.",
        runbook="cluster",
    ),
    Alert(
        name="PodPending",
        expr='max by (pod) (kube_pod_status_phase{phase="Pending"}) == 1',
        hold=POD_PENDING,
        hold_reason="longer than a new node's start with its image pulls",
        severity="ticket",
        summary="The pod {{ $labels.pod }} waits for a node",
        description="No node has room, its volume is in another zone, or its image can't be pulled.",
        runbook="cluster",
    ),
    Alert(
        name="ContainerOomKilled",
        expr="increase(kube_pod_container_status_restarts_total[10m]) >= 1\n"
        'and on (pod, container) kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1',
        hold="0s",
        hold_reason="the expression spans ten minutes",
        severity="ticket",
        summary="{{ $labels.container }} of {{ $labels.pod }} was killed for exceeding its memory limit",
        description="It exceeded its memory limit. In Redis that is a lost master, in the API lost requests.",
        runbook="cluster",
    ),
    Alert(
        name="VolumeFilling",
        expr=f"{_FREE} < {VOLUME_FREE_TICKET:g}\nand {_FREE} >= {VOLUME_FREE_PAGE:g}",
        hold="15m",
        hold_reason="longer than an AOF rewrite, which needs room for a while",
        severity="ticket",
        summary="The volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} left",
        description="A Redis that can't write its AOF refuses writes, on master and replica alike.",
        runbook="cluster",
    ),
    Alert(
        name="VolumeAlmostFull",
        expr=f"{_FREE} < {VOLUME_FREE_PAGE:g}",
        hold="1m",
        hold_reason="four scrapes: the rest goes in minutes",
        severity="page",
        summary="The volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} left",
        description="When full, a Redis node refuses writes, and Prometheus loses samples.",
        runbook="cluster",
    ),
    Alert(
        name="VolumesUnmeasured",
        # Kubelets 1.34.0 and 1.34.1 say nothing of volumes: https://github.com/kubernetes/kubernetes/issues/133847
        expr='count(up{job="kubelet"} == 1) unless on () count(kubelet_volume_stats_available_bytes)',
        hold="15m",
        hold_reason="kubelets measure a new volume within minutes",
        severity="ticket",
        summary="{{ $value }} kubelets answer, but none reports how full volumes are",
        description="VolumeFilling and VolumeAlmostFull are blind: Redis may refuse writes without a warning.",
        runbook="cluster",
    ),
    Alert(
        name="QuotaAlmostUsed",
        expr='kube_resourcequota{type="used"}\n'
        '/ ignoring (type) (kube_resourcequota{type="hard"} > 0) > ' + f"{QUOTA_SHARE:g}",
        hold="15m",
        hold_reason="a roll-out needs more for a while",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the quota of {{ $labels.resource }} is used",
        description="The next pod may be refused, even one that replaces a lost one.",
        runbook="cluster",
    ),
)

CLUSTER = Group(name="cluster", owner="devops", alerts=_ALERTS)
