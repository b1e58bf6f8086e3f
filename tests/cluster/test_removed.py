"""What the stack protects is said before anything is deleted."""

from running_cluster import Cluster

from cluster import stack


def test_a_destruction_is_refused_before_it_begins(own_nodes: Cluster) -> None:
    project = stack.project()
    before = {resource["urn"] for resource in project.state()["resources"]}
    refused = project.destroy("--preview-only")
    assert refused.code != 0
    assert "protect" in refused.stdout + refused.stderr
    assert {resource["urn"] for resource in project.state()["resources"]} == before
