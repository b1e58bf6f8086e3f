"""Small stacks for tests of the local environment: rendered resources written by hand."""

from dataclasses import dataclass, field
from typing import Any

from stack.resource import Resource


@dataclass
class Stack:
    """Collects resources; each `add` returns its URN, for others to depend on."""

    resources: list[Resource] = field(default_factory=list)

    def add(self, kind: str, name: str, /, *, after: tuple[str, ...] = (), **manifest: Any) -> str:
        group = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1"}
        type_ = f"kubernetes:{group.get(kind, 'core/v1')}:{kind}"
        urn = f"urn:pulumi:local::simone::{type_}::{name}"
        inputs = {"metadata": {"name": name}, **manifest}
        self.resources.append(Resource(urn=urn, type=type_, name=name, inputs=inputs, dependencies=after))
        return urn

    def redis(self, name: str, *, replicas: int = 1, after: tuple[str, ...] = (), **container: Any) -> str:
        """A StatefulSet of plain Redis servers with a Service each, on port 7301."""
        labels = {"app.kubernetes.io/name": name}
        server = {
            "name": "redis",
            "image": "redis:7.2.7-bookworm",
            "command": [
                "redis-server",
                "--bind",
                "$(POD_IP)",
                "--port",
                "7301",
                "--dir",
                "/data",
                "--appendonly",
                "yes",
            ],
            "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "ports": [{"name": "redis", "containerPort": 7301}],
            "securityContext": {"runAsUser": 999, "readOnlyRootFilesystem": True},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            "readinessProbe": {
                "exec": {"command": ["sh", "-c", "redis-cli -h $POD_IP -p 7301 ping | grep -q PONG"]},
                "periodSeconds": 1,
            },
            **container,
        }
        for number in range(replicas):
            pod = f"{name}-{number}"
            selector = {"statefulset.kubernetes.io/pod-name": pod}
            self.add("Service", pod, spec={"selector": selector, "ports": [{"name": "redis", "port": 7301}]})
        spec = {
            "replicas": replicas,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [server], "terminationGracePeriodSeconds": 10},
            },
            "serviceName": name,
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
        }
        return self.add("StatefulSet", name, after=after, spec=spec)
