"""A pod's volumes: where each one is on this machine, and what has to be written there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.environment_variables import Keys
from local.problem import Problem
from local.spec import Mount
from local.state import State
from local.workloads import Workload

DISCOVERY_MOUNT = "/etc/prometheus/discovery"


@dataclass(frozen=True, kw_only=True)
class VolumeFiles:
    """A ConfigMap's or Secret's files as a volume: text and mode by name, to be written into `directory`."""

    directory: str
    files: Mapping[str, tuple[str, int]]


class Volumes:
    """A pod's volumes: where each one is on this machine, and what has to be written there."""

    def __init__(
        self,
        *,
        state: State,
        keys: Keys,
        workload: Workload,
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
        for volume in workload.pod.get("volumes") or []:
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
