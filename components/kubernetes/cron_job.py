"""Jobs on a schedule, in the form that all of ours have: UTC, never two at once, bounded in time, history kept."""

from collections.abc import Iterable, Mapping

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.job import job_spec
from components.kubernetes.pod import Container, Pod, Volume
from components.kubernetes.scope import Scope, labels

# A schedule that never comes (30 February), for jobs that people start: restore, for one. They are suspended too.
ON_DEMAND = "0 0 30 2 *"


def cron_job(
    scope: Scope,
    suffix: str,
    name: str,
    *,
    schedule: str,
    container: Container,
    volumes: Mapping[str, Volume],
    uid: int,
    deadline: int,
    after: Iterable[pulumi.Resource],
) -> k8s.batch.v1.CronJob:
    """Runs `container` at `schedule`, for at most `deadline` seconds; where the schedule is `ON_DEMAND`, only when
    somebody starts it (`kubectl create job --from=cronjob/<name>`, locally `make run JOB=<name>`).
    """
    pod = Pod(
        uid=uid,
        containers=[container],
        volumes=volumes,
        priority="batch",
        scraped=False,
        component=name,
        restarts="Never",
        service_links=True,
    )
    return k8s.batch.v1.CronJob(
        scope.resource_name(suffix),
        metadata=scope.metadata(name, component=name),
        spec=k8s.batch.v1.CronJobSpecArgs(
            schedule=schedule,
            time_zone="Etc/UTC",
            suspend=schedule == ON_DEMAND,
            concurrency_policy="Forbid",
            starting_deadline_seconds=600,
            successful_jobs_history_limit=3,
            failed_jobs_history_limit=3,
            job_template=k8s.batch.v1.JobTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels(scope.platform, scope.system, component=name)),
                spec=job_spec(scope, pod, deadline=deadline, retries=2),
            ),
        ),
        opts=scope.options(after=after),
    )
