"""From a rendered stack to what runs here: pods with addresses, Services, Jobs in order. Pure: nothing is
touched.

Every pod has a loopback address of its own. A Service of several pods, or of a Deployment, is on 127.0.0.1
behind a balancer; a Service of one named pod is that pod's address.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from local.environment_variables import Keys, ServiceAddress, declared, expand
from local.images import DEFAULT_PATH, Image, find
from local.problem import Problem
from local.spec import Container, Hook, Mount, Pod, Probe, dump
from local.state import State
from stack.resource import Resource

SERVICE_ADDRESS = "127.0.0.1"
AGENT_PORT = (
    10250  # on a pod's own address: the kubelet's port in a cluster, the launcher's answer to the balancer here
)
DISCOVERY_MOUNT = "/etc/prometheus/discovery"
WORKLOADS = ("StatefulSet", "Deployment")
DEFAULT_GRACE = 30
_BATCH_RESTARTS = ("OnFailure", "Never")


@dataclass(frozen=True, kw_only=True)
class VolumeFiles:
    """A ConfigMap's or Secret's files as a volume: text and mode by name, to be written into `directory`."""

    directory: str
    files: Mapping[str, tuple[str, int]]


@dataclass(frozen=True, kw_only=True)
class PlannedPod:
    """A pod, what has to be on disk for it, and where it stands in the order.

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


@dataclass(frozen=True, kw_only=True)
class Service:
    """A Service: where it answers and the pods behind it. `balanced`: through the balancer."""

    name: str
    address: str
    ports: tuple[tuple[str, int, int], ...]  # name, port, port on the pods
    pods: tuple[str, ...]
    balanced: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that runs here, in the stack's order."""

    namespace: str
    pods: tuple[PlannedPod, ...]
    services: tuple[Service, ...]
    jobs: tuple[PlannedPod, ...]
    cron_jobs: tuple[PlannedPod, ...]
    skipped: Mapping[str, str]  # pods that can't run here, with the reason


def kind_of(resource: Resource) -> str:
    """`StatefulSet` for `kubernetes:apps/v1:StatefulSet`, empty for what isn't Kubernetes."""
    return resource.type.rpartition(":")[2] if resource.type.startswith("kubernetes:") else ""


def _number(name: str, taken: set[int], lowest: int, highest: int) -> int:
    """A number for a name: the same in every run, and another one only where two names fall on one."""
    span = highest - lowest + 1
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % span
    while lowest + number in taken:
        number = (number + 1) % span
    taken.add(lowest + number)
    return lowest + number


class _Order:
    """Who depends on whom, through any number of resources in between."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._direct = {resource.urn: tuple(resource.dependencies) for resource in resources}

    def all_of(self, urn: str) -> set[str]:
        found: set[str] = set()
        left = list(self._direct.get(urn, ()))
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                left.extend(self._direct.get(each, ()))
        return found


@dataclass(frozen=True, kw_only=True)
class _Workload:
    """A pod template with its replicas' names and addresses."""

    urn: str
    kind: str
    name: str
    template: Mapping[str, Any]
    claims: tuple[str, ...]
    addresses: Mapping[str, str]
    retries: int = 0


class Planner:
    """Plans one rendered stack. `reserved`: ports of 127.0.0.1 that no Service may take; `providers`: URNs of
    what isn't Kubernetes and runs as a pod all the same (the database), with that pod's name.
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
        self._resources = resources
        self._state = state
        self._images = images
        self._reserved = set(reserved)
        self._providers = dict(providers or {})
        manifests = [(kind_of(each), each.inputs) for each in resources]
        self._keys = Keys((kind, each) for kind, each in manifests if kind in ("ConfigMap", "Secret"))
        self._accounts = {each["metadata"]["name"]: each for kind, each in manifests if kind == "ServiceAccount"}
        self._claims = {each["metadata"]["name"] for kind, each in manifests if kind == "PersistentVolumeClaim"}
        self._minimum = {
            each["spec"]["scaleTargetRef"]["name"]: int(each["spec"].get("minReplicas") or 1)
            for kind, each in manifests
            if kind == "HorizontalPodAutoscaler"
        }
        names = [each["metadata"]["name"] for kind, each in manifests if kind == "Namespace"]
        self._namespace = names[0] if names else "default"
        self._order = _Order(resources)

    def plan(self) -> Plan:
        workloads = self._workloads()
        services = self._services(workloads)
        links: dict[str, str] = {}
        for service in services:
            if service.ports:
                ports = tuple((name, port) for name, port, _ in service.ports)
                links |= ServiceAddress(name=service.name, address=service.address, ports=ports).variables()
        hosts = self._hosts(services)
        balanced = {name for service in services if service.balanced for name in service.pods}
        planned: dict[str, list[PlannedPod]] = {"StatefulSet": [], "Deployment": [], "Job": [], "CronJob": []}
        for workload in workloads:
            for name, address in workload.addresses.items():
                pod = self._pod(workload, name, address, links, hosts, agent=name in balanced)
                planned[workload.kind].append(pod)
        return self._in_order(workloads, planned, services)

    def _in_order(
        self,
        workloads: Sequence[_Workload],
        planned: Mapping[str, list[PlannedPod]],
        services: tuple[Service, ...],
    ) -> Plan:
        pods_of = {each.urn: tuple(each.addresses) for each in workloads if each.kind in WORKLOADS}
        pods_of |= {urn: (name,) for urn, name in self._providers.items()}
        jobs_of = {each.urn: each.name for each in workloads if each.kind == "Job"}
        urn_of = {(each.kind, each.name): each.urn for each in workloads}

        def placed(pod: PlannedPod) -> PlannedPod:
            before = self._order.all_of(urn_of[pod.kind, pod.workload])
            return replace(
                pod,
                after=tuple(name for urn, name in jobs_of.items() if urn in before),
                needs=tuple(name for urn, names in pods_of.items() if urn in before for name in names),
            )

        running = [placed(pod) for kind in WORKLOADS for pod in planned[kind]]
        skipped = {
            pod.name: f"not installed: {', '.join(pod.missing)}"
            for pod in running
            if pod.missing and not pod.packages and not pod.built
        }
        # A Service whose pods can't run here has nothing to send connections to.
        served = tuple(
            replace(service, pods=tuple(name for name in service.pods if name not in skipped))
            for service in services
            if not service.pods or not skipped.keys() >= set(service.pods)
        )
        return Plan(
            namespace=self._namespace,
            pods=tuple(pod for pod in running if pod.name not in skipped),
            services=served,
            jobs=tuple(placed(pod) for pod in planned["Job"]),
            cron_jobs=tuple(placed(pod) for pod in planned["CronJob"]),
            skipped=skipped,
        )

    def _workloads(self) -> list[_Workload]:
        taken: set[int] = set()
        found: list[_Workload] = []
        named = [(kind_of(each), each) for each in self._resources if kind_of(each) in (*WORKLOADS, "Job", "CronJob")]
        networks = {
            name: _number(name, taken, 10, 249)
            for name in sorted({f"{kind}/{each.inputs['metadata']['name']}" for kind, each in named})
        }
        for kind, resource in named:
            name, spec = resource.inputs["metadata"]["name"], resource.inputs["spec"]
            network = networks[f"{kind}/{name}"]
            if kind == "CronJob":
                spec = spec["jobTemplate"]["spec"]
            replicas = 1 if kind in ("Job", "CronJob") else self._replicas(name, spec)
            names = [name] if kind in ("Job", "CronJob") else [f"{name}-{number}" for number in range(replicas)]
            found.append(
                _Workload(
                    urn=resource.urn,
                    kind=kind,
                    name=name,
                    template=spec["template"],
                    claims=tuple(claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates") or []),
                    addresses={each: f"127.0.{network}.{number + 1}" for number, each in enumerate(names)},
                    retries=int(spec.get("backoffLimit", 6)) if kind in ("Job", "CronJob") else 0,
                )
            )
        return found

    def _replicas(self, name: str, spec: Mapping[str, Any]) -> int:
        replicas = spec.get("replicas")
        return int(replicas) if replicas is not None else self._minimum.get(name, 1)

    def _labels(self, workload: _Workload, name: str) -> dict[str, str]:
        labels = dict((workload.template.get("metadata") or {}).get("labels") or {})
        if workload.kind == "StatefulSet":
            labels["statefulset.kubernetes.io/pod-name"] = name
        return labels

    def _services(self, workloads: Sequence[_Workload]) -> tuple[Service, ...]:
        found: list[Service] = []
        taken = {(SERVICE_ADDRESS, port) for port in self._reserved}
        networks: set[int] = set()
        for resource in self._resources:
            if kind_of(resource) != "Service":
                continue
            name, spec = resource.inputs["metadata"]["name"], resource.inputs["spec"]
            selector = dict(spec.get("selector") or {})
            chosen = [
                (workload, pod)
                for workload in workloads
                if workload.kind in WORKLOADS
                for pod in workload.addresses
                if selector and selector.items() <= self._labels(workload, pod).items()
            ]
            ports = tuple(self._service_port(port, chosen, name) for port in spec.get("ports") or [])
            named_pod = "statefulset.kubernetes.io/pod-name" in selector
            headless = spec.get("clusterIP") == "None"
            balanced = bool(chosen) and not named_pod and not headless
            address = SERVICE_ADDRESS
            if named_pod and chosen:
                address = chosen[0][0].addresses[chosen[0][1]]
            elif balanced:
                wanted = {(SERVICE_ADDRESS, port) for _, port, _ in ports}
                if wanted & taken:
                    address = f"127.0.2.{_number(name, networks, 1, 254)}"
                taken |= {(address, port) for _, port, _ in ports}
            found.append(
                Service(
                    name=name,
                    address="" if headless else address,
                    ports=() if headless else ports,
                    pods=tuple(pod for _, pod in chosen),
                    balanced=balanced,
                )
            )
        return tuple(found)

    def _service_port(
        self, port: Mapping[str, Any], chosen: Sequence[tuple[_Workload, str]], service: str
    ) -> tuple[str, int, int]:
        number = int(port["port"])
        target = port.get("targetPort", number)
        if isinstance(target, str) and not target.isdigit():
            for workload, _ in chosen:
                ports = {name: each for _, name, each in _container_ports(workload.template["spec"])}
                if target in ports:
                    return port.get("name") or "", number, ports[target]
            if chosen:
                raise Problem(f"Service {service}: no container of its pods has a port named {target!r}")
            target = number
        return port.get("name") or "", number, int(target)

    def _hosts(self, services: Iterable[Service]) -> str:
        """Cluster DNS as a hosts file: `pgbouncer`, `pgbouncer.NAMESPACE.svc.cluster.local`, …"""
        lines = [
            " ".join([service.address] + [service.name + suffix for suffix in ("", *self._domains())])
            for service in services
            if service.address
        ]
        return "".join(f"{line}\n" for line in lines)

    def _domains(self) -> tuple[str, ...]:
        base = f".{self._namespace}"
        return base, f"{base}.svc", f"{base}.svc.cluster.local"

    def _pod(
        self,
        workload: _Workload,
        name: str,
        address: str,
        links: Mapping[str, str],
        hosts: str,
        *,
        agent: bool,
    ) -> PlannedPod:
        spec = workload.template["spec"]
        metadata = workload.template.get("metadata") or {}
        labels = self._labels(workload, name)
        annotations = dict(metadata.get("annotations") or {})
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
        volumes = _Volumes(
            state=self._state, keys=self._keys, workload=workload, pod=name, fields=fields, claims=self._claims
        )
        builder = _ContainerBuilder(
            workload=workload,
            pod=name,
            address=address,
            keys=self._keys,
            fields=fields,
            links=dict(links) if spec.get("enableServiceLinks") is not False else {},
            volumes=volumes,
            images=self._images,
            cloud=self._cloud(spec),
        )
        init = tuple(builder.build(each) for each in spec.get("initContainers") or [])
        containers = tuple(builder.build(each) for each in spec["containers"])
        policy = spec.get("restartPolicy") or "Always"
        grace = spec.get("terminationGracePeriodSeconds")
        return PlannedPod(
            pod=Pod(
                name=name,
                address=address,
                containers=containers,
                init_containers=init,
                restart=policy if policy in _BATCH_RESTARTS else "Always",
                grace=float(DEFAULT_GRACE if grace is None else grace),
                hosts=f"{address} {name}\n{hosts}",
                scratch=tuple(volumes.scratch),
                directory=str(self._state.pod(name)),
                logs=str(self._state.logs / name),
                agent_port=AGENT_PORT if agent else 0,
            ),
            workload=workload.name,
            kind=workload.kind,
            labels=labels,
            annotations=annotations,
            ports=tuple(_container_ports(spec)),
            volumes=tuple(volumes.files),
            directories=tuple(volumes.directories),
            sources=tuple(str(path) for image in builder.used for path in image.sources),
            packages=tuple(sorted({name for image in builder.used for name in image.packages})),
            missing=tuple(sorted({program for image in builder.used for program in image.missing()})),
            retries=workload.retries,
            built=any(image.built for image in builder.used),
        )

    def _cloud(self, spec: Mapping[str, Any]) -> dict[str, str]:
        """What EKS puts into pods whose service account may assume a role: credentials, here the stand-in's."""
        account = self._accounts.get(spec.get("serviceAccountName") or "")
        annotations = ((account or {}).get("metadata") or {}).get("annotations") or {}
        if "eks.amazonaws.com/role-arn" not in annotations:
            return {}
        return {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _container_ports(spec: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    return [
        (container["name"], port.get("name") or "", int(port["containerPort"]))
        for container in spec["containers"]
        for port in container.get("ports") or []
    ]


class _Volumes:
    """A pod's volumes: where each one is on this machine, and what has to be written there."""

    def __init__(
        self,
        *,
        state: State,
        keys: Keys,
        workload: _Workload,
        pod: str,
        fields: Mapping[str, str],
        claims: set[str],
    ) -> None:
        self._state, self._keys, self._pod, self._fields = state, keys, pod, fields
        self._claims = claims
        self.scratch: list[str] = []
        self.files: list[VolumeFiles] = []
        self.directories: list[str] = []
        self._places: dict[str, str] = {}
        for claim in workload.claims:
            self._keep(claim, f"{claim}-{pod}")
        for volume in workload.template["spec"].get("volumes") or []:
            self._add(volume)

    def _keep(self, volume: str, directory: str) -> None:
        self._places[volume] = str(self._state.volumes / directory)
        self.directories.append(self._places[volume])

    def _add(self, volume: Mapping[str, Any]) -> None:
        name = volume["name"]
        where = f"pod {self._pod}, volume {name}"
        if volume.get("persistentVolumeClaim"):
            claim = volume["persistentVolumeClaim"]["claimName"]
            if claim not in self._claims:
                raise Problem(
                    f"{where}: refers to the PersistentVolumeClaim {claim!r}, which the stack doesn't declare"
                )
            self._keep(name, claim)
        elif "emptyDir" in volume:
            self._places[name] = str(self._state.pod(self._pod) / "scratch" / name)
            self.scratch.append(self._places[name])
        else:
            self._places[name] = str(self._state.pod(self._pod) / "volumes" / name)
            files = self._projected(volume, where)
            self.files.append(VolumeFiles(directory=self._places[name], files=files))

    def _projected(self, volume: Mapping[str, Any], where: str) -> dict[str, tuple[str, int]]:
        found: dict[str, tuple[str, int]] = {}
        if volume.get("projected"):
            for source in volume["projected"].get("sources") or []:
                mode = volume["projected"].get("defaultMode")
                found |= self._projected({"name": volume["name"], "mode": mode, **source}, where)
            return found
        for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
            if volume.get(key):
                source = volume[key]
                mode = int(source.get("defaultMode") or volume.get("mode") or 0o644)
                optional = bool(source.get("optional"))
                name = source.get("secretName") or source.get("name")
                texts = self._keys.files(kind, name, where, optional=optional)
                if not source.get("items"):
                    return {name: (text, mode) for name, text in texts.items()}
                found = {}
                for item in source["items"]:
                    text = self._keys.text(kind, name, item["key"], where, optional=optional)
                    if text is not None:
                        found[item["path"]] = (text, int(item.get("mode") or mode))
                return found
        if volume.get("downwardAPI"):
            return {
                item["path"]: (self._fields[item["fieldRef"]["fieldPath"]], 0o644)
                for item in volume["downwardAPI"].get("items") or []
            }
        if volume.get("serviceAccountToken"):
            return {volume["serviceAccountToken"]["path"]: ("local", 0o600)}
        kinds = ", ".join(key for key in volume if key not in ("name", "mode"))
        raise Problem(f"{where}: volumes of kind {kinds} aren't supported here")

    def mount(self, mount: Mapping[str, Any]) -> Mount:
        name, target = mount["name"], mount["mountPath"]
        if target.rstrip("/") == DISCOVERY_MOUNT:
            return Mount(source=str(self._state.discovery), target=target)
        if name not in self._places:
            raise Problem(f"pod {self._pod}: mounts the volume {name!r}, which it doesn't declare")
        source = self._places[name]
        if mount.get("subPath"):
            source = f"{source}/{mount['subPath']}"
            if self._places[name] in self.directories:
                self.directories.append(source)
        read_only = bool(mount.get("readOnly")) or any(self._places[name] == each.directory for each in self.files)
        return Mount(source=source, target=target, read_only=read_only)


@dataclass(kw_only=True)
class _ContainerBuilder:
    """Makes a pod's containers; remembers the images in `used`."""

    workload: _Workload
    pod: str
    address: str
    keys: Keys
    fields: Mapping[str, str]
    links: dict[str, str]
    volumes: _Volumes
    images: Mapping[str, Image]
    cloud: dict[str, str]
    used: list[Image] = field(default_factory=list[Image])

    def build(self, container: Mapping[str, Any]) -> Container:
        where = f"pod {self.pod}, container {container['name']}"
        image = find(container["image"], self.images, where)
        self.used.append(image)
        own = declared(container, self.keys, self.fields, self.links, where)
        environment = {
            "PATH": DEFAULT_PATH,
            "HOME": "/tmp",  # noqa: S108 - inside the container
            "HOSTNAME": self.pod,
            **image.environment,
            **self.cloud,
            **self.links,
            **own,
        }
        command, args = (
            tuple(expand(str(word), environment) for word in container.get(key) or []) for key in ("command", "args")
        )
        argv = image.argv(command, args)
        if not argv:
            raise Problem(f"{where}: neither it nor its image says what to run; give it a command")
        security = {
            **(self.workload.template["spec"].get("securityContext") or {}),
            **(container.get("securityContext") or {}),
        }
        uid = int(security.get("runAsUser", image.uid))
        ports = {port["name"]: int(port["containerPort"]) for port in container.get("ports") or [] if port.get("name")}
        lifecycle = container.get("lifecycle") or {}
        return Container(
            name=container["name"],
            argv=argv,
            environment=environment,
            working_directory=container.get("workingDir") or image.working_directory,
            uid=uid,
            gid=int(security.get("runAsGroup", uid)),
            user=image.user,
            read_only_root=bool(security.get("readOnlyRootFilesystem")),
            mounts=(
                *image.mounts,
                *(self.volumes.mount(each) for each in container.get("volumeMounts") or []),
            ),
            links=image.all_links(),
            startup=self._probe(container.get("startupProbe"), ports, environment),
            readiness=self._probe(container.get("readinessProbe"), ports, environment),
            liveness=self._probe(container.get("livenessProbe"), ports, environment),
            pre_stop=self._hook(lifecycle.get("preStop"), ports, environment),
            stop_signal=image.stop_signal,
        )

    def _probe(
        self, probe: Mapping[str, Any] | None, ports: Mapping[str, int], environment: Mapping[str, str]
    ) -> Probe | None:
        if not probe:
            return None
        target = probe.get("httpGet") or probe.get("tcpSocket") or {}
        command = (probe.get("exec") or {}).get("command") or []
        headers = tuple((each["name"], each["value"]) for each in target.get("httpHeaders") or [])
        return Probe(
            command=tuple(expand(str(word), environment) for word in command),
            http_path=(target.get("path") or "/") if probe.get("httpGet") else "",
            http_headers=headers,
            host=target.get("host") or self.address,
            port=_port(target.get("port"), ports),
            initial_delay=float(probe.get("initialDelaySeconds") or 0),
            period=float(probe.get("periodSeconds") or 10),
            timeout=float(probe.get("timeoutSeconds") or 1),
            success_threshold=int(probe.get("successThreshold") or 1),
            failure_threshold=int(probe.get("failureThreshold") or 3),
        )

    def _hook(
        self, hook: Mapping[str, Any] | None, ports: Mapping[str, int], environment: Mapping[str, str]
    ) -> Hook | None:
        if not hook:
            return None
        target = hook.get("httpGet") or {}
        command = (hook.get("exec") or {}).get("command") or []
        return Hook(
            command=tuple(expand(str(word), environment) for word in command),
            http_path=(target.get("path") or "/") if target else "",
            host=target.get("host") or self.address,
            port=_port(target.get("port"), ports),
            sleep=float((hook.get("sleep") or {}).get("seconds") or 0),
        )


def _port(port: object, ports: Mapping[str, int]) -> int:
    if port is None:
        return 0
    text = str(port)
    return int(text) if text.replace(".0", "").isdigit() else ports[text]
