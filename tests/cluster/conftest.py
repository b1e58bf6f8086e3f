"""The tests of a running cluster; without one they are skipped, and the summary says what to do."""

import pytest
from running_cluster import Cluster, chosen
from visitors import Visitors

from cluster import stack

OWN = "needs the nodes of make cluster, and this cluster is another's"


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()) and "tests/cluster" in str(item.path):
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(1500))
    # What a first deployment left behind is looked at before anything is broken.
    items.sort(key=lambda item: not item.path.match("tests/cluster/test_deployed.py"))


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    if not chosen():
        pytest.skip("NO CLUSTER: make cluster brings one up, or KUBECONFIG=... names one")
    return Cluster(chosen())


@pytest.fixture
def own_nodes(cluster: Cluster) -> Cluster:
    if not cluster.ours:
        pytest.skip(OWN)
    return cluster


@pytest.fixture
def visitors(own_nodes: Cluster) -> Visitors:
    """Load through the gateway; it needs this cluster's certificates and a way to its pods."""
    own_nodes.settled()
    return Visitors(own_nodes, stack.hosts()[0])
