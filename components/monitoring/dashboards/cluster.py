"""What the cluster says of the shop's pods, Jobs and volumes."""

from components.monitoring.dashboards.board import Board, Limits, Panel
from components.monitoring.thresholds import QUOTA_SHARE, VOLUME_FREE_PAGE, VOLUME_FREE_TICKET

CLUSTER = Board(
    name="cluster",
    title="SIMONE: cluster",
    description="Jobs, pods, volumes and the quota, by kube-state-metrics and the kubelets.",
    sections={
        "Pods and Jobs": (
            Panel(
                title="Failed Jobs",
                description="Jobs that have used up their retries; each stays while its CronJob keeps it.",
                unit="short",
                queries={"{{job_name}}": 'kube_job_failed{condition="true"}'},
                alerts=("JobFailed",),
            ),
            Panel(
                title="Missing pods",
                description="Declared pods that aren't ready, by workload.",
                unit="short",
                queries={
                    "{{statefulset}}": "kube_statefulset_replicas - kube_statefulset_status_replicas_ready",
                    "{{deployment}}": "kube_deployment_spec_replicas - kube_deployment_status_replicas_available",
                },
                alerts=("PodMissing",),
            ),
            Panel(
                title="Waiting pods",
                description="Pods without a node, or whose containers can't start.",
                unit="short",
                queries={"{{pod}}": 'max by (pod) (kube_pod_status_phase{phase="Pending"})'},
                alerts=("PodPending",),
            ),
            Panel(
                title="Restarts",
                description="Containers that restarted within ten minutes, for any reason.",
                unit="short",
                queries={"{{pod}} {{container}}": "increase(kube_pod_container_status_restarts_total[10m])"},
                alerts=("ContainerOomKilled",),
            ),
        ),
        "Room": (
            Panel(
                title="Free on volumes",
                description="Share of each volume that is free; masters and replicas of Redis have their own.",
                unit="percentunit",
                queries={
                    "{{persistentvolumeclaim}}": "kubelet_volume_stats_available_bytes "
                    "/ kubelet_volume_stats_capacity_bytes"
                },
                limits=Limits(alert=VOLUME_FREE_PAGE, warn=VOLUME_FREE_TICKET, below=True),
                alerts=("VolumeFilling", "VolumeAlmostFull"),
                maximum=1,
            ),
            Panel(
                title="Measured volumes",
                description="Volumes whose fill the kubelets report. None, while kubelets answer, is a fault.",
                unit="short",
                queries={"volumes": "count(kubelet_volume_stats_available_bytes) or vector(0)"},
                alerts=("VolumesUnmeasured",),
            ),
            Panel(
                title="Quota",
                description="Share of the namespace's quota in use.",
                unit="percentunit",
                queries={
                    "{{resource}}": 'kube_resourcequota{type="used"}\n'
                    '/ ignoring (type) (kube_resourcequota{type="hard"} > 0)'
                },
                limits=Limits(alert=QUOTA_SHARE),
                alerts=("QuotaAlmostUsed",),
                maximum=1,
            ),
        ),
    },
)
