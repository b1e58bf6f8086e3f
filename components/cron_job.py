"""A job on a schedule, in the form that all of ours have: UTC, never two at once, bounded in time, history kept."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.platform import Platform

# A schedule that never comes (30 February), for jobs that people start: restore, for one. They are suspended too.
ON_DEMAND = "0 0 30 2 *"


def cron_job(
    resource_name: str,
    platform: Platform,
    system: str,
    object_name: str,
    *,
    schedule: str,
    container: k8s.core.v1.ContainerArgs,
    volumes: Sequence[k8s.core.v1.VolumeArgs],
    uid: int,
    deadline_seconds: int,
    service_account: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    annotations: Mapping[str, str] | None = None,
) -> k8s.batch.v1.CronJob:
    """Runs `container` at `schedule`, or only when somebody starts it where that is `ON_DEMAND`
    (`kubectl create job --from=cronjob/<name>`, locally `make run JOB=<name>`).
    """
    return k8s.batch.v1.CronJob(
        resource_name,
        metadata=workload.metadata(platform, object_name, system, component=object_name, annotations=annotations),
        spec=k8s.batch.v1.CronJobSpecArgs(
            schedule=schedule,
            time_zone="Etc/UTC",
            suspend=schedule == ON_DEMAND,
            concurrency_policy="Forbid",
            starting_deadline_seconds=600,
            successful_jobs_history_limit=3,
            failed_jobs_history_limit=3,
            job_template=k8s.batch.v1.JobTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(labels=workload.labels(platform, system, component=object_name)),
                spec=k8s.batch.v1.JobSpecArgs(
                    backoff_limit=2,
                    active_deadline_seconds=deadline_seconds,
                    template=k8s.core.v1.PodTemplateSpecArgs(
                        metadata=workload.pod_metadata(platform, system, component=object_name),
                        spec=k8s.core.v1.PodSpecArgs(
                            restart_policy="Never",
                            service_account_name=service_account,
                            automount_service_account_token=False,
                            enable_service_links=True,
                            priority_class_name=platform.priority("batch"),
                            security_context=workload.pod_security(uid),
                            containers=[container],
                            volumes=list(volumes),
                        ),
                    ),
                ),
            ),
        ),
        opts=opts,
    )
