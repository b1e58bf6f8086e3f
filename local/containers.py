"""A declared container as the launcher gets it: command, user, variables, mounts, probes and hooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.environment_variables import Keys, declared, expand
from local.images import DEFAULT_PATH, Image, find
from local.problem import Problem
from local.spec import Container, Hook, Probe
from local.volumes import Volumes
from local.workloads import Workload


@dataclass(kw_only=True)
class ContainerBuilder:
    """Makes a pod's containers; remembers the images in `used`."""

    workload: Workload
    pod: str
    address: str
    keys: Keys
    fields: Mapping[str, str]
    links: dict[str, str]
    volumes: Volumes
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
            raise Problem(f"{where}: neither it nor its image has a command; set one")
        security = {
            **(self.workload.pod.get("securityContext") or {}),
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
