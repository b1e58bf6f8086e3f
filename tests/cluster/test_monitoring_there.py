"""Prometheus on the cluster: it finds what is declared, scrapes all of it, and tells what is wrong."""

import json
import subprocess
import time
import uuid
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import psutil
import pytest
from running_cluster import Cluster

from cluster import environment, inside_pods
from cluster.layout import NODES
from components.kubernetes import flows
from testing.waits import eventually, free_port

Told = tuple[str, str, str]
"""An alert, and a label of it with its value."""
IDLE_SECONDS = 20
ALERTED = 900
"""Seconds: a Job's retries with their back-off, and what an alert waits before it fires."""
RESTARTED = 180
"""Seconds: five liveness probes, the Sentinel's stop and start, and a measurement before and after."""
SENTINEL_SHARE = 0.05
"""Of a processor; what a Sentinel may use while nothing happens."""


@contextmanager
def forwarded(cluster: Cluster, service: str, port: int) -> Generator[httpx.Client]:
    """A Service's port on this machine, as a person opens it: `kubectl port-forward`."""
    here = free_port()
    with subprocess.Popen(
        cluster.command("port-forward", f"service/{service}", f"{here}:{port}"), stdout=subprocess.DEVNULL
    ) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{here}", timeout=20) as client:
                eventually(lambda: client.get("/-/ready").is_success, f"{service} answers")
                yield client
        finally:
            process.terminate()


def _targets(client: httpx.Client) -> list[dict[str, Any]]:
    return client.get("/api/v1/targets", params={"state": "active"}).json()["data"]["activeTargets"]


def test_every_declared_target_is_found_and_scraped(cluster: Cluster) -> None:
    with forwarded(cluster, "prometheus", flows.PROMETHEUS_PORT) as prometheus:

        def whole() -> bool:
            found = _targets(prometheus)
            return bool(found) and all(each["health"] == "up" for each in found)

        eventually(whole, "all targets are up")
        found = _targets(prometheus)
    pods = {each["labels"].get("pod") for each in found}
    scraped = {flow.target for flow in flows.FLOWS if flow.source == "prometheus" and flow.why.startswith("metrics")}
    missing = [pod for system in scraped - flows.OUTSIDE for pod in cluster.names(system) if pod not in pods]
    print(f"{len(found)} targets, all up")
    assert missing == []


def test_the_tools_open_by_port_forward(cluster: Cluster) -> None:
    with forwarded(cluster, "alertmanager", flows.ALERTMANAGER_PORT) as alertmanager:
        assert json.loads(alertmanager.get("/api/v2/status").text)["cluster"]


def firing(client: httpx.Client) -> set[Told]:
    """Each alert that fires, with each of its labels."""
    alerts = client.get("/api/v1/alerts").json()["data"]["alerts"]
    labels = [each["labels"] for each in alerts if each["state"] == "firing"]
    return {(each["alertname"], label, value) for each in labels for label, value in each.items()}


@contextmanager
def failed_job(cluster: Cluster) -> Generator[Told]:
    """A Job that restores and isn't told what."""
    name = f"redis-restore-{uuid.uuid4().hex[:6]}"
    cluster.run("create", "job", name, "--from=cronjob/redis-restore")
    try:
        yield "JobFailed", "job_name", name
    finally:
        cluster.run("delete", "job", name)


@contextmanager
def lost_pod(cluster: Cluster) -> Generator[Told]:
    """Sentinels share no node, so that of a node which takes no pods waits."""
    pod = "redis-sentinel-2"
    node = cluster.get("pod", pod)["spec"]["nodeName"]
    cluster.run("cordon", node)
    try:
        cluster.run("delete", "pod", pod)
        yield "PodMissing", "statefulset", "redis-sentinel"
    finally:
        cluster.run("uncordon", node)
        cluster.settled()


@contextmanager
def full_volume(cluster: Cluster) -> Generator[Told]:
    """A full file system where the kubelet measures a pod's volume; the pod itself keeps the volume that it has."""
    found = cluster.get("pod", "redis-data-1")
    claim = "data-redis-data-1"
    node = next(each for each in NODES if each.name == found["spec"]["nodeName"])
    volume = cluster.get("pvc", claim)["spec"]["volumeName"]
    place = f"/run/kubelet/pods/{found['metadata']['uid']}/volumes/kubernetes.io~local-volume/{volume}"

    def there(*command: str) -> None:
        subprocess.run(environment.in_node(node, *command), check=True)

    there("mount", "-t", "tmpfs", "-o", "size=64M", "full", place)
    try:
        there("fallocate", "-l", "63M", f"{place}/full")
        yield "VolumeAlmostFull", "persistentvolumeclaim", claim
    finally:
        there("umount", place)


def test_what_goes_wrong_is_told(cluster: Cluster) -> None:
    """All at once, since an alert waits for minutes until it fires."""
    faults = (failed_job, lost_pod, full_volume) if cluster.ours else (failed_job, lost_pod)
    with ExitStack() as until_told:
        prometheus = until_told.enter_context(forwarded(cluster, "prometheus", flows.PROMETHEUS_PORT))
        expected = {until_told.enter_context(fault(cluster)) for fault in faults}
        began = time.monotonic()
        eventually(lambda: expected <= firing(prometheus), f"{expected} fire", within=ALERTED)
        print(f"{', '.join(sorted(name for name, _, _ in expected))} fire, after {time.monotonic() - began:.0f} s")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_idle_sentinel_uses_little(own_nodes: Cluster, number: int) -> None:
    """Soon: one that polls a dead connection, since another pod had been away, is restarted by its probe first."""

    def share() -> float:
        uid = own_nodes.get("pod", f"redis-sentinel-{number}")["metadata"]["uid"]
        (process,) = inside_pods.processes(uid, "redis-server")
        before, began = process.cpu_times(), time.monotonic()
        eventually(lambda: time.monotonic() > began + IDLE_SECONDS, "its figures", within=2 * IDLE_SECONDS)
        after = psutil.Process(process.pid).cpu_times()
        used = (after.user + after.system - before.user - before.system) / (time.monotonic() - began)
        print(f"redis-sentinel-{number}: {used:.1%} of a processor")
        return used

    eventually(
        lambda: share() < SENTINEL_SHARE,
        f"redis-sentinel-{number} at rest",
        within=RESTARTED,
        failing=(ValueError, psutil.NoSuchProcess),
    )
