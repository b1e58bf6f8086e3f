"""Pieces that the monitoring pods share: probes, volumes."""

import pulumi_kubernetes as k8s

from components import workload

PROBE_PERIOD = 10
"""Seconds."""


def http_probe(path: str, port: int, *, failures: int = 3) -> k8s.core.v1.ProbeArgs:
    """Asks every `PROBE_PERIOD` with a timeout of 5 s."""
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port=port),
        period_seconds=PROBE_PERIOD,
        timeout_seconds=5,
        failure_threshold=failures,
    )


def metrics_port(port: int) -> k8s.core.v1.ContainerPortArgs:
    """The container port that Prometheus scrapes."""
    return k8s.core.v1.ContainerPortArgs(name="metrics", container_port=port)


def mount(volume: str, path: str, *, read_only: bool = True) -> k8s.core.v1.VolumeMountArgs:
    """A whole volume at a directory (a subPath would not follow changes)."""
    return workload.mount(volume, path, read_only=read_only)


def scratch_volume(volume: str) -> k8s.core.v1.VolumeArgs:
    """An empty directory that lives as long as the pod."""
    return k8s.core.v1.VolumeArgs(name=volume, empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(size_limit="64Mi"))


def volume_claim(volume: str, size: str) -> k8s.core.v1.PersistentVolumeClaimArgs:
    """A volume of the StatefulSet's own."""
    return k8s.core.v1.PersistentVolumeClaimArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(name=volume),
        spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            resources=k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": size}),
        ),
    )
