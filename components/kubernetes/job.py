"""Jobs: pods that run to their end, once."""

from collections.abc import Iterable

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.pod import Pod, pod_template
from components.kubernetes.scope import Scope
from components.settings.quantities import MINUTE


def job_spec(scope: Scope, pod: Pod, *, deadline: int, retries: int) -> k8s.batch.v1.JobSpecArgs:
    """What runs: at most `deadline` seconds, and again after a failure for `retries` times."""
    return k8s.batch.v1.JobSpecArgs(
        backoff_limit=retries, active_deadline_seconds=deadline, template=pod_template(scope, pod)
    )


def job(
    scope: Scope, suffix: str, name: str, pod: Pod, *, deadline: int, after: Iterable[pulumi.Resource]
) -> k8s.batch.v1.Job:
    """The Job `name`. It can't be changed once made: give it a name with a fingerprint of what it runs.

    Whatever depends on it waits until it is complete.
    """
    return k8s.batch.v1.Job(
        scope.resource_name(suffix),
        metadata=scope.metadata(name),
        spec=job_spec(scope, pod, deadline=deadline, retries=4),
        opts=scope.options(after=after, patience=deadline + MINUTE),
    )
