"""From a rendered stack to what runs here: pods with addresses, Services, Jobs in order. Pure: nothing is touched."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from local.containers import ContainerBuilder
from local.environment_variables import Keys
from local.images import Image
from local.services import Service, hosts, services
from local.spec import Container, Pod, dump
from local.state import State
from local.volumes import VolumeFiles, Volumes
from local.workloads import SERVERS, Workload, workloads
from stack.resource import Resource

AGENT_PORT = 10250  # of a pod's address: the kubelet's port in a cluster, the launcher's word to the balancer here
DEFAULT_GRACE = 30


@dataclass(frozen=True, kw_only=True)
class PlannedPod:
    """A pod, its files, and its place in the order.

    `after`: Jobs that must be done first. `needs`: pods that must be healthy first (for Jobs only).
    """

    pod: Pod
    workload: str
    kind: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    ports: tuple[tuple[str, str, int], ...] = ()  # container, port name, number
    volumes: tuple[VolumeFiles, ...] = ()
    directories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    retries: int = 0
    built: bool = False

    @property
    def name(self) -> str:
        return self.pod.name

    def fingerprint(self) -> str:
        """Changes when the pod has to be started anew."""
        files = [(volume.directory, sorted(volume.files.items())) for volume in self.volumes]
        return hashlib.sha256(f"{dump(self.pod)}{json.dumps(files)}".encode()).hexdigest()[:16]


def of_this_machine(
    name: str, address: str, container: Container, state: State, *, kind: str, **more: Any
) -> PlannedPod:
    """A pod of one container that the stack doesn't declare: it stands for something outside the stack, or outside
    pods.

    `more` are fields of `PlannedPod`.
    """
    pod = Pod(
        name=name,
        address=address,
        containers=(container,),
        grace=5,
        directory=str(state.pod(name)),
        logs=str(state.logs / name),
    )
    return PlannedPod(pod=pod, workload=name, kind=kind, **more)


@dataclass(frozen=True, kw_only=True)
class LocalPlan:
    """All that runs here, in the stack's order."""

    namespace: str
    pods: tuple[PlannedPod, ...]
    services: tuple[Service, ...]
    jobs: tuple[PlannedPod, ...]
    cron_jobs: tuple[PlannedPod, ...]
    skipped: Mapping[str, str]  # pods that can't run here, with the reason


class Planner:
    """Plans one rendered stack. `reserved`: ports of 127.0.0.1 that no Service may take; `providers`: URNs of
    resources outside Kubernetes that run as a pod here (the database), with that pod's name.
    """

    def __init__(
        self,
        resources: Sequence[Resource],
        state: State,
        images: Mapping[str, Image],
        *,
        reserved: Iterable[int] = (),
        providers: Mapping[str, str] | None = None,
    ) -> None:
        self._state = state
        self._images = images
        self._direct = {resource.urn: resource.dependencies for resource in resources}
        kubernetes = [each for each in resources if each.type.startswith("kubernetes:")]
        objects: dict[str, dict[str, Mapping[str, Any]]] = {}
        for each in kubernetes:
            objects.setdefault(each.kind, {})[each.object_name] = each.inputs
        self._keys = Keys(objects)
        self._accounts = objects.get("ServiceAccount", {})
        self._claims = set(objects.get("PersistentVolumeClaim", {}))
        self._namespace = next(iter(objects.get("Namespace", {})), "default")
        self._workloads = workloads(kubernetes)
        self._services = services(kubernetes, self._workloads, reserved)
        self._links = {name: value for each in self._services for name, value in each.variables().items()}
        self._hosts = hosts(self._services, self._workloads, self._namespace)
        self._pods_of = {each.urn: tuple(each.addresses) for each in self._workloads if each.kind in SERVERS}
        self._pods_of |= {urn: (name,) for urn, name in (providers or {}).items()}
        self._jobs_of = {each.urn: each.name for each in self._workloads if each.kind == "Job"}

    def plan(self) -> LocalPlan:
        running = list(self._planned(*SERVERS))
        skipped = {
            pod.name: f"not installed: {', '.join(pod.missing)}"
            for pod in running
            if pod.missing and not pod.packages and not pod.built
        }
        # A Service whose pods can't run here has nothing to send connections to.
        served = tuple(
            replace(service, pods=tuple(name for name in service.pods if name not in skipped))
            for service in self._services
            if not service.pods or not skipped.keys() >= set(service.pods)
        )
        return LocalPlan(
            namespace=self._namespace,
            pods=tuple(pod for pod in running if pod.name not in skipped),
            services=served,
            jobs=tuple(self._planned("Job")),
            cron_jobs=tuple(self._planned("CronJob")),
            skipped=skipped,
        )

    def _planned(self, *kinds: str) -> Iterator[PlannedPod]:
        for kind in kinds:
            for workload in self._workloads:
                if workload.kind == kind:
                    yield from (self._pod(workload, *named) for named in workload.addresses.items())

    def _before(self, urn: str) -> set[str]:
        """What a resource depends on, through any number of resources in between."""
        found: set[str] = set()
        left = list(self._direct.get(urn, ()))
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                left.extend(self._direct.get(each, ()))
        return found

    def _pod(self, workload: Workload, name: str, address: str) -> PlannedPod:
        spec = workload.pod
        labels, annotations = workload.labels(name), workload.metadata("annotations")
        fields = {
            "metadata.name": name,
            "metadata.namespace": self._namespace,
            "metadata.uid": name,
            "status.podIP": address,
            "status.hostIP": address,
            "spec.nodeName": name,
            "spec.serviceAccountName": spec.get("serviceAccountName") or "default",
            **{f"metadata.labels['{key}']": value for key, value in labels.items()},
            **{f"metadata.annotations['{key}']": value for key, value in annotations.items()},
        }
        volumes = Volumes(
            state=self._state, keys=self._keys, workload=workload, pod=name, fields=fields, claims=self._claims
        )
        builder = ContainerBuilder(
            workload=workload,
            pod=name,
            address=address,
            keys=self._keys,
            fields=fields,
            links=self._links if spec.get("enableServiceLinks") is not False else {},
            volumes=volumes,
            images=self._images,
            cloud=self._cloud(spec),
        )
        grace = spec.get("terminationGracePeriodSeconds")
        balanced = any(service.balanced and name in service.pods for service in self._services)
        pod = Pod(
            name=name,
            address=address,
            init_containers=tuple(builder.build(each) for each in spec.get("initContainers") or []),
            containers=tuple(builder.build(each) for each in spec["containers"]),
            restart=spec.get("restartPolicy") or "Always",
            grace=float(DEFAULT_GRACE if grace is None else grace),
            hosts=f"{address} {name}\n{self._hosts}",
            scratch=tuple(volumes.scratch),
            directory=str(self._state.pod(name)),
            logs=str(self._state.logs / name),
            agent_port=AGENT_PORT if balanced else 0,
        )
        before = self._before(workload.urn)
        return PlannedPod(
            pod=pod,
            workload=workload.name,
            kind=workload.kind,
            labels=labels,
            annotations=annotations,
            ports=workload.ports,
            volumes=tuple(volumes.files),
            directories=tuple(volumes.directories),
            sources=tuple(str(path) for image in builder.used for path in image.sources),
            packages=tuple(sorted({name for image in builder.used for name in image.packages})),
            missing=tuple(sorted({program for image in builder.used for program in image.missing()})),
            after=tuple(job for urn, job in self._jobs_of.items() if urn in before),
            needs=tuple(name for urn, names in self._pods_of.items() if urn in before for name in names),
            retries=workload.retries,
            built=any(image.built for image in builder.used),
        )

    def _cloud(self, spec: Mapping[str, Any]) -> dict[str, str]:
        """What EKS puts into pods whose service account may assume a role: credentials, here the stand-in's."""
        account = self._accounts.get(spec.get("serviceAccountName") or "", {})
        if "eks.amazonaws.com/role-arn" not in (account.get("metadata", {}).get("annotations") or {}):
            return {}
        return {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
