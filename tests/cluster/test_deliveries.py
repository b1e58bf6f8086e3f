"""What a write makes stale is fresh in every pod, and every Job does its work, on a real Kubernetes."""

import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence

import pytest
from running_cluster import Cluster
from visitors import Visitors

from cluster import inside_pods, stack
from components.kubernetes import flows
from testing.waits import eventually

_ASK = """
import http.client, json, sys
said = []
for host, port, path, name in json.load(sys.stdin):
    connection = http.client.HTTPConnection(host, port, timeout=20)
    connection.request("GET", path, headers={"Host": name})
    said.append(connection.getresponse().read().decode())
print(json.dumps(said))
"""
SCHEDULED = ("database-maintenance", "parameter-drift", "redis-aof-rewrite", "redis-backup")


def ask_inside(cluster: Cluster, pod: str, targets: Sequence[tuple[str, int, str, str]]) -> list[str]:
    """The bodies of GETs (address, port, path, host) that are sent from a pod's network."""
    network = inside_pods.network(cluster.get("pod", pod)["metadata"]["uid"])
    command = ["nsenter", f"--net={network}", sys.executable, "-c", _ASK]
    done = subprocess.run(command, input=json.dumps(targets), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_changed_product_is_new_in_every_pod(visitors: Visitors, own_nodes: Cluster) -> None:
    """Both processes of the API and both gateways when the write is answered; both storefronts' pages right after."""
    host, (gateway, *_) = stack.hosts()[0], own_nodes.names("gateway")
    addresses = {name: [pod["status"]["podIP"] for pod in own_nodes.pods(name)] for name in ("api", "storefront")}
    with visitors.running():
        product = visitors.products[0]
        path, page = f"/api/products/{product}", f"/products/{product}"
        apis = [(each, flows.API_PORT, path, host) for each in addresses["api"]]
        pages = [(each, flows.STOREFRONT_PORT, page, host) for each in addresses["storefront"]]
        ask_inside(own_nodes, gateway, [*apis, *pages])  # so that each holds the old ones
        for gateway_address in visitors.gateways():
            visitors.ask_at(gateway_address, "GET", path)
        name = f"Renamed {uuid.uuid4().hex[:8]}"
        response = visitors.rename(product, name)
        began = time.monotonic()
        assert response.status_code == 200, response.text
        seen = [visitors.ask_at(each, "GET", path).json()["name"] for each in visitors.gateways()]
        seen += [json.loads(body)["name"] for body in ask_inside(own_nodes, gateway, apis)]
        assert seen == [name] * len(seen)
        eventually(lambda: all(name in body for body in ask_inside(own_nodes, gateway, pages)), "both storefronts")
        eventually(
            lambda: all(name in visitors.ask_at(each, "GET", page).text for each in visitors.gateways()),
            "the page at both gateways",
        )
        seconds = time.monotonic() - began
    print(f"a product's new name, everywhere {seconds:.2f} s after the answer: {visitors.figures()}")
    assert (visitors.failed, visitors.lost) == ({}, [])


def job_log(cluster: Cluster, name: str) -> str:
    """The log of a Job that has succeeded at its first try."""

    def ended() -> bool:
        status = cluster.get("job", name)["status"]
        assert not status.get("failed"), cluster.run("logs", f"job/{name}")
        return bool(status.get("succeeded"))

    eventually(ended, f"the job {name}", within=600)
    return cluster.run("logs", f"job/{name}")


@pytest.mark.parametrize("name", SCHEDULED)
def test_each_scheduled_job_succeeds_at_its_first_try(cluster: Cluster, name: str) -> None:
    declared = {each["metadata"]["name"] for each in cluster.items("cronjobs") if not each["spec"].get("suspend")}
    assert declared == set(SCHEDULED)
    job = f"{name}-{uuid.uuid4().hex[:6]}"
    cluster.run("create", "job", job, f"--from=cronjob/{name}")
    job_log(cluster, job)


def test_a_backup_is_restored_and_nothing_differs(cluster: Cluster) -> None:
    """As docs/redis.md says it."""
    backup, restore = (f"redis-{kind}-{uuid.uuid4().hex[:6]}" for kind in ("backup", "restore"))
    cluster.run("create", "job", backup, "--from=cronjob/redis-backup")
    job_log(cluster, backup)
    made = cluster.run("create", "job", restore, "--from=cronjob/redis-restore", "--dry-run=client", "-o", "yaml")
    changed = cluster.run("set", "env", "--local", "-f", "-", "-o", "yaml", "RESTORE_PAIR=sessions", given=made)
    cluster.run("apply", "-f", "-", given=changed)
    last = job_log(cluster, restore).strip().splitlines()[-1]
    print(last)
    assert "backup restored" in last
    assert re.search(r'"different": ?0\b', last), last
