"""Service accounts: the identity of pods for the cluster and for AWS."""

import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.kubernetes.scope import Scope


def service_account(
    scope: Scope, suffix: str, *, role: aws.iam.Role | None = None, mounts_token: bool = False
) -> k8s.core.v1.ServiceAccount:
    """The system's own service account; its pods assume `role` (IRSA). Its token is mounted only where a pod talks to
    the cluster's API.
    """
    return k8s.core.v1.ServiceAccount(
        scope.resource_name(suffix),
        metadata=scope.metadata(annotations={"eks.amazonaws.com/role-arn": role.arn} if role else None),
        automount_service_account_token=mounts_token,
        opts=scope.opts,
    )
