"""What is lost and comes back, under load: pods, processes, nodes, the API server, DNS. Each prints its figures."""

import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext

import pytest
from running_cluster import Cluster, is_ready
from visitors import Visitors

from cluster import control_plane, database, environment, inside_pods, processes
from cluster.layout import NODES
from components.kubernetes import flows
from testing.waits import eventually

PAIRS = ("sessions", "data", "computed")
SENTINELS = ("redis-sentinel-0", "redis-sentinel-1", "redis-sentinel-2")


def master(cluster: Cluster, pair: str) -> str:
    """The pod that the Sentinels call a pair's master; nothing while none of them answers."""
    asked = f"redis-cli --user operations -h $POD_IP -p 26379 SENTINEL get-master-addr-by-name {pair} | head -1"
    answers = (
        cluster.exec(sentinel, "sh", "-c", asked, container="sentinel", may_fail=True).strip() for sentinel in SENTINELS
    )
    said = next(filter(None, answers), "")
    if not said:
        return ""
    address = said.splitlines()[-1]
    services = {service["spec"].get("clusterIP"): service["metadata"]["name"] for service in cluster.items("services")}
    return services.get(address) or next(
        pod["metadata"]["name"] for pod in cluster.pods("redis") if pod["status"].get("podIP") == address
    )


def kill(cluster: Cluster, pod: str, program: str) -> None:
    """SIGKILL to a pod's program."""
    found = inside_pods.processes(cluster.get("pod", pod)["metadata"]["uid"], program)
    assert found, f"{pod} runs no {program}"
    for each in found:
        each.kill()


def of_node(cluster: Cluster, name: str) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.pods() if pod["spec"].get("nodeName") == name]


@pytest.mark.parametrize("system", ["api", "storefront", "pgbouncer", "gateway", "api-worker"])
def test_a_pod_is_deleted_and_nobody_notices(visitors: Visitors, own_nodes: Cluster, system: str) -> None:
    with visitors.running():
        own_nodes.run("delete", "pod", own_nodes.names(system)[0])
        own_nodes.settled()
    print(f"{system} deleted: {visitors.figures()}")
    assert (visitors.failed, visitors.lost) == ({}, [])


@pytest.mark.parametrize("pair", PAIRS)
def test_a_masters_pod_is_deleted_and_no_cart_is_lost(visitors: Visitors, own_nodes: Cluster, pair: str) -> None:
    before = master(own_nodes, pair)
    with visitors.running():
        own_nodes.run("delete", "pod", before)
        own_nodes.settled()
        eventually(lambda: master(own_nodes, pair) != before, "another master")
    print(f"{before} deleted: {visitors.figures()}")
    assert (visitors.failed, visitors.lost) == ({}, [])


@pytest.mark.parametrize("pair", PAIRS)
def test_a_masters_process_is_killed_and_no_cart_is_lost(visitors: Visitors, own_nodes: Cluster, pair: str) -> None:
    before = master(own_nodes, pair)
    with visitors.running():
        kill(own_nodes, before, "redis-server")
        began = time.monotonic()
        eventually(lambda: master(own_nodes, pair) != before or _writable(own_nodes, before), "a master that answers")
        seconds = time.monotonic() - began
        own_nodes.settled()
    print(f"{before} killed, a master again after {seconds:.1f} s: {visitors.figures()}")
    assert visitors.lost == []


def _writable(cluster: Cluster, pod: str) -> bool:
    return "master" in cluster.exec(pod, "sh", "/etc/redis/cli.sh", "ROLE", container="redis", may_fail=True)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_sentinel_may_go(visitors: Visitors, own_nodes: Cluster, number: int) -> None:
    with visitors.running():
        kill(own_nodes, f"redis-sentinel-{number}", "redis-server")
        own_nodes.settled()
    print(f"redis-sentinel-{number} killed: {visitors.figures()}")
    assert (visitors.failed, visitors.lost) == ({}, [])


def test_a_node_is_drained_and_nobody_notices(visitors: Visitors, own_nodes: Cluster) -> None:
    node = NODES[0].name
    try:
        with visitors.running():
            own_nodes.run("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s")
            assert not [name for name in of_node(own_nodes, node) if not name.startswith("redis-")]
    finally:
        own_nodes.run("uncordon", node)
    own_nodes.settled()
    print(f"{node} drained: {visitors.figures()}")
    assert (visitors.failed, visitors.lost) == ({}, [])


def test_a_zone_is_lost_with_its_node(visitors: Visitors, own_nodes: Cluster) -> None:
    """All processes of a node end at once; the zone has no other."""
    lost = NODES[1]
    try:
        with visitors.running():
            processes.end(lost.name, kill=True)
            began = time.monotonic()
            ready: Callable[[], bool] = lambda: environment.is_ready(lost.name)  # noqa: E731
            eventually(lambda: not ready(), "the node isn't ready any more")
            eventually(
                lambda: all(master(own_nodes, pair) not in ("", *of_node(own_nodes, lost.name)) for pair in PAIRS),
                "masters elsewhere",
            )
            seconds = time.monotonic() - began
            pods = own_nodes.addresses_on(lost.name)
            eventually(lambda: not pods & {*visitors.gateways()}, "the balancer knows")
            since = time.monotonic()
            visitors.go_on()
            visitors.go_on()
            after = visitors.failed_since(since)
    finally:
        own_nodes.start()
    own_nodes.settled()
    print(f"{lost.name} lost, all masters elsewhere after {seconds:.1f} s: {visitors.figures()}")
    assert (after, visitors.lost) == (0, [])


def test_the_shop_goes_on_without_the_api_server(visitors: Visitors, own_nodes: Cluster) -> None:
    try:
        with visitors.running():
            processes.end(control_plane.NAME, kill=True)
            visitors.go_on()
    finally:
        own_nodes.start()
    own_nodes.settled()
    print(f"the control plane lost: {visitors.figures()}")
    assert (visitors.failed, visitors.lost) == ({}, [])


@contextmanager
def silent(port: int) -> Generator[int]:
    """What is connected to a port gets nothing more, not even a refusal, during the block: how many they are."""
    listed = subprocess.run(["ss", "-Htn", "sport", f"= :{port}"], capture_output=True, text=True, check=True).stdout
    peers = [line.split()[4].rpartition(":") for line in listed.splitlines()]
    members = ", ".join(f"{address} . {number}" for address, _, number in peers)
    rules = f"""table ip silent {{
      set peers {{ type ipv4_addr . inet_service; elements = {{ {members} }} }}
      chain in {{ type filter hook input priority 0; ip saddr . tcp sport @peers drop; }}
      chain out {{ type filter hook output priority 0; ip daddr . tcp dport @peers drop; }}
    }}"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield len(peers)
    finally:
        subprocess.run(["nft", "delete", "table", "ip", "silent"], check=True)


@pytest.mark.parametrize("silently", [False, True], ids=["refusing", "silent"])
def test_the_database_is_lost_and_comes_back(visitors: Visitors, own_nodes: Cluster, silently: bool) -> None:
    """All its processes end at once, as in a failover; of a multi-AZ one the old connections say nothing any more."""
    with visitors.running(), silent(flows.POSTGRES_PORT) if silently else nullcontext(0) as connections:
        processes.end(database.NAME, kill=True)
        began = time.monotonic()
        own_nodes.start()
        eventually(lambda: visitors.rename(visitors.products[0], "Renamed").is_success, "a write to the database")
        since = time.monotonic()
        visitors.go_on()
        visitors.writes_go_on()
        after = visitors.failed_since(since)
    quiet = f", {connections} connections silent" if silently else ""
    print(f"the database killed{quiet}, writes again after {since - began:.1f} s: {visitors.figures()}")
    assert bool(connections) == silently
    assert (after, visitors.lost) == (0, [])


def test_the_shop_goes_on_without_dns(visitors: Visitors, own_nodes: Cluster) -> None:
    scale = ("--namespace=kube-system", "scale", "deployment/coredns")
    try:
        with visitors.running():
            own_nodes.run(*scale, "--replicas=0")
            eventually(lambda: not _dns(own_nodes), "no DNS server is left")
            visitors.go_on()
            visitors.go_on()
    finally:
        own_nodes.run(*scale, "--replicas=2")
    eventually(lambda: len(_dns(own_nodes)) == 2, "DNS servers")
    print(f"DNS away: {visitors.figures()}")
    assert (visitors.failed, visitors.lost) == ({}, [])


def _dns(cluster: Cluster) -> list[str]:
    found = cluster.items("pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns")
    return [pod["metadata"]["name"] for pod in found if is_ready(pod)]
