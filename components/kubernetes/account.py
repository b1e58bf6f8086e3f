"""Service accounts: the identity of pods for the cluster and for AWS, and what they may do in the namespace."""

from collections.abc import Mapping, Sequence

import pulumi
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


def allowed(
    scope: Scope, resources: Mapping[str, Sequence[str]], verbs: Sequence[str], *, component: str
) -> pulumi.Resource:
    """What the system's own service account may do with these resources of the namespace, which stand by API group."""
    role = k8s.rbac.v1.Role(
        scope.resource_name("role"),
        metadata=scope.metadata(component=component),
        rules=[
            k8s.rbac.v1.PolicyRuleArgs(api_groups=[group], resources=[*named], verbs=[*verbs])
            for group, named in resources.items()
        ],
        opts=scope.opts,
    )
    return k8s.rbac.v1.RoleBinding(
        scope.resource_name("role-binding"),
        metadata=scope.metadata(component=component),
        role_ref=k8s.rbac.v1.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=scope.system),
        subjects=[
            k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=scope.system, namespace=scope.platform.namespace)
        ],
        opts=scope.options(after=[role]),
    )
